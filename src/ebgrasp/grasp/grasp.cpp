#include "ebgrasp/grasp/grasp.hpp"

#include <cmath>
#include <numbers>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

double wrap_angle(double angle) {
    const double wrapped = std::remainder(angle, std::numbers::pi);  // exact, in [-pi/2, pi/2]
    return wrapped <= -std::numbers::pi / 2 ? wrapped + std::numbers::pi : wrapped;
}

Eigen::Isometry3d grasp_pose(const PlanarGrasp& grasp, const CameraIntrinsics& camera) {
    Eigen::Isometry3d X_CG = Eigen::Isometry3d::Identity();
    X_CG.translation() = camera.deproject(grasp.row, grasp.col, grasp.depth);
    X_CG.linear() = Eigen::AngleAxisd(grasp.angle, Eigen::Vector3d::UnitZ()).toRotationMatrix();
    return X_CG;
}

PlanarGrasp planar_grasp(const Eigen::Isometry3d& X_CG, const CameraIntrinsics& camera, double width) {
    const Eigen::Vector3d p_CG = X_CG.translation();
    require(p_CG.z() > 0, "grasp centre at z = ", p_CG.z(), " m is not in front of the camera");
    const Eigen::Vector2d pixel = camera.project(p_CG);
    const Eigen::Vector3d closing_C = X_CG.linear().col(0);
    return {pixel(0), pixel(1), p_CG.z(), wrap_angle(std::atan2(closing_C.y(), closing_C.x())), width};
}

}  // namespace ebgrasp
