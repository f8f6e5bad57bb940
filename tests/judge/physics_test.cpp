// The protocol in MuJoCo: few trials, whose outcome is clear.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/judge/protocol.hpp"

namespace ebgrasp {
namespace {

using testing::Each;

PreparedObject box(const std::string& name, const Eigen::Vector3d& extents) {
    Object object = make_object(name, {make_box(extents)});
    auto poses = stable_poses(object);
    return {std::make_shared<const LabelObject>(std::move(object)), std::move(poses)};
}

Protocol protocol_of(const std::string& kind, std::size_t trials) {
    ProtocolOptions options;
    options.trials = trials;
    options.scene.kind = kind;
    options.scene.objects = {3, 3};
    const Gripper gripper = load_gripper("robotiq_2f85");
    return Protocol(options,
                    {box("cube", {0.04, 0.04, 0.04}), box("bar", {0.03, 0.03, 0.09}), box("block", {0.06, 0.04, 0.03})},
                    gripper, mujoco_physics(gripper, options.trial));
}

Entrant oracle() { return {make_contestant("oracle", load_gripper("robotiq_2f85"), {}), ""}; }

/// Always the same pose in the world, straight down.
struct Stubborn : Contestant {
    Eigen::Vector3d p_WG;
    explicit Stubborn(const Eigen::Vector3d& at) : p_WG(at) {}
    std::string name() const override { return "stubborn"; }
    PlanResult plan(const Situation& situation) const override {
        Eigen::Isometry3d X_WG(Eigen::Translation3d(p_WG) * Eigen::AngleAxisd(M_PI, Eigen::Vector3d::UnitX()));
        PlanResult result;
        result.grasps.push_back({{}, situation.X_WC.inverse() * X_WG, 0, {}});
        return result;
    }
};

std::vector<std::string> modes(const TrialRecord& record) {
    std::vector<std::string> names;
    for (const AttemptRecord& attempt : record.attempts) names.push_back(attempt.mode);
    return names;
}

TEST(JudgePhysics, TheOracleHoldsBoxes) {
    const Report report = run_protocol(protocol_of("single", 12), std::vector{oracle()});
    EXPECT_GE(report.planners[0].successes, 11u);
    EXPECT_EQ(report.planners[0].attempts, 12u);
    EXPECT_EQ(report.planners[0].failures.count(kNoGrasp), 0u);  // scenes without a grasp are not judged
}

TEST(JudgePhysics, GraspsOfNothingAreEmptyAndOfTheTableCollide) {
    const Protocol protocol = protocol_of("single", 1);
    const Opening opening = protocol.open(0);
    EXPECT_THAT(modes(protocol.play(opening, Stubborn({0.25, 0, 0.05}))), Each("empty"));
    EXPECT_THAT(modes(protocol.play(opening, Stubborn({0.25, 0, -0.05}))), Each("collision"));
    EXPECT_THAT(modes(protocol.play(opening, Stubborn({0.9, 0, 0.05}))), Each("out_of_reach"));
}

/// Objects never sink, fly or vanish unless lifted, and a round is the same every time.
TEST(JudgePhysics, PilesAreClearedStepByStep) {
    const Protocol protocol = protocol_of("pile", 1);
    const Entrant entrant = oracle();
    const auto play = [&](const Spectator& spectator) {
        TrialRecord record = protocol.play(protocol.open(3), *entrant.contestant, spectator);
        for (AttemptRecord& attempt : record.attempts) attempt.plan_milliseconds = 0;
        return record;
    };
    std::size_t left = 3, seen = 0;
    bool lifted = false;
    const TrialRecord record = play([&](const AttemptView& view) {
        left -= lifted;
        EXPECT_EQ(view.scene.size(), left);
        for (const PosedObject& posed : view.scene) {
            double lowest = 1;
            for (const ConvexPart& part : posed.object->parts)
                for (const Eigen::Vector3d& v : part.vertices) lowest = std::min(lowest, (posed.X_WO * v).z());
            EXPECT_GT(lowest, -0.001);
            EXPECT_LT(lowest, 0.1);
        }
        EXPECT_EQ(view.frames.empty(), view.plan.grasps.empty());
        lifted = view.record.success();
        ++seen;
    });
    EXPECT_EQ(record.attempts.size(), seen);
    EXPECT_GE(record.removed(), 1u);
    EXPECT_EQ(nlohmann::json(play({})), nlohmann::json(record));
}

}  // namespace
}  // namespace ebgrasp
