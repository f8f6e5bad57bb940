#include "ebgrasp/judge/protocol.hpp"

#include <atomic>
#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// Scripted physics and planners, so that the rules of rounds can be checked by hand.

PreparedObject prepared(const std::string& name, const Vector3d& extents) {
    Object object = make_object(name, {make_box(extents)});
    auto poses = stable_poses(object);
    return {std::make_shared<const LabelObject>(std::move(object)), std::move(poses)};
}

std::vector<PreparedObject> three_boxes() {
    return {prepared("flat", {0.06, 0.04, 0.03}), prepared("cube", {0.04, 0.04, 0.04}),
            prepared("long", {0.03, 0.03, 0.09})};
}

ProtocolOptions options_for(const std::string& kind) {
    ProtocolOptions options;
    options.seed = 5;
    options.trials = 4;
    options.scene.kind = kind;
    options.scene.objects = {3, 3};
    options.camera.intrinsics = {120, 160, 131.25, 131.25, 79.5, 59.5};
    return options;
}

std::vector<Isometry3d> poses_of(std::span<const PosedObject> objects) {
    std::vector<Isometry3d> X_WO;
    for (const PosedObject& object : objects) X_WO.push_back(object.X_WO);
    return X_WO;
}

/// Grasps go nowhere, objects stay where they are, and attempts end as scripted; then they all fail.
struct Script {
    std::deque<Outcome> outcomes;
    std::vector<std::vector<std::string>> scenes;  ///< that grasps were executed in
    std::function<void(std::vector<Isometry3d>&)> aftermath = [](auto&) {};

    Physics physics() {
        return {[](std::span<const PosedObject> objects, double) { return std::optional(poses_of(objects)); },
                [this](std::span<const PosedObject> scene, const Isometry3d&, double, const auto&) {
                    auto& names = scenes.emplace_back();
                    for (const PosedObject& object : scene) names.push_back(object.object->name);
                    TrialResult result;
                    result.outcome = Outcome::slipped;
                    if (!outcomes.empty()) {
                        result.outcome = outcomes.front();
                        outcomes.pop_front();
                    }
                    result.object = static_cast<int>(scene.size()) - 1;  // always the last one
                    result.X_WO = poses_of(scene);
                    aftermath(result.X_WO);
                    return result;
                }};
    }
};

PlanResult one_grasp() {
    PlanResult result;
    result.grasps.push_back({{}, Isometry3d(Eigen::Translation3d(0, 0, 0.7)), 0, {}});
    return result;
}

struct FakePlanner : Contestant {
    std::string called = "fake";
    std::function<PlanResult(const Situation&)> answer = [](const Situation&) { return one_grasp(); };

    std::string name() const override { return called; }
    PlanResult plan(const Situation& situation) const override { return answer(situation); }
};

Protocol scripted(const std::string& kind, Script& script, std::vector<PreparedObject> objects = three_boxes()) {
    return Protocol(options_for(kind), std::move(objects), load_gripper("robotiq_2f85"), script.physics());
}

std::vector<std::string> modes(const TrialRecord& record) {
    std::vector<std::string> names;
    for (const AttemptRecord& attempt : record.attempts) names.push_back(attempt.mode);
    return names;
}

TEST(Protocol, ASingleObjectIsAttemptedOnce) {
    for (const Outcome outcome : {Outcome::success, Outcome::dropped}) {
        Script script{.outcomes = {outcome}, .scenes = {}};
        const Protocol protocol = scripted("single", script);
        const TrialRecord record = protocol.play(protocol.open(0), FakePlanner());
        EXPECT_THAT(modes(record), ElementsAre(to_string(outcome)));
        EXPECT_EQ(record.objects.size(), 1u);
        EXPECT_EQ(record.attempts[0].object, 0);
        EXPECT_EQ(record.removed(), outcome == Outcome::success ? 1u : 0u);
    }
}

