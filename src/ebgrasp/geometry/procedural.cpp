#include "ebgrasp/geometry/procedural.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

constexpr double pi = std::numbers::pi;

void require_positive(const char* what, double value) {
    require(std::isfinite(value) && value > 0, what, " must be positive, not ", value);
}

void require_segments(int segments) {
    require(segments >= 3 && segments <= 1024, "a round part needs 3 to 1024 segments, not ", segments);
}

/// The corners of a regular polygon at height z.
void append_ring(std::vector<Eigen::Vector3d>& points, double radius, double z, int segments) {
    for (int i = 0; i < segments; ++i) {
        const double angle = 2 * pi * i / segments;
        points.emplace_back(radius * std::cos(angle), radius * std::sin(angle), z);
    }
}

double log_uniform(RandomStream& random, double low, double high) {
    return std::exp(random.uniform(std::log(low), std::log(high)));
}

/// Uniform over directions.
Eigen::Vector3d random_direction(RandomStream& random) {
    const double z = random.uniform(-1, 1), angle = random.uniform(0, 2 * pi);
    const double radius = std::sqrt(1 - z * z);
    return {radius * std::cos(angle), radius * std::sin(angle), z};
}

/// Uniform over rotations (Shoemake, "Uniform random rotations", 1992).
Eigen::Quaterniond random_rotation(RandomStream& random) {
    const double u = random.uniform(), alpha = random.uniform(0, 2 * pi), beta = random.uniform(0, 2 * pi);
    return {std::sqrt(u) * std::cos(beta), std::sqrt(1 - u) * std::sin(alpha), std::sqrt(1 - u) * std::cos(alpha),
            std::sqrt(u) * std::sin(beta)};
}

/// One of the three axes, either way.
Eigen::Vector3d random_axis(RandomStream& random) {
    const std::size_t axis = random.index(3);
    return (random.bernoulli(0.5) ? 1 : -1) * Eigen::Vector3d::Unit(static_cast<Eigen::Index>(axis));
}

/// A rotation that maps axes to axes.
Eigen::Quaterniond random_quarter_turns(RandomStream& random) {
    const auto about_x = static_cast<double>(random.index(4)), about_z = static_cast<double>(random.index(4));
    return Eigen::AngleAxisd(about_x * pi / 2, Eigen::Vector3d::UnitX()) *
           Eigen::AngleAxisd(about_z * pi / 2, Eigen::Vector3d::UnitZ());
}

/// A part and its thinnest extent, in the units of the composition before it is scaled.
struct Piece {
    ConvexPart part;
    double thickness;
};

/// A primitive about the origin whose longest extent is `size` and whose shortest is `size` / `max_aspect` or more.
Piece random_primitive(RandomStream& random, double size, double max_aspect) {
    const double shortest = size / log_uniform(random, 1, max_aspect);
    const double middle = log_uniform(random, shortest, size);
    switch (random.index(4)) {
        case 0:
            return {make_box({size, middle, shortest}), shortest};
        case 1: {
            const bool rod = random.bernoulli(0.5);  // else a disk
            return {rod ? make_cylinder(shortest / 2, size) : make_cylinder(size / 2, shortest), shortest};
        }
        case 2:
            return {make_capsule(shortest / 2, size), shortest};
        default: {
            const double e1 = random.uniform(0.1, 2), e2 = random.uniform(0.1, 2);
            return {make_superquadric(0.5 * Eigen::Vector3d(size, middle, shortest), e1, e2), shortest};
        }
    }
}

void transform(ConvexPart& part, const Eigen::Affine3d& transformation) {
    for (Eigen::Vector3d& vertex : part.vertices) vertex = transformation * vertex;
}

/// The distance from `inside`, a point of `part`, to its surface along `direction`.
double distance_to_surface(const ConvexPart& part, const Eigen::Vector3d& inside, const Eigen::Vector3d& direction) {
    double nearest = std::numeric_limits<double>::infinity();
    for (const Eigen::Vector3i& triangle : part.triangles) {
        const auto corner = [&](int i) { return part.vertices[static_cast<std::size_t>(triangle[i])]; };
        const Eigen::Vector3d normal = (corner(1) - corner(0)).cross(corner(2) - corner(0));
        const double slope = normal.dot(direction);
        if (slope > 1e-9 * normal.norm()) nearest = std::min(nearest, normal.dot(corner(0) - inside) / slope);
    }
    return nearest;
}

/// Moves `part`, which lies about the origin, so that a point inside it meets a point inside `base`, both towards
/// their surfaces: the two overlap there.
void attach(ConvexPart& part, const ConvexPart& base, const Eigen::Vector3d& direction, RandomStream& random) {
    const Eigen::Vector3d center = mass_properties({&base, 1}).center_of_mass_O;
    const double out_of_base = random.uniform(0.5, 0.95) * distance_to_surface(base, center, direction);
    const double into_part = random.uniform(0, 0.95) * distance_to_surface(part, Eigen::Vector3d::Zero(), -direction);
    transform(part, Eigen::Affine3d(Eigen::Translation3d(center + (out_of_base + into_part) * direction)));
}

std::size_t random_part_count(RandomStream& random, int max_parts) {
    if (random.bernoulli(0.4) || max_parts == 1) return 1;
    return 2 + random.index(static_cast<std::size_t>(max_parts - 1));
}

