// Pinhole camera intrinsics and their readers.
//
// Camera frame C: x right (+col), y down (+row), z forward (OpenCV). Pixel centres lie at integer coordinates, so the
// image spans [-0.5, width - 0.5] x [-0.5, height - 0.5]. Depth is z in metres.
#pragma once

#include <Eigen/Core>
#include <filesystem>
#include <string>

namespace ebgrasp {

/// A pinhole camera; Dex-Net's Primesense by default.
struct CameraIntrinsics {
    int height = 480;   ///< pixels
    int width = 640;    ///< pixels
    double fx = 525.0;  ///< focal length along x, pixels
    double fy = 525.0;  ///< along y
    double cx = 319.5;  ///< column of the principal point
    double cy = 239.5;  ///< its row

    /// The point in C (metres) seen at (row, col) with z = depth.
    Eigen::Vector3d deproject(double row, double col, double depth) const {
        return {(col - cx) * depth / fx, (row - cy) * depth / fy, depth};
    }
    /// (row, col) of the point p_C (metres); p_C.z() must be positive.
    Eigen::Vector2d project(const Eigen::Vector3d& p_C) const {
        return {cy + fy * p_C.y() / p_C.z(), cx + fx * p_C.x() / p_C.z()};
    }

    /// Throws Error unless sizes are in [1, 16384], focal lengths positive and the principal point finite.
    void validate(const std::string& name) const;
    /// Equal in every field.
    bool operator==(const CameraIntrinsics&) const = default;
};

/// Reads intrinsics from Dex-Net's `.intr` (JSON: `_fx _fy _cx _cy _width _height`), a ROS camera_info YAML
/// (`image_width`, `image_height` and `camera_matrix: data:`, or `width`, `height` and `K` or `k`), or, if `text` is no
/// file, from "fx,fy,cx,cy" (height and width then stay 0: the image's own are meant). Throws Error.
CameraIntrinsics read_intrinsics(const std::string& text);

}  // namespace ebgrasp