TEST(Protocol, ARoundEndsWhenNothingIsLeft) {
    using enum Outcome;
    Script script{.outcomes = {success, slipped, success, empty, success}, .scenes = {}};
    const Protocol protocol = scripted("packed", script);
    const Opening opening = protocol.open(0);
    ASSERT_EQ(opening.scene.size(), 3u);
    const TrialRecord record = protocol.play(opening, FakePlanner());
    EXPECT_THAT(modes(record), ElementsAre("success", "slipped", "success", "empty", "success"));
    EXPECT_EQ(record.end, "empty");
    EXPECT_EQ(record.removed(), 3u);

    // The last object of what was left went each time: by name in physics, by number in the record.
    const auto& names = record.objects;
    EXPECT_EQ(script.scenes[0], names);
    EXPECT_THAT(script.scenes[1], ElementsAre(names[0], names[1]));
    EXPECT_EQ(script.scenes[2], script.scenes[1]);
    EXPECT_THAT(script.scenes[4], ElementsAre(names[0]));
    const auto object = [&](std::size_t i) { return record.attempts[i].object; };
    EXPECT_THAT((std::vector{object(0), object(1), object(2), object(3), object(4)}), ElementsAre(2, 1, 1, 0, 0));
}

TEST(Protocol, ARoundEndsAfterTwoFailuresInARow) {
    using enum Outcome;
    Script script{.outcomes = {slipped, success, collision, dropped, success}, .scenes = {}};
    const Protocol protocol = scripted("packed", script);
    const TrialRecord record = protocol.play(protocol.open(0), FakePlanner());
    EXPECT_THAT(modes(record), ElementsAre("slipped", "success", "collision", "dropped"));
    EXPECT_EQ(record.end, "failures");
}

TEST(Protocol, ARoundEndsWhenThePlannerReturnsNothing) {
    Script script{.outcomes = {Outcome::success}, .scenes = {}};
    const Protocol protocol = scripted("packed", script);
    FakePlanner planner;
    int asked = 0;
    planner.answer = [&](const Situation&) {
        PlanResult nothing;
        nothing.reason = "blind";
        return asked++ == 0 ? one_grasp() : nothing;
    };
    const TrialRecord record = protocol.play(protocol.open(0), planner);
    EXPECT_THAT(modes(record), ElementsAre("success", "no_grasp"));
    EXPECT_EQ(record.attempts[1].why, "blind");
    EXPECT_EQ(record.end, "no_grasp");
}

TEST(Protocol, LyingPlannersLoseTheirAttempts) {
    const auto with = [](const std::function<void(PlannedGrasp&)>& spoil) {
        return [spoil](const Situation&) {
            PlanResult result = one_grasp();
            spoil(result.grasps[0]);
            return result;
        };
    };
    for (const auto& answer : std::vector<std::function<PlanResult(const Situation&)>>{
             [](const Situation&) -> PlanResult { throw std::runtime_error("crashed"); },
             with([](PlannedGrasp& grasp) { grasp.X_CG.translation().x() = std::nan(""); }),
             with([](PlannedGrasp& grasp) { grasp.X_CG.linear() *= 2; }),
             with([](PlannedGrasp& grasp) { grasp.X_CG.linear() *= -1; }),
             with([](PlannedGrasp& grasp) { grasp.grasp.width = -0.01; }),
             with([](PlannedGrasp& grasp) { grasp.grasp.width = INFINITY; })}) {
        Script script;
        const Protocol protocol = scripted("packed", script);
        FakePlanner planner;
        planner.answer = answer;
        const TrialRecord record = protocol.play(protocol.open(0), planner);
        EXPECT_THAT(modes(record), ElementsAre(kPlannerError, kPlannerError));
        EXPECT_FALSE(record.attempts[0].why.empty());
        EXPECT_TRUE(script.scenes.empty());
    }
}

TEST(Protocol, PhysicsThatGivesUpIsNoCrash) {
    Script script;
    script.aftermath = [](auto&) { throw Error("exploded"); };
    const Protocol protocol = scripted("single", script);
    const TrialRecord record = protocol.play(protocol.open(0), FakePlanner());
    EXPECT_THAT(modes(record), ElementsAre(kPhysicsError));
    EXPECT_EQ(record.attempts[0].why, "exploded");
}

