// Dex-Net 2.0's view of a grasp: a small depth image that is centred on the grasp and turned so that the closing axis
// is horizontal. What GQ-CNN sees, and what Dex-Net's tensors hold.
#pragma once

#include <span>

#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/image/depth_image.hpp"
#include "ebgrasp/image/window.hpp"

namespace ebgrasp {

/// Window row and column of the grasp centre: the middle of the window, between pixels 15 and 16.
inline constexpr double grasp_window_center = (window_size - 1) / 2.0;

/// Writes the window of `grasp` (window_pixels floats, row-major), in two steps:
///   crop    96 x 96 image pixels, sampled bilinearly. Crop pixel (r, c) shows the image at the grasp centre plus
///           (c - 47.5) along the closing axis (cos a, sin a) and (r - 47.5) along (-sin a, cos a), as (col, row),
///           where a is the grasp's angle. Outside of the image its border repeats.
///   reduce  to 32 x 32 with the triangle filter 1 2 3 2 1 in rows and columns (narrower by what lies beyond the crop),
///           which is how Pillow resizes bilinearly. Window pixel (i, j) is centred on crop pixel (3 i + 1, 3 j + 1).
/// So the closing axis points along +col, and a grasp turned by pi has the same window turned by pi. `depth` must have
/// no missing pixels.
void grasp_window(const DepthArray& depth, const PlanarGrasp& grasp, std::span<float> window);

}  // namespace ebgrasp
