#include "ebgrasp/core/random.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <set>
#include <vector>

namespace ebgrasp {
namespace {

struct Moments {
    double mean, variance;
};

Moments moments(int count, const std::function<double()>& draw) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; ++i) {
        const double x = draw();
        sum += x;
        squares += x * x;
    }
    const double mean = sum / count;
    return {mean, squares / count - mean * mean};
}

TEST(SplitMix64, MatchesTheReferenceImplementation) {
    std::uint64_t state = 0;
    EXPECT_EQ(splitmix64(state), 0xe220a8397b1dcdafULL);
    EXPECT_EQ(splitmix64(state), 0x6e789e6aa1b965f4ULL);
    EXPECT_EQ(splitmix64(state), 0x06c45d188009454fULL);
}

TEST(RandomStream, IsTheSameEverywhere) {  // values of an independent implementation in Python
    const auto first = [](RandomStream random) { return std::array{random(), random(), random()}; };
    EXPECT_EQ(first(RandomStream(0)),
              (std::array<std::uint64_t, 3>{0x84f09bf307c1073a, 0xc82ffb597ceee51b, 0xadf96905c5df4417}));
    EXPECT_EQ(first(RandomStream(42)),
              (std::array<std::uint64_t, 3>{0xab4c4adfbb450230, 0x16c758048460b512, 0xdeff27396f8eb5c7}));
    EXPECT_EQ(first(RandomStream(42, 7, -1)),
              (std::array<std::uint64_t, 3>{0xd246b8f2669314b8, 0x99688bba5de5d467, 0x365abe7f05856ca7}));
    EXPECT_EQ(first(RandomStream(42, -1, 7)),
              (std::array<std::uint64_t, 3>{0x71f3c7b878503817, 0x9f12750db95d58ab, 0x237f7f72b91b9d3c}));
}

TEST(RandomStream, NeighbouringKeysAreUnrelated) {
    std::set<std::uint64_t> firsts;
    for (int a = 0; a < 100; ++a)
        for (int b = 0; b < 100; ++b) firsts.insert(RandomStream(1, a, b)());
    EXPECT_EQ(firsts.size(), 10000u);
    int key = 0;
    const auto [mean, variance] = moments(100000, [&] { return RandomStream(1, key++).uniform(); });
    EXPECT_NEAR(mean, 0.5, 0.005);  // 5 standard errors
    EXPECT_NEAR(variance, 1.0 / 12, 0.002);
}

TEST(RandomStream, UniformNormalAndGammaHaveTheirMoments) {
    RandomStream random(3);
    const auto uniform = moments(200000, [&] { return random.uniform(-1, 3); });
    EXPECT_NEAR(uniform.mean, 1.0, 0.015);
    EXPECT_NEAR(uniform.variance, 16.0 / 12, 0.02);
    const auto normal = moments(200000, [&] { return random.normal(2, 3); });
    EXPECT_NEAR(normal.mean, 2.0, 0.04);
    EXPECT_NEAR(normal.variance, 9.0, 0.2);
    for (const double shape : {1.0, 2.5, 1000.0}) {
        const auto gamma = moments(200000, [&] { return random.gamma(shape, 1 / shape); });
        EXPECT_NEAR(gamma.mean, 1.0, 0.015);
        EXPECT_NEAR(gamma.variance * shape, 1.0, 0.05);
    }
}

TEST(RandomStream, NormalHasItsDistribution) {  // Kolmogorov-Smirnov
    RandomStream random(4);
    std::vector<double> values(50000);
    for (double& value : values) value = random.normal();
    std::sort(values.begin(), values.end());
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double expected = 0.5 * std::erfc(-values[i] / std::numbers::sqrt2);
        worst = std::max(worst, std::abs(expected - (static_cast<double>(i) + 0.5) / 50000));
    }
    EXPECT_LT(worst, 1.95 / std::sqrt(50000.0));  // exceeded once in a thousand seeds
}

TEST(RandomStream, IndexCoversItsRangeEvenly) {
    RandomStream random(5);
    std::array<int, 7> counts{};
    for (int i = 0; i < 70000; ++i) ++counts.at(random.index(7));
    for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(RandomStream, ShuffleIsAFairPermutation) {
    RandomStream random(6);
    std::array<std::array<int, 4>, 4> counts{};  // [value][place]
    for (int trial = 0; trial < 40000; ++trial) {
        std::array<int, 4> values{0, 1, 2, 3};
        random.shuffle(std::span<int>(values));
        for (std::size_t place = 0; place < 4; ++place) ++counts.at(static_cast<std::size_t>(values[place]))[place];
    }
    for (const auto& row : counts)
        for (const int count : row) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace ebgrasp
