#include "ebgrasp/image/view_grid.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr double grid_margin = 0.06;  // metres around the region: half an open gripper and what it might touch

/// Rows (or columns) of the view from the first of a grid on, and their number in grid pixels.
struct Span {
    int first, count;
};

Span cover(int low, int high, int margin) {
    const int first = low - margin, wanted = (high - low + 1 + 2 * margin + view_grid_step - 1) / view_grid_step;
    const int count = (wanted + view_grid_multiple - 1) / view_grid_multiple * view_grid_multiple;
    return {first - (count - wanted) * view_grid_step / 2, count};  // what rounding adds goes to both sides
}

}  // namespace

ViewGrid view_grid(const DepthImage& view, const Mask& region, double plane_depth) {
    require(region.rows() == view.height() && region.cols() == view.width(), "the region is ", region.cols(), "x",
            region.rows(), " but the view is ", view.width(), "x", view.height());
    int top = view.height(), bottom = -1, left = view.width(), right = -1;
    for (int row = 0; row < view.height(); ++row)
        for (int col = 0; col < view.width(); ++col)
            if (region(row, col)) {
                top = std::min(top, row), bottom = row;
                left = std::min(left, col), right = std::max(right, col);
            }
    if (bottom < 0) top = left = 0, bottom = view.height() - 1, right = view.width() - 1;

    const int margin = static_cast<int>(std::ceil(grid_margin * view.camera.fx / plane_depth));
    const Span rows = cover(top, bottom, margin), cols = cover(left, right, margin);
    ViewGrid grid{DepthArray(rows.count, cols.count), rows.first, cols.first, view.camera.fx / view_grid_step,
                  plane_depth};
    const auto depth_at = [&](int row, int col) {
        const bool inside = row >= 0 && col >= 0 && row < view.height() && col < view.width();
        return inside ? view.depth(row, col) : static_cast<float>(plane_depth);
    };
    for (int i = 0; i < rows.count; ++i)
        for (int j = 0; j < cols.count; ++j) {
            const int row = rows.first + view_grid_step * i, col = cols.first + view_grid_step * j;
            grid.depth(i, j) = 0.25f * (depth_at(row, col) + depth_at(row, col + 1) + depth_at(row + 1, col) +
                                        depth_at(row + 1, col + 1));
        }
    return grid;
}

}  // namespace ebgrasp
