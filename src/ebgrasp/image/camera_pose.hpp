// Where the camera is: its pose in the robot's base, as hand-eye calibration gives it.
#pragma once

#include <Eigen/Geometry>
#include <string>

namespace ebgrasp {

/// A camera whose place is known.
struct CameraPose {
    Eigen::Isometry3d X_BC = Eigen::Isometry3d::Identity();  ///< takes points of the camera's frame to the base's
    std::string base_frame = "base_link";                    ///< the base's name
};

/// Reads a camera pose from "x,y,z,qx,qy,qz,qw" (metres; ROS's order), or from a file:
///   a 4 x 4 matrix        YAML or JSON, as a list of rows or under `matrix`
///   TransformStamped      YAML or JSON, as ROS prints it: `transform: {translation: {x, y, z}, rotation: {x, y, z,
///   w}}`
///                         (or its content alone), with `header: frame_id` as the base's name if given
///   autolab's .tf         from and to frame, translation, three rows of the rotation
/// Throws Error: what is missing, a quaternion whose length is not 1, a matrix that is no rotation (within 1e-3).
CameraPose read_camera_pose(const std::string& text);

}  // namespace ebgrasp
