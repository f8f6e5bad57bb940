#include "ebgrasp/planning/planner.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

struct Candidate {
    PlanarGrasp grasp;  // in the overhead view
    double energy = 0;
};

/// A plan in the making: the candidates that are left, and the record of what each stage did to them.
class Funnel {
  public:
    std::vector<Candidate> candidates;
    std::vector<PlanStage> stages;

    /// Runs `body(stage)`, which changes the candidates and counts what it drops in stage.dropped.
    void stage(const std::string& name, auto&& body) {
        PlanStage record{name, candidates.size(), 0, {}, 0};
        const auto start = Clock::now();
        body(record);
        record.out = candidates.size();
        if (record.in == 0) record.in = record.out + total(record.dropped);
        record.milliseconds = milliseconds_since(start);
        stages.push_back(std::move(record));
    }

    /// The most frequent reason of the last stage that let nothing through.
    std::string dominant_reason() const {
        for (const auto& stage : stages) {
            if (stage.out > 0) continue;
            const auto most = std::ranges::max_element(stage.dropped, {}, [](const auto& item) { return item.second; });
            return stage.name + (most == stage.dropped.end() ? ": nothing came in" : ": " + most->first);
        }
        return "";
    }

  private:
    static std::size_t total(const std::map<std::string, std::size_t>& counts) {
        return std::accumulate(counts.begin(), counts.end(), std::size_t{0},
                               [](std::size_t sum, const auto& item) { return sum + item.second; });
    }
};

void sort_by_energy(std::vector<Candidate>& candidates) {
    std::ranges::stable_sort(candidates, {}, &Candidate::energy);
}

void read_energies(const EncodedView& view, std::vector<Candidate>& candidates) {
    std::vector<PlanarGrasp> grasps;
    for (const auto& candidate : candidates) grasps.push_back(candidate.grasp);
    std::vector<double> energies(grasps.size());
    view.evaluate(grasps, energies);
    for (std::size_t i = 0; i < grasps.size(); ++i) candidates[i].energy = energies[i];
}

/// Non-maximum suppression: drops every grasp that is close to a better one. Expects candidates sorted by energy.
void suppress_neighbours(const Scene& scene, const PlannerOptions& options, std::vector<Candidate>& candidates) {
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

}  // namespace

Planner::Planner(std::shared_ptr<const EnergyModel> model, Gripper gripper, PlannerOptions options)
    : model_(std::move(model)), gripper_(std::move(gripper)), options_(options) {
    gripper_.validate("gripper " + gripper_.name);
}

PlanResult Planner::plan(const PlanRequest& request) const {
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
    const Scene scene(request.image, request.mask, *result.plane, model_->view(), options_.min_height);
    RandomStream random(request.seed);
    Funnel funnel;
    funnel.stages.push_back({"scene", 1, 1, {}, milliseconds_since(start)});
    std::unique_ptr<EncodedView> encoded;

    funnel.stage("proposals", [&](PlanStage& stage) {
        if ((scene.region == 0).all()) {
            stage.dropped[masked ? "nothing_raised_in_mask" : "nothing_on_the_plane"] = 1;
            return;
        }
        const auto antipodal = static_cast<std::size_t>(options_.antipodal_share * double(options_.proposals));
        for (const auto& y : antipodal_proposals(scene, gripper_, antipodal, random)) funnel.candidates.push_back({y});
        const std::size_t rest = options_.proposals - funnel.candidates.size();
        for (const auto& y : uniform_proposals(scene, gripper_, rest, random)) funnel.candidates.push_back({y});
    });
    funnel.stage("ranking", [&](PlanStage& stage) {
        if (funnel.candidates.empty()) return;
        encoded = model_->encode(scene.view.image, scene.region);
        read_energies(*encoded, funnel.candidates);
        sort_by_energy(funnel.candidates);
        if (funnel.candidates.size() > options_.seeds) {
            stage.dropped["higher_energy"] = funnel.candidates.size() - options_.seeds;
            funnel.candidates.resize(options_.seeds);
        }
    });
    funnel.stage("descent", [&](PlanStage&) {
        if (funnel.candidates.empty()) return;
        std::vector<PlanarGrasp> grasps;
        for (const auto& candidate : funnel.candidates) grasps.push_back(candidate.grasp);
        descend(*encoded, scene.camera(), grasps, options_.descent, admissible_grasps(scene, gripper_));
        for (std::size_t i = 0; i < grasps.size(); ++i) funnel.candidates.push_back({grasps[i]});  // and its start
    });
    funnel.stage("jaws", [&](PlanStage& stage) {
        std::erase_if(funnel.candidates, [&](Candidate& candidate) {
            const JawFit fit = fit_jaws(scene, gripper_, candidate.grasp);
            const bool inside = scene.in_region(candidate.grasp.row, candidate.grasp.col);
            if (fit == JawFit::free && inside) return false;
            ++stage.dropped[fit == JawFit::free ? "outside_region" : std::string(to_string(fit))];
            return true;
        });
    });
    funnel.stage("selection", [&](PlanStage& stage) {
        if (funnel.candidates.empty()) return;
        read_energies(*encoded, funnel.candidates);
        sort_by_energy(funnel.candidates);
        const std::size_t all = funnel.candidates.size();
        suppress_neighbours(scene, options_, funnel.candidates);
        if (all > funnel.candidates.size()) stage.dropped["near_better"] = all - funnel.candidates.size();
        const auto count = static_cast<std::size_t>(std::max(0, request.count));
        if (funnel.candidates.size() > count) {
            stage.dropped["beyond_count"] = funnel.candidates.size() - count;
            funnel.candidates.resize(count);
        }
    });

    for (const auto& candidate : funnel.candidates) {
        const Eigen::Isometry3d X_CG = scene.view.X_CV * grasp_pose(candidate.grasp, scene.camera());
        result.grasps.push_back({planar_grasp(X_CG, request.image.camera, candidate.grasp.width), X_CG,
                                 candidate.energy, model_->success_probability(candidate.energy)});
    }
    if (result.grasps.empty()) result.reason = funnel.dominant_reason();
    result.stages = std::move(funnel.stages);
    result.milliseconds = milliseconds_since(start);
    return result;
}

}  // namespace ebgrasp
