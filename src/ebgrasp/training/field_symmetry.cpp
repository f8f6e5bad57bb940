#include "ebgrasp/training/field_symmetry.hpp"

#include <numbers>
#include <utility>

namespace ebgrasp {

FieldSymmetry FieldSymmetry::draw(const FieldGrid& grid, RandomStream& random) {
    const std::size_t k = random.index(grid.depth.rows() == grid.depth.cols() ? 8 : 4);
    return {(k & 1) != 0, (k & 2) != 0, (k & 4) != 0};
}

DepthArray FieldSymmetry::of(DepthArray map) const {
    if (mirror_rows) map = map.colwise().reverse().eval();
    if (mirror_cols) map = map.rowwise().reverse().eval();
    if (transpose) map = map.transpose().eval();
    return map;
}

std::array<float, 4> FieldSymmetry::row_of(const PlanarGrasp& y, const FieldGrid& grid) const {
    const Eigen::Vector2d foot = grid.foot(y);
    double row = foot.x(), col = foot.y(), angle = y.angle;
    if (mirror_rows) row = double(grid.depth.rows() - 1) - row, angle = -angle;
    if (mirror_cols) col = double(grid.depth.cols() - 1) - col, angle = -angle;
    if (transpose) std::swap(row, col), angle = std::numbers::pi / 2 - angle;
    return {static_cast<float>(row), static_cast<float>(col), static_cast<float>(y.depth), static_cast<float>(angle)};
}

PlanarGrasp FieldSymmetry::grasp_of(const float* values, const FieldGrid& grid) const {
    double row = values[0], col = values[1], angle = values[3];
    if (transpose) std::swap(row, col), angle = std::numbers::pi / 2 - angle;
    if (mirror_cols) col = double(grid.depth.cols() - 1) - col, angle = -angle;
    if (mirror_rows) row = double(grid.depth.rows() - 1) - row, angle = -angle;
    const Eigen::Vector2d pixel = grid.pixel({row, col}, values[2]);
    return {pixel.x(), pixel.y(), values[2], wrap_angle(angle), 0};
}

}  // namespace ebgrasp
