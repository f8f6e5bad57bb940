#include "ebgrasp/baselines/per_pixel_planner.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/baselines/per_pixel_runtime.hpp"

namespace ebgrasp {
namespace {

constexpr double smoothing = 1.0;          // standard deviation, grid pixels
constexpr double depth_preference = 1e-6;  // in quality, between the depths of one pixel

/// A Gaussian along each axis, cut off at three standard deviations; beyond the border there is nothing.
DepthArray smoothed(const DepthArray& map) {
    const int reach = static_cast<int>(std::ceil(3 * smoothing));
    Eigen::ArrayXf kernel(2 * reach + 1);
    for (int k = -reach; k <= reach; ++k)
        kernel(k + reach) = static_cast<float>(std::exp(-0.5 * std::pow(k / smoothing, 2)));
    kernel /= kernel.sum();
    const auto along_rows = [&](const DepthArray& in) {
        DepthArray out = DepthArray::Zero(in.rows(), in.cols());
        for (int k = -reach; k <= reach; ++k) {
            const Eigen::Index rows = in.rows() - std::abs(k), to = std::max(0, -k), from = std::max(0, k);
            if (rows > 0) out.middleRows(to, rows) += kernel(k + reach) * in.middleRows(from, rows);
        }
        return out;
    };
    return along_rows(along_rows(map).transpose()).transpose();
}

/// True if no neighbour is better; of equal ones only the first in reading order is.
bool is_peak(const DepthArray& map, int row, int col) {
    for (int r = std::max(0, row - 1); r <= std::min<int>(row + 1, static_cast<int>(map.rows()) - 1); ++r)
        for (int c = std::max(0, col - 1); c <= std::min<int>(col + 1, static_cast<int>(map.cols()) - 1); ++c) {
            const bool before = r < row || (r == row && c < col);
            if (map(r, c) > map(row, col) || (before && map(r, c) == map(row, col))) return false;
        }
    return true;
}

}  // namespace

PerPixelPlanner::PerPixelPlanner(std::shared_ptr<const GraspMapper> network, Gripper gripper, SceneOptions options)
    : ScenePlanner(std::move(gripper), options), network_(std::move(network)) {}

std::vector<Candidate> PerPixelPlanner::propose(const Scene& scene, RandomStream&) const {
    const FieldGrid grid = field_grid(scene.view.image, scene.region, scene.plane_depth);
    const GraspMaps maps = network_->maps(grid);
    const DepthArray quality = smoothed(maps.quality), cos2 = smoothed(maps.cos2), sin2 = smoothed(maps.sin2);
    std::vector<Candidate> candidates;
    for (int row = 0; row < quality.rows(); ++row)
        for (int col = 0; col < quality.cols(); ++col) {
            const Eigen::Vector2d pixel = view_pixel(grid, row, col);
            if (!scene.in_region(pixel.x(), pixel.y()) || !is_peak(quality, row, col)) continue;
            double energy = -quality(row, col);
            for (const PlanarGrasp& grasp :
                 grasps_at(scene, gripper(), pixel, 0.5 * std::atan2(sin2(row, col), cos2(row, col)))) {
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
