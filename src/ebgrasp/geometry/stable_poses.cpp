#include "ebgrasp/geometry/stable_poses.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <utility>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Index = std::size_t;

constexpr double merge_angle = std::numbers::pi / 180;  // between the normals of one facet's triangles
constexpr double sliver = 1e-9;                         // share of the surface below which a normal means nothing

/// A convex hull with its facets: groups of nearly coplanar triangles.
class FacetedHull {
  public:
    struct Facet {
        std::vector<Index> triangles;
        Eigen::Vector3d area = Eigen::Vector3d::Zero();  ///< vector area: sum of the triangles'
        double solid_angle = 0;                          ///< seen from the centre of mass, steradians
        double height = 0;  ///< metres of the centre of mass above the table on which the facet lies
        Eigen::Vector3d normal() const { return area.normalized(); }
    };

    FacetedHull(ConvexPart hull, const Eigen::Vector3d& center_of_mass)
        : hull_(std::move(hull)), center_(center_of_mass), facet_of_(hull_.triangles.size(), none) {
        for (Index t = 0; t < hull_.triangles.size(); ++t) {
            for (int i = 0; i < 3; ++i) triangle_left_of_[{corner(t, i), corner(t, i + 1)}] = t;
            areas_.push_back(0.5 * (at(t, 1) - at(t, 0)).cross(at(t, 2) - at(t, 0)));
        }
        merge_triangles();
        for (Facet& facet : facets_) {
            for (const Index t : facet.triangles) facet.solid_angle += solid_angle(t);
            facet.height = (lowest_vertex(facet.normal()) - center_).dot(facet.normal());
        }
    }

    const std::vector<Facet>& facets() const { return facets_; }

    /// The facet on which the object comes to rest after it has touched the table with facet f. It rolls over the edge
    /// nearest to the foot of the centre of mass as long as that lies outside, and each roll lowers the centre.
    std::vector<Index> resting_facets() const {
        std::vector<Index> by_height(facets_.size());
        std::iota(by_height.begin(), by_height.end(), Index{0});
        std::ranges::stable_sort(by_height, {}, [&](Index f) { return facets_[f].height; });
        std::vector<Index> rest(facets_.size());
        for (const Index f : by_height) {
            const Index next = next_facet(f);
            // Merging can raise a facet's height by its rounding; then the object stays where it is.
            rest[f] = facets_[next].height < facets_[f].height ? rest[next] : f;
        }
        return rest;
    }

    /// The object lying on facet f, its centre of mass above the origin.
    Eigen::Isometry3d resting_pose(Index f) const {
        const Eigen::Vector3d normal = facets_[f].normal();
        const auto R_TO = Eigen::Quaterniond::FromTwoVectors(normal, -Eigen::Vector3d::UnitZ());
        Eigen::Isometry3d X_TO = Eigen::Isometry3d::Identity();
        X_TO.linear() = R_TO.toRotationMatrix();
        X_TO.translation() = -(X_TO.linear() * center_);
        X_TO.translation().z() = -(X_TO.linear() * lowest_vertex(normal)).z();
        return X_TO;
    }

  private:
    static constexpr Index none = ~Index{0};

    int corner(Index triangle, int i) const { return hull_.triangles[triangle][i % 3]; }
    const Eigen::Vector3d& at(Index triangle, int i) const {
        return hull_.vertices[static_cast<Index>(corner(triangle, i))];
    }
    /// The triangle across the edge from corner i to corner i + 1.
    Index neighbour(Index triangle, int i) const {
        return triangle_left_of_.at({corner(triangle, i + 1), corner(triangle, i)});
    }
    /// The vertex that touches the table if `down` points down.
    const Eigen::Vector3d& lowest_vertex(const Eigen::Vector3d& down) const {
        return *std::ranges::max_element(hull_.vertices, {}, [&](const auto& vertex) { return vertex.dot(down); });
    }

