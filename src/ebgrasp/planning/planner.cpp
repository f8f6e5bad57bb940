#include "ebgrasp/planning/planner.hpp"

#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

std::vector<PlanarGrasp> grasps_of(const std::vector<Candidate>& candidates) {
    std::vector<PlanarGrasp> grasps;
    for (const auto& candidate : candidates) grasps.push_back(candidate.grasp);
    return grasps;
}

void read_energies(const EncodedView& view, std::vector<Candidate>& candidates) {
    const std::vector<PlanarGrasp> grasps = grasps_of(candidates);
    std::vector<double> energies(grasps.size());
    view.evaluate(grasps, energies);
    for (std::size_t i = 0; i < grasps.size(); ++i) candidates[i].energy = energies[i];
}

void read_probabilities(const EncodedView& view, std::vector<Candidate>& candidates) {
    const auto probabilities = view.success_probabilities(grasps_of(candidates));
    for (std::size_t i = 0; i < probabilities.size(); ++i) candidates[i].success_probability = probabilities[i];
}

}  // namespace

Planner::Planner(std::shared_ptr<const EnergyModel> model, Gripper gripper, PlannerOptions options)
    : ScenePlanner(std::move(gripper), options), model_(std::move(model)), options_(options) {}

std::vector<Candidate> Planner::propose(const Scene& scene, RandomStream& random) const {
    std::vector<Candidate> candidates;
    const auto antipodal = static_cast<std::size_t>(options_.antipodal_share * double(options_.proposals));
    for (const auto& y : antipodal_proposals(scene, gripper(), antipodal, random)) candidates.push_back({y});
    const std::size_t rest = options_.proposals - candidates.size();
    for (const auto& y : uniform_proposals(scene, gripper(), rest, random)) candidates.push_back({y});
    return candidates;
}

Planner::ReadEnergies Planner::refine(const PlanRequest& request, const Scene& scene, RandomStream& random,
                                      Funnel& funnel) const {
    if (funnel.candidates.empty()) return {};
    std::shared_ptr<const EncodedView> encoded;
    funnel.stage("encoding", [&](PlanStage&) {
        encoded = with_terms(model_->encode(scene.view.image, scene.region, gripper()), scene, request.terms);
    });
    funnel.stage("ranking", [&](PlanStage& stage) {
        read_energies(*encoded, funnel.candidates);
        sort_by_energy(funnel.candidates);
        if (funnel.candidates.size() > options_.seeds) {
            stage.dropped["higher_energy"] = funnel.candidates.size() - options_.seeds;
            funnel.candidates.resize(options_.seeds);
        }
    });
    if (options_.descent.steps > 0)
        funnel.stage("descent", [&](PlanStage&) {
            std::vector<PlanarGrasp> grasps = grasps_of(funnel.candidates);
            descend(*encoded, scene.camera(), grasps, options_.descent, admissible_grasps(scene, gripper()));
            for (const auto& grasp : grasps) funnel.candidates.push_back({grasp});  // and its start
        });
    return [encoded](std::vector<Candidate>& candidates) {
        read_energies(*encoded, candidates);
        read_probabilities(*encoded, candidates);
    };
}

}  // namespace ebgrasp
