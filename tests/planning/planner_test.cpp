#include "ebgrasp/planning/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/planning/grasp_list.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

/// An energy that knows nothing of the image: it likes grasps near the middle of the region.
class CentreModel : public EnergyModel {
  public:
    std::string name() const override { return "centre"; }
    ViewSpec view() const override { return {}; }
    bool calibrated() const override { return true; }
    std::unique_ptr<EncodedView> encode(const DepthImage&, const Mask& region, const Gripper&) const override {
        Eigen::Vector2d sum(0, 0);
        double count = 0;
        for (int row = 0; row < region.rows(); ++row)
            for (int col = 0; col < region.cols(); ++col)
                if (region(row, col)) sum += Eigen::Vector2d(row, col), ++count;
        return std::make_unique<View>(sum / count);
    }

  private:
    struct View : EncodedView {
        explicit View(Eigen::Vector2d c) : center(std::move(c)) {}
        void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                      std::span<GraspGradient> gradients) const override {
            for (std::size_t i = 0; i < grasps.size(); ++i) {
                const Eigen::Vector2d d = Eigen::Vector2d(grasps[i].row, grasps[i].col) - center;
                energies[i] = 1e-3 * d.squaredNorm();
                if (!gradients.empty()) gradients[i] << 2e-3 * d, 0, 0;
            }
        }
        std::vector<double> success_probabilities(std::span<const PlanarGrasp> grasps) const override {
            std::vector<double> values(grasps.size());
            evaluate(grasps, values, {});
            for (double& value : values) value = std::exp(-value);
            return values;
        }
        Eigen::Vector2d center;
    };
};

Planner planner() { return Planner(std::make_shared<CentreModel>(), load_gripper("robotiq_2f85")); }

const std::vector<TableBox> two_boxes = {{0.05, 0.02, 0.5, {0.04, 0.12, 0.05}}, {-0.12, 0.0, 0.0, {0.05, 0.05, 0.03}}};

/// Every grasp must lie on the wanted box, below its surface and above the table, within the gripper's opening.
void expect_sound(const PlanResult& result, const SyntheticScene& scene, const Eigen::Isometry3d& X_WC, int box) {
    ASSERT_FALSE(result.grasps.empty()) << result.reason;
    for (const auto& planned : result.grasps) {
        const PlanarGrasp& y = planned.grasp;
        const long row = std::lround(y.row), col = std::lround(y.col);
        EXPECT_TRUE(box > 0 ? scene.boxes(row, col) == box : scene.boxes(row, col) > 0);
        EXPECT_GT(y.depth, scene.image.depth(row, col));
        const Eigen::Vector3d p_WG = X_WC * planned.X_CG.translation();
        EXPECT_GT(p_WG.z(), 0.0);
        EXPECT_GT(y.width, 0.0);
        EXPECT_LE(y.width, 0.085);
        // The approach is straight down at the table, whatever the camera's tilt.
        EXPECT_GT((X_WC.rotation() * planned.X_CG.rotation().col(2)).dot(-Eigen::Vector3d::UnitZ()), 0.9998);
        // The planar description and the pose are one grasp.
        const PlanarGrasp again = planar_grasp(planned.X_CG, scene.image.camera, y.width);
        EXPECT_NEAR(again.row, y.row, 1e-9);
        EXPECT_NEAR(again.depth, y.depth, 1e-9);
    }
    for (std::size_t i = 1; i < result.grasps.size(); ++i)
        EXPECT_LE(result.grasps[i - 1].energy, result.grasps[i].energy);
}

TEST(Planner, FindsSoundGraspsUnderAnyTilt) {
    for (const double tilt_degrees : {0.0, 12.0, 30.0}) {
        const Eigen::Isometry3d X_WC = camera_above(0.7, tilt_degrees * std::numbers::pi / 180, 0.8);
        const SyntheticScene scene = synthetic_scene(two_boxes, X_WC);
        expect_sound(planner().plan({.image = scene.image, .mask = {}}), scene, X_WC, 0);
    }
}

TEST(Planner, KeepsToTheMask) {
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0.2);
    const SyntheticScene scene = synthetic_scene(two_boxes, X_WC);
    for (const auto box : {std::uint8_t{1}, std::uint8_t{2}}) {
        const Mask mask = (scene.boxes == box).cast<std::uint8_t>();
        expect_sound(planner().plan({.image = scene.image, .mask = mask}), scene, X_WC, box);
    }
}

