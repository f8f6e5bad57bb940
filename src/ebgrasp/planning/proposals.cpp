#include "ebgrasp/planning/proposals.hpp"

#include <cmath>
#include <numbers>

#include "ebgrasp/planning/jaws.hpp"

namespace ebgrasp {
namespace {

constexpr double edge_drop = 0.004;      // metres over two pixels: a slope of about 55 degrees at 0.7 m and 525 px
constexpr double max_below_top = 0.030;  // metres: deeper centres mostly collide

using Eigen::Vector2d;

/// Height gradient (metres per pixel) by central differences over `step` pixels, as (row, col).
Vector2d gradient(const Scene& scene, int row, int col) {
    return {0.5 * (scene.height_at(row + 1, col) - scene.height_at(row - 1, col)),
            0.5 * (scene.height_at(row, col + 1) - scene.height_at(row, col - 1))};
}

std::vector<Eigen::Vector2i> region_pixels(const Scene& scene, bool edges_only) {
    std::vector<Eigen::Vector2i> pixels;
    for (int row = 0; row < scene.region.rows(); ++row)
        for (int col = 0; col < scene.region.cols(); ++col)
            if (scene.region(row, col) && (!edges_only || 2 * gradient(scene, row, col).norm() > edge_drop))
                pixels.emplace_back(row, col);
    return pixels;
}

/// A grasp centred on (row, col) whose centre lies at a uniform height below the surface there.
PlanarGrasp at_random_height(const Scene& scene, const Gripper& gripper, double row, double col, double angle,
                             RandomStream& random) {
    const double top = scene.height_at(row, col);
    const double lowest = lowest_center(gripper);
    const double highest = std::max(lowest, top - surface_margin);
    const double height = random.uniform(std::max(lowest, top - max_below_top), highest);
    return {row, col, scene.plane_depth - height, wrap_angle(angle), 0.0};
}

}  // namespace

std::vector<PlanarGrasp> antipodal_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                             RandomStream& random) {
    const auto edges = region_pixels(scene, true);
    std::vector<PlanarGrasp> proposals;
    if (edges.empty()) return proposals;
    const double cone = std::atan(gripper.pad_friction);
    for (std::size_t attempt = 0; attempt < 20 * count && proposals.size() < count; ++attempt) {
        const Eigen::Vector2i edge = edges[random.index(edges.size())];
        const Vector2d rise = gradient(scene, edge.x(), edge.y());
        const double normal = std::atan2(rise.x(), rise.y());  // from +col towards +row, pointing into the object
        const double angle = normal + random.uniform(-cone, cone);
        const Vector2d along(std::sin(angle), std::cos(angle));  // (row, col)

        // March to where the surface falls away again: the opposite edge. The level is half of the first edge's height.
        const Vector2d start = edge.cast<double>();
        const double level = 0.5 * scene.height_at(edge.x() + 2 * along.x(), edge.y() + 2 * along.y());
        const double reach = gripper.max_opening * scene.pixels_per_metre(scene.plane_depth - level);
        double length = 3.0;
        while (length < reach &&
               scene.height_at(start.x() + length * along.x(), start.y() + length * along.y()) > level)
            length += 1.0;
        if (length >= reach) continue;
        const Vector2d opposite = start + (length - 1.0) * along;
        const Vector2d fall =
            gradient(scene, static_cast<int>(std::lround(opposite.x())), static_cast<int>(std::lround(opposite.y())));
        if (fall.norm() == 0.0 || -fall.normalized().dot(along) < std::cos(cone)) continue;

        const Vector2d center = 0.5 * (start + opposite);
        if (!scene.in_region(center.x(), center.y())) continue;
        proposals.push_back(at_random_height(scene, gripper, center.x(), center.y(), angle, random));
    }
    return proposals;
}

std::vector<PlanarGrasp> uniform_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                           RandomStream& random) {
    const auto pixels = region_pixels(scene, false);
    std::vector<PlanarGrasp> proposals;
    for (std::size_t i = 0; i < count && !pixels.empty(); ++i) {
        const Eigen::Vector2i pixel = pixels[random.index(pixels.size())];
        const double angle = random.uniform(-std::numbers::pi / 2, std::numbers::pi / 2);
        proposals.push_back(at_random_height(scene, gripper, pixel.x(), pixel.y(), angle, random));
    }
    return proposals;
}

}  // namespace ebgrasp
