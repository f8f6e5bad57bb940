// The gripper against the height field: where the jaws touch, and what they hit on the way.
#pragma once

#include <functional>
#include <string_view>

#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp {

inline constexpr double table_clearance = 0.002;  ///< metres that the fingertips stay above the plane
inline constexpr double surface_margin = 0.002;   ///< metres that the grasp centre lies below the surface at least
inline constexpr double pad_tolerance = 0.003;  ///< metres by which a pad may touch beside its middle before that does

/// Lowest height of a grasp centre above the plane, metres.
inline double lowest_center(const Gripper& gripper) { return gripper.tip_offset + table_clearance; }

/// Moves a descending grasp to the nearest one inside the view, above the table and below the tallest surface.
std::function<void(PlanarGrasp&)> admissible_grasps(const Scene& scene, const Gripper& gripper);

/// Why a grasp cannot be executed, or `free`.
enum class JawFit {
    free,
    below_table,       ///< the fingertips would reach the support plane
    above_surface,     ///< the grasp centre is not below the visible surface
    no_contact,        ///< nothing between the jaws
    too_wide,          ///< what is between the jaws is wider than the opening
    slips,             ///< a surface leans against its pad by more than the friction cone
    uneven,            ///< a pad touches beside its middle first, as at a corner
    finger_collision,  ///< a finger would come down on something,
    unseen,            ///< or beside a contact on ground that was not seen
    palm_collision,
};
std::string_view to_string(JawFit fit);

/// Closes the jaws on the height field at the grasp's depth, centres the grasp between the contacts, and sets its
/// opening: as wide as the contacts plus a margin on both sides, or narrower if that alone is free of collision. Where
/// the palm would touch, the grasp is lifted. The field is 2.5-D: what lies under an overhang counts as solid. `grasp`
/// is changed only if the result is `free`.
JawFit fit_jaws(const Scene& scene, const Gripper& gripper, PlanarGrasp& grasp);

}  // namespace ebgrasp
