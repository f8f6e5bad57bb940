// The Ferrari-Canny L1 metric of two soft-finger contacts.
#pragma once

#include <Eigen/Core>
#include <array>

namespace ebgrasp {

/// A contact, in any common frame (metres).
struct Contact {
    Eigen::Vector3d point, inward_normal;  ///< the normal points into the object, unit length
    /// Edge 0 of the linearised friction cone leans towards this direction: a matter of a few per cent of epsilon.
    /// The frame's x axis is Dex-Net's choice; a direction that turns with the contacts keeps epsilon unchanged by
    /// rigid motions. If it is parallel to the normal, an arbitrary one is taken.
    Eigen::Vector3d tangent = Eigen::Vector3d::UnitX();
};

struct WrenchParameters {
    double friction = 0.5;           ///< Coulomb coefficient, > 0
    int cone_faces = 8;              ///< edges of the linearised friction cone, 3 .. max_cone_faces
    double torque_scaling = 1000.0;  ///< wrench = [force; torque_scaling * torque]; 1000: torque in N mm; not 0
    double finger_radius = 0.005;    ///< metres, > 0; soft-finger torsion limit pi r^2 mu (as Dex-Net's code has it)

    static constexpr int max_cone_faces = 32;
    /// Throws Error naming the first field that is out of range.
    void validate() const;
};

/// True if the line between the contacts lies inside both friction cones (Nguyen, "Constructing force-closure grasps",
/// 1988): the two-contact force-closure test. False if the contacts coincide.
bool is_force_closure(const std::array<Contact, 2>& contacts, double friction);

/// epsilon: the radius of the largest ball around the origin inside the convex hull of the contacts' unit wrenches
/// (Ferrari and Canny, "Planning optimal grasps", 1992, L1), 0 if the origin is outside. Conventions of Dex-Net 2.0's
/// code (Mahler et al. 2017), about the centre of mass c and with s the torque scaling:
///
///   contact i is pushed along the closing direction d_i towards the other contact with m_i = max(0, d_i . n_i);
///   wrenches [f; s (p_i - c) x f] of its cone edges f = m_i (n_i + mu (cos t t_i1 + sin t t_i2)), t = 2 pi j / faces,
///   and of its torsion +-[0; s pi r^2 mu m_i n_i];
///   epsilon = 0 unless is_force_closure.
///
/// Exact to rounding, planar sets of contacts included. `parameters` must be valid.
double ferrari_canny_l1(const std::array<Contact, 2>& contacts, const Eigen::Vector3d& center_of_mass,
                        const WrenchParameters& parameters);

}  // namespace ebgrasp
