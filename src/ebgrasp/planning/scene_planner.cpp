#include "ebgrasp/planning/scene_planner.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/jaws.hpp"

namespace ebgrasp {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::size_t total(const std::map<std::string, std::size_t>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::size_t{0},
                           [](std::size_t sum, const auto& item) { return sum + item.second; });
}

/// Fits the jaws to every candidate, and keeps those that can be executed and have not failed before.
void keep_executable(const Scene& scene, const Gripper& gripper, std::span<const Eigen::Isometry3d> failed_X_CG,
                     Funnel& funnel, PlanStage& stage) {
    const auto obstacle = [&](Candidate& candidate) -> std::string {
        const JawFit fit = fit_jaws(scene, gripper, candidate.grasp);
        if (fit != JawFit::free) return std::string(to_string(fit));
        if (!scene.in_region(candidate.grasp.row, candidate.grasp.col)) return "outside_region";
        const Eigen::Isometry3d X_CG = scene.view.X_CV * grasp_pose(candidate.grasp, scene.camera());
        return std::ranges::any_of(failed_X_CG, [&](const auto& failed) { return is_like(X_CG, failed); })
                   ? "failed_before"
                   : "";
    };
    std::erase_if(funnel.candidates, [&](Candidate& candidate) {
        const std::string reason = obstacle(candidate);
        if (!reason.empty()) ++stage.dropped[reason];
        return !reason.empty();
    });
}

/// Non-maximum suppression: drops every grasp that is close to a better one. Expects candidates sorted by energy.
void suppress_neighbours(const Scene& scene, const SceneOptions& options, std::vector<Candidate>& candidates) {
    std::vector<Candidate> kept;
    for (const auto& candidate : candidates) {
        const PlanarGrasp& a = candidate.grasp;
        const bool close = std::ranges::any_of(kept, [&](const Candidate& other) {
            const PlanarGrasp& b = other.grasp;
            const double pixels = std::hypot(a.row - b.row, a.col - b.col);
            const double distance = std::hypot(pixels / scene.pixels_per_metre(a.depth), a.depth - b.depth);
            return distance < options.nms_distance && std::abs(wrap_angle(a.angle - b.angle)) < options.nms_angle;
        });
        if (!close) kept.push_back(candidate);
    }
    candidates = std::move(kept);
}

/// Keeps the `count` best of the likely candidates that are not alike.
void select_best(const Scene& scene, const SceneOptions& options, int count, Funnel& funnel, PlanStage& stage) {
    const auto unlikely = std::erase_if(funnel.candidates, [&](const Candidate& candidate) {
        return candidate.success_probability.value_or(1) < options.min_probability;
    });
    if (unlikely > 0) stage.dropped["unlikely"] = unlikely;
    sort_by_energy(funnel.candidates);
    const std::size_t all = funnel.candidates.size();
    suppress_neighbours(scene, options, funnel.candidates);
    if (all > funnel.candidates.size()) stage.dropped["near_better"] = all - funnel.candidates.size();
    const auto most = static_cast<std::size_t>(std::max(0, count));
    if (funnel.candidates.size() > most) {
        stage.dropped["beyond_count"] = funnel.candidates.size() - most;
        funnel.candidates.resize(most);
    }
}

}  // namespace

bool is_like(const Eigen::Isometry3d& a, const Eigen::Isometry3d& b) {
    return (a.translation() - b.translation()).norm() < 0.020 &&
           std::abs(a.linear().col(0).dot(b.linear().col(0))) > std::cos(0.5);
}

std::vector<PlanarGrasp> grasps_of(std::span<const Candidate> candidates) {
    std::vector<PlanarGrasp> grasps;
    for (const Candidate& candidate : candidates) grasps.push_back(candidate.grasp);
    return grasps;
}

void sort_by_energy(std::vector<Candidate>& candidates) {
    std::ranges::stable_sort(candidates, {}, &Candidate::energy);
}

void Funnel::stage(const std::string& name, const std::function<void(PlanStage&)>& body) {
    PlanStage record{name, candidates.size(), 0, {}, 0};
    const auto start = Clock::now();
    body(record);
    record.out = candidates.size();
    if (record.in == 0) record.in = record.out + total(record.dropped);
    record.milliseconds = milliseconds_since(start);
    stages.push_back(std::move(record));
}

std::string Funnel::dominant_reason() const {
    for (const auto& stage : stages) {
        if (stage.out > 0) continue;
        const auto most = std::ranges::max_element(stage.dropped, {}, [](const auto& item) { return item.second; });
        return stage.name + (most == stage.dropped.end() ? ": nothing came in" : ": " + most->first);
    }
    return "";
}

ScenePlanner::ScenePlanner(Gripper gripper, SceneOptions options) : gripper_(std::move(gripper)), options_(options) {
    gripper_.validate("gripper " + gripper_.name);
    require(options.min_probability >= 0 && options.min_probability <= 1, "min_probability is ",
            options.min_probability, ", must be in [0, 1]");
}

PlanResult ScenePlanner::plan(const PlanRequest& request) const {
    const auto start = Clock::now();
    const bool masked = request.mask.size() > 0;
    require(!masked || (request.mask.rows() == request.image.height() && request.mask.cols() == request.image.width()),
            "the mask is ", request.mask.cols(), "x", request.mask.rows(), " but the image is ", request.image.width(),
            "x", request.image.height());
    PlanResult result;
    result.plane = fit_support_plane(request.image, options_.plane);
    if (!result.plane) {
        result.stages.push_back({"support_plane", 1, 0, {{"no_plane", 1}}, milliseconds_since(start)});
        result.reason = "support_plane: no plane holds enough of the image; is a table or bin floor in view?";
        return result;
    }
    const Scene scene(request.image, request.mask, *result.plane, view(), options_.min_height);
    RandomStream random(request.seed);
    Funnel funnel;
    funnel.stages.push_back({"scene", 1, 1, {}, milliseconds_since(start)});

    funnel.stage("proposals", [&](PlanStage& stage) {
        if ((scene.region == 0).all())
            stage.dropped[masked ? "nothing_raised_in_mask" : "nothing_on_the_plane"] = 1;
        else
            funnel.candidates = propose(scene, random, funnel);
    });
    const ReadEnergies read_energies = refine(request, scene, random, funnel);
    funnel.stage("jaws",
                 [&](PlanStage& stage) { keep_executable(scene, gripper_, request.failed_X_CG, funnel, stage); });
    funnel.stage("selection", [&](PlanStage& stage) {
        if (read_energies && !funnel.candidates.empty()) read_energies(funnel.candidates);
        select_best(scene, options_, request.count, funnel, stage);
    });

    for (const auto& [grasp, energy, probability] : funnel.candidates) {
        const Eigen::Isometry3d X_CG = scene.view.X_CV * grasp_pose(grasp, scene.camera());
        result.grasps.push_back({planar_grasp(X_CG, request.image.camera, grasp.width), X_CG, energy, probability});
    }
    if (result.grasps.empty()) result.reason = funnel.dominant_reason();
    result.stages = std::move(funnel.stages);
    result.multiply_adds = funnel.multiply_adds;
    result.milliseconds = milliseconds_since(start);
    return result;
}

}  // namespace ebgrasp
