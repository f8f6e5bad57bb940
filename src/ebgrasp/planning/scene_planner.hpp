// What every planner of ours shares: the scene before the search, the jaws and the selection after it. A planner only
// says where to grasp, so that comparing two of them compares just that.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/planning/grasp_planner.hpp"
#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp {

/// A grasp in the scene's view that may become part of the plan.
struct Candidate {
    PlanarGrasp grasp;                               ///< in the overhead view
    double energy = 0;                               ///< lower is better; planners that score grasps give -score
    std::optional<double> success_probability = {};  ///< none if the planner knows none
};

/// The grasps alone, in the same order.
std::vector<PlanarGrasp> grasps_of(std::span<const Candidate> candidates);

/// Sorts by energy, best first; equal ones keep their order.
void sort_by_energy(std::vector<Candidate>& candidates);

/// A plan in the making: the candidates that are left, and the record of what each stage did to them.
class Funnel {
  public:
    std::vector<Candidate> candidates;  ///< that are left
    std::vector<PlanStage> stages;      ///< that have run
    double multiply_adds = 0;           ///< of networks, counted by the planner

    /// Runs `body(stage)`, which changes the candidates and counts what it drops in stage.dropped.
    void stage(const std::string& name, const std::function<void(PlanStage&)>& body);

    /// The most frequent reason of the first stage that let nothing through.
    std::string dominant_reason() const;
};

/// What of the stages that all planners share may be chosen.
struct SceneOptions {
    double min_height = 0.006;     ///< metres above the plane from which a surface belongs to an object
    double nms_distance = 0.015;   ///< metres; of two grasps closer than this ...
    double nms_angle = 0.5;        ///< ... and than this (radians) only the better is returned
    double min_probability = 0.1;  ///< of success, [0, 1]; grasps known to be less likely are not returned
    SupportPlaneOptions plane;     ///< how the table is found
};

/// Plans in these stages:
///   scene      support plane and overhead view
///   proposals  the planner's propose()
///   ...        the planner's refine(), if any
///   jaws       fit_jaws: every grasp is centred between its contacts, gets its opening, and is dropped if it collides,
///              slips, is off the region or is like one that failed before
///   selection  energies read anew, since the jaws moved the grasps; unlikely ones dropped; sorted; those near
///              better ones suppressed; request.count kept
/// plan() may be called from several threads.
class ScenePlanner : public GraspPlanner {
  public:
    PlanResult plan(const PlanRequest& request) const final;

    /// The gripper that it plans for.
    const Gripper& gripper() const { return gripper_; }

  protected:
    /// Sets the candidates' energies, and their probabilities of success if the planner knows them.
    using ReadEnergies = std::function<void(std::vector<Candidate>&)>;

    /// Throws Error if the gripper is out of range.
    ScenePlanner(Gripper gripper, SceneOptions options);

    /// The virtual camera that the scene is seen from.
    virtual ViewSpec view() const { return {}; }

    /// Where to look first. Called only if there is something in the region. Energies matter unless refine() or its
    /// result reads them. Counts in `funnel` what its networks cost.
    virtual std::vector<Candidate> propose(const Scene& scene, RandomStream& random, Funnel& funnel) const = 0;

    /// Adds the stages that make better candidates of the proposals (of which there may be none). The result, if any,
    /// reads the energies of grasps that the jaws have moved; without it they keep theirs.
    virtual ReadEnergies refine(const PlanRequest&, const Scene&, RandomStream&, Funnel&) const { return {}; }

  private:
    Gripper gripper_;
    SceneOptions options_;
};

}  // namespace ebgrasp
