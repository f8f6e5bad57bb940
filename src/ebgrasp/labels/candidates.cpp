#include "ebgrasp/labels/candidates.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

constexpr double max_depth_shift = 0.010;  // metres along the approach
constexpr double side_margin = 0.010;      // metres

/// The grasp frame with approach z and closing axis x, both unit and orthogonal.
Isometry3d frame(const Vector3d& center, const Vector3d& approach, const Vector3d& axis) {
    Isometry3d X = Isometry3d::Identity();
    X.linear() << axis, approach.cross(axis), approach;
    X.translation() = center;
    return X;
}

Vector3d turned(const Vector3d& vector, double angle, const Vector3d& about) {
    return Eigen::AngleAxisd(angle, about) * vector;
}

/// Points uniform by area over the faces of all parts, also those inside other parts.
class SurfaceSampler {
  public:
    explicit SurfaceSampler(const Object& object) {
        double area = 0.0;
        for (const ConvexPart& part : object.parts) {
            for (const Eigen::Vector3i& triangle : part.triangles) {
                const auto corner = [&](int i) { return part.vertices[std::size_t(triangle[i])]; };
                const Face face{corner(0), corner(1) - corner(0), corner(2) - corner(0)};
                area += 0.5 * face.edge_1.cross(face.edge_2).norm();
                faces_.push_back(face);
                area_up_to_.push_back(area);
            }
        }
    }

    struct Point {
        Vector3d position, inward_normal;
    };
    Point sample(RandomStream& random) const {
        const auto above = std::ranges::upper_bound(area_up_to_, random.uniform(0, area_up_to_.back()));
        const auto index = std::min(std::size_t(above - area_up_to_.begin()), faces_.size() - 1);
        const Face& face = faces_[index];
        double s = random.uniform(), t = random.uniform();
        if (s + t > 1) s = 1 - s, t = 1 - t;  // the parallelogram's other half, folded back
        return {face.corner + s * face.edge_1 + t * face.edge_2, -face.edge_1.cross(face.edge_2).normalized()};
    }

  private:
    struct Face {
        Vector3d corner, edge_1, edge_2;
    };
    std::vector<Face> faces_;
    std::vector<double> area_up_to_;
};

/// A direction across `approach`, uniform among those inside the friction cone around `normal`, if there are any.
std::optional<Vector3d> closing_axis(const Vector3d& normal, const Vector3d& approach, double friction,
                                     RandomStream& random) {
    const Vector3d across = normal - approach * approach.dot(normal);
    const double cosine = 1.0 / (std::sqrt(1.0 + friction * friction) * across.norm());
    if (!(cosine <= 1.0)) return std::nullopt;
    return turned(across.normalized(), random.uniform(-1.0, 1.0) * std::acos(cosine), approach);
}

/// What a jaw that starts at `start` and moves by at most `reach` along `direction` touches first, if it starts
/// outside.
std::optional<Contact> touch(const LabelObject& object, const Vector3d& start, const Vector3d& direction,
                             double reach) {
    if (object.contains(start)) return std::nullopt;
    const Ray ray{start.cast<float>(), direction.cast<float>(), float(reach)};
    RayHit hit;
    object.rays().cast({&ray, 1}, {&hit, 1});
    if (!hit.hit()) return std::nullopt;
    return Contact{start + double(hit.distance) * direction, -hit.normal.cast<double>().normalized()};
}

std::optional<Isometry3d> antipodal_candidate(const LabelObject& object, const SurfaceSampler& surface,
                                              const Vector3d& approach_O, double friction, const Gripper& gripper,
                                              RandomStream& random) {
    const auto [position, normal] = surface.sample(random);
    const auto axis = closing_axis(normal, approach_O, friction, random);
    if (!axis) return std::nullopt;
    // The far contact as seen from the sampled one, then the near one, which another face may shield.
    const double widest = gripper.max_opening;
    const auto far = touch(object, position + widest * *axis, -*axis, widest);
    if (!far) return std::nullopt;
    const auto near = touch(object, far->point - widest * *axis, *axis, widest);
    if (!near || !is_force_closure({*near, *far}, friction)) return std::nullopt;
    const double opening = (far->point - near->point).norm();
    if (opening < gripper.min_opening) return std::nullopt;
    const double shift = random.uniform(-max_depth_shift, max_depth_shift);
    return frame(0.5 * (near->point + far->point) + shift * approach_O, approach_O, *axis);
}

}  // namespace

std::vector<Isometry3d> antipodal_candidates(const PosedLabelObject& target, const Vector3d& approach_W,
                                             double friction, const Gripper& gripper, std::size_t count,
                                             RandomStream& random) {
    require(std::abs(approach_W.norm() - 1.0) < 1e-6, "the approach has length ", approach_W.norm(),
            ": give a unit vector");
    require(friction > 0, "friction is ", friction, ": give more than 0");
    const SurfaceSampler surface(target.object->object());
    const Vector3d approach_O = target.X_WO.linear().transpose() * approach_W;
    constexpr std::size_t attempts_per_grasp = 50;
    std::vector<Isometry3d> X_WG;
    for (std::size_t attempt = 0; attempt < attempts_per_grasp * count && X_WG.size() < count; ++attempt) {
        const auto X_OG = antipodal_candidate(*target.object, surface, approach_O, friction, gripper, random);
        if (X_OG) X_WG.push_back(target.X_WO * *X_OG);
    }
    return X_WG;
}

std::vector<Isometry3d> uniform_candidates(const PosedLabelObject& target, const Vector3d& approach_W,
                                           std::size_t count, RandomStream& random) {
    require(std::abs(approach_W.norm() - 1.0) < 1e-6, "the approach has length ", approach_W.norm(),
            ": give a unit vector");
    const Isometry3d X_WA = frame(Vector3d::Zero(), approach_W, approach_W.unitOrthogonal());
    const Isometry3d X_AO = X_WA.inverse() * target.X_WO;
    Eigen::AlignedBox3d box_A;
    for (const ConvexPart& part : target.object->object().parts) {
        for (const Vector3d& vertex : part.vertices) box_A.extend(X_AO * vertex);
    }
    const Vector3d margin(side_margin, side_margin, 0);
    const Vector3d low = box_A.min() - margin, high = box_A.max() + margin;
    std::vector<Isometry3d> X_WG;
    for (std::size_t i = 0; i < count; ++i) {
        const double x = random.uniform(low.x(), high.x());
        const double y = random.uniform(low.y(), high.y());
        const double z = random.uniform(low.z(), high.z());
        const Vector3d axis = turned(X_WA.linear().col(0), random.uniform(0, std::numbers::pi), approach_W);
        X_WG.push_back(frame(X_WA * Vector3d(x, y, z), approach_W, axis));
    }
    return X_WG;
}

}  // namespace ebgrasp
