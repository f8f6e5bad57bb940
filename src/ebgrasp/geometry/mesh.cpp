#include "ebgrasp/geometry/mesh.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

extern "C" {
#include <libqhull_r/qhull_ra.h>
}

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"

namespace ebgrasp {
namespace {

/// qhull's state. The C interface, since the headers of its C++ interface are not valid C++20.
class Qhull {
  public:
    Qhull() { qh_zero(&state_, null_stream()); }
    ~Qhull() {
        int leaked, blocks;
        qh_freeqhull(&state_, qh_ALL);
        qh_memfreeshort(&state_, &leaked, &blocks);
    }
    Qhull(const Qhull&) = delete;
    Qhull& operator=(const Qhull&) = delete;

    /// Returns qhull's exit code. Qt: triangulated output; Pp: no report on precision.
    int run(std::vector<double>& coordinates) {
        char options[] = "qhull Qt Pp";
        return qh_new_qhull(&state_, 3, static_cast<int>(coordinates.size() / 3), coordinates.data(), False, options,
                            nullptr, null_stream());
    }

    std::vector<Eigen::Vector3i> triangles() {
        std::vector<Eigen::Vector3i> triangles;
        qhT* qh = &state_;  // the name that qhull's macros expect
        facetT* facet;
        vertexT *vertex, **vertexp;
        FORALLfacets {
            Eigen::Vector3i triangle;
            int corner = 0;
            FOREACHvertex_(facet->vertices) triangle[corner++] = qh_pointid(qh, vertex->point);
            if (facet->toporient) std::swap(triangle[1], triangle[2]);
            triangles.push_back(triangle);
        }
        return triangles;
    }

  private:
    static FILE* null_stream() {
        static FILE* const stream = std::fopen("/dev/null", "w");
        return stream;
    }

    qhT state_;
};

/// Drops the vertices that no triangle uses; the others keep their order.
ConvexPart compact(std::span<const Eigen::Vector3d> points, std::vector<Eigen::Vector3i> triangles) {
    std::vector<int> new_index(points.size(), -1);
    for (const auto& triangle : triangles) {
        for (const int corner : triangle) new_index[static_cast<std::size_t>(corner)] = 0;
    }
    ConvexPart part;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (new_index[i] < 0) continue;
        new_index[i] = static_cast<int>(part.vertices.size());
        part.vertices.push_back(points[i]);
    }
    for (auto& triangle : triangles) {
        for (int& corner : triangle) corner = new_index[static_cast<std::size_t>(corner)];
    }
    part.triangles = std::move(triangles);
    return part;
}

}  // namespace

ConvexPart convex_hull(std::span<const Eigen::Vector3d> points) {
    require(points.size() >= 4, "a convex part needs at least 4 points, not ", points.size());
    require(std::ranges::all_of(points, [](const auto& p) { return p.allFinite(); }),
            "a convex part has a point that is not finite");
    std::vector<double> coordinates(points.front().data(), points.front().data() + 3 * points.size());
    Qhull qhull;
    const int code = qhull.run(coordinates);
    require(code == 0, "the ", points.size(), " points of a convex part have no volume (qhull's exit code ", code, ")");
    return compact(points, qhull.triangles());
}

bool ConvexPart::contains(const Eigen::Vector3d& p_O) const {
    return std::ranges::all_of(triangles, [&](const Eigen::Vector3i& triangle) {
        const Eigen::Vector3d& a = vertices[static_cast<std::size_t>(triangle[0])];
        const Eigen::Vector3d ab = vertices[static_cast<std::size_t>(triangle[1])] - a;
        const Eigen::Vector3d ac = vertices[static_cast<std::size_t>(triangle[2])] - a;
        const Eigen::Vector3d ap = p_O - a;
        // The tolerance disarms slivers, whose normals are rounding errors.
        return ab.cross(ac).dot(ap) <= 1e-10 * ab.norm() * ac.norm() * ap.norm();
    });
}

Eigen::AlignedBox3d Object::bounds() const {
    Eigen::AlignedBox3d box;
    for (const ConvexPart& part : parts) {
        for (const Eigen::Vector3d& vertex : part.vertices) box.extend(vertex);
    }
    return box;
}

bool Object::contains(const Eigen::Vector3d& p_O) const {
    return std::ranges::any_of(parts, [&](const ConvexPart& part) { return part.contains(p_O); });
}

std::size_t Object::triangle_count() const {
    std::size_t count = 0;
    for (const ConvexPart& part : parts) count += part.triangles.size();
    return count;
}

// Signed tetrahedra between each triangle and one common point (Blow and Binstock, "How to find the inertia tensor (or
// other mass properties) of a 3D solid body represented by a triangle mesh", 2004). With the fourth corner at the
// origin, integral of x x' = det / 120 * (a a' + b b' + c c' + s s'), s = a + b + c.
MassProperties mass_properties(std::span<const ConvexPart> parts) {
    if (parts.empty() || parts.front().vertices.empty()) return {};
    const Eigen::Vector3d reference = parts.front().vertices.front();
    double six_volumes = 0;
    Eigen::Vector3d first_moment = Eigen::Vector3d::Zero();
    Eigen::Matrix3d second_moment = Eigen::Matrix3d::Zero();
    for (const ConvexPart& part : parts) {
        for (const Eigen::Vector3i& triangle : part.triangles) {
            Eigen::Matrix3d corners;
            for (int i = 0; i < 3; ++i) {
                corners.col(i) = part.vertices[static_cast<std::size_t>(triangle[i])] - reference;
            }
            const double determinant = corners.determinant();
            const Eigen::Vector3d sum = corners.rowwise().sum();
            six_volumes += determinant;
            first_moment += determinant / 24 * sum;
            second_moment += determinant / 120 * (corners * corners.transpose() + sum * sum.transpose());
        }
    }
    if (six_volumes <= 0) return {};

    MassProperties mass;
    mass.volume = six_volumes / 6;
    const Eigen::Vector3d center = first_moment / mass.volume;
    const Eigen::Matrix3d covariance = second_moment / mass.volume - center * center.transpose();
    mass.center_of_mass_O = reference + center;
    mass.inertia = covariance.trace() * Eigen::Matrix3d::Identity() - covariance;
    return mass;
}

Object make_object(std::string name, std::vector<ConvexPart> parts) {
    Object object;
    object.name = std::move(name);
    std::string reason = "it has no parts";
    for (const ConvexPart& part : parts) {
        try {
            object.parts.push_back(convex_hull(part.vertices));
        } catch (const Error& error) {
            reason = error.what();
        }
    }
    require(!object.parts.empty(), object.name, ": no part has a volume (", reason, ")");
    if (object.parts.size() < parts.size()) {
        warn("{}: dropped {} of {} parts ({})", object.name, parts.size() - object.parts.size(), parts.size(), reason);
    }
    object.mass = mass_properties(object.parts);
    require(object.mass.volume > 0, object.name, ": its volume is ", object.mass.volume, " m^3");
    return object;
}

}  // namespace ebgrasp
