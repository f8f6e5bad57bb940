// The windows that the seed looks through: 32 x 32 pixels, every third pixel of 96 x 96, as Dex-Net 2.0 scales its
// windows from 96 to 32. Window row = (image row - first row) / window_stride, and likewise for columns.
#pragma once

#include <algorithm>
#include <span>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

inline constexpr int window_size = 32;                           ///< pixels of a window
inline constexpr int window_stride = 3;                          ///< image pixels per window pixel
inline constexpr int window_span = window_size * window_stride;  ///< image pixels that a window spans
inline constexpr int window_pixels = window_size * window_size;

/// First image row (or column) of the window whose centre pixel is nearest to `center`.
inline int window_origin(double center) {
    return static_cast<int>(std::lround(center)) - window_stride * window_size / 2;
}

/// Copies the window that starts at (row, col) into `window` (window_pixels floats, row-major). Outside of the image
/// its border repeats.
inline void sample_window(const DepthArray& depth, int row, int col, std::span<float> window) {
    const auto clamped = [](int i, Eigen::Index size) { return std::clamp<Eigen::Index>(i, 0, size - 1); };
    for (int i = 0; i < window_size; ++i)
        for (int j = 0; j < window_size; ++j)
            window[static_cast<std::size_t>(i * window_size + j)] =
                depth(clamped(row + window_stride * i, depth.rows()), clamped(col + window_stride * j, depth.cols()));
}

}  // namespace ebgrasp
