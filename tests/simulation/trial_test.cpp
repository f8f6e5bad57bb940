#include "ebgrasp/simulation/trial.hpp"

#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/procedural.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

Object box(const Vector3d& extents) { return make_object("box", {make_box(extents)}); }

/// Standing on the table at (x, y).
PosedObject standing(const Object& object, double height, double x = 0, double y = 0) {
    return {&object, Isometry3d(Eigen::Translation3d(x, y, height / 2))};
}

/// Straight down at `p_W`, closing along the world's x axis turned by `yaw`.
Isometry3d down(const Vector3d& p_W, double yaw = 0) {
    return Eigen::Translation3d(p_W) * Eigen::AngleAxisd(yaw, Vector3d::UnitZ()) *
           Eigen::AngleAxisd(std::numbers::pi, Vector3d::UnitX());
}

TrialResult grasp(const Object& object, double height, const Isometry3d& X_WG, const TrialOptions& options = {},
                  const Gripper& gripper = {}) {
    const PosedObject posed = standing(object, height);
    return TrialWorld({&posed, 1}, gripper, options).run(X_WG, 0);
}

TEST(Trial, ACubeAcrossItsMiddleIsHeldAndLifted) {
    const Object cube = box({0.04, 0.04, 0.04});
    for (const auto& name : gripper_presets()) {
        const auto result = grasp(cube, 0.04, down({0, 0, 0.02}), {}, load_gripper(name));
        EXPECT_EQ(to_string(result.outcome), "success") << name;
        EXPECT_EQ(result.object, 0);
        EXPECT_GT(result.X_WO.at(0).translation().z(), 0.15);
    }
}

TEST(Trial, FailuresAreNamed) {
    const Object cube = box({0.04, 0.04, 0.04}), wide = box({0.10, 0.10, 0.04});
    const auto outcome = [](const TrialResult& result) { return std::string(to_string(result.outcome)); };
    EXPECT_EQ(outcome(grasp(cube, 0.04, down({0.035, 0, 0.02}))), "collision");  // a finger comes down on the cube
    EXPECT_EQ(outcome(grasp(cube, 0.04, down({0, 0, -0.02}))), "collision");     // the table is in the way
    EXPECT_EQ(outcome(grasp(wide, 0.04, down({0, 0, 0.02}))), "collision");      // wider than the gripper opens
    EXPECT_EQ(outcome(grasp(cube, 0.04, down({0.2, 0, 0.03}))), "empty");
    EXPECT_EQ(outcome(grasp(cube, 0.04, down({0, 0, 0.09}))), "empty");  // above the cube
    EXPECT_EQ(outcome(grasp(cube, 0.04, down({2, 0, 0.03}))), "out_of_reach");
}

// Two pads of friction mu that press with force F hold a mass m at rest as long as 2 mu F > m g.
TEST(Trial, ACubeThatIsTooHeavyForTheFrictionSlips) {
    const Object cube = box({0.04, 0.04, 0.04});
    const auto lifted = [&](double force, double mass, double friction) {
        Gripper gripper;
        gripper.pad_friction = friction;
        TrialOptions options;
        options.closing_force = force;
        options.mass = mass;
        options.shake_level = 0;
        return grasp(cube, 0.04, down({0, 0, 0.02}), options, gripper).outcome == Outcome::success;
    };
    constexpr double gravity = 9.81;
    for (const double force : {5.0, 20.0})
        for (const double friction : {0.3, 0.6}) {
            const double limit = 2 * friction * force / gravity;
            EXPECT_TRUE(lifted(force, 0.6 * limit, friction)) << force << " N, friction " << friction;
            EXPECT_FALSE(lifted(force, 1.2 * limit, friction)) << force << " N, friction " << friction;
        }
}

// A grasp across slanted faces holds only inside the friction cone: faces at an angle a to the approach slip where
// tan a > mu.
TEST(Trial, TangentialGraspsDoNotHold) {
    const Object bar = box({0.03, 0.12, 0.04});
    EXPECT_EQ(grasp(bar, 0.04, down({0, 0, 0.02})).outcome, Outcome::success);
    EXPECT_NE(grasp(bar, 0.04, down({0, 0, 0.02}, 1.0)).outcome, Outcome::success);  // 57 degrees off
}

TEST(Trial, RepeatsBitForBit) {
    const Object bar = box({0.03, 0.10, 0.04});
    const PosedObject posed = standing(bar, 0.04);
    TrialWorld world({&posed, 1}, Gripper{});
    const Isometry3d X_WG = down({0.002, 0.03, 0.02}, 0.1);
    const auto first = world.run(X_WG, 0.06);
    world.run(down({0, 0, 0.02}), 0);
    const auto again = world.run(X_WG, 0.06);
    EXPECT_EQ(first.outcome, again.outcome);
    EXPECT_EQ(first.seconds, again.seconds);
    EXPECT_EQ(first.X_WO.at(0).matrix(), again.X_WO.at(0).matrix());
}

TEST(Trial, MovingSceneAndGraspTogetherChangesNothing) {
    const Object bar = box({0.03, 0.10, 0.04});
    for (const double offset : {0.0, 0.02}) {
        const Isometry3d X_WG = down({0, offset, 0.02});
        const PosedObject posed = standing(bar, 0.04);
        const Isometry3d move = Eigen::Translation3d(0.1, -0.05, 0) * Eigen::AngleAxisd(0.7, Vector3d::UnitZ());
        const PosedObject moved{&bar, move * posed.X_WO};
        EXPECT_EQ(TrialWorld({&posed, 1}, Gripper{}).run(X_WG, 0).outcome,
                  TrialWorld({&moved, 1}, Gripper{}).run(move * X_WG, 0).outcome)
            << offset;
    }
}

TEST(Trial, OnlyTheGraspedObjectComesAlong) {
    const Object cube = box({0.04, 0.04, 0.04});
    const std::array posed = {standing(cube, 0.04), standing(cube, 0.04, 0.15, 0.05)};
    const auto result = TrialWorld(posed, Gripper{}).run(down({0.15, 0.05, 0.02}), 0);
    EXPECT_EQ(result.outcome, Outcome::success);
    EXPECT_EQ(result.object, 1);
    EXPECT_NEAR((result.X_WO.at(0).translation() - Vector3d(0, 0, 0.02)).norm(), 0, 0.001);
}

TEST(Trial, FramesShowEveryPhase) {
    const Object cube = box({0.04, 0.04, 0.04});
    const PosedObject posed = standing(cube, 0.04);
    std::vector<std::string> phases;
    double last = -1;
    TrialWorld({&posed, 1}, Gripper{}).run(down({0, 0, 0.02}), 0, [&](const TrialFrame& frame) {
        EXPECT_GT(frame.time, last);
        last = frame.time;
        EXPECT_EQ(frame.X_WO.size(), 1u);
        if (phases.empty() || phases.back() != frame.phase) phases.emplace_back(frame.phase);
    });
    EXPECT_EQ(phases, (std::vector<std::string>{"approach", "close", "lift", "shake"}));
}

TEST(Trial, OptionsOutOfRangeAreNamed) {
    TrialOptions options;
    options.closing_force = -1;
    EXPECT_THROW(options.validate(), Error);
    options = {};
    options.shake_level = 4;
    EXPECT_THROW(options.validate(), Error);
}

}  // namespace
}  // namespace ebgrasp
