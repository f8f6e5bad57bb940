// What the planner knows of the scene besides the energy: the overhead view as a height field.
#pragma once

#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/image/support_plane.hpp"

namespace ebgrasp {

/// The overhead view V with heights above the support plane. Grasps in it are planar: row and col are V's pixels, the
/// approach is V's z axis, straight down at the plane.
struct Scene {
    OverheadView view;
    DepthArray height;        ///< metres above the plane, for every pixel of V
    DepthArray elevation;     ///< metres; the highest surface straight above each point of the plane (no perspective)
    Mask seen;                ///< where some is known, on the same grid; elsewhere it is 0
    float tallest;            ///< the highest of `elevation`
    double plane_depth;       ///< metres from V to the plane
    CameraIntrinsics source;  ///< the camera C of the image
    Mask region;              ///< pixels on which grasps are wanted

    /// `min_height`: metres above the plane from which a surface belongs to an object. Without a mask (0 x 0) the
    /// region is that of whole_objects().
    Scene(const DepthImage& image, const Mask& mask, const SupportPlane& plane, const ViewSpec& spec,
          double min_height);

    const CameraIntrinsics& camera() const { return view.image.camera; }
    bool contains(double row, double col) const {
        return row >= -0.5 && col >= -0.5 && row < static_cast<double>(height.rows()) - 0.5 &&
               col < static_cast<double>(height.cols()) - 0.5;
    }
    /// Height at the nearest pixel; 0 (the plane) outside the view.
    double height_at(double row, double col) const {
        return contains(row, col) ? height(nearest(row), nearest(col)) : 0.0;
    }
    /// Elevation at the nearest point of its grid to (x, y) in V; 0 outside.
    double elevation_at(const Eigen::Vector2d& p_V) const {
        const Eigen::Vector2d pixel = foot_pixel(p_V);
        return contains(pixel.x(), pixel.y()) ? elevation(nearest(pixel.x()), nearest(pixel.y())) : 0.0;
    }
    /// Whether it is known there.
    bool seen_at(const Eigen::Vector2d& p_V) const {
        const Eigen::Vector2d pixel = foot_pixel(p_V);
        return contains(pixel.x(), pixel.y()) && seen(nearest(pixel.x()), nearest(pixel.y())) != 0;
    }
    bool in_region(double row, double col) const {
        return contains(row, col) && region(nearest(row), nearest(col)) != 0;
    }
    /// A mask of the image as V sees it. Throws Error if it is not of the image's size.
    Mask in_view(const Mask& mask_C) const;
    /// Pixels per metre at depth z.
    double pixels_per_metre(double depth) const { return camera().fx / depth; }

  private:
    /// The pixel of a coordinate that is at least -0.5.
    static Eigen::Index nearest(double coordinate) { return static_cast<Eigen::Index>(coordinate + 0.5); }
    /// (row, col) of the point of the plane at (x, y) in V.
    Eigen::Vector2d foot_pixel(const Eigen::Vector2d& p_V) const {
        return camera().project({p_V.x(), p_V.y(), plane_depth});
    }
};

}  // namespace ebgrasp
