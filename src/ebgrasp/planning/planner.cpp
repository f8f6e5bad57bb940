#include "ebgrasp/planning/planner.hpp"

#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

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

std::vector<Candidate> Planner::propose(const Scene& scene, RandomStream& random, Funnel&) const {
    std::vector<Candidate> candidates;
    const auto antipodal = static_cast<std::size_t>(options_.antipodal_share * double(options_.proposals));
    for (const auto& y : antipodal_proposals(scene, gripper(), antipodal, random)) candidates.push_back({y});
    const std::size_t rest = options_.proposals - candidates.size();
    for (const auto& y : uniform_proposals(scene, gripper(), rest, random)) candidates.push_back({y});
    return candidates;
}

Planner::ReadEnergies Planner::refine(const PlanRequest& request, const Scene& scene, RandomStream&,
                                      Funnel& funnel) const {
    if (funnel.candidates.empty()) return {};
    std::shared_ptr<const EncodedView> encoded;
    std::vector<EnergyTerm> terms = request.terms;
    if (request.mask.size() > 0) terms.push_back(stay_in_region());
    funnel.stage("encoding", [&](PlanStage&) {
        encoded = with_terms(model_->encode(scene.view.image, scene.region, gripper()), scene, terms);
    });
    const auto cost = encoded->multiply_adds();
    funnel.multiply_adds += cost.encoding + cost.reading * static_cast<double>(funnel.candidates.size());
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
            const double readings = options_.descent.search == Search::derivative_free ? 1 : 2;  // of a step
            funnel.multiply_adds += readings * cost.reading * double(grasps.size()) * (options_.descent.steps + 1.0);
            DescentOptions descent = options_.descent;
            descent.seed = request.seed;
            descend(*encoded, scene.camera(), grasps, descent, admissible_grasps(scene, gripper()));
            for (const auto& grasp : grasps) funnel.candidates.push_back({grasp});  // and its start
        });
    return [encoded, cost, &funnel](std::vector<Candidate>& candidates) {
        funnel.multiply_adds += cost.reading * static_cast<double>(candidates.size());
        read_energies(*encoded, candidates);
        read_probabilities(*encoded, candidates);
    };
}

}  // namespace ebgrasp
