#include "ebgrasp/judge/protocol.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>
#include <tbb/task_arena.h>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/generation/labelled_grasps.hpp"

namespace ebgrasp {
namespace {

/// Random streams of one seed that serve different ends.
constexpr int scene_stream = 0, camera_stream = 1, noise_stream = 2, planner_stream = 3;

constexpr int max_draws = 200;            // of a trial's scene
constexpr std::size_t longest_why = 200;  // characters of a planner's words

nlohmann::json trial_json(const TrialOptions& trial) {
    const auto& [closing_force, mass, density, object_friction, approach_distance, lift_height, shake_level,
                 workspace] = trial;  // all of its fields, or this does not compile
    return {{"closing_force", closing_force},
            {"mass", mass},
            {"density", density},
            {"object_friction", object_friction},
            {"approach_distance", approach_distance},
            {"lift_height", lift_height},
            {"shake_level", shake_level},
            {"workspace", workspace}};
}

/// Whether physics can be asked about the grasp at all; whether it is a good one is not the question here.
bool is_grasp(const PlannedGrasp& grasp) {
    const Eigen::Matrix3d R = grasp.X_CG.linear();
    return grasp.X_CG.matrix().allFinite() && (R.transpose() * R).isIdentity(1e-3) && R.determinant() > 0 &&
           std::isfinite(grasp.grasp.width) && grasp.grasp.width >= 0;
}

/// One line about what went wrong besides grasps that fail.
void warn_of_errors(const std::vector<TrialRecord>& trials) {
    for (const char* mode : {kPlannerError, kPhysicsError}) {
        std::size_t count = 0;
        const AttemptRecord* first = nullptr;
        for (const TrialRecord& trial : trials)
            for (const AttemptRecord& attempt : trial.attempts)
                if (attempt.mode == mode && count++ == 0) first = &attempt;
        if (first) warn("{}: {} times {}, first: {}", trials.front().planner, count, mode, first->why);
    }
}

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

void ProtocolOptions::validate() const {
    GenerationConfig shared;  // which checks what data and trials have in common
    shared.scene = scene;
    shared.camera = camera;
    shared.noise = noise;
    shared.labels = labels;
    shared.validate();
    require(trials >= 1 && trials <= 10'000'000, "trials is ", trials, ", must be in [1, 10000000]");
    trial.validate();
}

nlohmann::json to_json(const ProtocolOptions& options) {
    return {{"seed", options.seed},   {"scene", options.scene},   {"camera", options.camera},
            {"noise", options.noise}, {"labels", options.labels}, {"trial", trial_json(options.trial)}};
}

/// The state of one planner's round.
struct Protocol::Round {
    const Opening& opening;
    std::vector<PlacedObject> scene = opening.scene;  ///< what is left
    std::vector<int> ids;                             ///< which of the opening's objects these are
    int attempts = 0;
    std::vector<Eigen::Isometry3d> failed_X_CG;  ///< grasps since the last success

    explicit Round(const Opening& begun) : opening(begun), ids(begun.scene.size()) {
        std::iota(ids.begin(), ids.end(), 0);
    }
    void erase(std::size_t i) {
        scene.erase(scene.begin() + static_cast<std::ptrdiff_t>(i));
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i));
    }
    void move(const std::vector<Eigen::Isometry3d>& X_WO) {
        for (std::size_t i = 0; i < scene.size(); ++i) scene[i].X_WO = X_WO.at(i);
    }
};

Protocol::Protocol(const ProtocolOptions& options, std::vector<PreparedObject> objects, Gripper gripper,
                   Physics physics)
    : options_((options.validate(), options)),
      sampler_(std::move(objects), {}, options.scene, physics.settle),
      gripper_(std::move(gripper)),
      physics_(std::move(physics)),
      oracle_(make_contestant("oracle", gripper_, {})) {}

std::vector<PosedObject> Protocol::posed(std::span<const PlacedObject> scene) const {
    std::vector<PosedObject> objects;
    for (const PlacedObject& placed : scene)
        objects.push_back({&sampler_.objects()[placed.index].label->object(), placed.X_WO});
    return objects;
}

