// Depth image in, ranked grasps out, by descending an energy.
#pragma once

#include <memory>
#include <string>

#include "ebgrasp/planning/descent.hpp"
#include "ebgrasp/planning/scene_planner.hpp"

namespace ebgrasp {

/// What of a Planner may be chosen.
struct PlannerOptions : SceneOptions {
    std::size_t proposals = 512;    ///< grasps whose energy is read
    double antipodal_share = 0.75;  ///< of the proposals, where there are so many facing edges
    std::size_t seeds = 64;         ///< best proposals that descend
    DescentOptions descent;         ///< 0 steps: the seeds are ranked as they are ("energy-rank")
};

/// Plans grasps by descending an energy. Immutable; plan() may be called from several threads.
class Planner : public ScenePlanner {
  public:
    /// Throws Error if the gripper is out of range.
    Planner(std::shared_ptr<const EnergyModel> model, Gripper gripper, PlannerOptions options = {});

    std::string name() const override { return options_.descent.steps > 0 ? "energy" : "energy-rank"; }
    /// Whose energy is descended.
    const EnergyModel& model() const { return *model_; }

  private:
    ViewSpec view() const override { return model_->view(); }
    std::vector<Candidate> propose(const Scene& scene, RandomStream& random, Funnel& funnel) const override;
    ReadEnergies refine(const PlanRequest& request, const Scene& scene, RandomStream& random,
                        Funnel& funnel) const override;
    std::shared_ptr<const EnergyModel> model_;
    PlannerOptions options_;
};

}  // namespace ebgrasp