TEST(Protocol, ObjectsThatLeaveTheViewStay) {
    Script script{.outcomes = {Outcome::slipped}, .scenes = {}};
    script.aftermath = [](std::vector<Isometry3d>& X_WO) { X_WO.front().pretranslate(Vector3d(0.6, 0, 0)); };
    const Protocol protocol = scripted("packed", script);
    const TrialRecord record = protocol.play(protocol.open(0), FakePlanner());
    EXPECT_EQ(script.scenes.at(1).size(), 2u);
    EXPECT_EQ(record.objects.size(), 3u);
    EXPECT_EQ(record.attempts[1].object, 2);  // the numbers are the opening's

    Script all_leave;
    all_leave.aftermath = [](std::vector<Isometry3d>& X_WO) {
        for (Isometry3d& pose : X_WO) pose.pretranslate(Vector3d(0.6, 0, 0));
    };
    const Protocol emptied = scripted("packed", all_leave);
    const TrialRecord last = emptied.play(emptied.open(0), FakePlanner());
    EXPECT_EQ(last.end, "out_of_view");
    EXPECT_EQ(last.removed(), 0u);
}

TEST(Protocol, ARoundEndsWhenWhatIsLeftDoesNotComeToRest) {
    Script script;
    Physics physics = script.physics();
    int settled = 0;
    physics.settle = [&](std::span<const PosedObject> objects, double) {
        return settled++ == 0 ? std::optional(poses_of(objects)) : std::nullopt;
    };
    const Protocol protocol(options_for("packed"), three_boxes(), load_gripper("robotiq_2f85"), physics);
    EXPECT_EQ(protocol.play(protocol.open(0), FakePlanner()).end, "unsettled");
}

TEST(Protocol, TheNextAttemptSeesWhereThingsCameToRest) {
    Script script;
    script.aftermath = [](std::vector<Isometry3d>& X_WO) { X_WO.back().pretranslate(Vector3d(0.01, 0, 0.2)); };
    Physics physics = script.physics();
    physics.settle = [](std::span<const PosedObject> objects, double) {  // what hangs in the air falls straight down
        auto X_WO = poses_of(objects);
        for (Isometry3d& pose : X_WO)
            if (pose.translation().z() > 0.15) pose.pretranslate(Vector3d(0, 0, -0.2));
        return std::optional(X_WO);
    };
    const Protocol protocol(options_for("packed"), three_boxes(), load_gripper("robotiq_2f85"), physics);
    const Opening opening = protocol.open(0);
    std::vector<Isometry3d> last_objects;
    protocol.play(opening, FakePlanner(),
                  [&](const AttemptView& view) { last_objects.push_back(view.scene.back().X_WO); });
    ASSERT_EQ(last_objects.size(), 2u);
    EXPECT_TRUE(last_objects[0].isApprox(opening.scene.back().X_WO));
    EXPECT_TRUE(last_objects[1].isApprox(Eigen::Translation3d(0.01, 0, 0) * last_objects[0]));
}

/// What a planner was asked.
struct Question {
    DepthArray depth;
    std::uint64_t seed;
    Isometry3d X_WC;
};

FakePlanner curious(const std::string& name, std::vector<Question>& questions) {
    FakePlanner planner;
    planner.called = name;
    planner.answer = [&](const Situation& situation) {
        questions.push_back({situation.request.image.depth, situation.request.seed, situation.X_WC});
        return one_grasp();
    };
    return planner;
}