TEST(Planner, AnyCameraAndDistance) {
    const CameraIntrinsics small{240, 320, 300, 300, 159.5, 119.5};
    const Eigen::Isometry3d X_WC = camera_above(0.5, 0.1);
    const SyntheticScene scene = synthetic_scene(two_boxes, X_WC, small);
    expect_sound(planner().plan({.image = scene.image, .mask = {}}), scene, X_WC, 0);
}

TEST(Planner, SaysWhyThereIsNoGrasp) {
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0.0);
    const auto reason = [&](const SyntheticScene& scene, const Mask& mask = {}) {
        const PlanResult result = planner().plan({.image = scene.image, .mask = mask});
        EXPECT_TRUE(result.grasps.empty());
        EXPECT_FALSE(result.stages.empty());
        return result.reason;
    };
    EXPECT_EQ(reason(synthetic_scene({}, X_WC)), "proposals: nothing_on_the_plane");
    SyntheticScene scene = synthetic_scene(two_boxes, X_WC);
    EXPECT_EQ(reason(scene, (scene.boxes == 0).cast<std::uint8_t>()), "proposals: nothing_raised_in_mask");
    // A slab wider than the gripper opens, in both directions.
    EXPECT_THAT(reason(synthetic_scene({{0, 0, 0, {0.12, 0.12, 0.05}}}, X_WC)), testing::HasSubstr("too_wide"));
    // Noise without any plane.
    RandomStream random(1);
    for (auto& z : scene.image.depth.reshaped()) z = static_cast<float>(random.uniform(0.3, 3.0));
    EXPECT_THAT(reason(scene), testing::HasSubstr("support_plane"));
}

TEST(Planner, StagesAccountForEveryCandidate) {
    const SyntheticScene scene = synthetic_scene(two_boxes, camera_above(0.7, 0.1));
    const PlanResult result = planner().plan({.image = scene.image, .mask = {}, .count = 3});
    ASSERT_EQ(result.stages.front().name, "scene");
    for (std::size_t i = 1; i < result.stages.size(); ++i) {
        const PlanStage& stage = result.stages[i];
        std::size_t dropped = 0;
        for (const auto& [reason, count] : stage.dropped) dropped += count;
        const std::size_t expected = stage.name == "descent" ? 2 * stage.in : stage.in;  // descended, and their starts
        EXPECT_EQ(expected, stage.out + dropped) << stage.name;
        if (i > 1) {
            EXPECT_EQ(stage.in, result.stages[i - 1].out) << stage.name;
        }
    }
    EXPECT_EQ(result.stages.back().out, 3u);
}

TEST(Planner, MovingSceneAndCameraTogetherMovesTheGrasps) {
    const double turn = 0.7;
    const Eigen::Isometry3d moved(Eigen::Translation3d(0.03, -0.02, 0) *
                                  Eigen::AngleAxisd(turn, Eigen::Vector3d::UnitZ()));
    std::vector<TableBox> moved_boxes = two_boxes;
    for (TableBox& box : moved_boxes) {
        const Eigen::Vector3d center = moved * Eigen::Vector3d(box.x, box.y, 0);
        box.x = center.x(), box.y = center.y(), box.yaw += turn;
    }
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0.2, 0.4), moved_X_WC = moved * X_WC;
    const PlanResult here = planner().plan({.image = synthetic_scene(two_boxes, X_WC).image, .mask = {}}),
                     there = planner().plan({.image = synthetic_scene(moved_boxes, moved_X_WC).image, .mask = {}});
    ASSERT_EQ(here.grasps.size(), there.grasps.size());
    for (std::size_t i = 0; i < here.grasps.size(); ++i) {
        const Eigen::Isometry3d difference =
            (moved * X_WC * here.grasps[i].X_CG).inverse() * (moved_X_WC * there.grasps[i].X_CG);
        EXPECT_LT(difference.translation().norm(), 1e-3);
        EXPECT_LT(Eigen::AngleAxisd(difference.linear()).angle(), std::numbers::pi / 180);
    }
}

TEST(Planner, SameSeedSameGraspsOnAnyThreadCount) {
    const SyntheticScene scene = synthetic_scene(two_boxes, camera_above(0.7, 0.2));
    const auto plan = [&](int threads, std::uint64_t seed) {
        const ThreadLimit limit(threads);
        const PlanResult result = planner().plan({.image = scene.image, .mask = {}, .seed = seed});
        auto list = grasp_list(result, scene.image.camera, {});
        list.erase("milliseconds");
        return list.dump();
    };
    EXPECT_EQ(plan(1, 5), plan(2, 5));
    EXPECT_EQ(plan(1, 5), plan(7, 5));
    EXPECT_NE(plan(1, 5), plan(1, 6));
}

