#include "ebgrasp/baselines/sampling_planners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;

/// The grasp in the world.
struct WorldGrasp {
    Vector3d center, closing, approach;

    WorldGrasp(const Eigen::Isometry3d& X_WC, const PlannedGrasp& planned)
        : center(X_WC * planned.X_CG.translation()),
          closing(X_WC.linear() * planned.X_CG.linear().col(0)),
          approach(X_WC.linear() * planned.X_CG.linear().col(2)) {}
};

double degrees_between_axes(const Vector3d& a, const Vector3d& b) {
    return std::acos(std::min(1.0, std::abs(a.normalized().dot(b.normalized())))) * 180 / std::numbers::pi;
}

TEST(AntipodalPlanner, ClosesAcrossTheShortSideOfABox) {
    for (const double yaw : {0.0, 0.5, 1.2, 2.3})
        for (const double tilt : {0.0, 0.2}) {
            const TableBox box{0.03, -0.02, yaw, {0.04, 0.12, 0.06}};
            const Eigen::Isometry3d X_WC = camera_above(0.7, tilt, 0.9);
            const SyntheticScene scene = synthetic_scene({box}, X_WC);
            const PlanResult result = AntipodalPlanner(Gripper{}).plan({.image = scene.image, .mask = {}});
            ASSERT_FALSE(result.grasps.empty()) << result.reason;
            const WorldGrasp best(X_WC, result.grasps.front());
            const Vector3d short_side(std::cos(yaw), std::sin(yaw), 0);
            EXPECT_LT(degrees_between_axes(best.closing, short_side), 6) << yaw;
            EXPECT_NEAR((best.center - Vector3d(box.x, box.y, 0)).dot(short_side), 0, 0.003);
            // The rule of depth: half-way down, since the fingers reach 30 mm.
            EXPECT_NEAR(best.center.z(), 0.03, 0.003);
            EXPECT_LT(degrees_between_axes(best.approach, Vector3d::UnitZ()), 1);
        }
}

TEST(AntipodalPlanner, ClosesThroughTheAxisOfACylinder) {
    // An upright cylinder (radius 3 cm, height 5 cm) seen straight from above, away from the image's centre.
    constexpr double radius = 0.03, height = 0.05, x = 0.05, y = 0.03;
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0.0);
    SyntheticScene scene = synthetic_scene({}, X_WC);
    const CameraIntrinsics& camera = scene.image.camera;
    for (int row = 0; row < camera.height; ++row)
        for (int col = 0; col < camera.width; ++col) {
            // Down the ray in steps of half a millimetre of height: the first point inside.
            const Vector3d ray_W = X_WC.rotation() * camera.deproject(row, col, 1.0);
            for (double z = height; z > 0; z -= 0.0005) {
                const double depth = (z - X_WC.translation().z()) / ray_W.z();
                const Vector3d p_W = X_WC.translation() + depth * ray_W;
                if (std::hypot(p_W.x() - x, p_W.y() - y) > radius) continue;
                scene.image.depth(row, col) = static_cast<float>(depth);
                break;
            }
        }
    const PlanResult result = AntipodalPlanner(Gripper{}).plan({.image = scene.image, .mask = {}});
    ASSERT_FALSE(result.grasps.empty()) << result.reason;
    const WorldGrasp best(X_WC, result.grasps.front());
    EXPECT_LT(std::hypot(best.center.x() - x, best.center.y() - y), 0.004);
    EXPECT_GT(result.grasps.front().grasp.width, 2 * radius);
}

TEST(AntipodalPlanner, PutsTheWidestMarginFirst) {
    // Both boxes can be grasped with no lean; the opening leaves 1 - 30 / 85 beside one, 1 - 60 / 85 beside the other.
    const std::vector<TableBox> boxes = {{0.08, 0, 0.2, {0.06, 0.10, 0.05}}, {-0.08, 0, 0.2, {0.03, 0.10, 0.05}}};
    const SyntheticScene scene = synthetic_scene(boxes, camera_above(0.7, 0.1));
    const PlanResult result = AntipodalPlanner(Gripper{}).plan({.image = scene.image, .mask = {}, .count = 50});
    ASSERT_GT(result.grasps.size(), 2u);
    std::array<double, 3> best = {0, 0, 0};
    for (const auto& planned : result.grasps) {
        const int box = scene.boxes(std::lround(planned.grasp.row), std::lround(planned.grasp.col));
        best[static_cast<std::size_t>(box)] = std::max(best[static_cast<std::size_t>(box)], -planned.energy);
        EXPECT_LE(planned.energy, 0);
        EXPECT_GE(planned.energy, -1);
    }
    EXPECT_NEAR(best[1], 1 - 60 / 85.0, 0.06);
    EXPECT_NEAR(best[2], 1 - 30 / 85.0, 0.06);
    EXPECT_EQ(scene.boxes(std::lround(result.grasps[0].grasp.row), std::lround(result.grasps[0].grasp.col)), 2);
}

