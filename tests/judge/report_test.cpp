#include "ebgrasp/judge/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;
using testing::Pair;

TrialRecord single_trial(const std::string& planner, std::size_t trial, const std::string& mode, double milliseconds) {
    TrialRecord record;
    record.planner = planner;
    record.trial = trial;
    record.objects = {trial % 2 ? "odd" : "even"};
    record.attempts = {{mode, mode == "success" ? 0 : -1, milliseconds, ""}};
    record.end = mode == "success" ? "empty" : mode == "no_grasp" ? "no_grasp" : "failures";
    return record;
}

std::vector<TrialRecord> singles(const std::string& planner, const std::vector<std::string>& modes) {
    std::vector<TrialRecord> trials;
    for (std::size_t t = 0; t < modes.size(); ++t)
        trials.push_back(single_trial(planner, t, modes[t], 10.0 + double(t)));
    return trials;
}

TEST(Report, CountsSingleTrials) {
    auto a = singles("a", {"success", "success", "slipped", "no_grasp"});
    a[1].ungraspable = 2;
    a[3].unsettled = 1;
    const auto b = singles("b", {"success", "collision", "slipped", "success"});
    const Report report = make_report("single", {a, b});

    const PlannerResult& first = report.planners.at(0);
    EXPECT_EQ(first.attempts, 4u);
    EXPECT_EQ(first.successes, 2u);
    EXPECT_EQ(first.success_rate(), 0.5);
    EXPECT_EQ(first.declutter_rate(), 0.5);
    EXPECT_EQ(first.interval95.low, wilson_interval(2, 4).low);
    EXPECT_THAT(first.failures, ElementsAre(Pair("no_grasp", 1), Pair("slipped", 1)));
    EXPECT_TRUE(first.ends.empty());
    EXPECT_EQ(first.plan_ms_p50, 11.5);
    EXPECT_EQ(report.ungraspable, 2u);
    EXPECT_EQ(report.unsettled, 1u);

    // a alone succeeds in trial 1, b alone in trial 3.
    const PairedResult& pair = report.paired.at(0);
    EXPECT_EQ(pair.a_better, 1u);
    EXPECT_EQ(pair.b_better, 1u);
    EXPECT_EQ(pair.ties, 2u);
    EXPECT_EQ(pair.p_value, 1);

    ASSERT_EQ(report.objects.size(), 2u);
    EXPECT_EQ(report.objects[0].name, "even");
    EXPECT_EQ(report.objects[0].placed, 2u);
    EXPECT_THAT(report.objects[0].removed, ElementsAre(Pair("a", 1), Pair("b", 1)));
    EXPECT_THAT(report.objects[1].removed, ElementsAre(Pair("a", 1), Pair("b", 1)));
}

TEST(Report, RoundsCountAttemptsAndObjects) {
    TrialRecord round;
    round.planner = "a";
    round.objects = {"cup", "cup", "box"};
    round.attempts = {{"success", 1, 5, ""}, {"slipped", 0, 7, ""}, {"success", 2, 6, ""}, {"no_grasp", -1, 1, "none"}};
    round.end = "no_grasp";
    TrialRecord silent = round;
    silent.planner = "b";
    silent.attempts = {round.attempts.back()};
    const Report report = make_report("pile", {{round}, {silent}});

    EXPECT_EQ(report.planners[0].attempts, 3u);  // an answer without a grasp is none
    EXPECT_EQ(report.planners[0].successes, 2u);
    EXPECT_NEAR(report.planners[0].declutter_rate(), 2.0 / 3, 1e-12);
    EXPECT_THAT(report.planners[0].failures, ElementsAre(Pair("slipped", 1)));
    EXPECT_THAT(report.planners[0].ends, ElementsAre(Pair("no_grasp", 1)));
    EXPECT_EQ(report.planners[0].plan_ms_p50, 5.5);  // ... but took time
    EXPECT_EQ(report.planners[1].attempts, 0u);
    EXPECT_EQ(report.paired[0].a_better, 1u);
    EXPECT_EQ(report.objects[1].name, "cup");
    EXPECT_EQ(report.objects[1].placed, 2u);
    EXPECT_EQ(report.objects[1].removed.at("a"), 1u);

    const nlohmann::json json = to_json(report);
    EXPECT_TRUE(nlohmann::json::parse(json.dump())["planners"][1]["success_rate"].is_null());
    EXPECT_EQ(json["planners"][0]["ends"]["no_grasp"], 1);
    EXPECT_THAT(to_table(report), testing::HasSubstr("declutter"));
}

TEST(Report, AllPlannersPlayTheSameTrials) {
    EXPECT_THROW(make_report("single", {}), Error);
    EXPECT_THROW(make_report("single", {singles("a", {"success"}), singles("b", {"success", "empty"})}), Error);
}

TEST(Report, EveryPairIsTested) {
    const Report report =
        make_report("single", {singles("a", {"success"}), singles("b", {"empty"}), singles("c", {"success"})});
    ASSERT_EQ(report.paired.size(), 3u);
    EXPECT_EQ(report.paired[1].a, "a");
    EXPECT_EQ(report.paired[1].b, "c");
    EXPECT_EQ(report.paired[1].ties, 1u);
}

}  // namespace
}  // namespace ebgrasp
