#include "ebgrasp/planning/proposals.hpp"

#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/planning/jaws.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

constexpr double distance = 0.70;

Scene scene_of(const TableBox& box) {
    return Scene(synthetic_scene({box}, camera_above(distance, 0.0)).image, {}, SupportPlane{{0, 0, -1}, distance, 1.0},
                 ViewSpec{}, 0.006);
}

std::vector<EdgePair> pairs_on(const Scene& scene, const Gripper& gripper, std::size_t count) {
    RandomStream random(1);
    std::vector<EdgePair> pairs;
    sample_edge_pairs(scene, gripper, count, random, [&](const EdgePair& pair) { pairs.push_back(pair); });
    return pairs;
}

TEST(EdgePairs, OfABarJoinItsLongSides) {
    const Gripper gripper;
    const Scene scene = scene_of({0, 0, 0, {0.03, 0.12, 0.04}});
    const auto pairs = pairs_on(scene, gripper, 300);
    ASSERT_EQ(pairs.size(), 300u);
    const double cone = std::atan(gripper.pad_friction);
    double least_lean = cone;
    for (const EdgePair& pair : pairs) {
        const double lean = std::abs(wrap_angle(pair.angle));  // of this bar: its sides lie along V's columns
        const double along = (pair.center().x() - scene.camera().cy) * distance / scene.camera().fy;
        if (std::abs(along) > 0.04) continue;  // near the corners
        EXPECT_LE(lean, cone + 1e-9);
        EXPECT_NEAR(largest_lean(scene, pair), lean, 0.02);
        EXPECT_NEAR((pair.end - pair.start).norm() / scene.pixels_per_metre(0.66) * std::cos(lean), 0.03, 0.004);
        EXPECT_NEAR(pair.center().y(), scene.camera().cx, 2.0);
        least_lean = std::min(least_lean, lean);
    }
    EXPECT_LT(least_lean, 0.02);
}

TEST(EdgePairs, LeanIsTheAngleToTheSidesOfATurnedBar) {
    for (const double yaw : {0.2, 0.5, 0.8, 1.3}) {
        const Scene scene = scene_of({0, 0, yaw, {0.04, 0.12, 0.04}});
        // V looks down, so a turn in the world appears mirrored; the camera's x is the world's y.
        const Eigen::Vector3d short_side_V =
            camera_above(distance, 0.0).linear().transpose() * Eigen::Vector3d(std::cos(yaw), std::sin(yaw), 0);
        const double normal = std::atan2(short_side_V.y(), short_side_V.x());
        int checked = 0;
        for (const EdgePair& pair : pairs_on(scene, Gripper{}, 300)) {
            const double metres =
                (pair.center() - Eigen::Vector2d(scene.camera().cy, scene.camera().cx)).norm() * 0.00133;
            if (metres > 0.03) continue;
            ++checked;
            EXPECT_NEAR(largest_lean(scene, pair), std::abs(wrap_angle(pair.angle - normal)), 0.16);
        }
        EXPECT_GT(checked, 50);
    }
}

TEST(EdgePairs, ThereAreNoneWiderThanTheGripperOpens) {
    Gripper gripper;
    gripper.max_opening = 0.05;
    EXPECT_TRUE(pairs_on(scene_of({0, 0, 0, {0.08, 0.08, 0.04}}), gripper, 50).empty());
    EXPECT_FALSE(pairs_on(scene_of({0, 0, 0, {0.04, 0.08, 0.04}}), gripper, 50).empty());
}

TEST(FixedRule, GraspsHalfWayDownAsFarAsTheFingersReach) {
    Gripper gripper;
    gripper.finger_length = 0.045;
    gripper.tip_offset = 0.005;
    const auto height_on = [&](double box_height) {
        const Scene scene = scene_of({0, 0, 0, {0.05, 0.05, box_height}});
        return distance - fixed_rule_depth(scene, gripper, scene.camera().cy, scene.camera().cx);
    };
    EXPECT_NEAR(height_on(0.040), 0.020, 1e-3);
    EXPECT_NEAR(height_on(0.120), 0.090, 1e-3) << "45 mm of finger, 5 of them below the centre, 10 left to the palm";
    EXPECT_NEAR(height_on(0.008), lowest_center(gripper), 1e-9) << "the fingertips stay above the table";
}

}  // namespace
}  // namespace ebgrasp