TEST(Planner, GraspsThatFailedAreNotPlannedAgain) {
    PlanRequest request{.image = synthetic_scene(two_boxes, camera_above(0.7, 0.1)).image, .mask = {}};
    const PlanResult first = planner().plan(request);
    ASSERT_GE(first.grasps.size(), 2u);
    Eigen::Isometry3d turned = first.grasps[0].X_CG;
    turned.rotate(Eigen::AngleAxisd(std::numbers::pi, Eigen::Vector3d::UnitZ()));  // the jaws swapped: the same grasp
    request.failed_X_CG = {turned};
    const PlanResult second = planner().plan(request);
    ASSERT_FALSE(second.grasps.empty());
    EXPECT_TRUE(is_like(first.grasps[0].X_CG, turned));
    for (const auto& grasp : second.grasps) EXPECT_FALSE(is_like(grasp.X_CG, first.grasps[0].X_CG));
    const auto jaws = std::ranges::find(second.stages, "jaws", &PlanStage::name);
    EXPECT_GT(jaws->dropped.at("failed_before"), 0u);
}

TEST(Planner, LeavesOutUnlikelyGrasps) {
    const PlanRequest request{.image = synthetic_scene(two_boxes, camera_above(0.7, 0.1)).image, .mask = {}};
    const auto with = [&](double least) {
        PlannerOptions options;
        options.min_probability = least;
        return Planner(std::make_shared<CentreModel>(), load_gripper("robotiq_2f85"), options).plan(request);
    };
    const PlanResult all = with(0);
    ASSERT_GE(all.grasps.size(), 2u);
    const double best = *all.grasps.front().success_probability, worst = *all.grasps.back().success_probability;
    const double between = 0.5 * (best + worst);
    ASSERT_GT(best, worst);
    const PlanResult some = with(between);
    EXPECT_FALSE(some.grasps.empty());
    for (const auto& grasp : some.grasps) EXPECT_GE(*grasp.success_probability, between);
    const auto selection = std::ranges::find(some.stages, "selection", &PlanStage::name);
    EXPECT_GT(selection->dropped.at("unlikely"), 0u);
    const PlanResult none = with(1);
    EXPECT_TRUE(none.grasps.empty());
    EXPECT_EQ(none.reason, "selection: unlikely");
    EXPECT_THROW(with(1.5), Error);
}

TEST(Planner, RefusesUnusableInput) {
    const SyntheticScene scene = synthetic_scene(two_boxes, camera_above(0.7, 0.0));
    const Mask small = Mask::Ones(10, 10);
    EXPECT_THROW(planner().plan({.image = scene.image, .mask = small}), Error);
}

TEST(GraspList, HasTheFieldsOfTheFormat) {
    const SyntheticScene scene = synthetic_scene(two_boxes, camera_above(0.7, 0.0));
    const PlanResult result = planner().plan({.image = scene.image, .mask = {}, .count = 2});
    const auto list =
        grasp_list(result, scene.image.camera, {find_convention("franka"), load_gripper("robotiq_2f85"), "centre"});
    EXPECT_EQ(list["format"], "ebgrasp-grasps/1");
    EXPECT_EQ(list["frame"], "camera");
    EXPECT_EQ(list["convention"], "franka");
    EXPECT_EQ(list["image"]["width"], 640);
    ASSERT_EQ(list["grasps"].size(), 2u);
    const auto& grasp = list["grasps"][0];
    for (const char* field : {"row", "col", "depth", "angle", "width", "energy", "success_probability"})
        EXPECT_TRUE(grasp[field].is_number()) << field;
    // Franka's axes: approach z, closing y. The quaternion, turned back to a matrix, must have them there.
    const auto q = grasp["pose"]["quaternion_wxyz"].get<std::array<double, 4>>();
    const Eigen::Matrix3d R = Eigen::Quaterniond(q[0], q[1], q[2], q[3]).toRotationMatrix();
    EXPECT_GT(R.col(2).dot(result.grasps[0].X_CG.rotation().col(2)), 0.99999);
    EXPECT_GT(std::abs(R.col(1).dot(result.grasps[0].X_CG.rotation().col(0))), 0.99999);
}

}  // namespace
}  // namespace ebgrasp
