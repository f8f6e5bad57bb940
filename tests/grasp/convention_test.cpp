#include "ebgrasp/grasp/convention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "random_pose.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// A random grasp of the Franka Hand, and the points of its gripper that projects measure from.
struct FrankaGrasp {
    Gripper gripper = load_gripper("franka_hand");
    Eigen::Isometry3d X_CG;
    Vector3d approach, closing, center, between_tips;

    explicit FrankaGrasp(std::uint64_t seed) {
        RandomStream random(seed);
        X_CG = random_pose(random);
        closing = X_CG.linear().col(0);
        approach = X_CG.linear().col(2);
        center = X_CG.translation();
        const auto finger = gripper.boxes(0.04)[0];
        between_tips = center + (finger.center_G.z() + finger.half_size.z()) * approach;
    }
    Eigen::Isometry3d in(const char* convention) const {
        return in_convention(X_CG, find_convention(convention), gripper);
    }
};

// The right-multipliers between the axes conventions, named approach / closing.
const Eigen::Matrix3d xy_to_zx = (Eigen::Matrix3d() << 0, 0, 1, 1, 0, 0, 0, 1, 0).finished();
const Eigen::Matrix3d xy_to_zy = (Eigen::Matrix3d() << 0, 0, 1, 0, 1, 0, -1, 0, 0).finished();
const Eigen::Matrix3d zx_to_zy = (Eigen::Matrix3d() << 0, 1, 0, -1, 0, 0, 0, 0, 1).finished();

TEST(Convention, AxesAreTheKnownRightMultipliers) {
    const FrankaGrasp grasp(1);
    EXPECT_EQ(grasp.in("ebgrasp").matrix(), grasp.X_CG.matrix());
    for (const char* zx : {"ebgrasp", "acronym", "graspgen", "contact-graspnet", "ros"})
        for (const char* xy : {"dex-net", "gpd", "graspnetapi"}) {
            EXPECT_TRUE((grasp.in(xy).linear() * xy_to_zx).isApprox(grasp.in(zx).linear()));
            EXPECT_TRUE((grasp.in(xy).linear() * xy_to_zy).isApprox(grasp.in("franka").linear()));
            EXPECT_TRUE((grasp.in(zx).linear() * zx_to_zy).isApprox(grasp.in("franka").linear()));
        }
}

TEST(Convention, DexNetApproachesAlongXAndClosesAlongYAtTheCentre) {
    const FrankaGrasp grasp(2);
    EXPECT_TRUE(grasp.in("dex-net").linear().col(0).isApprox(grasp.approach));
    EXPECT_TRUE(grasp.in("dex-net").linear().col(1).isApprox(grasp.closing));
    EXPECT_TRUE(grasp.in("dex-net").translation().isApprox(grasp.center));
}

TEST(Convention, GpdStandsAtTheBottomOfTheHandWhichIsAsDeepAsItsFingers) {
    const FrankaGrasp grasp(3);
    const Eigen::Isometry3d hand = grasp.in("gpd");
    const double hand_depth = grasp.gripper.finger_length;
    EXPECT_TRUE((hand * Vector3d(hand_depth, 0, 0)).isApprox(grasp.between_tips));
}

TEST(Convention, NvidiasFrankaHasItsPadsAndTipsWhereTheirFilesSay) {
    // Contact-GraspNet's panda_gripper_coords: pad centres at z = 0.1034, tips at 0.112204; ACRONYM's gripper marker
    // ends at 0.11217. Both measure from panda_hand, +z approach, +x towards a finger.
    const FrankaGrasp grasp(4);
    for (const char* name : {"contact-graspnet", "acronym", "graspgen"}) {
        const Eigen::Isometry3d hand = grasp.in(name);
        EXPECT_TRUE((hand * Vector3d(0, 0, 0.1034)).isApprox(grasp.center)) << name;
        EXPECT_LT((hand * Vector3d(0, 0, 0.112204) - grasp.between_tips).norm(), 2e-4) << name;
        EXPECT_TRUE((hand * Vector3d(0.04, 0, 0.1034)).isApprox(grasp.center + 0.04 * grasp.closing)) << name;
    }
}

TEST(Convention, FrankaAndRosStandAtTheUsersTcp) {
    FrankaGrasp grasp(5);
    EXPECT_TRUE(grasp.in("franka").translation().isApprox(grasp.center)) << "panda_hand_tcp is the grasp centre";
    grasp.gripper.tcp_offset = {0.01, -0.02, 0.03};
    const Vector3d tcp = grasp.X_CG * Vector3d(0.01, -0.02, 0.03);
    EXPECT_TRUE(grasp.in("franka").translation().isApprox(tcp));
    EXPECT_TRUE(grasp.in("ros").translation().isApprox(tcp));
    EXPECT_TRUE(grasp.in("franka").linear().col(1).isApprox(grasp.closing));
    EXPECT_TRUE(grasp.in("franka").linear().col(2).isApprox(grasp.approach));
}

TEST(Convention, ThereAndBackIsTheSameGrasp) {
    RandomStream random(6);
    for (const std::string& preset : gripper_presets())
        for (const Convention& convention : conventions()) {
            const Gripper gripper = load_gripper(preset);
            const Eigen::Isometry3d X_CG = random_pose(random);
            const Eigen::Isometry3d there = in_convention(X_CG, convention, gripper);
            EXPECT_NEAR(there.linear().determinant(), 1.0, 1e-9);
            EXPECT_TRUE(from_convention(there, convention, gripper).isApprox(X_CG, 1e-12)) << convention.name;
        }
}

TEST(Convention, HasTheNameOfItsUsers) {
    EXPECT_EQ(find_convention("dexnet").name, "dex-net");
    EXPECT_THAT([] { find_convention("moveit"); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr("'moveit'"), HasSubstr("dex-net, gpd, graspnetapi"))));
}

}  // namespace
}  // namespace ebgrasp
