// epsilon of two soft-finger contacts in closed form, from the polar of their wrench hull.
//
// epsilon is the least support h(u) = max_w w.u over unit directions u, hence 1 / max |u| over the polar polytope
// P = {u : w.u <= 1 for every wrench w}: the inverse distance of P's farthest vertex. For two contacts P is so
// structured that its vertices can be written down.
//
// Let u = (a, b) and B = s b. To a wrench of contact i, u is a twist: [f; s r_i x f].u = f.v_i with the contact's
// velocity v_i = a + B x r_i. So the constraints of P are
//   cone edges:  m_i f_ij.v_i <= 1, a pyramid of v_i with apex n_i / m_i and extreme rays
//                rho_ij = -mu cos(pi/F) n_i + (unit tangent midway between edges j and j + 1),
//   torsion:     |k m_i n_i.B| <= 1 with k = pi r^2 mu, a slab,
// and rigidity demands v_1.d = v_2.d along the contact line d. In homogeneous coordinates, with weight w,
//   v_i = x_i + w n_i / m_i,   x_i in the cone of the rays rho_ij,   w = (x_2 - x_1).d / 2   (as n_i.d = +-m_i):
// x_1 and x_2 are free, so that the 2 F rays of the two contacts generate everything. They leave open only the spin
// omega = B.d, which each slab confines to an interval with a middle linear in (x_1, x_2) and a fixed half width.
// The vertices of P are therefore among
//   (1) a generator of positive weight, with omega at an end of the two intervals' intersection;
//   (2) a combination of two generators in which an end of the one interval meets an end of the other.
// P is unbounded, and epsilon 0, if some combination has weight 0 and intervals with the same middle.
#include "ebgrasp/labels/wrench_quality.hpp"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Vector6 = Eigen::Matrix<double, 6, 1>;

/// A ray of a contact's pyramid as a point of P in homogeneous coordinates, at omega = 0.
struct Generator {
    Vector6 twist;              ///< (a, b)
    double weight;              ///< positive unless d is outside the linearised cone
    double middle_1, middle_2;  ///< of the intervals that the slabs allow to omega
    double gap() const { return middle_1 - middle_2; }
};

/// The polar polytope P.
struct Polar {
    std::array<Generator, 2 * WrenchParameters::max_cone_faces> generators;
    int count = 0;
    Vector6 spin;           ///< du / domega
    double half_1, half_2;  ///< half widths of omega's intervals

    std::span<const Generator> view() const { return {generators.data(), static_cast<std::size_t>(count)}; }
};

/// Unit vectors t1, t2 orthogonal to the contact's normal, t1 towards its `tangent`.
std::array<Eigen::Vector3d, 2> tangents(const Contact& contact) {
    const Eigen::Vector3d& n = contact.inward_normal;
    const Eigen::Vector3d t1 = contact.tangent - n * n.dot(contact.tangent);
    const Eigen::Vector3d unit = t1.squaredNorm() > 1e-18 ? t1.normalized() : n.unitOrthogonal();
    return {unit, n.cross(unit)};
}

Polar make_polar(const std::array<Contact, 2>& contacts, const Eigen::Vector3d& center_of_mass,
                 const WrenchParameters& parameters) {
    const Eigen::Vector3d line = contacts[1].point - contacts[0].point;
    const double length = line.norm();
    const Eigen::Vector3d d = line / length;
    const Eigen::Vector3d r_1 = contacts[0].point - center_of_mass;
    const Eigen::Vector3d n_1 = contacts[0].inward_normal, n_2 = contacts[1].inward_normal;
    const double m_1 = n_1.dot(d), m_2 = -n_2.dot(d);
    const double torsion = std::numbers::pi * parameters.finger_radius * parameters.finger_radius * parameters.friction;
    const double unscale = 1.0 / parameters.torque_scaling;

    Polar polar;
    polar.spin << r_1.cross(d), unscale * d;
    polar.half_1 = 1.0 / (torsion * m_1 * m_1);
    polar.half_2 = 1.0 / (torsion * m_2 * m_2);

    const auto add_generator = [&](const Eigen::Vector3d& v_1, const Eigen::Vector3d& v_2, double weight) {
        // Rigidity: v_1 - v_2 = B x (r_1 - r_2) = length d x B gives B's part across d.
        const Eigen::Vector3d B = (v_1 - v_2).cross(d) / length;
        Generator& generator = polar.generators[static_cast<std::size_t>(polar.count++)];
        generator.twist << v_1 - B.cross(r_1), unscale * B;
        generator.weight = weight;
        generator.middle_1 = -n_1.dot(B) / m_1;
        generator.middle_2 = n_2.dot(B) / m_2;
    };
    const Eigen::Vector3d apex_1 = n_1 / m_1, apex_2 = n_2 / m_2;
    const double half_angle = std::numbers::pi / parameters.cone_faces;
    const Eigen::Rotation2Dd step(2.0 * half_angle);
    const Eigen::Vector2d start(std::cos(half_angle), std::sin(half_angle));
    for (const bool first : {true, false}) {
        const Contact& contact = contacts[first ? 0 : 1];
        const auto [t1, t2] = tangents(contact);
        const Eigen::Vector3d drop = parameters.friction * start.x() * contact.inward_normal;
        Eigen::Vector2d direction = start;
        for (int j = 0; j < parameters.cone_faces; ++j, direction = step * direction) {
            const Eigen::Vector3d ray = direction.x() * t1 + direction.y() * t2 - drop;
            const double weight = (first ? -0.5 : 0.5) * ray.dot(d);
            if (first) {
                add_generator(ray + weight * apex_1, weight * apex_2, weight);
            } else {
                add_generator(weight * apex_1, ray + weight * apex_2, weight);
            }
        }
    }
    return polar;
}

