// Planners that learn nothing: antipodal pairs of depth edges, and random grasps.
#pragma once

#include "ebgrasp/planning/scene_planner.hpp"

namespace ebgrasp {

/// Pairs of facing depth edges (planning/proposals.hpp), widest margin first. A pair's margin is the product of
///   friction   1 - lean / atan(mu): how much of the friction cone is left at the edge that leans more (largest_lean),
///              not below 0
///   clearance  1 - width / max_opening: how much of the opening is left beside the object
/// and its energy is -margin. The centre is midway between the edges, at fixed_rule_depth.
class AntipodalPlanner : public ScenePlanner {
  public:
    explicit AntipodalPlanner(Gripper gripper, SceneOptions options = {});
    std::string name() const override { return "antipodal"; }

  private:
    std::vector<Candidate> propose(const Scene& scene, RandomStream& random, Funnel& funnel) const override;
};

/// Grasps on uniform pixels of the region, at uniform angles and heights, in random order (the energy is the place in
/// it). Like all others they have to fit the jaws: what is random is where they are.
class RandomPlanner : public ScenePlanner {
  public:
    explicit RandomPlanner(Gripper gripper, SceneOptions options = {});
    std::string name() const override { return "random"; }

  private:
    std::vector<Candidate> propose(const Scene& scene, RandomStream& random, Funnel& funnel) const override;
};

}  // namespace ebgrasp
