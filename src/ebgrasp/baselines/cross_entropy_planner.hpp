// Dex-Net 2.0's policy: the cross-entropy method on a learned grasp quality (Mahler et al., "Dex-Net 2.0", RSS 2017,
// section V; CrossEntropyRobustGraspingPolicy of its gqcnn package with cfg/examples/replication/dex-net_2.0.yaml).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/planning/scene_planner.hpp"

namespace ebgrasp {

struct CrossEntropyOptions : SceneOptions {
    std::size_t seeds = 250;          ///< antipodal pairs of depth edges
    int iterations = 3;               ///< of fitting a mixture to the best grasps and sampling from it ...
    std::size_t samples = 50;         ///< ... so many
    double refit_fraction = 0.25;     ///< of the grasps that the mixture is fitted to, (0, 1]
    double component_fraction = 0.4;  ///< Gaussians per grasp that they are fitted to, (0, 1]
    double regularization = 0.01;     ///< added to the variances of the standardised grasps
    std::size_t max_draws = 100;      ///< of an iteration; fewer than `samples` grasps if too many are inadmissible
};

/// One quality per grasp, higher is better.
using GraspQuality = std::function<std::vector<double>(std::span<const PlanarGrasp>)>;

/// The search alone: from `seeds` to all grasps whose quality was asked for, seeds first, with energy = -quality. In
/// each iteration the best grasps, as vectors (row and column of both jaws at `opening` metres, depth) that are
/// standardised, are fitted by a mixture of Gaussians; of the samples from it those that `admit` accepts (and may move)
/// are the next grasps.
std::vector<Candidate> cross_entropy_search(std::vector<PlanarGrasp> seeds, const GraspQuality& quality,
                                            const std::function<bool(PlanarGrasp&)>& admit,
                                            const CameraIntrinsics& camera, double opening,
                                            const CrossEntropyOptions& options, RandomStream& random);

/// Departures from the publication, all of them so that planners differ in where they grasp alone: grasps approach
/// along the support plane's normal; samples are kept above the plane, as grasps that descend are; any grasp that was
/// scored may be the one that is planned, not only those of the last iteration; and it has to fit the jaws.
class CrossEntropyPlanner : public ScenePlanner {
  public:
    /// Quality of grasps in a scene's view (no missing depth; its camera is ViewSpec's default).
    using ViewQuality = std::function<std::vector<double>(const DepthArray& view, std::span<const PlanarGrasp>)>;

    /// `multiply_adds` of one grasp's quality, to be counted; 0: not known.
    CrossEntropyPlanner(std::string name, ViewQuality quality, Gripper gripper, CrossEntropyOptions options = {},
                        double multiply_adds = 0);

    std::string name() const override { return name_; }

  private:
    std::vector<Candidate> propose(const Scene& scene, RandomStream& random, Funnel& funnel) const override;
    ReadEnergies refine(const PlanRequest& request, const Scene& scene, RandomStream& random,
                        Funnel& funnel) const override;

    std::string name_;
    ViewQuality quality_;
    CrossEntropyOptions options_;
    double multiply_adds_;
};

}  // namespace ebgrasp
