#include "ebgrasp/energy/field.hpp"

#include <gtest/gtest.h>

namespace ebgrasp {
namespace {

DepthImage flat_view(int rows, int cols) {
    DepthImage view{DepthArray::Constant(rows, cols, 0.7f), {}};
    view.camera = {rows, cols, 525, 525, cols / 2.0, rows / 2.0};
    return view;
}

TEST(Field, GridsHoldTheMeanOfFourViewPixelsAndAMargin) {
    DepthImage view = flat_view(200, 240);
    view.depth.block(80, 90, 2, 2) << 0.60f, 0.61f, 0.62f, 0.65f;
    Mask region = Mask::Zero(200, 240);
    region(80, 90) = 1;
    const FieldGrid grid = field_grid(view, region, 0.7);
    EXPECT_EQ(grid.depth.rows() % field_grid_multiple, 0);
    EXPECT_EQ(grid.depth.cols() % field_grid_multiple, 0);
    EXPECT_DOUBLE_EQ(grid.focal_length, 262.5);
    EXPECT_LE(grid.row, 80 - 45);  // 6 cm are 45 pixels
    EXPECT_GE(grid.row + 2 * grid.depth.rows(), 80 + 45);
    // The view pixels (row, col) whose mean is a grid pixel have that pixel's coordinates as their mean.
    const double row = FieldGrid::from_view(80.5, grid.row), col = FieldGrid::from_view(90.5, grid.col);
    if (row == std::floor(row) && col == std::floor(col)) {
        EXPECT_FLOAT_EQ(grid.depth(int(row), int(col)), 0.62f);
    }
    EXPECT_DOUBLE_EQ(FieldGrid::to_view(FieldGrid::from_view(77.25, grid.row), grid.row), 77.25);
}

TEST(Field, GridsBeyondTheViewShowThePlane) {
    DepthImage view = flat_view(64, 64);
    view.depth.setConstant(0.6f);
    Mask region = Mask::Zero(64, 64);
    region(0, 0) = 1;
    const FieldGrid grid = field_grid(view, region, 0.7);
    EXPECT_LT(grid.row, 0);
    EXPECT_FLOAT_EQ(grid.depth(0, 0), 0.7f);
}

TEST(Field, PointsOfTheGripperAreMirrored) {
    for (const auto& name : gripper_presets()) {
        const Gripper gripper = load_gripper(name);
        const auto points = field_gripper_points(gripper);
        for (std::size_t k = 0; k < points.size(); ++k) EXPECT_EQ(points[k], -points[points.size() - 1 - k]);
        EXPECT_NEAR(points.front().x(), -gripper.max_opening / 2 - gripper.finger_thickness - 0.004, 1e-12);
        EXPECT_NEAR(points.front().y(), -gripper.finger_width / 2, 1e-12);
    }
}

}  // namespace
}  // namespace ebgrasp
