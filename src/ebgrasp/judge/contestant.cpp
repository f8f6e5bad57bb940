#include "ebgrasp/judge/contestant.hpp"

#include <algorithm>
#include <chrono>

#include "ebgrasp/baselines/planner_factory.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/labels/candidates.hpp"
#include "ebgrasp/planning/jaws.hpp"

namespace ebgrasp {
namespace {

class PlannerContestant : public Contestant {
  public:
    PlannerContestant(std::string name, std::unique_ptr<GraspPlanner> planner)
        : name_(std::move(name)), planner_(std::move(planner)) {}

    std::string name() const override { return name_; }
    PlanResult plan(const Situation& situation) const override { return planner_->plan(situation.request); }

  private:
    std::string name_;
    std::unique_ptr<GraspPlanner> planner_;
};

class ProgramContestant : public Contestant {
  public:
    ProgramContestant(const std::string& command, const Gripper& gripper, const ProgramLimits& limits)
        : planner_(command, gripper, limits) {}

    std::string name() const override { return planner_.name(); }
    PlanResult plan(const Situation& situation) const override {
        PlanRequest request = situation.request;
        request.X_WC = situation.X_WC;
        return planner_.plan(request);
    }

  private:
    ProgramPlanner planner_;
};

/// Labels antipodal grasps of every object in the true scene, and plans the successes by falling robust epsilon. Those
/// that bring the fingertips closer to the table than planners go come last.
class Oracle : public Contestant {
  public:
    explicit Oracle(Gripper gripper) : gripper_(std::move(gripper)) {}

    std::string name() const override { return "oracle"; }
    PlanResult plan(const Situation& situation) const override;

  private:
    struct Choice {
        Eigen::Isometry3d X_WG;
        double opening, robust_epsilon;
    };

    // Candidates are labelled in rounds of so many per object ...
    static constexpr std::size_t batch = 50;
    // ... until so many have succeeded, but in no fewer and no more rounds than these.
    static constexpr std::size_t enough = 30;
    static constexpr int min_rounds = 4, max_rounds = 40;
    // A robust epsilon is the mean of a few random perturbations, of which the best of many grasps had lucky ones: so
    // many of the best are labelled so many times more, and judged by the mean.
    static constexpr std::size_t finalists = 40;
    static constexpr int more_labels = 7;

    void add_successes(const LabelOracle& truth, const PosedLabelObject& target, RandomStream& random,
                       std::vector<Choice>& choices, PlanStage& stage) const;
    void sort(std::vector<Choice>& choices) const;
    void label_again(const LabelOracle& truth, RandomStream& random, std::vector<Choice>& choices) const;

    Gripper gripper_;
};

PlanResult Oracle::plan(const Situation& situation) const {
    const auto start = std::chrono::steady_clock::now();
    RandomStream random(situation.request.seed);
    PlanStage stage{"labels", 0, 0, {}, 0};
    std::vector<Choice> choices;
    for (int round = 0; round < max_rounds && (round < min_rounds || choices.size() < enough); ++round)
        for (const PosedLabelObject& target : situation.truth.scene())
            add_successes(situation.truth, target, random, choices, stage);
    const std::size_t successes = choices.size(),
                      count = static_cast<std::size_t>(std::max(0, situation.request.count));
    sort(choices);
    label_again(situation.truth, random, choices);
    if (choices.size() > count) choices.resize(count);
    if (successes > choices.size()) stage.dropped["beyond_count"] = successes - choices.size();

    PlanResult result;
    const Eigen::Isometry3d X_CW = situation.X_WC.inverse();
    for (const auto& [X_WG, opening, robust_epsilon] : choices) {
        const Eigen::Isometry3d X_CG = X_CW * X_WG;
        result.grasps.push_back(
            {planar_grasp(X_CG, situation.request.image.camera, opening), X_CG, -robust_epsilon, {}});
    }
    if (result.grasps.empty()) result.reason = "labels: no grasp of this scene succeeds";
    stage.out = result.grasps.size();
    stage.milliseconds = result.milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    result.stages.push_back(stage);
    return result;
}

void Oracle::add_successes(const LabelOracle& truth, const PosedLabelObject& target, RandomStream& random,
                           std::vector<Choice>& choices, PlanStage& stage) const {
    const auto X_WG =
        antipodal_candidates(target, -Eigen::Vector3d::UnitZ(), gripper_.pad_friction, gripper_, batch, random);
    stage.in += X_WG.size();
    const auto labels = truth.label_at_free_opening(X_WG, random());
    for (std::size_t i = 0; i < X_WG.size(); ++i) {
        const auto& [label, opening] = labels[i];
        if (label.success())
            choices.push_back({X_WG[i], opening, label.robust_epsilon});
        else
            ++stage.dropped[std::string(to_string(label.verdict))];
    }
}

void Oracle::sort(std::vector<Choice>& choices) const {
    std::ranges::stable_sort(choices, {}, [&](const Choice& choice) {
        const bool low = choice.X_WG.translation().z() < lowest_center(gripper_);
        return std::pair(low, -choice.robust_epsilon);
    });
}

void Oracle::label_again(const LabelOracle& truth, RandomStream& random, std::vector<Choice>& choices) const {
    choices.resize(std::min(choices.size(), finalists));
    std::vector<Eigen::Isometry3d> X_WG;
    std::vector<double> approach_openings;
    for (const Choice& choice : choices) {
        X_WG.push_back(choice.X_WG);
        approach_openings.push_back(choice.opening);
    }
    for (int i = 0; i < more_labels; ++i) {
        const auto labels = truth.label(X_WG, approach_openings, random());
        for (std::size_t k = 0; k < choices.size(); ++k) choices[k].robust_epsilon += labels[k].robust_epsilon;
    }
    for (Choice& choice : choices) choice.robust_epsilon /= 1 + more_labels;
    sort(choices);
}

}  // namespace

std::unique_ptr<Contestant> make_contestant(const std::string& name, const Gripper& gripper,
                                            const std::function<std::string(const std::string&)>& find_model,
                                            const ProgramLimits& limits) {
    constexpr std::string_view exec = "exec:";
    if (name.starts_with(exec)) {
        require(name.size() > exec.size(), "planner '", name, "' needs a command: exec:COMMAND");
        return std::make_unique<ProgramContestant>(name.substr(exec.size()), gripper, limits);
    }
    if (name == "oracle") return std::make_unique<Oracle>(gripper);
    if (auto planner = make_planner(name, gripper, find_model))
        return std::make_unique<PlannerContestant>(name, std::move(planner));
    fail("unknown planner '", name,
         "'; known are energy:MODEL, energy-rank:MODEL, energy-free:MODEL, gqcnn-cem[:MODEL], percnn[:MODEL], "
         "antipodal, random, oracle, exec:COMMAND");
}

}  // namespace ebgrasp
