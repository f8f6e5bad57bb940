// The frames in which other projects give their grasps, and the way there and back. docs/conventions.md has a picture
// of each.
//
// H is a project's grasp frame. It is rigidly attached to our grasp frame G (grasp.hpp): X_GH turns the axes and moves
// the origin along the gripper, by lengths of the gripper file.
#pragma once

#include <Eigen/Geometry>
#include <string>
#include <string_view>
#include <vector>

#include "ebgrasp/grasp/gripper.hpp"

namespace ebgrasp {

/// Where the origin of H lies.
enum class GraspOrigin {
    center,  ///< the grasp centre between the pads: G's own
    palm,    ///< on the approach axis, where the fingers begin: Gripper::to_palm() behind the centre
    base,    ///< the gripper's base frame: Gripper::to_base() behind the centre
    tcp,     ///< the user's tool centre point: the centre, moved by Gripper::tcp_offset
};

/// A project's grasp frame H on any gripper.
struct Convention {
    std::string name;      ///< the project's
    Eigen::Matrix3d R_GH;  ///< the axes of H, as columns in G
    GraspOrigin origin;    ///< where on the gripper it is

    /// X_GH for a gripper.
    Eigen::Isometry3d frame(const Gripper& gripper) const;
};

/// All of them: ebgrasp, dex-net, gpd, graspnetapi, acronym, graspgen, contact-graspnet, franka, ros.
const std::vector<Convention>& conventions();
/// The convention of a name ("dexnet" is dex-net, too); throws Error for another, naming the known ones.
const Convention& find_convention(std::string_view name);

/// X_CH = X_CG * X_GH: the grasp as the convention's users expect it.
Eigen::Isometry3d in_convention(const Eigen::Isometry3d& X_CG, const Convention& convention, const Gripper& gripper);
/// Inverse of in_convention.
Eigen::Isometry3d from_convention(const Eigen::Isometry3d& X_CH, const Convention& convention, const Gripper& gripper);

}  // namespace ebgrasp