    /// Grows a facet around each triangle, the largest first, over neighbours of nearly the same normal.
    void merge_triangles() {
        std::vector<Index> by_area(areas_.size());
        std::iota(by_area.begin(), by_area.end(), Index{0});
        std::ranges::stable_sort(by_area, std::greater{}, [&](Index t) { return areas_[t].norm(); });
        double surface = 0;
        for (const auto& area : areas_) surface += area.norm();
        for (const Index seed : by_area) {
            if (facet_of_[seed] != none) continue;
            const Eigen::Vector3d normal = areas_[seed].normalized();
            const auto belongs = [&](Index t) {
                const double area = areas_[t].norm();
                return area < sliver * surface || areas_[t].dot(normal) > std::cos(merge_angle) * area;
            };
            grow_facet(seed, belongs);
        }
    }

    template <typename Predicate>
    void grow_facet(Index seed, const Predicate& belongs) {
        Facet facet{{seed}};
        facet_of_[seed] = facets_.size();
        for (Index next = 0; next < facet.triangles.size(); ++next) {
            const Index t = facet.triangles[next];
            facet.area += areas_[t];
            for (int i = 0; i < 3; ++i) {
                const Index other = neighbour(t, i);
                if (facet_of_[other] != none || !belongs(other)) continue;
                facet_of_[other] = facets_.size();
                facet.triangles.push_back(other);
            }
        }
        facets_.push_back(std::move(facet));
    }

    /// Van Oosterom and Strackee, "The solid angle of a plane triangle", 1983, equation (8).
    double solid_angle(Index triangle) const {
        const Eigen::Vector3d a = at(triangle, 0) - center_, b = at(triangle, 1) - center_,
                              c = at(triangle, 2) - center_;
        const double la = a.norm(), lb = b.norm(), lc = c.norm();
        return 2 * std::atan2(a.dot(b.cross(c)), la * lb * lc + a.dot(b) * lc + b.dot(c) * la + c.dot(a) * lb);
    }

    /// f itself if it is stable, else the facet onto which it tips.
    Index next_facet(Index f) const {
        const Eigen::Vector3d normal = facets_[f].normal();
        const Eigen::Vector3d foot = center_ + facets_[f].height * normal;
        Index next = f;
        double nearest = std::numeric_limits<double>::infinity();
        for (const Index t : facets_[f].triangles) {
            for (int i = 0; i < 3; ++i) {
                const Index other = facet_of_[neighbour(t, i)];
                if (other == f) continue;
                const Eigen::Vector3d start = at(t, i), edge = at(t, i + 1) - start, to_foot = foot - start;
                const bool inside = edge.cross(to_foot).dot(normal) >= 0;
                const double along = std::clamp(to_foot.dot(edge) / edge.squaredNorm(), 0.0, 1.0);
                const double distance = (to_foot - along * edge).norm();
                if (inside || distance >= nearest) continue;
                nearest = distance;
                next = other;
            }
        }
        return next;
    }

    ConvexPart hull_;
    Eigen::Vector3d center_;
    std::vector<Eigen::Vector3d> areas_;  ///< vector area of each triangle
    std::map<std::pair<int, int>, Index> triangle_left_of_;
    std::vector<Facet> facets_;
    std::vector<Index> facet_of_;  ///< by triangle
};

ConvexPart whole_hull(const Object& object) {
    std::vector<Eigen::Vector3d> vertices;
    for (const ConvexPart& part : object.parts) {
        vertices.insert(vertices.end(), part.vertices.begin(), part.vertices.end());
    }
    return convex_hull(vertices);
}

}  // namespace

std::vector<StablePose> stable_poses(const Object& object, double min_probability) {
    const FacetedHull hull(whole_hull(object), object.mass.center_of_mass_O);
    const std::vector<Index> rest = hull.resting_facets();
    std::vector<double> probabilities(rest.size(), 0.0);
    for (Index f = 0; f < rest.size(); ++f) {
        probabilities[rest[f]] += hull.facets()[f].solid_angle / (4 * std::numbers::pi);
    }

    std::vector<Index> order(rest.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::ranges::stable_sort(order, std::greater{}, [&](Index f) { return probabilities[f]; });
    std::vector<StablePose> poses;
    double total = 0;
    for (const Index f : order) {
        if (!poses.empty() && probabilities[f] < min_probability) break;
        if (probabilities[f] <= 0) break;
        poses.push_back({hull.resting_pose(f), probabilities[f]});
        total += probabilities[f];
    }
    for (StablePose& pose : poses) pose.probability /= total;
    return poses;
}

}  // namespace ebgrasp
