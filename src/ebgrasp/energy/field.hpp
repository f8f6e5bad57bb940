// The dense energy field (model "field"): a view is encoded once into a map of features, and the energy of a grasp is
// read from it at points that are rigidly attached to the gripper. What the libtorch module
// (training/field_network.hpp) and the deployed runtime (energy/field_runtime.hpp) have in common.
//
//   grid     the overhead view V without its perspective, at half its resolution (2.7 mm), cropped to the region
//   encoder  a small U-Net on the height above the plane: grid -> 8 features at half the grid's resolution
//   reading  at each of 45 points of the gripper: the 8 features and (surface depth - grasp depth), bilinear, so that
//            dE/d(row, col, depth, angle) is exact
//   head     two hidden layers (SiLU) -> energy and success logit; the mean over both orders of the jaws, so that both
//   are
//            unchanged by a turn of pi
#pragma once

#include <array>

#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/image/view_grid.hpp"

namespace ebgrasp {

inline constexpr int field_feature_step = 2;              ///< grid pixels per feature pixel
inline constexpr int field_features = 8;                  ///< channels of the feature map
inline constexpr int field_across = 15, field_along = 3;  ///< points along the closing axis, and across it
inline constexpr int field_points = field_across * field_along;
inline constexpr int field_gripper_inputs = 7;
inline constexpr int field_inputs = field_points * (field_features + 1) + field_gripper_inputs;  ///< of the head
inline constexpr int field_hidden1 = 128, field_hidden2 = 64;
inline constexpr double field_height_scale = 0.05;  ///< metres of height that the encoder reads as 1
inline constexpr double field_clearance_scale =
    0.03;  ///< metres of (surface depth - grasp depth) that the head reads as 1

/// "view" in the info of a checkpoint. Those of earlier versions, which lack it, read views with their perspective.
inline constexpr const char* field_view = "orthographic";

/// What is straight above each point of the plane, at half the view's resolution, cropped: no perspective, so that what
/// a grasp's fingers meet does not depend on where in the view it is.
struct FieldGrid : ViewGrid {
    double axis_row = 0, axis_col = 0;  ///< view pixel of V's axis

    /// Where the plane lies straight below the grasp's centre, (row, col) in grid pixels.
    Eigen::Vector2d foot(const PlanarGrasp& y) const {
        const double shrink = y.depth / plane_depth;
        return {from_view(axis_row + shrink * (y.row - axis_row), row),
                from_view(axis_col + shrink * (y.col - axis_col), col)};
    }
    /// The view pixel, (row, col), of what is at `depth` straight above that foot.
    Eigen::Vector2d pixel(const Eigen::Vector2d& foot, double depth) const {
        const double grow = plane_depth / depth;
        return {axis_row + grow * (to_view(foot.x(), row) - axis_row),
                axis_col + grow * (to_view(foot.y(), col) - axis_col)};
    }
};

/// Of a view without missing depth; see view_grid.
FieldGrid field_grid(const DepthImage& view, const Mask& region, double plane_depth);

/// The points at which a grasp is read, (x, y) in the grasp frame G, metres; point i and point n - 1 - i are each
/// other's mirror image, so that swapping the jaws reverses the list.
std::array<Eigen::Vector2d, field_points> field_gripper_points(const Gripper& gripper);

/// What the head is told of the gripper, of the order of 1. The last is left for the height of the grasp centre above
/// the plane, in units of field_height_scale.
std::array<float, field_gripper_inputs> field_gripper_input(const Gripper& gripper);

}  // namespace ebgrasp
