#include "ebgrasp/image/view_grid.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

DepthImage flat_view(int rows, int cols) {
    DepthImage view{DepthArray::Constant(rows, cols, 0.7f), {}};
    view.camera = {rows, cols, 525, 525, cols / 2.0, rows / 2.0};
    return view;
}

TEST(ViewGrid, HoldsTheMeanOfFourViewPixelsAndAMargin) {
    DepthImage view = flat_view(200, 240);
    view.depth.block(80, 90, 2, 2) << 0.60f, 0.61f, 0.62f, 0.65f;
    view.depth.block(81, 91, 2, 2) << 0.65f, 0.61f, 0.62f, 0.60f;
    Mask region = Mask::Zero(200, 240);
    region(80, 90) = 1;
    const ViewGrid grid = view_grid(view, region, 0.7);
    EXPECT_EQ(grid.depth.rows() % view_grid_multiple, 0);
    EXPECT_EQ(grid.depth.cols() % view_grid_multiple, 0);
    EXPECT_DOUBLE_EQ(grid.focal_length, 262.5);
    EXPECT_LE(grid.row, 80 - 45);  // 6 cm are 45 pixels
    EXPECT_GE(grid.row + 2 * grid.depth.rows(), 80 + 45);
    // The four view pixels from (row, col) on have the grid pixel's coordinates as their mean.
    const int row = 80 + (80 - grid.row) % 2, col = 90 + (90 - grid.col) % 2;
    EXPECT_FLOAT_EQ(grid.depth(static_cast<int>(ViewGrid::from_view(row + 0.5, grid.row)),
                               static_cast<int>(ViewGrid::from_view(col + 0.5, grid.col))),
                    view.depth.block(row, col, 2, 2).mean());
    EXPECT_DOUBLE_EQ(ViewGrid::to_view(ViewGrid::from_view(77.25, grid.row), grid.row), 77.25);
}

TEST(ViewGrid, ShowsThePlaneBeyondTheView) {
    DepthImage view = flat_view(64, 64);
    view.depth.setConstant(0.6f);
    Mask region = Mask::Zero(64, 64);
    region(0, 0) = 1;
    const ViewGrid grid = view_grid(view, region, 0.7);
    EXPECT_LT(grid.row, 0);
    EXPECT_FLOAT_EQ(grid.depth(0, 0), 0.7f);
    EXPECT_THROW(view_grid(view, Mask::Ones(10, 64), 0.7), Error);
}

}  // namespace
}  // namespace ebgrasp
