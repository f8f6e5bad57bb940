#include "ebgrasp/baselines/per_pixel_planner.hpp"

#include "ebgrasp/baselines/per_pixel_runtime.hpp"

namespace ebgrasp {
namespace {

constexpr double depth_preference = 1e-6;  // in quality, between the depths of one pixel

}  // namespace

PerPixelPlanner::PerPixelPlanner(std::shared_ptr<const GraspMapper> network, Gripper gripper, SceneOptions options)
    : ScenePlanner(std::move(gripper), options), network_(std::move(network)) {}

std::vector<Candidate> PerPixelPlanner::propose(const Scene& scene, RandomStream&, Funnel& funnel) const {
    const ViewGrid grid = view_grid(scene.view.image, scene.region, scene.plane_depth);
    funnel.multiply_adds += network_->multiply_adds(grid);
    const auto in_region = [&](int row, int col) {
        const Eigen::Vector2d pixel = view_pixel(grid, row, col);
        return scene.in_region(pixel.x(), pixel.y());
    };
    std::vector<Candidate> candidates;
    for (const PixelPeak& peak : quality_peaks(network_->maps(grid), in_region)) {
        double energy = -peak.quality;
        for (const PlanarGrasp& grasp : grasps_at(scene, gripper(), view_pixel(grid, peak.row, peak.col), peak.angle)) {
            candidates.push_back({grasp, energy});
            energy += depth_preference;
        }
    }
    return candidates;
}

std::unique_ptr<PerPixelPlanner> load_per_pixel_planner(const std::string& path, Gripper gripper) {
    return std::make_unique<PerPixelPlanner>(std::make_shared<PerPixelRuntime>(read_checkpoint(path)),
                                             std::move(gripper));
}

}  // namespace ebgrasp
