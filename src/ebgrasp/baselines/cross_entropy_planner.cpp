#include "ebgrasp/baselines/cross_entropy_planner.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/baselines/gaussian_mixture.hpp"
#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector2d, Eigen::VectorXd, Eigen::MatrixXd;

/// Where the jaws are: row, column, row, column (pixels), and the depth (metres). Turning the closing axis moves them
/// smoothly, whereas the angle jumps.
VectorXd to_vector(const PlanarGrasp& grasp, const CameraIntrinsics& camera, double opening) {
    const Vector2d center(grasp.row, grasp.col), axis(std::sin(grasp.angle), std::cos(grasp.angle));
    const Vector2d half = 0.5 * opening * camera.fx / grasp.depth * axis;
    VectorXd vector(5);
    vector << center - half, center + half, grasp.depth;
    return vector;
}

PlanarGrasp to_grasp(const VectorXd& vector) {
    const Vector2d center = 0.5 * (vector.segment<2>(0) + vector.segment<2>(2));
    const Vector2d axis = vector.segment<2>(2) - vector.segment<2>(0);
    return {center.x(), center.y(), vector[4], wrap_angle(std::atan2(axis.x(), axis.y())), 0};
}

/// The grasps with their energies, best first.
std::vector<Candidate> scored(std::span<const PlanarGrasp> grasps, const GraspQuality& quality) {
    const std::vector<double> qualities = quality(grasps);
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < grasps.size(); ++i) candidates.push_back({grasps[i], -qualities[i]});
    sort_by_energy(candidates);
    return candidates;
}

/// At least 1.
std::size_t share_of(double fraction, std::size_t count) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(count))));
}

/// Draws from a mixture fitted to `elite` (at least one grasp).
std::vector<PlanarGrasp> resample(std::span<const Candidate> elite, const std::function<bool(PlanarGrasp&)>& admit,
                                  const CameraIntrinsics& camera, double opening, const CrossEntropyOptions& options,
                                  RandomStream& random) {
    const auto count = static_cast<Eigen::Index>(elite.size());
    MatrixXd vectors(count, 5);
    for (Eigen::Index i = 0; i < count; ++i)
        vectors.row(i) = to_vector(elite[static_cast<std::size_t>(i)].grasp, camera, opening);
    const VectorXd mean = vectors.colwise().mean();
    vectors.rowwise() -= mean.transpose();
    const VectorXd deviation =
        (vectors.colwise().squaredNorm() / static_cast<double>(count)).cwiseSqrt().cwiseMax(1e-6).transpose();
    vectors.array().rowwise() /= deviation.transpose().array();

    const auto components = static_cast<int>(share_of(options.component_fraction, elite.size()));
    const GaussianMixture mixture(vectors, components, options.regularization, random);
    std::vector<PlanarGrasp> grasps;
    for (std::size_t draw = 0; draw < options.max_draws && grasps.size() < options.samples; ++draw) {
        PlanarGrasp grasp = to_grasp(mean + deviation.cwiseProduct(mixture.sample(random)));
        if (admit(grasp)) grasps.push_back(grasp);
    }
    return grasps;
}

}  // namespace

std::vector<Candidate> cross_entropy_search(std::vector<PlanarGrasp> grasps, const GraspQuality& quality,
                                            const std::function<bool(PlanarGrasp&)>& admit,
                                            const CameraIntrinsics& camera, double opening,
                                            const CrossEntropyOptions& options, RandomStream& random) {
    std::vector<Candidate> all;
    for (int iteration = 0; !grasps.empty(); ++iteration) {
        const std::vector<Candidate> population = scored(grasps, quality);
        all.insert(all.end(), population.begin(), population.end());
        if (iteration == options.iterations) break;
        const std::span elite(population.data(), share_of(options.refit_fraction, population.size()));
        grasps = resample(elite, admit, camera, opening, options, random);
    }
    return all;
}

CrossEntropyPlanner::CrossEntropyPlanner(std::string name, ViewQuality quality, Gripper gripper,
                                         CrossEntropyOptions options, double multiply_adds)
    : ScenePlanner(std::move(gripper), options),
      name_(std::move(name)),
      quality_(std::move(quality)),
      options_(options),
      multiply_adds_(multiply_adds) {}

std::vector<Candidate> CrossEntropyPlanner::propose(const Scene& scene, RandomStream& random, Funnel&) const {
    std::vector<Candidate> candidates;
    for (const PlanarGrasp& grasp : antipodal_proposals(scene, gripper(), options_.seeds, random))
        candidates.push_back({grasp});
    return candidates;
}

CrossEntropyPlanner::ReadEnergies CrossEntropyPlanner::refine(const PlanRequest&, const Scene& scene,
                                                              RandomStream& random, Funnel& funnel) const {
    const GraspQuality quality = [this, &funnel, &view = scene.view.image.depth](std::span<const PlanarGrasp> grasps) {
        funnel.multiply_adds += multiply_adds_ * static_cast<double>(grasps.size());
        return quality_(view, grasps);
    };
    funnel.stage("cross_entropy", [&](PlanStage&) {
        const auto keep_above_plane = admissible_grasps(scene, gripper());
        const auto admit = [&](PlanarGrasp& grasp) {
            if (!scene.in_region(grasp.row, grasp.col)) return false;
            keep_above_plane(grasp);
            return true;
        };
        funnel.candidates = cross_entropy_search(grasps_of(funnel.candidates), quality, admit, scene.camera(),
                                                 gripper().max_opening, options_, random);
    });
    return [quality](std::vector<Candidate>& candidates) {
        const auto qualities = quality(grasps_of(candidates));
        for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].energy = -qualities[i];
    };
}

}  // namespace ebgrasp
