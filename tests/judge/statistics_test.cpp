#include "ebgrasp/judge/statistics.hpp"

#include <cmath>
#include <cstdint>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/quantile.hpp"

namespace ebgrasp {
namespace {

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
