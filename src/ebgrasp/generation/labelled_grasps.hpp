// Candidate grasps of one object in a scene, labelled, and the choice of those that are kept.
#pragma once

#include <vector>

#include "ebgrasp/generation/generation_config.hpp"
#include "ebgrasp/generation/scene_sampler.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {

struct LabelledGrasp {
    Eigen::Isometry3d X_WG;
    GraspLabel label;
};

/// The oracle's view of a scene of `objects`.
std::vector<PosedLabelObject> label_scene(const std::vector<PlacedObject>& scene,
                                          const std::vector<PreparedObject>& objects);

/// Up to `count` candidates for object `target` of the oracle's scene, of all kinds in the order of config.candidates,
/// approaching along `approach_W`.
std::vector<LabelledGrasp> label_candidates(const LabelOracle& oracle, std::size_t target,
                                            const Eigen::Vector3d& approach_W, std::size_t count,
                                            const Gripper& gripper, const GenerationConfig& config,
                                            RandomStream& random);

/// Keeps `count` grasps with `positive_share` successes as far as there are enough of both, in random order.
void keep_balanced(std::vector<LabelledGrasp>& grasps, std::size_t count, double positive_share, RandomStream& random);

}  // namespace ebgrasp
