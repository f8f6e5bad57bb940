// The generative baseline: the network's maps, and the grasps at the peaks of its quality (Morrison, Corke and Leitner,
// IJRR 2020). Model "percnn".
#pragma once

#include <memory>

#include "ebgrasp/baselines/per_pixel_maps.hpp"
#include "ebgrasp/planning/scene_planner.hpp"

namespace ebgrasp {

/// Smooths the maps with a Gaussian, as published, and proposes the grasps at the local maxima of the quality. Energies
/// are -quality. The opening that the network predicts is not used: like everybody's, grasps get theirs from the jaws.
class PerPixelPlanner : public ScenePlanner {
  public:
    PerPixelPlanner(std::shared_ptr<const GraspMapper> network, Gripper gripper, SceneOptions options = {});
    std::string name() const override { return "percnn"; }

  private:
    std::vector<Candidate> propose(const Scene& scene, RandomStream& random, Funnel& funnel) const override;

    std::shared_ptr<const GraspMapper> network_;
};

/// The planner of a checkpoint. Throws Error: unreadable, or another model.
std::unique_ptr<PerPixelPlanner> load_per_pixel_planner(const std::string& path, Gripper gripper);

}  // namespace ebgrasp