/// What every planner is asked in an attempt, but for the image.
Situation Protocol::situation(const Opening& opening, const LabelOracle& truth, int attempt) const {
    Situation asked{{}, opening.X_WC, truth};
    asked.request.image.camera = options_.camera.intrinsics;
    asked.request.count = 1;
    asked.request.seed = RandomStream(options_.seed, planner_stream, opening.trial, attempt)();
    return asked;
}

/// The oracle is asked as it will be in the trial, so that there it finds the same grasp again.
bool Protocol::graspable(const Opening& opening) const {
    const LabelOracle truth(label_scene(opening.scene, sampler_.objects()), gripper_, options_.labels);
    return !oracle_->plan(situation(opening, truth, 0)).grasps.empty();
}

bool Protocol::in_view(const PlacedObject& placed, const Eigen::Isometry3d& X_WC) const {
    const CameraIntrinsics& camera = options_.camera.intrinsics;
    const Eigen::Vector3d center_W = placed.X_WO * sampler_.objects()[placed.index].label->object().bounds().center();
    const Eigen::Vector3d center_C = X_WC.inverse() * center_W;
    if (!(center_C.z() > 0)) return false;
    const Eigen::Vector2d pixel = camera.project(center_C);  // row, col
    return (pixel.array() >= 0).all() && pixel.x() <= camera.height - 1 && pixel.y() <= camera.width - 1;
}

Opening Protocol::open(std::size_t trial) const {
    Opening opening{.trial = trial, .scene = {}, .X_WC = {}, .ungraspable = 0, .unsettled = 0};
    RandomStream camera(options_.seed, camera_stream, trial);
    opening.X_WC = sample_camera(options_.camera, camera);
    for (int draw = 0; draw < max_draws; ++draw) {
        RandomStream random(options_.seed, scene_stream, trial, draw);
        opening.scene = sampler_.sample(random);
        const auto rest = physics_.settle(posed(opening.scene), 0);
        if (!rest) {
            ++opening.unsettled;
            continue;
        }
        for (std::size_t i = 0; i < rest->size(); ++i) opening.scene[i].X_WO = (*rest)[i];
        if (graspable(opening)) return opening;
        ++opening.ungraspable;
    }
    fail("trial ", trial, ": none of ", max_draws, " scenes can be judged: in ", opening.ungraspable,
         " the oracle found no grasp, ", opening.unsettled,
         " did not come to rest; choose a wider gripper or other objects");
}

/// Executes a grasp, and moves or removes the round's objects as physics did. What is left may still be moving.
void Protocol::execute(Round& round, const PlannedGrasp& grasp, AttemptRecord& record,
                       const std::function<void(const TrialFrame&)>& on_frame) const {
    const TrialResult result =
        physics_.execute(posed(round.scene), round.opening.X_WC * grasp.X_CG, grasp.grasp.width, on_frame);
    round.move(result.X_WO);
    if (result.object >= 0) record.object = round.ids.at(static_cast<std::size_t>(result.object));
    record.mode = to_string(result.outcome);
    if (record.success()) {
        round.erase(static_cast<std::size_t>(result.object));
        round.failed_X_CG.clear();
    } else {
        round.failed_X_CG.push_back(grasp.X_CG);
    }
}

