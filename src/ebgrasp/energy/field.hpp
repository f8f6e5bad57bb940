// The dense energy field (model "field"): a view is encoded once into a map of features, and the energy of a grasp is
// read from it at points that are rigidly attached to the gripper. What the libtorch module
// (training/field_network.hpp) and the deployed runtime (energy/field_runtime.hpp) have in common.
//
//   grid     the overhead view V at half its resolution (2.7 mm per pixel at the plane), cropped to the region
//   encoder  a small U-Net on the height above the plane: grid -> 8 features at half the grid's resolution
//   reading  at each of 45 points of the gripper: the 8 features and (surface depth - grasp depth), bilinear, so that
//            dE/d(row, col, depth, angle) is exact
//   head     two hidden layers (SiLU) -> energy and success logit; the mean over both orders of the jaws, so that both
//   are
//            unchanged by a turn of pi
#pragma once

#include <array>

#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

inline constexpr int field_grid_step = 2;      ///< view pixels per grid pixel
inline constexpr int field_feature_step = 2;   ///< grid pixels per feature pixel
inline constexpr int field_grid_multiple = 8;  ///< the grid's sides are multiples of this: the U-Net halves three times
inline constexpr int field_features = 8;       ///< channels of the feature map
inline constexpr int field_across = 15, field_along = 3;  ///< points along the closing axis, and across it
inline constexpr int field_points = field_across * field_along;
inline constexpr int field_gripper_inputs = 7;
inline constexpr int field_inputs = field_points * (field_features + 1) + field_gripper_inputs;  ///< of the head
inline constexpr int field_hidden1 = 128, field_hidden2 = 64;
inline constexpr double field_height_scale = 0.05;  ///< metres of height that the encoder reads as 1
inline constexpr double field_clearance_scale =
    0.03;  ///< metres of (surface depth - grasp depth) that the head reads as 1

/// Half the resolution of a view, cropped.
struct FieldGrid {
    DepthArray depth;         ///< metres, each the mean of 2 x 2 view pixels; outside of the view the plane
    int row = 0, col = 0;     ///< view pixel of the first pixel's upper left quarter
    double focal_length = 0;  ///< grid pixels
    double plane_depth = 0;   ///< metres from V to the plane

    /// Grid coordinates of view coordinates, for rows with `row`, for columns with `col`.
    static double from_view(double view, int first) { return (view - first - 0.5) / field_grid_step; }
    static double to_view(double grid, int first) { return grid * field_grid_step + first + 0.5; }
};

/// The grid around the non-zero pixels of `region` (the whole view if there are none), with 6 cm to spare. `view` has
/// no missing depth.
FieldGrid field_grid(const DepthImage& view, const Mask& region, double plane_depth);

/// The points at which a grasp is read, (x, y) in the grasp frame G, metres; point i and point n - 1 - i are each
/// other's mirror image, so that swapping the jaws reverses the list.
std::array<Eigen::Vector2d, field_points> field_gripper_points(const Gripper& gripper);

/// What the head is told of the gripper, of the order of 1. The last is left for the height of the grasp centre above
/// the plane, in units of field_height_scale.
std::array<float, field_gripper_inputs> field_gripper_input(const Gripper& gripper);

}  // namespace ebgrasp
