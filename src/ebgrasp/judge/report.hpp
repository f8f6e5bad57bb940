// What the judge saw, trial by trial, and what it comes to.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebgrasp/core/binomial.hpp"

namespace ebgrasp {

/// Ways to fail besides those of physics (simulation/trial.hpp).
inline constexpr const char* kNoGrasp = "no_grasp";            ///< the planner returned none
inline constexpr const char* kPlannerError = "planner_error";  ///< it threw, or its grasp is no pose
inline constexpr const char* kPhysicsError = "physics_error";  ///< the simulation gave up

struct AttemptRecord {
    std::string mode;              ///< "success", an Outcome's name, or one of the above
    int object = -1;               ///< of the trial's, the one between the fingers; -1: none
    double plan_milliseconds = 0;  ///< PlanResult's; the wall time until the planner threw
    std::string why;               ///< the planner's words where it gave no grasp
    double probability = -1;       ///< of success, as the planner had it; -1: it said nothing

    bool success() const { return mode == "success"; }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(AttemptRecord, mode, object, plan_milliseconds, why, probability)

/// One planner in one trial: an attempt, or a round of them.
struct TrialRecord {
    std::string planner;
    std::string model;  ///< fingerprint of the weights it read; may be empty
    std::size_t trial = 0;
    std::vector<std::string> objects;     ///< names of the objects in the scene
    std::size_t ungraspable = 0;          ///< scenes drawn before this one in which the oracle found no grasp ...
    std::size_t unsettled = 0;            ///< ... or that did not come to rest
    std::vector<AttemptRecord> attempts;  ///< the last may be a "no_grasp"
    std::string end;                      ///< why there were no more: see docs/simulation.md

    std::size_t removed() const;  ///< objects
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrialRecord, planner, model, trial, objects, ungraspable, unsettled, attempts, end)

struct PlannerResult {
    std::string name;
    std::size_t attempts = 0, successes = 0;      ///< in rounds, "no_grasp" ends the round and is no attempt
    std::size_t placed = 0, removed = 0;          ///< objects, over all trials
    Interval interval95 = {0, 1};                 ///< Wilson's, of the success rate
    std::map<std::string, std::size_t> failures;  ///< by mode, those that occur
    std::map<std::string, std::size_t> ends;      ///< of the rounds
    double plan_ms_p50 = 0, plan_ms_p95 = 0;      ///< over all questions, also those without an answer
    /// Expected calibration error of the planner's probabilities, in 10 bins, and their mean; NaN if it gave none.
    double ece = std::numeric_limits<double>::quiet_NaN(), mean_probability = ece;

    double success_rate() const;    ///< successes / attempts; NaN without attempts
    double declutter_rate() const;  ///< removed / placed
};

/// Two planners over the same trials; `a` is better in a trial where it removed more objects. For single objects this
/// is McNemar's table of discordant pairs.
struct PairedResult {
    std::string a, b;
    std::size_t a_better = 0, b_better = 0, ties = 0;
    double p_value = 1;  ///< exact, two-sided
    double p_holm = 1;   ///< the same, adjusted for the number of pairs
};

struct ObjectResult {
    std::string name;
    std::size_t placed = 0;                      ///< times that it stood in a scene
    std::map<std::string, std::size_t> removed;  ///< by planner
};

struct Report {
    std::string protocol;  ///< "single", "pile" or "packed"
    std::uint64_t seed = 0;
    std::size_t trials = 0;
    std::vector<PlannerResult> planners;
    std::vector<PairedResult> paired;  ///< every two planners
    std::vector<ObjectResult> objects;
    std::size_t ungraspable = 0, unsettled = 0;  ///< scenes that were drawn again
    nlohmann::json options;                      ///< everything that the result depends on
};

/// `records[i][t]` is what planner i did in trial t; all planners have the same number of trials, at least one.
Report make_report(const std::string& protocol, const std::vector<std::vector<TrialRecord>>& records);

/// {"protocol", "seed", "trials", "planners": [{"name", "attempts", "successes", "success_rate", "interval95",
/// "declutter_rate", "failures", "ends", "plan_ms_p50", "plan_ms_p95", "ece", "mean_probability"}], "paired": [{"a",
/// "b", "a_better", "b_better", "ties", "p_value", "p_holm"}], "objects": [{"name", "placed", "removed"}],
/// "ungraspable", "unsettled", "options"}; "ends" for rounds only; a rate that is not defined is null.
nlohmann::json to_json(const Report& report);
/// The same for a terminal.
std::string to_table(const Report& report);

}  // namespace ebgrasp
