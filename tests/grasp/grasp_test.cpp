#include "ebgrasp/grasp/grasp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "random_pose.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
constexpr double pi = std::numbers::pi;

TEST(WrapAngle, LandsInTheHalfOpenHalfTurn) {
    EXPECT_EQ(wrap_angle(0.3), 0.3);
    EXPECT_DOUBLE_EQ(wrap_angle(0.3 + pi), 0.3);
    EXPECT_NEAR(wrap_angle(0.3 - 7 * pi), 0.3, 1e-14);
    EXPECT_EQ(wrap_angle(pi / 2), pi / 2);
    EXPECT_EQ(wrap_angle(-pi / 2), pi / 2);
    RandomStream random(1);
    for (int i = 0; i < 100000; ++i) {
        const double edge = pi / 2 * static_cast<double>(2 * static_cast<int>(random.index(9)) - 9);
        const double angle = random.bernoulli(0.5) ? random.uniform(-100, 100) : std::nextafter(edge, random.normal());
        const double wrapped = wrap_angle(angle);
        ASSERT_GT(wrapped, -pi / 2);
        ASSERT_LE(wrapped, pi / 2);
        ASSERT_NEAR(std::sin(2 * wrapped), std::sin(2 * angle), 1e-9);
        ASSERT_NEAR(std::cos(2 * wrapped), std::cos(2 * angle), 1e-9);
    }
}

TEST(GraspPose, ClosesAlongTheAngleFromColTowardsRow) {
    const CameraIntrinsics camera{480, 640, 500, 400, 300, 200};
    const auto X_CG = grasp_pose({.row = 250, .col = 400, .depth = 0.8, .angle = pi / 6}, camera);
    EXPECT_TRUE(X_CG.translation().isApprox(Eigen::Vector3d(0.8 * 100 / 500, 0.8 * 50 / 400, 0.8)));
    // 30 degrees from +x (right, +col) towards +y (down, +row)
    EXPECT_TRUE(X_CG.linear().col(0).isApprox(Eigen::Vector3d(std::sqrt(3.0) / 2, 0.5, 0)));
    EXPECT_TRUE(X_CG.linear().col(2).isApprox(Eigen::Vector3d::UnitZ()));
    EXPECT_NEAR(X_CG.linear().determinant(), 1.0, 1e-12);

    // A point a little along the closing axis is seen to the right and below.
    const Eigen::Vector2d pixel = camera.project(X_CG * Eigen::Vector3d(0.01, 0, 0));
    EXPECT_GT(pixel(0), 250);
    EXPECT_GT(pixel(1), 400);
}

TEST(PlanarGrasp, InvertsGraspPose) {
    const CameraIntrinsics camera{480, 640, 500, 400, 300, 200};
    RandomStream random(2);
    for (int i = 0; i < 1000; ++i) {
        const PlanarGrasp grasp{random.uniform(0, 480), random.uniform(0, 640), random.uniform(0.1, 2),
                                random.uniform(-pi / 2, pi / 2), 0.05};
        const PlanarGrasp back = planar_grasp(grasp_pose(grasp, camera), camera, grasp.width);
        EXPECT_NEAR(back.row, grasp.row, 1e-9);
        EXPECT_NEAR(back.col, grasp.col, 1e-9);
        EXPECT_NEAR(back.depth, grasp.depth, 1e-12);
        EXPECT_NEAR(back.angle, grasp.angle, 1e-9);
        EXPECT_EQ(back.width, 0.05);
    }
}

TEST(PlanarGrasp, DoesNotSeeTheSwapOfTheJaws) {
    const CameraIntrinsics camera;
    RandomStream random(3);
    for (int i = 0; i < 100; ++i) {
        const Eigen::Isometry3d X_CG = random_pose(random);
        const Eigen::Isometry3d swapped = X_CG * Eigen::AngleAxisd(pi, Eigen::Vector3d::UnitZ());
        EXPECT_NEAR(planar_grasp(X_CG, camera, 0).angle, planar_grasp(swapped, camera, 0).angle, 1e-9);
    }
}

TEST(PlanarGrasp, MustLieBeforeTheCamera) {
    Eigen::Isometry3d behind = Eigen::Isometry3d::Identity();
    behind.translation().z() = -0.5;
    EXPECT_THAT([&] { planar_grasp(behind, {}, 0); }, ThrowsMessage<Error>(HasSubstr("-0.5 m is not in front")));
}

}  // namespace
}  // namespace ebgrasp
