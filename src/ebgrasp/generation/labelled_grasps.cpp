#include "ebgrasp/generation/labelled_grasps.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/labels/candidates.hpp"

namespace ebgrasp {
namespace {

void label_into(std::vector<LabelledGrasp>& grasps, const LabelOracle& oracle,
                const std::vector<Eigen::Isometry3d>& X_WG, RandomStream& random) {
    const std::vector<double> widest(X_WG.size(), 0.0);
    const auto labels = oracle.label(X_WG, widest, random());
    for (std::size_t i = 0; i < X_WG.size(); ++i) grasps.push_back({X_WG[i], labels[i]});
}

}  // namespace

std::vector<PosedLabelObject> label_scene(const std::vector<PlacedObject>& scene,
                                          const std::vector<PreparedObject>& objects) {
    std::vector<PosedLabelObject> posed;
    for (const PlacedObject& placed : scene) posed.push_back({objects[placed.index].label, placed.X_WO});
    return posed;
}

std::vector<LabelledGrasp> label_candidates(const LabelOracle& oracle, std::size_t target,
                                            const Eigen::Vector3d& approach_W, std::size_t count,
                                            const Gripper& gripper, const GenerationConfig& config,
                                            RandomStream& random) {
    const CandidateMix& mix = config.candidates;
    const PosedLabelObject& object = oracle.scene()[target];
    const auto share = [&](double fraction) {
        return static_cast<std::size_t>(std::lround(fraction * static_cast<double>(count)));
    };
    auto X_WG = antipodal_candidates(object, approach_W, gripper.pad_friction, gripper, share(mix.antipodal), random);
    const auto uniform = uniform_candidates(object, approach_W, share(mix.uniform), random);
    X_WG.insert(X_WG.end(), uniform.begin(), uniform.end());
    std::vector<LabelledGrasp> grasps;
    label_into(grasps, oracle, X_WG, random);

    std::vector<Eigen::Isometry3d> successes, perturbed;
    for (const auto& grasp : grasps)
        if (grasp.label.success()) successes.push_back(grasp.X_WG);
    for (std::size_t i = 0; i < share(mix.perturbed) && !successes.empty(); ++i) {
        Eigen::Isometry3d X_GP = Eigen::Isometry3d::Identity();
        for (int axis = 0; axis < 3; ++axis) X_GP.translation()[axis] = random.normal(0, mix.perturb_translation);
        X_GP.rotate(Eigen::AngleAxisd(random.normal(0, mix.perturb_angle), Eigen::Vector3d::UnitZ()));
        perturbed.push_back(successes[i % successes.size()] * X_GP);
    }
    label_into(grasps, oracle, perturbed, random);
    return grasps;
}

void keep_balanced(std::vector<LabelledGrasp>& grasps, std::size_t count, double positive_share, RandomStream& random) {
    random.shuffle(std::span(grasps));
    const auto failures = std::stable_partition(grasps.begin(), grasps.end(),
                                                [](const LabelledGrasp& grasp) { return grasp.label.success(); });
    const auto positives = static_cast<std::size_t>(failures - grasps.begin());
    const std::size_t negatives = grasps.size() - positives;
    auto wanted = static_cast<std::size_t>(positive_share * static_cast<double>(count) + random.uniform());
    wanted = std::min(wanted, positives);
    if (count - wanted > negatives) wanted = std::min(positives, count - negatives);
    grasps.erase(grasps.begin() + static_cast<std::ptrdiff_t>(wanted), failures);
    if (grasps.size() > count) grasps.resize(count);
}

}  // namespace ebgrasp