/// Of any size and position. Half of all compositions are right-angled (tools, brackets, crosses), half are not.
std::vector<Piece> random_composition(RandomStream& random, std::size_t count, double max_aspect) {
    const bool right_angled = random.bernoulli(0.5);
    std::vector<Piece> pieces;
    while (pieces.size() < count) {
        Piece piece = random_primitive(random, log_uniform(random, 0.4, 1.0), max_aspect);
        const Eigen::Quaterniond rotation = right_angled ? random_quarter_turns(random) : random_rotation(random);
        transform(piece.part, Eigen::Affine3d(rotation));
        if (!pieces.empty()) {
            const ConvexPart& base = pieces[random.index(pieces.size())].part;
            attach(piece.part, base, right_angled ? random_axis(random) : random_direction(random), random);
        }
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

Eigen::AlignedBox3d bounds(const std::vector<Piece>& pieces) {
    Eigen::AlignedBox3d box;
    for (const Piece& piece : pieces) {
        for (const Eigen::Vector3d& vertex : piece.part.vertices) box.extend(vertex);
    }
    return box;
}

void validate(const ProceduralParameters& parameters) {
    require_positive("min_thickness", parameters.min_thickness);
    require(parameters.min_thickness <= parameters.min_size && parameters.min_size <= parameters.max_size,
            "procedural objects need min_thickness <= min_size <= max_size, not ", parameters.min_thickness, ", ",
            parameters.min_size, ", ", parameters.max_size);
    require(parameters.max_aspect >= 1, "max_aspect must be at least 1, not ", parameters.max_aspect);
    require(parameters.max_parts >= 1 && parameters.max_parts <= 100, "max_parts must be in [1, 100], not ",
            parameters.max_parts);
}

}  // namespace

ConvexPart make_box(const Eigen::Vector3d& extents) {
    for (const double extent : extents) require_positive("a box's extent", extent);
    std::vector<Eigen::Vector3d> corners;
    for (int i = 0; i < 8; ++i) {
        const Eigen::Vector3d signs(i & 1 ? 1 : -1, i & 2 ? 1 : -1, i & 4 ? 1 : -1);
        corners.push_back(0.5 * extents.cwiseProduct(signs));
    }
    return convex_hull(corners);
}

ConvexPart make_cylinder(double radius, double height, int segments) {
    require_positive("a cylinder's radius", radius);
    require_positive("a cylinder's height", height);
    require_segments(segments);
    std::vector<Eigen::Vector3d> points;
    append_ring(points, radius, -height / 2, segments);
    append_ring(points, radius, height / 2, segments);
    return convex_hull(points);
}

ConvexPart make_capsule(double radius, double height, int segments) {
    require_positive("a capsule's radius", radius);
    require(std::isfinite(height) && height >= 2 * radius, "a capsule's height must be at least its diameter ",
            2 * radius, ", not ", height);
    require_segments(segments);
    std::vector<Eigen::Vector3d> points;
    const int rings = std::max(1, segments / 4);  // on each half sphere, without its pole
    for (const int side : {-1, 1}) {
        const double center = side * (height / 2 - radius);
        points.emplace_back(0, 0, center + side * radius);
        for (int i = 0; i < rings; ++i) {
            const double latitude = pi / 2 * i / rings;
            append_ring(points, radius * std::cos(latitude), center + side * radius * std::sin(latitude), segments);
        }
    }
    return convex_hull(points);
}

ConvexPart make_superquadric(const Eigen::Vector3d& half_extents, double e1, double e2, int segments) {
    for (const double extent : half_extents) require_positive("a superquadric's half extent", extent);
    require(e1 > 0 && e1 <= 2 && e2 > 0 && e2 <= 2, "a superquadric's exponents must be in (0, 2], not ", e1, ", ", e2);
    require_segments(segments);
    const auto power = [](double x, double e) { return std::copysign(std::pow(std::abs(x), e), x); };
    std::vector<Eigen::Vector3d> points;
    const int rings = std::max(2, segments / 2);  // of latitude, from pole to pole
    for (int i = 0; i <= rings; ++i) {
        const double latitude = pi * (static_cast<double>(i) / rings - 0.5);
        for (int j = 0; j < segments; ++j) {
            const double longitude = 2 * pi * j / segments;
            const double radius = power(std::cos(latitude), e1);
            const Eigen::Vector3d unit(radius * power(std::cos(longitude), e2), radius * power(std::sin(longitude), e2),
                                       power(std::sin(latitude), e1));
            points.push_back(half_extents.cwiseProduct(unit));
        }
    }
    return convex_hull(points);
}

Object procedural_object(std::uint64_t seed, std::uint64_t index, const ProceduralParameters& parameters) {
    validate(parameters);
    RandomStream random(seed, index);
    const std::size_t count = random_part_count(random, parameters.max_parts);
    for (int attempt = 0; attempt < 1000; ++attempt) {
        std::vector<Piece> pieces = random_composition(random, count, parameters.max_aspect);
        const Eigen::AlignedBox3d box = bounds(pieces);
        const double scale = log_uniform(random, parameters.min_size, parameters.max_size) / box.sizes().maxCoeff();
        const double thickness = scale * std::ranges::min(pieces, {}, &Piece::thickness).thickness;
        if (thickness < parameters.min_thickness) continue;

        std::vector<ConvexPart> parts;
        for (Piece& piece : pieces) {
            transform(piece.part, Eigen::Scaling(scale) * Eigen::Translation3d(-box.center()));
            parts.push_back(std::move(piece.part));
        }
        return make_object("procedural_" + std::to_string(seed) + "_" + std::to_string(index), std::move(parts));
    }
    fail("no procedural object of ", parameters.min_size, " to ", parameters.max_size, " m has parts of at least ",
         parameters.min_thickness, " m; lower min_thickness or raise max_size");
}

}  // namespace ebgrasp
