// The support plane (table, bin floor), the objects on it, and the view straight down at them.
#pragma once

#include <Eigen/Geometry>
#include <optional>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// A plane in the camera frame: points with normal_C . p_C + offset = 0; the normal points towards the camera,
/// so that height above the plane is normal_C . p_C + offset.
struct SupportPlane {
    Eigen::Vector3d normal_C;  ///< unit, towards the camera
    double offset;             ///< metres; the camera's height above the plane
    double inlier_share;       ///< of the valid pixels, within the tolerance
    double tilt() const;       ///< radians between the optical axis and the plane's normal
    /// Metres of a point above the plane.
    double height(const Eigen::Vector3d& p_C) const { return normal_C.dot(p_C) + offset; }
    /// Depth at which the ray of a pixel meets the plane, metres; infinity if it does not.
    double depth(const CameraIntrinsics& camera, double row, double col) const;
};

/// How the plane is looked for.
struct SupportPlaneOptions {
    double tolerance = 0.004;        ///< metres from the plane within which a point belongs to it
    double max_tilt = 0.785;         ///< radians; steeper planes are walls
    double min_inlier_share = 0.10;  ///< of the valid pixels
    int iterations = 3000;           ///< planes tried
};

/// The dominant plane facing the camera: RANSAC (Fischler and Bolles, 1981) over a pixel grid with a fixed random
/// stream, refined by least squares on its inliers. A plane's score is the number of its inliers less that of the
/// points up to 0.3 m below it, because objects stand on the support: this tells the floor of a full bin from the
/// objects' tops, and a table from the room's floor. nullopt if there is none.
std::optional<SupportPlane> fit_support_plane(const DepthImage& image, const SupportPlaneOptions& options = {});

/// Height above the plane for every pixel, metres; NaN where depth is missing.
DepthArray height_map(const DepthImage& image, const SupportPlane& plane);

/// The pixels of all objects on the plane: connected regions more than `min_height` metres above it, of an object's
/// size (from 13 mm square to 0.4 m long) and whole in the image, since what reaches in from its border is furniture or
/// the robot itself. 1 there, else 0.
Mask whole_objects(const DepthImage& image, const SupportPlane& plane, double min_height);

/// The scene as a virtual pinhole camera V sees it that looks straight down (along -normal) at the plane.
struct OverheadView {
    DepthImage image;        ///< no missing depth: see overhead_view
    Mask mask;               ///< the user's mask carried over (all ones without one)
    Mask observed;           ///< where a real pixel was seen
    Eigen::Isometry3d X_CV;  ///< pose of V in the real camera's frame
};

/// Renders the depth image (as a surface of triangles between neighbouring pixels, torn at depth jumps) from a virtual
/// camera with focal length `focal_length` px at `distance` metres above the plane, over the point where the centroid
/// of `mask` (or of the image) meets the plane; the view spans the masked pixels (or all; up to 0.75 m to each side)
/// plus `margin` metres. V's x axis stays as close as possible to the camera's x; its principal point need not be the
/// image's centre. Unseen gaps of up to 1 cm between seen pixels take the farther side's depth, all else unseen is
/// filled with the plane. mask may be empty (0 x 0). Throws Error if the plane is not below the centroid.
OverheadView overhead_view(const DepthImage& image, const SupportPlane& plane, const Mask& mask, double focal_length,
                           double distance, double margin = 0.08);

}  // namespace ebgrasp
