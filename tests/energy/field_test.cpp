#include "ebgrasp/energy/field.hpp"

#include <gtest/gtest.h>

namespace ebgrasp {
namespace {

constexpr double plane_depth = 0.7;

/// A view of a block 6 cm high: what a pinhole camera sees of its top, (x, y) to (x + side, y + side) metres from the
/// camera's axis, and of the plane.
DepthImage view_of_block(double x, double y, double side) {
    DepthImage view{DepthArray::Constant(300, 400, float(plane_depth)), {300, 400, 525, 525, 200.25, 150.5}};
    constexpr double top = plane_depth - 0.06;
    for (int row = 0; row < 300; ++row)
        for (int col = 0; col < 400; ++col) {
            const Eigen::Vector3d p = view.camera.deproject(row, col, top);
            if (p.x() > x && p.x() < x + side && p.y() > y && p.y() < y + side) view.depth(row, col) = float(top);
        }
    return view;
}

/// Columns and rows of the grid that show the block, first and last, as (x, y) on the plane in metres.
std::array<double, 4> extent(const FieldGrid& grid, const CameraIntrinsics& camera) {
    std::array<double, 4> out = {1, -1, 1, -1};
    for (int row = 0; row < grid.depth.rows(); ++row)
        for (int col = 0; col < grid.depth.cols(); ++col) {
            if (grid.depth(row, col) > plane_depth - 0.03) continue;
            const Eigen::Vector3d p =
                camera.deproject(ViewGrid::to_view(row, grid.row), ViewGrid::to_view(col, grid.col), plane_depth);
            out = {std::min(out[0], p.x()), std::max(out[1], p.x()), std::min(out[2], p.y()), std::max(out[3], p.y())};
        }
    return out;
}

// In the view the block's top is drawn 9 % larger and farther from the axis; in the grid it is where it stands.
TEST(Field, GridsHaveNoPerspective) {
    for (const auto& [x, y] : {std::pair{-0.02, -0.02}, {0.10, 0.03}, {-0.18, 0.07}}) {
        const DepthImage view = view_of_block(x, y, 0.05);
        const FieldGrid grid = field_grid(view, Mask::Ones(300, 400), plane_depth);
        const auto shown = extent(grid, view.camera);
        constexpr double pixel = 1.01 * 2 * plane_depth / 525;
        EXPECT_NEAR(shown[0], x, pixel);
        EXPECT_NEAR(shown[1], x + 0.05, pixel);
        EXPECT_NEAR(shown[2], y, pixel);
        EXPECT_NEAR(shown[3], y + 0.05, pixel);
    }
}

TEST(Field, FeetAreStraightBelow) {
    const DepthImage view = view_of_block(0.1, 0.03, 0.05);
    const FieldGrid grid = field_grid(view, Mask::Ones(300, 400), plane_depth);
    for (const double depth : {0.6, 0.65, 0.7}) {
        const Eigen::Vector2d pixel = view.camera.project({0.12, -0.05, depth});
        const Eigen::Vector2d foot = grid.foot({pixel.x(), pixel.y(), depth, 0, 0});
        const Eigen::Vector2d below = view.camera.project({0.12, -0.05, plane_depth});
        EXPECT_NEAR(foot.x(), ViewGrid::from_view(below.x(), grid.row), 1e-9);
        EXPECT_NEAR(foot.y(), ViewGrid::from_view(below.y(), grid.col), 1e-9);
        EXPECT_NEAR((grid.pixel(foot, depth) - pixel).norm(), 0, 1e-9);
    }
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
