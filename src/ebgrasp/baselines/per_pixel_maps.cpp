#include "ebgrasp/baselines/per_pixel_maps.hpp"

#include <algorithm>

#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"

namespace ebgrasp {

Eigen::Vector2d view_pixel(const FieldGrid& grid, int row, int col) {
    return {FieldGrid::to_view(row, grid.row), FieldGrid::to_view(col, grid.col)};
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
