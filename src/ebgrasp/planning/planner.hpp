// Depth image in, ranked grasps out, by descending an energy.
#pragma once

#include <memory>
#include <string>

#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/planning/descent.hpp"
#include "ebgrasp/planning/grasp_planner.hpp"

namespace ebgrasp {

struct PlannerOptions {
    std::size_t proposals = 512;    ///< grasps whose energy is read, half of them antipodal at most
    double antipodal_share = 0.75;  ///< of the proposals
    std::size_t seeds = 128;        ///< best proposals that descend
    DescentOptions descent;
    double min_height = 0.006;    ///< metres above the plane from which a surface belongs to an object
    double nms_distance = 0.015;  ///< metres; of two grasps closer than this ...
    double nms_angle = 0.5;       ///< ... and than this (radians) only the better is returned
    SupportPlaneOptions plane;
};

/// Plans grasps by descending an energy. Immutable; plan() may be called from several threads.
class Planner : public GraspPlanner {
  public:
    Planner(std::shared_ptr<const EnergyModel> model, Gripper gripper, PlannerOptions options = {});

    std::string name() const override { return "energy"; }
    PlanResult plan(const PlanRequest& request) const override;

    const Gripper& gripper() const { return gripper_; }
    const EnergyModel& model() const { return *model_; }

  private:
    std::shared_ptr<const EnergyModel> model_;
    Gripper gripper_;
    PlannerOptions options_;
};

}  // namespace ebgrasp
