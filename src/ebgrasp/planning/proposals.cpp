#include "ebgrasp/planning/proposals.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "ebgrasp/planning/jaws.hpp"

namespace ebgrasp {
namespace {

constexpr double edge_drop = 0.004;       // metres over two pixels: a slope of about 55 degrees at 0.7 m and 525 px
constexpr double max_below_top = 0.030;   // metres: deeper centres mostly collide
constexpr double palm_clearance = 0.010;  // metres between the palm and the surface below it

using Eigen::Vector2d, Eigen::Vector2i;

/// Height gradient (metres per pixel) by central differences as (row, col).
Vector2d gradient(const Scene& scene, int row, int col) {
    return {0.5 * (scene.height_at(row + 1, col) - scene.height_at(row - 1, col)),
            0.5 * (scene.height_at(row, col + 1) - scene.height_at(row, col - 1))};
}

std::vector<Vector2i> region_pixels(const Scene& scene, bool edges_only) {
    std::vector<Vector2i> pixels;
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

/// The pair of `edge` and the edge opposite, along an axis drawn from its friction cone.
std::optional<EdgePair> sample_pair(const Scene& scene, const Gripper& gripper, const Vector2i& edge,
                                    RandomStream& random) {
    const double cone = std::atan(gripper.pad_friction);
    const Vector2d rise = gradient(scene, edge.x(), edge.y());
    const double normal = std::atan2(rise.x(), rise.y());  // from +col towards +row, pointing into the object
    const double angle = normal + random.uniform(-cone, cone);
    const Vector2d along(std::sin(angle), std::cos(angle));  // (row, col)

    // March to where the surface falls away again: the opposite edge. The level is half of the first edge's height.
    const Vector2d start = edge.cast<double>();
    const double level = 0.5 * scene.height_at(edge.x() + 2 * along.x(), edge.y() + 2 * along.y());
    const double reach = gripper.max_opening * scene.pixels_per_metre(scene.plane_depth - level);
    double length = 3.0;
    while (length < reach && scene.height_at(start.x() + length * along.x(), start.y() + length * along.y()) > level)
        length += 1.0;
    if (length >= reach) return std::nullopt;
    const Vector2d opposite = start + (length - 1.0) * along;
    const Vector2d fall =
        gradient(scene, static_cast<int>(std::lround(opposite.x())), static_cast<int>(std::lround(opposite.y())));
    if (fall.norm() == 0.0 || -fall.normalized().dot(along) < std::cos(cone)) return std::nullopt;

    const EdgePair pair{start, opposite, angle};
    if (!scene.in_region(pair.center().x(), pair.center().y())) return std::nullopt;
    return pair;
}

/// Radians between `direction` and the mean gradient in a disc around an edge.
double lean(const Scene& scene, const Vector2d& edge, const Vector2d& direction) {
    constexpr int radius = 3;  // pixels
    const Vector2i center(static_cast<int>(std::lround(edge.x())), static_cast<int>(std::lround(edge.y())));
    Vector2d rise(0, 0);
    for (int row = -radius; row <= radius; ++row)
        for (int col = -radius; col <= radius; ++col)
            if (row * row + col * col <= radius * radius) rise += gradient(scene, center.x() + row, center.y() + col);
    return std::acos(std::clamp(rise.normalized().dot(direction), -1.0, 1.0));
}

}  // namespace

void sample_edge_pairs(const Scene& scene, const Gripper& gripper, std::size_t count, RandomStream& random,
                       const std::function<void(const EdgePair&)>& use) {
    const auto edges = region_pixels(scene, true);
    if (edges.empty()) return;
    std::size_t found = 0;
    for (std::size_t attempt = 0; attempt < 20 * count && found < count; ++attempt)
        if (const auto pair = sample_pair(scene, gripper, edges[random.index(edges.size())], random)) {
            use(*pair);
            ++found;
        }
}

double largest_lean(const Scene& scene, const EdgePair& pair) {
    const Vector2d along(std::sin(pair.angle), std::cos(pair.angle));
    return std::max(lean(scene, pair.start, along), lean(scene, pair.end, -along));
}

std::vector<PlanarGrasp> antipodal_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                             RandomStream& random) {
    std::vector<PlanarGrasp> proposals;
    sample_edge_pairs(scene, gripper, count, random, [&](const EdgePair& pair) {
        const Vector2d center = pair.center();
        proposals.push_back(at_random_height(scene, gripper, center.x(), center.y(), pair.angle, random));
    });
    return proposals;
}

std::vector<PlanarGrasp> uniform_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                           RandomStream& random) {
    const auto pixels = region_pixels(scene, false);
    std::vector<PlanarGrasp> proposals;
    for (std::size_t i = 0; i < count && !pixels.empty(); ++i) {
        const Vector2i pixel = pixels[random.index(pixels.size())];
        const double angle = random.uniform(-std::numbers::pi / 2, std::numbers::pi / 2);
        proposals.push_back(at_random_height(scene, gripper, pixel.x(), pixel.y(), angle, random));
    }
    return proposals;
}

double fixed_rule_depth(const Scene& scene, const Gripper& gripper, double row, double col) {
    const double top = scene.height_at(row, col);
    const double reach = gripper.finger_length - gripper.tip_offset - palm_clearance;
    return scene.plane_depth - std::max(lowest_center(gripper), top - std::min(0.5 * top, std::max(0.0, reach)));
}

}  // namespace ebgrasp
