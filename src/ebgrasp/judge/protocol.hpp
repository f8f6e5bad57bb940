// Every planner on the same scenes: which scenes there are, how rounds go, and who wins.
//
// Everything random is keyed by (seed, trial) or (seed, trial, attempt), never by the planner or the thread: planners
// see the same scenes, cameras and noise, until what they do makes them differ.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/generation/scene_sampler.hpp"
#include "ebgrasp/judge/contestant.hpp"
#include "ebgrasp/judge/journal.hpp"
#include "ebgrasp/judge/report.hpp"
#include "ebgrasp/simulation/trial.hpp"

namespace ebgrasp {

/// The world in which scenes come to rest and grasps are executed.
struct Physics {
    Settle settle;  ///< with walls: objects let go one after the other; walls = 0: all at once
    std::function<TrialResult(std::span<const PosedObject> scene, const Eigen::Isometry3d& X_WG, double opening,
                              const std::function<void(const TrialFrame&)>& on_frame)>
        execute;
};

/// MuJoCo's (simulation/settle.hpp, simulation/trial.hpp).
Physics mujoco_physics(const Gripper& gripper, const TrialOptions& options);

/// scene.kind is the protocol:
///   single         one object in a stable pose, one attempt
///   pile, packed   a round of attempts, until nothing is left, the planner returns nothing, or two attempts in a row
///                  failed. What a success lifted is taken away; all else comes to rest again and is seen anew.
struct ProtocolOptions {
    std::uint64_t seed = 1;
    std::size_t trials = 100;                  ///< scenes (single) or rounds
    SceneParameters scene{.objects = {5, 5}};  ///< packed objects for which there is no room are left out
    CameraDistribution camera;
    NoiseParameters noise;
    LabelParameters labels;  ///< of the oracle
    TrialOptions trial;

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};
/// All fields but `trials`, on which no trial depends.
nlohmann::json to_json(const ProtocolOptions& options);

/// What a trial starts with: the same for every planner.
struct Opening {
    std::size_t trial;
    std::vector<PlacedObject> scene;  ///< at rest, and the oracle plans a grasp in it
    Eigen::Isometry3d X_WC;
    std::size_t ungraspable, unsettled;  ///< scenes drawn before this one that were not so
};

/// What there is to see of an attempt.
struct AttemptView {
    std::span<const PosedObject> scene;  ///< as the attempt begins
    std::span<const int> ids;            ///< which of the opening's objects these are
    const Situation& situation;
    const PlanResult& plan;
    const AttemptRecord& record;
    std::span<const TrialFrame> frames;  ///< none if nothing was executed
};
using Spectator = std::function<void(const AttemptView&)>;

/// Thread-safe.
class Protocol {
  public:
    /// Throws Error: options out of range, or no object fits the scenes.
    Protocol(const ProtocolOptions& options, std::vector<PreparedObject> objects, Gripper gripper, Physics physics);

    const ProtocolOptions& options() const { return options_; }

    /// A pure function of the constructor's arguments and `trial`. Throws Error if 200 scenes were all ungraspable or
    /// did not come to rest.
    Opening open(std::size_t trial) const;

    /// One planner's attempts in a trial. A planner that throws, or whose grasp is no pose, fails its attempt.
    TrialRecord play(const Opening& opening, const Contestant& contestant, const Spectator& spectator = {}) const;

  private:
    struct Round;

    std::vector<PosedObject> posed(std::span<const PlacedObject> scene) const;
    Situation situation(const Opening& opening, const LabelOracle& truth, int attempt) const;
    bool graspable(const Opening& opening) const;
    bool in_view(const PlacedObject& placed, const Eigen::Isometry3d& X_WC) const;
    void execute(Round& round, const PlannedGrasp& grasp, AttemptRecord& record,
                 const std::function<void(const TrialFrame&)>& on_frame) const;
    AttemptRecord attempt(Round& round, const Contestant& contestant, const Spectator& spectator) const;
    bool single() const { return options_.scene.kind == "single"; }

    ProtocolOptions options_;
    SceneSampler sampler_;
    Gripper gripper_;
    Physics physics_;
    std::unique_ptr<Contestant> oracle_;
};

struct Entrant {
    std::shared_ptr<const Contestant> contestant;
    std::string model;  ///< fingerprint of the weights that it reads; may be empty
};

/// Plays all trials, in parallel; trials that `journal` (may be null) knows are not played again. The report's numbers
/// depend on threads in the planning times alone. Throws Error: no entrants, or two of one name.
Report run_protocol(const Protocol& protocol, std::span<const Entrant> entrants, Journal* journal = nullptr);

}  // namespace ebgrasp