TEST(Protocol, PlannersSeeTheSameScenesAndNoise) {
    Script script;
    const Protocol protocol = scripted("packed", script);
    const Opening opening = protocol.open(2);
    std::vector<Question> first, second;
    protocol.play(opening, curious("first", first));
    protocol.play(protocol.open(2), curious("second", second));
    ASSERT_EQ(first.size(), 2u);
    ASSERT_EQ(second.size(), 2u);
    for (const std::size_t i : {0, 1}) {
        EXPECT_TRUE((first[i].depth == second[i].depth).all());
        EXPECT_EQ(first[i].seed, second[i].seed);
        EXPECT_TRUE(first[i].X_WC.isApprox(second[i].X_WC, 0));
    }
    // Nothing moved, yet the noise is new.
    EXPECT_FALSE((first[0].depth == first[1].depth).all());
    EXPECT_NE(first[0].seed, first[1].seed);
    // Another trial is another scene from another camera.
    EXPECT_FALSE(protocol.open(3).X_WC.isApprox(opening.X_WC));
}

TEST(Protocol, TheImageShowsTheSceneAndTheOracleKnowsIt) {
    Script script;
    ProtocolOptions options = options_for("packed");
    options.noise = {.gamma_shape = 0, .gp_probability = 0, .edge_missing_probability = 0};
    const Protocol protocol(options, three_boxes(), load_gripper("robotiq_2f85"), script.physics());
    FakePlanner planner;
    planner.answer = [](const Situation& situation) {
        std::vector<PosedObject> posed;
        for (const auto& [object, X_WO] : situation.truth.scene()) posed.push_back({&object->object(), X_WO});
        const auto& image = situation.request.image;
        const DepthArray expected = render_depth(posed, situation.X_WC, image.camera).image.depth;
        EXPECT_TRUE((image.depth == expected).all());
        EXPECT_EQ(situation.request.mask.size(), 0);
        return one_grasp();
    };
    protocol.play(protocol.open(0), planner);
}

TEST(Protocol, ScenesWithoutAGraspAreDrawnAgainAndCounted) {
    Script script;
    const std::vector<PreparedObject> objects = {prepared("fits", {0.04, 0.04, 0.04}),
                                                 prepared("too wide", {0.2, 0.2, 0.2})};
    const Protocol protocol = scripted("single", script, objects);
    std::size_t ungraspable = 0;
    for (std::size_t trial = 0; trial < 20; ++trial) {
        const Opening opening = protocol.open(trial);
        EXPECT_EQ(opening.scene.at(0).index, 0u);
        ungraspable += opening.ungraspable;
    }
    // As many as heads before 20 tails: 20 on average, with a standard deviation of 6.3.
    EXPECT_GT(ungraspable, 3u);
    EXPECT_LT(ungraspable, 45u);

    const Protocol hopeless = scripted("single", script, {objects[1]});
    try {
        hopeless.open(0);
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("none of 200 scenes can be judged"));
    }
}

TEST(Protocol, ScenesThatDoNotComeToRestAreDrawnAgainAndCounted) {
    Script script;
    Physics physics = script.physics();
    int calls = 0;
    physics.settle = [&](std::span<const PosedObject> objects, double) {
        return ++calls <= 3 ? std::nullopt : std::optional(poses_of(objects));
    };
    const Protocol protocol(options_for("single"), three_boxes(), load_gripper("robotiq_2f85"), physics);
    EXPECT_EQ(protocol.open(0).unsettled, 3u);
}

/// Succeeds on some scenes, by what it sees.
FakePlanner moody(const std::string& name, double mood) {
    FakePlanner planner;
    planner.called = name;
    planner.answer = [mood](const Situation& situation) {
        PlanResult result = one_grasp();
        result.grasps[0].grasp.width = RandomStream(situation.request.seed).uniform() < mood ? 0.08 : 0.01;
        return result;
    };
    return planner;
}

Physics wide_succeeds() {
    return {[](std::span<const PosedObject> objects, double) { return std::optional(poses_of(objects)); },
            [](std::span<const PosedObject> scene, const Isometry3d&, double opening, const auto&) {
                TrialResult result;
                result.outcome = opening > 0.05 ? Outcome::success : Outcome::empty;
                result.object = result.outcome == Outcome::success ? 0 : -1;
                result.X_WO = poses_of(scene);
                return result;
            }};
}

