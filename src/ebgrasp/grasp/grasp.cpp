#include "ebgrasp/grasp/grasp.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr std::array<std::pair<const char*, AxesConvention>, 8> conventions = {{
    {"ebgrasp", AxesConvention::ebgrasp},
    {"acronym", AxesConvention::ebgrasp},
    {"graspgen", AxesConvention::ebgrasp},
    {"contact-graspnet", AxesConvention::ebgrasp},
    {"dexnet", AxesConvention::dexnet},
    {"gpd", AxesConvention::dexnet},
    {"graspnetapi", AxesConvention::dexnet},
    {"franka", AxesConvention::franka},
}};

/// R_GH: the axes of the convention's gripper frame H, as columns in G (approach z, closing x).
Eigen::Matrix3d right_multiplier(AxesConvention convention) {
    const Eigen::Vector3d x = Eigen::Vector3d::UnitX(), y = Eigen::Vector3d::UnitY(), z = Eigen::Vector3d::UnitZ();
    Eigen::Matrix3d R_GH;
    switch (convention) {
        case AxesConvention::ebgrasp:
            R_GH << x, y, z;
            break;
        case AxesConvention::dexnet:
            R_GH << z, x, y;
            break;
        case AxesConvention::franka:
            R_GH << -y, x, z;
            break;
    }
    return R_GH;
}

Eigen::Isometry3d turned(const Eigen::Isometry3d& X, const Eigen::Matrix3d& right) {
    Eigen::Isometry3d result = X;
    result.linear() = X.linear() * right;
    return result;
}

}  // namespace

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

std::vector<std::string> convention_names() {
    std::vector<std::string> names;
    for (const auto& [name, convention] : conventions) names.emplace_back(name);
    return names;
}

AxesConvention parse_convention(std::string_view name) {
    std::string known;
    for (const auto& [candidate, convention] : conventions) {
        if (name == candidate) return convention;
        known += (known.empty() ? "" : ", ") + std::string(candidate);
    }
    fail("unknown convention '", name, "'; known are ", known);
}

Eigen::Isometry3d in_convention(const Eigen::Isometry3d& X_CG, AxesConvention convention) {
    return turned(X_CG, right_multiplier(convention));
}

Eigen::Isometry3d from_convention(const Eigen::Isometry3d& X_CG, AxesConvention convention) {
    return turned(X_CG, right_multiplier(convention).transpose());
}

}  // namespace ebgrasp
