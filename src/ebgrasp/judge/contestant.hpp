// Who competes: planners, and the oracle that knows the truth.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ebgrasp/baselines/program_planner.hpp"
#include "ebgrasp/labels/oracle.hpp"
#include "ebgrasp/planning/grasp_planner.hpp"

namespace ebgrasp {

/// One question of a trial.
struct Situation {
    PlanRequest request;       ///< what a robot would know
    Eigen::Isometry3d X_WC;    ///< the camera's true pose
    const LabelOracle& truth;  ///< the true scene: for the oracle alone
};

class Contestant {
  public:
    virtual ~Contestant() = default;
    virtual std::string name() const = 0;  ///< as it was asked for
    /// As GraspPlanner::plan; may be called from several threads.
    virtual PlanResult plan(const Situation& situation) const = 0;
};

/// Anything that make_planner knows (baselines/planner_factory.hpp), or
///   oracle        the best-labelled of many true antipodal grasps, straight down: the ceiling
///   exec:COMMAND  a program that answers over the planner protocol (docs/planner-protocol.md); it alone is told the
///                 camera's pose
/// All but these two see the scene, fit the jaws and select by the same code (planning/scene_planner.hpp). `find_model`
/// turns a model's name into its file. Throws Error naming the known ones for any other, and for models that cannot be
/// read.
std::unique_ptr<Contestant> make_contestant(const std::string& name, const Gripper& gripper,
                                            const std::function<std::string(const std::string&)>& find_model,
                                            const ProgramLimits& limits = {});

}  // namespace ebgrasp
