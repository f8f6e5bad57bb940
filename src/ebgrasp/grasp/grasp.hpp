// Parallel-jaw grasps: the planar grasp y = (row, col, depth, angle) that the energy is a function of, and its pose.
//
// Grasp frame G: origin at the grasp centre between the finger pads, +z approach (out of the palm, towards the object),
// +x closing axis, y = z x x. A parallel-jaw grasp is unchanged by a turn of pi about its approach axis.
#pragma once

#include <Eigen/Geometry>

#include "ebgrasp/image/camera.hpp"

namespace ebgrasp {

/// A grasp whose approach is the camera's z axis (unless the holder of the list states another approach).
struct PlanarGrasp {
    double row = 0;    ///< of the grasp centre, pixels
    double col = 0;    ///< of the grasp centre, pixels
    double depth = 0;  ///< z of the grasp centre in the camera frame, metres
    double angle = 0;  ///< closing axis in the image plane, from +col towards +row, radians in (-pi/2, pi/2]
    double width = 0;  ///< jaw opening on approach, metres; 0: the gripper's widest
};

/// `angle` wrapped into (-pi/2, pi/2].
double wrap_angle(double angle);

/// X_CG of a planar grasp whose approach is the camera's z.
Eigen::Isometry3d grasp_pose(const PlanarGrasp& grasp, const CameraIntrinsics& camera);

/// The planar description of any pose X_CG: the projected centre, and the angle of the closing axis as it appears
/// in the image plane (orthographically). The approach direction is lost. X_CG's origin must lie before the camera.
PlanarGrasp planar_grasp(const Eigen::Isometry3d& X_CG, const CameraIntrinsics& camera, double width);

}  // namespace ebgrasp
