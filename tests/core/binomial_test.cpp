#include "ebgrasp/core/binomial.hpp"

#include <gtest/gtest.h>

namespace ebgrasp {
namespace {

TEST(WilsonInterval, ItsEndsSolveTheScoreEquation) {
    // Wilson's interval holds the rates p whose normal approximation does not reject the observed share.
    for (const std::size_t trials : {1, 7, 40, 1000})
        for (std::size_t successes = 0; successes <= trials; successes += 1 + trials / 10) {
            const auto [low, high] = wilson_interval(successes, trials);
            const auto n = static_cast<double>(trials), share = static_cast<double>(successes) / n;
            const auto score = [&](double p) {
                return (share - p) * (share - p) * n - 3.841458820694124 * p * (1 - p);
            };
            EXPECT_NEAR(score(low), 0, 1e-9) << successes << " of " << trials;
            EXPECT_NEAR(score(high), 0, 1e-9) << successes << " of " << trials;
            EXPECT_LE(low, share);
            EXPECT_GE(high, share);
            EXPECT_LT(low, high);
        }
}

TEST(WilsonInterval, PublishedValues) {
    // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
    const auto expect = [](std::size_t successes, std::size_t trials, double low, double high) {
        const Interval interval = wilson_interval(successes, trials);
        EXPECT_NEAR(interval.low, low, 5e-5);
        EXPECT_NEAR(interval.high, high, 5e-5);
    };
    expect(81, 263, 0.2553, 0.3662);
    expect(15, 148, 0.0624, 0.1605);
    expect(0, 20, 0.0000, 0.1611);
    expect(1, 29, 0.0061, 0.1718);
}

TEST(WilsonInterval, IsWideWithoutTrials) {
    EXPECT_EQ(wilson_interval(0, 0).low, 0);
    EXPECT_EQ(wilson_interval(0, 0).high, 1);
    EXPECT_EQ(wilson_interval(0, 5).low, 0);
    EXPECT_EQ(wilson_interval(5, 5).high, 1);
}

}  // namespace
}  // namespace ebgrasp
