// Grippers as pictures: their dimensions, and the frames that grasps are told in.
#pragma once

#include "ebgrasp/grasp/convention.hpp"
#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

/// Front view (closing axis to the right) and side view of the gripper at its widest opening, approach downwards, with
/// every length of the gripper file as a dimension in millimetres and the grasp frame.
Picture gripper_drawing(const Gripper& gripper);

/// The gripper from an angle, with the axes of the convention's frame H: x red, y green, z blue.
Picture convention_picture(const Gripper& gripper, const Convention& convention);

/// convention_picture of every convention.
Picture convention_sheet(const Gripper& gripper);

}  // namespace ebgrasp
