#include "ebgrasp/judge/statistics.hpp"

#include <cmath>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

/// Table I of Newcombe, "Two-sided confidence intervals for the single proportion", 1998: method 3.
TEST(Wilson, AgreesWithNewcombesTable) {
    struct {
        std::size_t successes, trials;
        double low, high;
    } const published[] = {
        {81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0.0000, 0.1611}, {1, 29, 0.0061, 0.1718}};
    for (const auto& [successes, trials, low, high] : published) {
        const Interval interval = wilson_interval95(successes, trials);
        EXPECT_NEAR(interval.low, low, 5e-5) << successes << "/" << trials;
        EXPECT_NEAR(interval.high, high, 5e-5) << successes << "/" << trials;
    }
}

/// The ends are the proportions from which the observation is 1.96 standard errors away, by definition.
TEST(Wilson, EndsSolveTheScoreEquation) {
    for (const std::size_t trials : {1, 7, 500})
        for (std::size_t successes = 0; successes <= trials; ++successes) {
            const auto [low, high] = wilson_interval95(successes, trials);
            const double n = double(trials), observed = double(successes) / n;
            for (const double p : {low, high}) {
                if (p == 0 || p == 1) continue;
                EXPECT_NEAR(std::abs(observed - p) / std::sqrt(p * (1 - p) / n), 1.959964, 1e-5);
            }
            EXPECT_LE(low, observed);
            EXPECT_GE(high, observed);
        }
}

TEST(Wilson, ExtremesAreExact) {
    EXPECT_EQ(wilson_interval95(0, 10).low, 0);
    EXPECT_EQ(wilson_interval95(10, 10).high, 1);
    EXPECT_EQ(wilson_interval95(0, 0).low, 0);
    EXPECT_EQ(wilson_interval95(0, 0).high, 1);
    EXPECT_THROW(wilson_interval95(3, 2), Error);
}

/// The airway example of Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data", 2013.
TEST(McNemar, AgreesWithAPublishedExample) { EXPECT_NEAR(mcnemar_p_value(1, 7), 0.0703, 5e-5); }

TEST(McNemar, AgreesWithAllOutcomesCounted) {
    for (std::size_t n = 0; n <= 12; ++n)
        for (std::size_t a = 0; a <= n; ++a) {
            // As uneven as (a, n - a) or more, among all 2^n assignments of n discordant pairs.
            const auto unevenness = [&](std::size_t k) { return std::abs(2.0 * double(k) - double(n)); };
            std::size_t as_uneven = 0;
            for (std::uint32_t pairs = 0; pairs < (1u << n); ++pairs)
                as_uneven += unevenness(std::size_t(__builtin_popcount(pairs))) >= unevenness(a);
            EXPECT_NEAR(mcnemar_p_value(a, n - a), double(as_uneven) / double(1u << n), 1e-12) << a << " of " << n;
        }
}

TEST(McNemar, ManyPairsNeitherOverflowNorVanish) {
    EXPECT_NEAR(mcnemar_p_value(5000, 5000), 1, 1e-9);
    // The normal approximation with continuity correction, at 3.09 standard errors: 0.0020.
    EXPECT_NEAR(mcnemar_p_value(4845, 5155), std::erfc(309.0 / 100.0 / std::sqrt(2.0)), 2e-5);
    EXPECT_EQ(mcnemar_p_value(0, 0), 1);
}

/// Holm's rule by hand: 0.01 * 3, max(0.03, 0.02 * 2), max(0.04, 0.03).
TEST(Holm, AdjustsByRank) {
    EXPECT_THAT(holm_adjusted({0.02, 0.01, 0.03}), testing::Pointwise(testing::DoubleNear(1e-12), {0.04, 0.03, 0.04}));
    EXPECT_THAT(holm_adjusted({0.9, 0.8}), testing::ElementsAre(1, 1));
    EXPECT_TRUE(holm_adjusted({}).empty());
}

TEST(Quantile, InterpolatesBetweenNeighbours) {
    EXPECT_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
    EXPECT_NEAR(quantile({4, 1, 3, 2}, 0.95), 3.85, 1e-12);  // numpy.quantile([1, 2, 3, 4], 0.95)
    EXPECT_EQ(quantile({7}, 0.95), 7);
    EXPECT_EQ(quantile({1, 2}, 1), 2);
    EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

}  // namespace
}  // namespace ebgrasp
