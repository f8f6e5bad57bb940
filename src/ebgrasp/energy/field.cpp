#include "ebgrasp/energy/field.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/image/elevation.hpp"

namespace ebgrasp {

FieldGrid field_grid(const DepthImage& view, const Mask& region, double plane_depth) {
    const DepthArray height = elevation_map(view, plane_depth).height;
    const DepthImage flattened{static_cast<float>(plane_depth) - height, view.camera};
    return {view_grid(flattened, region, plane_depth), view.camera.cy, view.camera.cx};
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
