// Plans grasps on a depth array and prints them in the frame of the robot's base:
//   1_plan_from_depth_array MODEL.safetensors
// The twin of python/examples/1_plan_from_a_depth_array.py.
#include <ebgrasp/core/error.hpp>
#include <ebgrasp/grasp/convention.hpp>
#include <ebgrasp/planning/planner.hpp>
#include <iostream>

using namespace ebgrasp;

namespace {

/// A box of 40 x 80 x 40 mm on a table, seen from 0.7 m above. Yours comes from a camera: metres, 0 or NaN where
/// missing.
DepthImage camera_image() {
    DepthImage image{DepthArray::Constant(480, 640, 0.70f),
                     CameraIntrinsics{.height = 480, .width = 640, .fx = 525, .fy = 525, .cx = 319.5, .cy = 239.5}};
    image.depth.block(208, 328, 64, 32) = 0.66f;
    return image;
}

}  // namespace

int main(int, char** argv) try {
    const Planner planner(load_energy_model(argv[1]), load_gripper("franka_hand"));
    const PlanResult result = planner.plan({.image = camera_image(), .mask = {}, .count = 3});

    // The camera hangs 0.8 m over the base's origin and looks straight down.
    Eigen::Isometry3d X_BC = Eigen::Isometry3d::Identity();
    X_BC.linear() << 0, -1, 0, -1, 0, 0, 0, 0, -1;
    X_BC.translation() << 0.5, 0, 0.8;
    for (const PlannedGrasp& planned : result.grasps) {
        const Eigen::Isometry3d X_CH = in_convention(planned.X_CG, find_convention("franka"), planner.gripper());
        std::cout << "TCP at " << (X_BC * X_CH).translation().transpose() << " m, opening " << planned.grasp.width
                  << " m, p(success) " << planned.success_probability.value_or(-1) << "\n";
    }
    for (const PlanStage& stage : result.stages)
        std::cout << stage.name << ": " << stage.in << " -> " << stage.out << "\n";
    if (result.grasps.empty()) std::cout << "no grasp: " << result.reason << "\n";
} catch (const Error& error) {  // unusable input: one line that says what and how to mend it
    std::cerr << error.what() << "\n";
    return 1;
}