AttemptRecord Protocol::attempt(Round& round, const Contestant& contestant, const Spectator& spectator) const {
    const Opening& opening = round.opening;
    const int number = round.attempts++;
    const auto scene = posed(round.scene);
    const auto ids = round.ids;
    const LabelOracle truth(label_scene(round.scene, sampler_.objects()), gripper_, options_.labels);
    Situation asked = situation(opening, truth, number);
    asked.request.failed_X_CG = round.failed_X_CG;
    asked.request.image = render_depth(scene, opening.X_WC, options_.camera.intrinsics).image;
    RandomStream noise(options_.seed, noise_stream, opening.trial, number);
    add_noise(asked.request.image, options_.noise, noise);

    AttemptRecord record;
    PlanResult plan;
    std::vector<TrialFrame> frames;
    std::function<void(const TrialFrame&)> keep;
    if (spectator) keep = [&](const TrialFrame& frame) { frames.push_back(frame); };
    const auto start = Clock::now();
    record.mode = kPlannerError;  // unless it comes to more
    try {
        plan = contestant.plan(asked);
        if (plan.grasps.empty()) {
            record.mode = kNoGrasp;
            record.why = plan.reason;
        } else {
            require(is_grasp(plan.grasps.front()), "the grasp is no pose, or its width no length");
            record.mode = kPhysicsError;
            record.probability = plan.grasps.front().success_probability.value_or(-1);
            execute(round, plan.grasps.front(), record, keep);
        }
        record.plan_milliseconds = plan.milliseconds;
    } catch (const std::exception& error) {
        record.why = error.what();
        record.plan_milliseconds = record.mode == kPhysicsError ? plan.milliseconds : milliseconds_since(start);
    }
    record.why.resize(std::min(record.why.size(), longest_why));
    if (spectator) spectator({scene, ids, asked, plan, record, frames});
    return record;
}

TrialRecord Protocol::play(const Opening& opening, const Contestant& contestant, const Spectator& spectator) const {
    TrialRecord record;
    record.planner = contestant.name();
    record.trial = opening.trial;
    record.ungraspable = opening.ungraspable;
    record.unsettled = opening.unsettled;
    for (const PlacedObject& placed : opening.scene) record.objects.push_back(sampler_.objects()[placed.index].name());

    const int patience = single() ? 1 : 2;  // failures in a row
    int failures = 0;
    Round round(opening);
    while (record.end.empty()) {
        const AttemptRecord& done = record.attempts.emplace_back(attempt(round, contestant, spectator));
        failures = done.success() ? 0 : failures + 1;
        if (done.mode == kNoGrasp) {
            record.end = kNoGrasp;
        } else if (round.scene.empty()) {
            record.end = "empty";
        } else if (failures == patience) {
            record.end = "failures";
        } else if (const auto rest = physics_.settle(posed(round.scene), 0); !rest) {
            record.end = "unsettled";
        } else {
            round.move(*rest);
            for (std::size_t i = round.scene.size(); i-- > 0;)
                if (!in_view(round.scene[i], opening.X_WC)) round.erase(i);
            if (round.scene.empty()) record.end = "out_of_view";
        }
    }
    return record;
}

Report run_protocol(const Protocol& protocol, std::span<const Entrant> entrants, Journal* journal) {
    std::set<std::string> names;
    for (const Entrant& entrant : entrants)
        require(names.insert(entrant.contestant->name()).second, "planner '", entrant.contestant->name(),
                "' is named twice");
    const std::size_t trials = protocol.options().trials;
    std::vector records(entrants.size(), std::vector<TrialRecord>(trials));
    std::vector<std::vector<std::size_t>> missing(trials);  // entrants that have not played the trial
    std::size_t total = 0;
    for (std::size_t i = 0; i < entrants.size(); ++i)
        for (std::size_t t = 0; t < trials; ++t) {
            auto known = journal ? journal->find(entrants[i].contestant->name(), entrants[i].model, t) : std::nullopt;
            if (known)
                records[i][t] = std::move(*known);
            else
                missing[t].push_back(i), ++total;
        }

    Progress progress("trials", total);
    const auto play = [&](std::size_t t) {
        const Opening opening = protocol.open(t);
        for (const std::size_t i : missing[t]) {
            TrialRecord& record = records[i][t];
            record = protocol.play(opening, *entrants[i].contestant);
            record.model = entrants[i].model;
            if (journal) journal->add(record);
            progress.advance();
        }
    };
    parallel_for(trials, [&](std::size_t t) {
        // Isolated, since a planner that waits for parallel work of its own must not take up another trial meanwhile.
        if (!missing[t].empty()) tbb::this_task_arena::isolate([&] { play(t); });
    });

    for (const auto& trials_of_one : records) warn_of_errors(trials_of_one);
    Report report = make_report(protocol.options().scene.kind, records);
    report.seed = protocol.options().seed;
    report.options = to_json(protocol.options());
    return report;
}

}  // namespace ebgrasp
