#include "ebgrasp/grasp/convention.hpp"

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

/// Which of H's axes approach (out of the palm) and close is what tells conventions apart; the third makes them
/// right-handed.
std::vector<Convention> make_conventions() {
    const Eigen::Vector3d closing = Eigen::Vector3d::UnitX(), third = Eigen::Vector3d::UnitY(),
                          approach = Eigen::Vector3d::UnitZ();
    Eigen::Matrix3d approach_z_closing_x, approach_x_closing_y, approach_z_closing_y;
    approach_z_closing_x << closing, third, approach;
    approach_x_closing_y << approach, closing, third;
    approach_z_closing_y << -third, closing, approach;
    return {
        {"ebgrasp", approach_z_closing_x, GraspOrigin::center},
        {"dex-net", approach_x_closing_y, GraspOrigin::center},
        {"gpd", approach_x_closing_y, GraspOrigin::palm},
        {"graspnetapi", approach_x_closing_y, GraspOrigin::center},
        {"acronym", approach_z_closing_x, GraspOrigin::base},
        {"graspgen", approach_z_closing_x, GraspOrigin::base},
        {"contact-graspnet", approach_z_closing_x, GraspOrigin::base},
        {"franka", approach_z_closing_y, GraspOrigin::tcp},
        {"ros", approach_z_closing_x, GraspOrigin::tcp},
    };
}

Eigen::Vector3d origin_G(GraspOrigin origin, const Gripper& gripper) {
    switch (origin) {
        case GraspOrigin::palm:
            return {0, 0, -gripper.to_palm()};
        case GraspOrigin::base:
            return {0, 0, -gripper.to_base()};
        case GraspOrigin::tcp:
            return Eigen::Vector3d::Map(gripper.tcp_offset.data());
        case GraspOrigin::center:
            break;
    }
    return Eigen::Vector3d::Zero();
}

}  // namespace

Eigen::Isometry3d Convention::frame(const Gripper& gripper) const {
    Eigen::Isometry3d X_GH = Eigen::Isometry3d::Identity();
    X_GH.linear() = R_GH;
    X_GH.translation() = origin_G(origin, gripper);
    return X_GH;
}

const std::vector<Convention>& conventions() {
    static const std::vector<Convention> all = make_conventions();
    return all;
}

const Convention& find_convention(std::string_view name) {
    if (name == "dexnet") name = "dex-net";
    std::string known;
    for (const Convention& convention : conventions()) {
        if (convention.name == name) return convention;
        known += (known.empty() ? "" : ", ") + convention.name;
    }
    fail("unknown convention '", name, "'; known are ", known);
}

Eigen::Isometry3d in_convention(const Eigen::Isometry3d& X_CG, const Convention& convention, const Gripper& gripper) {
    return X_CG * convention.frame(gripper);
}

Eigen::Isometry3d from_convention(const Eigen::Isometry3d& X_CH, const Convention& convention, const Gripper& gripper) {
    return X_CH * convention.frame(gripper).inverse();
}

}  // namespace ebgrasp
