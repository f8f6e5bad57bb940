#include "ebgrasp/baselines/sampling_planners.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

constexpr std::size_t samples = 512;  // as many as the energy's planner proposes

double margin(const Scene& scene, const EdgePair& pair, double depth, const Gripper& gripper) {
    const double friction = std::max(0.0, 1 - largest_lean(scene, pair) / std::atan(gripper.pad_friction));
    const double width = (pair.end - pair.start).norm() / scene.pixels_per_metre(depth);
    return friction * (1 - width / gripper.max_opening);
}

}  // namespace

AntipodalPlanner::AntipodalPlanner(Gripper gripper, SceneOptions options) : ScenePlanner(std::move(gripper), options) {}

std::vector<Candidate> AntipodalPlanner::propose(const Scene& scene, RandomStream& random, Funnel&) const {
    std::vector<Candidate> candidates;
    sample_edge_pairs(scene, gripper(), samples, random, [&](const EdgePair& pair) {
        const Eigen::Vector2d center = pair.center();
        const double depth = fixed_rule_depth(scene, gripper(), center.x(), center.y());
        candidates.push_back(
            {{center.x(), center.y(), depth, wrap_angle(pair.angle), 0}, -margin(scene, pair, depth, gripper())});
    });
    return candidates;
}

RandomPlanner::RandomPlanner(Gripper gripper, SceneOptions options) : ScenePlanner(std::move(gripper), options) {}

std::vector<Candidate> RandomPlanner::propose(const Scene& scene, RandomStream& random, Funnel&) const {
    std::vector<Candidate> candidates;
    for (const PlanarGrasp& grasp : uniform_proposals(scene, gripper(), samples, random))
        candidates.push_back({grasp, static_cast<double>(candidates.size())});
    return candidates;
}

}  // namespace ebgrasp
