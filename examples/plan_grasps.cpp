// Plans grasps on a depth image: plan_grasps DEPTH.npy MODEL.safetensors
#include <ebgrasp/image/image_io.hpp>
#include <ebgrasp/planning/planner.hpp>
#include <iostream>

int main(int, char** argv) {
    using namespace ebgrasp;
    const Planner planner(load_energy_model(argv[2]), load_gripper("robotiq_2f85"));
    const PlanResult result = planner.plan({.image = read_depth_image(argv[1], CameraIntrinsics{}), .mask = {}});
    for (const auto& [grasp, X_CG, energy, probability] : result.grasps)
        std::cout << "row " << grasp.row << ", col " << grasp.col << ", depth " << grasp.depth << " m, angle "
                  << grasp.angle << " rad, opening " << grasp.width << " m, energy " << energy << "\n";
    if (result.grasps.empty()) std::cout << result.reason << "\n";
}
