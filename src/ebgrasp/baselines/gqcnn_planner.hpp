// Dex-Net 2.0's policy on Dex-Net 2.0's network.
#pragma once

#include <memory>
#include <string>

#include "ebgrasp/baselines/cross_entropy_planner.hpp"

namespace ebgrasp {

/// The planner "gqcnn-cem": a grasp's quality is the logit that the GQ-CNN of a checkpoint file gives to the window
/// around it. Throws Error if the file is no such checkpoint.
std::unique_ptr<GraspPlanner> load_gqcnn_planner(const std::string& path, Gripper gripper);

}  // namespace ebgrasp