TEST(RandomPlanner, GraspsAnywhereOnTheObjectInRandomOrder) {
    const TableBox box{0, 0, 0.3, {0.04, 0.14, 0.05}};
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0.0);
    const SyntheticScene scene = synthetic_scene({box}, X_WC);
    const Vector3d short_side(std::cos(box.yaw), std::sin(box.yaw), 0), long_side(-short_side.y(), short_side.x(), 0);
    SceneOptions options;
    options.nms_distance = 0;  // all that fit
    const PlanResult result = RandomPlanner(Gripper{}, options).plan({.image = scene.image, .mask = {}, .count = 1000});
    const double count = static_cast<double>(result.grasps.size());
    ASSERT_GT(count, 60);
    double outer = 0, mean = 0, trend = 0;
    for (std::size_t i = 0; i < result.grasps.size(); ++i) {
        const PlannedGrasp& planned = result.grasps[i];
        const auto row = std::lround(planned.grasp.row), col = std::lround(planned.grasp.col);
        EXPECT_TRUE((scene.boxes.block(row - 1, col - 1, 3, 3) == 1).any()) << "to the pixel, at the box's border";
        EXPECT_GT(planned.grasp.width, 0.04);
        const double place = WorldGrasp(X_WC, planned).center.dot(long_side);
        outer += std::abs(place) > 0.035;
        mean += place / count;
        trend += place * (static_cast<double>(i) - count / 2) / count;
    }
    // Uniform over 14 cm: half of them in the outer halves, deviation 4 cm, and no place earlier than another.
    EXPECT_NEAR(outer / count, 0.5, 0.2);
    EXPECT_NEAR(mean, 0, 3 * 0.04 / std::sqrt(count));
    EXPECT_NEAR(trend, 0, 3 * 0.04 * std::sqrt(count / 12));
}

template <typename PlannerType>
void expect_deterministic() {
    const SyntheticScene scene = synthetic_scene({{0, 0, 0.3, {0.04, 0.10, 0.05}}}, camera_above(0.7, 0.1));
    const auto first = [&](std::uint64_t seed) {
        const auto result = PlannerType(Gripper{}).plan({.image = scene.image, .mask = {}, .seed = seed});
        return Eigen::Matrix4d(result.grasps.at(0).X_CG.matrix());
    };
    EXPECT_EQ(first(1), first(1));
    EXPECT_NE(first(1), first(2));
}

TEST(SamplingPlanners, SameSeedSameGrasps) {
    expect_deterministic<AntipodalPlanner>();
    expect_deterministic<RandomPlanner>();
}

TEST(SamplingPlanners, SayWhyThereIsNoGrasp) {
    const SyntheticScene table = synthetic_scene({}, camera_above(0.7, 0.1));
    EXPECT_EQ(AntipodalPlanner(Gripper{}).plan({.image = table.image, .mask = {}}).reason,
              "proposals: nothing_on_the_plane");
    EXPECT_EQ(RandomPlanner(Gripper{}).plan({.image = table.image, .mask = {}}).reason,
              "proposals: nothing_on_the_plane");
    // In the middle of a block there are no edges, and nothing that the jaws could close on.
    Gripper narrow;
    narrow.max_opening = 0.03;
    const SyntheticScene block = synthetic_scene({{0, 0, 0.3, {0.08, 0.08, 0.05}}}, camera_above(0.7, 0.1));
    Mask middle = Mask::Zero(480, 640);
    middle.block(225, 305, 30, 30) = 1;
    EXPECT_THAT(AntipodalPlanner(narrow).plan({.image = block.image, .mask = middle}).reason,
                testing::StartsWith("proposals"));
    EXPECT_THAT(RandomPlanner(narrow).plan({.image = block.image, .mask = middle}).reason, testing::StartsWith("jaws"));
}

}  // namespace
}  // namespace ebgrasp
