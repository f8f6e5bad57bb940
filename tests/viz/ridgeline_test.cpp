#include "ebgrasp/viz/ridgeline.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

/// All successes in bin `success`, all failures in bin `failure` of ten.
Ridge spikes(std::size_t success, std::size_t failure, double count = 7) {
    Ridge ridge{"r", {0, 10}, std::vector<double>(10, 0.0), std::vector<double>(10, 0.0)};
    ridge.successes[success] = count;
    ridge.failures[failure] = count;
    return ridge;
}

const PlotOptions kOptions{.x = {.label = "energy"}, .y = {.label = "epoch"}, .width = 400, .height = 300, .font = 12};

/// The outlines' pixels below the legend.
std::vector<Eigen::Vector2d> outline(const Picture& picture, Color color) {
    std::vector<Eigen::Vector2d> points = pixels_of(picture, color, 12);
    std::erase_if(points, [](const auto& p) { return p.y() < 35; });
    return points;
}

TEST(Ridgeline, PutsSuccessesAndFailuresWhereTheirEnergiesAre) {
    const Picture picture = ridgeline_plot(std::array{spikes(1, 8)}, kOptions);
    const Rect success = box_of(outline(picture, kSuccessColor)), failure = box_of(outline(picture, kFailureColor));
    // Both outlines run along the base line; their peaks stand apart.
    const auto peak = [](const Picture& p, Color color) {
        auto points = outline(p, color);
        double top = 1e9;
        for (const auto& point : points) top = std::min(top, point.y());
        std::erase_if(points, [&](const auto& point) { return point.y() > top + 20; });
        return mean_of(points).x();
    };
    const double left = std::min(success.x, failure.x), width = std::max(success.width, failure.width);
    EXPECT_NEAR((peak(picture, kSuccessColor) - left) / width, 0.15, 0.03);
    EXPECT_NEAR((peak(picture, kFailureColor) - left) / width, 0.85, 0.03);
}

TEST(Ridgeline, HeightsDoNotDependOnTheNumberOfExamples) {
    EXPECT_EQ(ridgeline_plot(std::array{spikes(1, 8, 3)}, kOptions),
              ridgeline_plot(std::array{spikes(1, 8, 3000)}, kOptions));
}

TEST(Ridgeline, TheFirstIsOnTop) {
    const Picture picture = ridgeline_plot(std::array{spikes(1, 5), spikes(8, 5)}, kOptions);
    const auto points = outline(picture, kSuccessColor);
    const Rect box = box_of(points);
    std::vector<Eigen::Vector2d> left, right;
    for (const auto& p : points) {
        const double x = (p.x() - box.x) / box.width;
        if (x > 0.08 && x < 0.22) left.push_back(p);
        if (x > 0.78 && x < 0.92) right.push_back(p);
    }
    EXPECT_LT(box_of(left).y, box_of(right).y - 20);
}

TEST(Ridgeline, AcceptsALabelWithoutExamples) {
    Ridge ridge = spikes(3, 4);
    std::ranges::fill(ridge.successes, 0.0);
    EXPECT_FALSE(outline(ridgeline_plot(std::array{ridge}, kOptions), kFailureColor).empty());
    std::ranges::fill(ridge.failures, 0.0);
    EXPECT_NO_THROW(ridgeline_plot(std::array{ridge}, kOptions));
}

TEST(Ridgeline, RefusesWhatIsNoHistogram) {
    EXPECT_THROW(ridgeline_plot({}, kOptions), Error);
    Ridge ridge = spikes(1, 2);
    ridge.failures.pop_back();
    EXPECT_THROW(ridgeline_plot(std::array{ridge}, kOptions), Error);
    ridge = spikes(1, 2);
    ridge.range = {3, 3};
    EXPECT_THROW(ridgeline_plot(std::array{ridge}, kOptions), Error);
    ridge = {"empty", {0, 1}, {}, {}};
    EXPECT_THROW(ridgeline_plot(std::array{ridge}, kOptions), Error);
}

}  // namespace
}  // namespace ebgrasp
