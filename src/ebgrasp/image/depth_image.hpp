// A depth image: z in metres for every pixel, with the camera that saw it.
#pragma once

#include <Eigen/Core>
#include <cmath>
#include <cstdint>

#include "ebgrasp/image/camera.hpp"

namespace ebgrasp {

/// height x width, row-major; z in metres; 0 or NaN means missing.
using DepthArray = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// height x width, row-major; non-zero where the pixel belongs to the mask.
using Mask = Eigen::Array<std::uint8_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Whether a pixel has depth.
inline bool is_depth(float z) { return std::isfinite(z) && z > 0.0f; }

/// A depth image and its camera.
struct DepthImage {
    DepthArray depth;         ///< z in metres
    CameraIntrinsics camera;  ///< its height and width equal depth's

    /// Rows.
    int height() const { return static_cast<int>(depth.rows()); }
    /// Columns.
    int width() const { return static_cast<int>(depth.cols()); }
};

}  // namespace ebgrasp