/// True if a combination of generators has weight 0 and intervals with the same middle.
bool is_unbounded(const Polar& polar) {
    double low = std::numeric_limits<double>::infinity(), high = -low;  // gaps of the combinations of weight 0
    for (const Generator& a : polar.view()) {
        if (a.weight > 0) continue;
        for (const Generator& b : polar.view()) {
            if (b.weight <= 0) continue;
            const double gap = b.weight * a.gap() - a.weight * b.gap();
            low = std::min(low, gap);
            high = std::max(high, gap);
        }
    }
    return low <= 0 && high >= 0;
}

/// The squared distance of P's farthest vertex from the origin.
double farthest_squared(const Polar& polar) {
    double farthest = 0.0;
    const auto reach = [&](const Vector6& twist, double weight) {
        const double squared = twist.squaredNorm();
        if (squared > farthest * weight * weight) farthest = squared / (weight * weight);
    };
    for (const Generator& g : polar.view()) {  // (1)
        const double low = std::max(g.middle_1 - g.weight * polar.half_1, g.middle_2 - g.weight * polar.half_2);
        const double high = std::min(g.middle_1 + g.weight * polar.half_1, g.middle_2 + g.weight * polar.half_2);
        if (g.weight <= 0 || low > high) continue;
        reach(g.twist + low * polar.spin, g.weight);
        reach(g.twist + high * polar.spin, g.weight);
    }
    struct Side {
        Vector6 twist;
        double weight, distance;
    };
    std::array<Side, 2 * WrenchParameters::max_cone_faces> sides;
    for (const double end_1 : {-polar.half_1, polar.half_1}) {
        for (const double end_2 : {-polar.half_2, polar.half_2}) {  // (2): generators on either side of end_1 = end_2
            auto above = sides.begin(), below = sides.begin() + polar.count;
            for (const Generator& g : polar.view()) {
                const double excess = g.gap() + g.weight * (end_1 - end_2);
                const Side side{g.twist + (g.middle_1 + g.weight * end_1) * polar.spin, g.weight, std::abs(excess)};
                if (excess > 0)
                    *above++ = side;
                else
                    *--below = side;
            }
            for (auto a = sides.begin(); a != above; ++a) {
                for (auto b = below; b != sides.begin() + polar.count; ++b) {
                    const double weight = b->distance * a->weight + a->distance * b->weight;
                    if (weight > 0) reach(b->distance * a->twist + a->distance * b->twist, weight);
                }
            }
        }
    }
    return farthest;
}

}  // namespace

void WrenchParameters::validate() const {
    require(friction > 0 && friction <= 10, "friction is ", friction, ": give a coefficient in (0, 10]");
    require(cone_faces >= 3 && cone_faces <= max_cone_faces, "cone_faces is ", cone_faces, ": give 3 to ",
            max_cone_faces);
    require(torque_scaling != 0 && std::isfinite(torque_scaling), "torque_scaling is ", torque_scaling,
            ": give a finite number other than 0");
    require(finger_radius > 0 && finger_radius <= 1, "finger_radius is ", finger_radius, " m: give (0, 1]");
}

bool is_force_closure(const std::array<Contact, 2>& contacts, double friction) {
    const Eigen::Vector3d line = contacts[1].point - contacts[0].point;
    const double bound = line.norm() / std::sqrt(1.0 + friction * friction);  // |line| cos(atan(friction))
    return bound > 0 && contacts[0].inward_normal.dot(line) >= bound && -contacts[1].inward_normal.dot(line) >= bound;
}

double ferrari_canny_l1(const std::array<Contact, 2>& contacts, const Eigen::Vector3d& center_of_mass,
                        const WrenchParameters& parameters) {
    if (!is_force_closure(contacts, parameters.friction)) return 0.0;
    const Polar polar = make_polar(contacts, center_of_mass, parameters);
    return is_unbounded(polar) ? 0.0 : 1.0 / std::sqrt(farthest_squared(polar));
}

}  // namespace ebgrasp
