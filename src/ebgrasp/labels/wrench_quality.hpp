// The Ferrari-Canny L1 metric of two soft-finger contacts.
#pragma once

#include <Eigen/Core>
#include <array>

namespace ebgrasp {

/// A contact, in any common frame (metres).
struct Contact {
    Eigen::Vector3d point, inward_normal;  ///< the normal points into the object, unit length
};

struct WrenchParameters {
    double friction = 0.5;           ///< Coulomb coefficient
    int cone_faces = 8;              ///< edges of the linearised friction cone
    double torque_scaling = 1000.0;  ///< wrench = [force; torque_scaling * torque]; 1000: torque in N mm
    double finger_radius = 0.005;    ///< metres; soft-finger torsion limit pi r^2 mu (as Dex-Net's code has it)
};

/// True if the line between the contacts lies inside both friction cones (Nguyen, "Constructing force-closure grasps",
/// 1988): the two-contact force-closure test.
bool is_force_closure(const std::array<Contact, 2>& contacts, double friction);

/// epsilon: the radius of the largest ball around the origin inside the convex hull of the contacts' unit wrenches
/// (Ferrari and Canny, "Planning optimal grasps", 1992, L1), 0 if the origin is outside. Contact i is pushed along the
/// closing direction: its normal force is m = max(0, d.n), 0 for both if d leaves either friction cone (as in Dex-Net).
double ferrari_canny_l1(const std::array<Contact, 2>& contacts, const Eigen::Vector3d& center_of_mass,
                        const WrenchParameters& parameters);

}  // namespace ebgrasp
