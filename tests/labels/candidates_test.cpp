#include "ebgrasp/labels/candidates.hpp"

#include <Eigen/Geometry>
#include <cmath>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/procedural.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

PosedLabelObject posed(ConvexPart part, const Vector3d& position) {
    Isometry3d X_WO = Isometry3d::Identity();
    X_WO.rotate(Eigen::AngleAxisd(0.7, Vector3d::UnitZ()));
    X_WO.pretranslate(position);
    return {std::make_shared<LabelObject>(make_object("thing", {std::move(part)})), X_WO};
}

Vector3d leaning_approach() { return Vector3d(0.1, -0.2, -1).normalized(); }

void expect_frame(const Isometry3d& X_WG, const Vector3d& approach) {
    EXPECT_LT((X_WG.linear().transpose() * X_WG.linear() - Eigen::Matrix3d::Identity()).norm(), 1e-9);
    EXPECT_NEAR(X_WG.linear().determinant(), 1, 1e-9);
    EXPECT_LT((X_WG.linear().col(2) - approach).norm(), 1e-9);
}

TEST(AntipodalCandidates, OfABoxJoinOppositeFacesInsideTheirCones) {
    const PosedLabelObject box = posed(make_box({0.03, 0.04, 0.05}), {0.1, 0.2, 0.025});
    const Vector3d approach = -Vector3d::UnitZ();
    RandomStream random(1);
    const double friction = 0.3;
    const auto X_WG = antipodal_candidates(box, approach, friction, Gripper{}, 200, random);
    ASSERT_EQ(X_WG.size(), 200u);
    int along_x = 0;
    for (const Isometry3d& X : X_WG) {
        expect_frame(X, approach);
        const Isometry3d X_OG = box.X_WO.inverse() * X;
        const Vector3d axis = X_OG.linear().col(0).cwiseAbs();
        const double lean = std::atan2(std::min(axis.x(), axis.y()), std::max(axis.x(), axis.y()));
        EXPECT_LE(lean, std::atan(friction) + 1e-6);
        along_x += axis.x() > axis.y();
        // The middle between the faces, wherever the axis crosses them; shifted by at most a centimetre along z.
        const int across = axis.x() > axis.y() ? 0 : 1;
        EXPECT_NEAR(X_OG.translation()[across], 0, 1e-6);
        EXPECT_LE(std::abs(X_OG.translation().z()), 0.025 + 0.010 + 1e-6);
    }
    EXPECT_GT(along_x, 60);
    EXPECT_LT(along_x, 160);
}

TEST(AntipodalCandidates, NeedAnOpeningThatTheGripperHas) {
    RandomStream random(2);
    Gripper gripper;
    gripper.max_opening = 0.085;
    EXPECT_TRUE(
        antipodal_candidates(posed(make_box({0.1, 0.1, 0.05}), {0, 0, 0}), -Vector3d::UnitZ(), 0.3, gripper, 20, random)
            .empty());
    gripper.min_opening = 0.02;
    EXPECT_TRUE(
        antipodal_candidates(posed(make_cylinder(0.008, 0.05), {0, 0, 0}), -Vector3d::UnitZ(), 0.3, gripper, 20, random)
            .empty());
}

TEST(UniformCandidates, FillTheBoundingBoxAndAllAngles) {
    const PosedLabelObject object = posed(make_superquadric({0.03, 0.02, 0.01}, 1, 1), {0.1, 0.2, 0.3});
    RandomStream random(3);
    const auto X_WG = uniform_candidates(object, leaning_approach(), 2000, random);
    ASSERT_EQ(X_WG.size(), 2000u);
    Vector3d mean = Vector3d::Zero();
    for (const Isometry3d& X : X_WG) {
        expect_frame(X, leaning_approach());
        mean += X.translation() / 2000;
        EXPECT_LT((X.translation() - object.X_WO.translation()).norm(), 0.07);
    }
    EXPECT_LT((mean - object.X_WO.translation()).norm(), 0.003);
}

TEST(Candidates, RejectAnApproachThatIsNoUnitVector) {
    const PosedLabelObject box = posed(make_box({0.03, 0.04, 0.05}), {0, 0, 0});
    RandomStream random(4);
    EXPECT_THROW(uniform_candidates(box, {0, 0, -2}, 1, random), Error);
    EXPECT_THROW(antipodal_candidates(box, {0, 0, 0}, 0.5, Gripper{}, 1, random), Error);
}

TEST(Candidates, AreAFunctionOfTheirStream) {
    const PosedLabelObject box = posed(make_box({0.03, 0.04, 0.05}), {0, 0, 0});
    for (int repeat = 0; repeat < 2; ++repeat) {
        RandomStream one(5), other(5);
        const auto a = antipodal_candidates(box, leaning_approach(), 0.5, Gripper{}, 10, one);
        const auto b = antipodal_candidates(box, leaning_approach(), 0.5, Gripper{}, 10, other);
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].matrix(), b[i].matrix());
    }
}

}  // namespace
}  // namespace ebgrasp
