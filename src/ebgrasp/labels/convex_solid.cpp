#include "ebgrasp/labels/convex_solid.hpp"

#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace ebgrasp {
namespace {

using Eigen::Vector3d;

/// Up to four points of the Minkowski difference, the newest last.
struct Simplex {
    std::array<Vector3d, 4> points;
    int size = 0;

    void push(const Vector3d& point) { points[std::size_t(size++)] = point; }
};

// closest_on_*: the point of a simplex that is closest to the origin, and the smallest face of the simplex that it lies
// on. Voronoi regions after Ericson, "Real-time collision detection", 2005, section 5.1. Degenerate simplices count as
// outside of all of their faces, so that the closest of these is taken.
struct Closest {
    Vector3d point = Vector3d::Zero();
    Simplex face;
    double squared_distance = std::numeric_limits<double>::infinity();

    Closest(const Vector3d& p, const Simplex& f) : point(p), face(f), squared_distance(p.squaredNorm()) {}
    Closest() = default;
};

Closest closest_on_segment(const Vector3d& a, const Vector3d& b) {
    const Vector3d ab = b - a;
    const double t = -a.dot(ab), length = ab.squaredNorm();
    if (t <= 0) return {a, {{a}, 1}};
    if (t >= length) return {b, {{b}, 1}};
    return {a + (t / length) * ab, {{a, b}, 2}};
}

Closest closest_on_triangle(const Vector3d& a, const Vector3d& b, const Vector3d& c) {
    const Vector3d normal = (b - a).cross(c - a);
    Closest best;
    for (const auto& [p, q] : {std::pair{a, b}, {b, c}, {c, a}}) {
        const bool outside = (q - p).cross(normal).dot(p) <= 0;
        if (!outside) continue;
        const Closest candidate = closest_on_segment(p, q);
        if (candidate.squared_distance < best.squared_distance) best = candidate;
    }
    if (best.face.size > 0) return best;
    return {normal * (normal.dot(a) / normal.squaredNorm()), {{a, b, c}, 3}};
}

Closest closest_on_tetrahedron(const std::array<Vector3d, 4>& p) {
    Closest best;
    for (const auto& [i, j, k, opposite] : {std::array{0, 1, 2, 3}, {0, 1, 3, 2}, {0, 2, 3, 1}, {1, 2, 3, 0}}) {
        const auto &a = p[std::size_t(i)], &b = p[std::size_t(j)], &c = p[std::size_t(k)];
        const Vector3d normal = (b - a).cross(c - a);
        const bool outside = normal.dot(a) * normal.dot(p[std::size_t(opposite)] - a) >= 0;
        if (!outside) continue;
        const Closest candidate = closest_on_triangle(a, b, c);
        if (candidate.squared_distance < best.squared_distance) best = candidate;
    }
    if (best.face.size > 0) return best;
    return {Vector3d::Zero(), {p, 4}};
}

Closest closest_on(const Simplex& simplex) {
    const auto& p = simplex.points;
    switch (simplex.size) {
        case 1:
            return {p[0], simplex};
        case 2:
            return closest_on_segment(p[0], p[1]);
        case 3:
            return closest_on_triangle(p[0], p[1], p[2]);
        default:
            return closest_on_tetrahedron(p);
    }
}

Vector3d support(const OrientedBox& box, const Vector3d& direction) {
    const Vector3d local = box.axes.transpose() * direction;
    return box.center + box.axes * box.half_size.cwiseProduct(local.cwiseSign());
}

}  // namespace

ConvexSolid::ConvexSolid(const ConvexPart& part)
    : vertices_(part.vertices.size(), 3), normals_(part.triangles.size(), 3), offsets_(part.triangles.size()) {
    Eigen::AlignedBox3d bounds;
    for (std::size_t i = 0; i < part.vertices.size(); ++i) {
        vertices_.row(Eigen::Index(i)) = part.vertices[i];
        bounds.extend(part.vertices[i]);
    }
    for (std::size_t i = 0; i < part.triangles.size(); ++i) {
        const auto corner = [&](int k) { return part.vertices[std::size_t(part.triangles[i][k])]; };
        const Vector3d normal = (corner(1) - corner(0)).cross(corner(2) - corner(0)).normalized();
        normals_.row(Eigen::Index(i)) = normal;
        offsets_[Eigen::Index(i)] = normal.dot(corner(0));
    }
    center_ = bounds.center();
    radius_ = std::sqrt((vertices_.rowwise() - center_.transpose()).rowwise().squaredNorm().maxCoeff());
}

bool ConvexSolid::contains(const Vector3d& point) const {
    if ((point - center_).squaredNorm() > radius_ * radius_) return false;
    for (Eigen::Index i = 0; i < normals_.rows(); ++i) {
        if (normals_.row(i).dot(point) > offsets_[i] - tolerance) return false;
    }
    return true;
}

Vector3d ConvexSolid::support(const Vector3d& direction) const {
    Eigen::Index farthest = 0;
    double best = -std::numeric_limits<double>::infinity();
    for (Eigen::Index i = 0; i < vertices_.rows(); ++i) {
        const double along = vertices_.row(i).dot(direction);
        if (along > best) {
            best = along;
            farthest = i;
        }
    }
    return vertices_.row(farthest);
}

// The distance algorithm of Gilbert, Johnson and Keerthi, 1988, ended as soon as it has separated the two.
bool ConvexSolid::overlaps(const OrientedBox& box) const {
    const OrientedBox shrunk{box.center, box.axes, (box.half_size.array() - tolerance).max(0.0)};
    const Vector3d offset = box.axes.transpose() * (center_ - box.center);
    if ((offset.cwiseAbs() - shrunk.half_size).cwiseMax(0.0).squaredNorm() > radius_ * radius_) return false;

    Simplex simplex;
    Vector3d closest = center_ - box.center;  // of part minus box, to the origin
    constexpr int max_iterations = 64;        // a handful suffice; ending without an answer is a collision
    for (int i = 0; i < max_iterations; ++i) {
        const Vector3d point = support(-closest) - ebgrasp::support(shrunk, closest);
        if (closest.dot(point) > 0) return false;
        simplex.push(point);
        const Closest next = closest_on(simplex);
        constexpr double touching = 1e-10;  // metres, far below the tolerance
        if (next.face.size == 4 || next.squared_distance < touching * touching) return true;
        simplex = next.face;
        closest = next.point;
    }
    return true;
}

}  // namespace ebgrasp
