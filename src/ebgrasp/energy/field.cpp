#include "ebgrasp/energy/field.hpp"

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
    const int first = low - margin, wanted = (high - low + 1 + 2 * margin + field_grid_step - 1) / field_grid_step;
    const int count = (wanted + field_grid_multiple - 1) / field_grid_multiple * field_grid_multiple;
    return {first - (count - wanted) * field_grid_step / 2, count};  // what rounding adds goes to both sides
}

}  // namespace

FieldGrid field_grid(const DepthImage& view, const Mask& region, double plane_depth) {
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
    FieldGrid grid{DepthArray(rows.count, cols.count), rows.first, cols.first, view.camera.fx / field_grid_step,
                   plane_depth};
    const auto depth_at = [&](int row, int col) {
        const bool inside = row >= 0 && col >= 0 && row < view.height() && col < view.width();
        return inside ? view.depth(row, col) : static_cast<float>(plane_depth);
    };
    for (int i = 0; i < rows.count; ++i)
        for (int j = 0; j < cols.count; ++j) {
            const int row = rows.first + field_grid_step * i, col = cols.first + field_grid_step * j;
            grid.depth(i, j) = 0.25f * (depth_at(row, col) + depth_at(row, col + 1) + depth_at(row + 1, col) +
                                        depth_at(row + 1, col + 1));
        }
    return grid;
}

std::array<Eigen::Vector2d, field_points> field_gripper_points(const Gripper& gripper) {
    // From the middle outwards: between the jaws, the pad, the finger, its back, and what it must not touch there.
    const double jaw = gripper.max_opening / 2, thickness = gripper.finger_thickness;
    const std::array<double, field_across / 2> reach = {
        jaw / 6, jaw / 3, jaw / 2, jaw * 2 / 3, jaw, jaw + thickness / 2, jaw + thickness + 0.004};
    std::array<Eigen::Vector2d, field_points> points;
    for (int i = 0; i < field_across; ++i)
        for (int j = 0; j < field_along; ++j) {
            const int side = i - field_across / 2;
            const double x = side == 0 ? 0.0 : std::copysign(reach[static_cast<std::size_t>(std::abs(side) - 1)], side);
            points[static_cast<std::size_t>(i * field_along + j)] = {x,
                                                                     (j - field_along / 2) * gripper.finger_width / 2};
        }
    return points;
}

std::array<float, field_gripper_inputs> field_gripper_input(const Gripper& gripper) {
    const std::array<double, field_gripper_inputs> values = {gripper.max_opening / 0.1,
                                                             gripper.finger_width / 0.02,
                                                             gripper.finger_thickness / 0.02,
                                                             gripper.tip_offset / 0.01,
                                                             gripper.finger_length / 0.05,
                                                             gripper.pad_friction,
                                                             0.0};
    std::array<float, field_gripper_inputs> input;
    std::ranges::transform(values, input.begin(), [](double value) { return static_cast<float>(value); });
    return input;
}

}  // namespace ebgrasp
