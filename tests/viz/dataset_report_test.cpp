#include "ebgrasp/viz/dataset_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"
#include "pictures.hpp"

namespace ebgrasp {
namespace {

/// A data set of `count` examples with the given verdicts in turn, all shown.
DatasetStatistics statistics_of(std::size_t count, const std::vector<std::uint8_t>& verdicts) {
    DatasetStatistics statistics;
    statistics.objects.resize(1);
    statistics.header = {nlohmann::json::object(), {{"object", Split::train}}, {}};
    statistics.height = statistics.width = 32;
    statistics.splits[Split::train].objects = 1;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t verdict = verdicts[i % verdicts.size()];
        const bool success = verdict == 0;
        ExampleSample sample{{}, {15, 16, 0.68f, 0.3f, 0.04f}, success ? 0.004f : 0.f, 0.01f, verdict};
        for (std::size_t k = 0; k < sample.window.size(); ++k)
            sample.window[k] = 0.7f - 0.02f * float(k % 32 > 10 && k % 32 < 20);
        statistics.labels.add(success);
        statistics.splits[Split::train].add(success);
        statistics.objects[0].add(success);
        ++statistics.verdicts[verdict];
        ++statistics.images;
        for (const float z : sample.window) statistics.image_depth.add(z);
        for (std::size_t k = 0; k < 5; ++k) statistics.grasp[k].add(sample.grasp[k]);
        statistics.positions[15 * 32 + 16].add(success);
        statistics.epsilon[success].add(sample.epsilon);
        statistics.robust_epsilon[success].add(sample.robust_epsilon);
        statistics.samples[verdict].push_back(sample);
    }
    return statistics;
}

const DatasetReportOptions kOptions{"Title", [](std::uint8_t verdict) { return "verdict " + std::to_string(verdict); }};

/// Pixels of the examples' frames: of their exact colour, which in the plots is translucent.
std::size_t frame_pixels(const Picture& page, Color color) { return pixels_of(page, color).size(); }

TEST(DatasetReport, FramesAsManyTilesAsAreShown) {
    const Picture few = dataset_report(statistics_of(8, {0, 1, 2, 6}), kOptions);
    const Picture more = dataset_report(statistics_of(16, {0, 1, 2, 6}), kOptions);
    EXPECT_EQ(few.width, 1680);
    // 2 and 4 successes; 6 and 12 failures.
    const auto added_green = double(frame_pixels(more, kSuccessColor)) - double(frame_pixels(few, kSuccessColor));
    const auto added_orange = double(frame_pixels(more, kFailureColor)) - double(frame_pixels(few, kFailureColor));
    EXPECT_GT(added_green, 2 * 4 * 120);
    EXPECT_NEAR(added_orange / added_green, 3, 0.2);
}

TEST(DatasetReport, ShowsEveryVerdictInTurnUpToTheNumberAskedFor) {
    DatasetReportOptions options = kOptions;
    std::set<int> named;
    options.examples = 3;
    options.verdict_name = [&](std::uint8_t verdict) {
        named.insert(verdict);
        return std::string("name");
    };
    DatasetStatistics statistics = statistics_of(60, {0, 1, 1, 1, 1, 2, 6});
    statistics.verdicts.clear();  // so that only the examples' names are asked for
    dataset_report(statistics, options);
    EXPECT_THAT(named, testing::ElementsAre(0, 1, 2, 6));
}

TEST(DatasetReport, OneSidedAndOddDataAreDrawn) {
    EXPECT_NO_THROW(dataset_report(statistics_of(5, {0}), kOptions));
    EXPECT_NO_THROW(dataset_report(statistics_of(5, {3}), kOptions));
    EXPECT_NO_THROW(dataset_report(statistics_of(0, {0}), kOptions));
    DatasetStatistics statistics = statistics_of(5, {0, 3});
    statistics.header.config = {{"labels", {{"threshold", -1}}}, {"camera", {{"intrinsics", {{"fx", 0}}}}}};
    for (auto& sample : statistics.samples[0]) sample.grasp = {1e30f, -1e30f, 0, 9, -1}, sample.window.fill(-1e30f);
    for (auto& robust : statistics.robust_epsilon) robust.add(1e30);
    statistics.image_depth.add(-1e30);
    EXPECT_NO_THROW(dataset_report(statistics, kOptions));

    DatasetReportOptions none = kOptions;
    none.examples = 0;
    EXPECT_THROW(dataset_report(statistics, none), Error);
}

}  // namespace
}  // namespace ebgrasp