std::vector<Entrant> entrants() {
    return {{std::make_shared<FakePlanner>(moody("good", 0.8)), ""},
            {std::make_shared<FakePlanner>(moody("bad", 0.2)), ""}};
}

/// The report without what depends on the clock.
nlohmann::json timeless(const Report& report) {
    nlohmann::json json = to_json(report);
    for (auto& planner : json["planners"]) planner.erase("plan_ms_p50"), planner.erase("plan_ms_p95");
    return json;
}

Protocol moody_protocol(std::size_t trials) {
    ProtocolOptions options = options_for("packed");
    options.trials = trials;
    return Protocol(options, three_boxes(), load_gripper("robotiq_2f85"), wide_succeeds());
}

TEST(RunProtocol, DoesNotDependOnThreads) {
    const Protocol protocol = moody_protocol(30);
    nlohmann::json alone;
    {
        const ThreadLimit limit(1);
        alone = timeless(run_protocol(protocol, entrants()));
    }
    const ThreadLimit limit(4);
    EXPECT_EQ(alone, timeless(run_protocol(protocol, entrants())));

    EXPECT_EQ(alone["protocol"], "packed");
    EXPECT_EQ(alone["seed"], 5);
    EXPECT_EQ(alone["trials"], 30);
    EXPECT_EQ(alone["planners"][0]["name"], "good");
    EXPECT_GT(alone["planners"][0]["success_rate"], alone["planners"][1]["success_rate"]);
    EXPECT_LT(alone["paired"][0]["p_value"], 0.01);
    EXPECT_EQ(alone["options"]["noise"]["gp_sigma"], 0.005);
}

TEST(RunProtocol, GoesOnWhereItStopped) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "trials";
    const Protocol protocol = moody_protocol(8);
    const auto identity = to_json(protocol.options());
    const auto whole = timeless(run_protocol(protocol, entrants()));

    std::atomic<int> questions = 0;
    const auto counted = [&] {
        auto both = entrants();
        for (auto& [contestant, model] : both) {
            auto planner = std::make_shared<FakePlanner>(dynamic_cast<const FakePlanner&>(*contestant));
            planner->answer = [&questions, answer = planner->answer](const Situation& situation) {
                ++questions;
                return answer(situation);
            };
            contestant = planner;
        }
        return both;
    };
    {
        Journal journal(file, identity);
        run_protocol(moody_protocol(5), counted(), &journal);  // fewer trials: the journal can be carried on
    }
    EXPECT_GT(questions, 0);
    {
        Journal journal(file, identity);
        questions = 0;
        EXPECT_EQ(timeless(run_protocol(protocol, counted(), &journal)), whole);
        EXPECT_GT(questions, 0);
    }
    {
        Journal journal(file, identity);
        questions = 0;
        EXPECT_EQ(timeless(run_protocol(protocol, counted(), &journal)), whole);
        EXPECT_EQ(questions, 0);
    }
    Journal journal(file, identity);
    auto retrained = counted();
    retrained[1].model = "other weights";
    run_protocol(protocol, retrained, &journal);
    EXPECT_GT(questions, 0);
}

TEST(RunProtocol, NamesAreUnique) {
    const auto one = entrants()[0];
    EXPECT_THROW(run_protocol(moody_protocol(1), std::vector{one, one}), Error);
    EXPECT_THROW(run_protocol(moody_protocol(1), {}), Error);
}

TEST(ProtocolOptions, AreChecked) {
    const auto error_of = [](const std::function<void(ProtocolOptions&)>& spoil) -> std::string {
        ProtocolOptions options;
        spoil(options);
        try {
            options.validate();
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(error_of([](auto&) {}), "");
    EXPECT_THAT(error_of([](auto& o) { o.scene.kind = "heap"; }), HasSubstr("heap"));
    EXPECT_THAT(error_of([](auto& o) { o.trials = 0; }), HasSubstr("trials is 0"));
    EXPECT_THAT(error_of([](auto& o) { o.trial.lift_height = -1; }), HasSubstr("lift_height"));
}

}  // namespace
}  // namespace ebgrasp
