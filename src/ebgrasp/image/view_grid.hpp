// What convolutional networks read of an overhead view: half of its resolution, cropped to where grasps are wanted.
#pragma once

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

inline constexpr int view_grid_step = 2;      ///< view pixels per grid pixel
inline constexpr int view_grid_multiple = 8;  ///< the grid's sides are multiples of this: U-Nets halve three times

struct ViewGrid {
    DepthArray depth;         ///< metres, each the mean of 2 x 2 view pixels; outside of the view the plane
    int row = 0, col = 0;     ///< view pixel of the first pixel's upper left quarter
    double focal_length = 0;  ///< grid pixels
    double plane_depth = 0;   ///< metres from V to the plane

    /// Grid coordinates of view coordinates, for rows with `row`, for columns with `col`.
    static double from_view(double view, int first) { return (view - first - 0.5) / view_grid_step; }
    static double to_view(double grid, int first) { return grid * view_grid_step + first + 0.5; }
};

/// The grid around the non-zero pixels of `region` (the whole view if there are none), with 6 cm to spare. `view` has
/// no missing depth. Throws Error: region and view differ in size.
ViewGrid view_grid(const DepthImage& view, const Mask& region, double plane_depth);

}  // namespace ebgrasp
