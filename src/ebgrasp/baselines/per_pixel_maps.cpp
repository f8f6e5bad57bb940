#include "ebgrasp/baselines/per_pixel_maps.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {
namespace {

constexpr double smoothing = 1.0;  // standard deviation, grid pixels

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

Eigen::Vector2d view_pixel(const ViewGrid& grid, int row, int col) {
    return {ViewGrid::to_view(row, grid.row), ViewGrid::to_view(col, grid.col)};
}

std::vector<PixelPeak> quality_peaks(const GraspMaps& maps, const std::function<bool(int, int)>& wanted) {
    const DepthArray quality = smoothed(maps.quality), cos2 = smoothed(maps.cos2), sin2 = smoothed(maps.sin2);
    std::vector<PixelPeak> peaks;
    for (int row = 0; row < quality.rows(); ++row)
        for (int col = 0; col < quality.cols(); ++col)
            if (is_peak(quality, row, col) && wanted(row, col))
                peaks.push_back({row, col, quality(row, col), 0.5 * std::atan2(sin2(row, col), cos2(row, col))});
    std::ranges::stable_sort(peaks, std::greater{}, &PixelPeak::quality);
    return peaks;
}

std::array<PlanarGrasp, 3> grasps_at(const Scene& scene, const Gripper& gripper, const Eigen::Vector2d& pixel,
                                     double angle) {
    const double row = pixel.x(), col = pixel.y(), top = scene.height_at(row, col);
    const auto below_top = [&](double distance) {
        return scene.plane_depth - std::max(lowest_center(gripper), top - distance);
    };
    const auto grasp = [&](double depth) { return PlanarGrasp{row, col, depth, wrap_angle(angle), 0}; };
    return {grasp(fixed_rule_depth(scene, gripper, row, col)), grasp(below_top(0.02)), grasp(below_top(0.01))};
}

}  // namespace ebgrasp
