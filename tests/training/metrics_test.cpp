#include "ebgrasp/training/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using Energies = std::vector<float>;
using Labels = std::vector<std::uint8_t>;

struct Sample {
    Energies energies;
    Labels success;
};

/// Successes have lower energies on average. Energies are multiples of 1/4, so that many of them tie.
Sample random_sample(std::size_t count, std::uint64_t seed) {
    RandomStream random(seed);
    Sample sample;
    for (std::size_t i = 0; i < count; ++i) {
        const bool success = random.bernoulli(0.3);
        sample.success.push_back(success);
        sample.energies.push_back(static_cast<float>(std::round(4 * random.normal(success ? -1 : 1, 1.5)) / 4));
    }
    return sample;
}

/// Successes, and all examples, whose energy is at most `threshold`.
std::pair<double, double> taken_at(const Sample& sample, float threshold) {
    double successes = 0, taken = 0;
    for (std::size_t i = 0; i < sample.energies.size(); ++i)
        if (sample.energies[i] <= threshold) {
            ++taken;
            successes += sample.success[i];
        }
    return {successes, taken};
}

Energies sorted_thresholds(const Sample& sample) {
    Energies thresholds = sample.energies;
    std::sort(thresholds.begin(), thresholds.end());
    thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
    return thresholds;
}

double successes_of(const Sample& sample) {
    return static_cast<double>(std::count(sample.success.begin(), sample.success.end(), 1));
}

double brute_force_auc(const Sample& sample) {
    double won = 0, pairs = 0;
    for (std::size_t i = 0; i < sample.energies.size(); ++i)
        for (std::size_t j = 0; j < sample.energies.size(); ++j) {
            if (!sample.success[i] || sample.success[j]) continue;
            ++pairs;
            won += sample.energies[i] < sample.energies[j] ? 1 : sample.energies[i] == sample.energies[j] ? 0.5 : 0;
        }
    return won / pairs;
}

double brute_force_average_precision(const Sample& sample) {
    double sum = 0, recall = 0;
    for (const float threshold : sorted_thresholds(sample)) {
        const auto [successes, taken] = taken_at(sample, threshold);
        const double next = successes / successes_of(sample);
        sum += (next - recall) * successes / taken;
        recall = next;
    }
    return sum;
}

double brute_force_precision_at_recall(const Sample& sample, double recall) {
    for (const float threshold : sorted_thresholds(sample)) {
        const auto [successes, taken] = taken_at(sample, threshold);
        if (successes / successes_of(sample) >= recall) return successes / taken;
    }
    return -1;
}

TEST(Metrics, RankingsAreThoseOfBruteForce) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const Sample sample = random_sample(40 + 10 * seed, seed);
        EXPECT_NEAR(roc_auc(sample.energies, sample.success), brute_force_auc(sample), 1e-12);
        EXPECT_NEAR(average_precision(sample.energies, sample.success), brute_force_average_precision(sample), 1e-12);
        for (const double recall : {0.1, 0.5, 0.9})
            EXPECT_NEAR(precision_at_recall(sample.energies, sample.success, recall),
                        brute_force_precision_at_recall(sample, recall), 1e-12);
    }
}

TEST(Metrics, RankingsOfPerfectReversedAndEqualEnergies) {
    const Labels success = {1, 1, 0, 0, 0, 0};
    const Energies perfect = {0, 1, 2, 3, 4, 5}, reversed = {5, 4, 3, 2, 1, 0}, equal(6, 1.0F);
    EXPECT_EQ(roc_auc(perfect, success), 1);
    EXPECT_EQ(roc_auc(reversed, success), 0);
    EXPECT_EQ(roc_auc(equal, success), 0.5);
    EXPECT_EQ(average_precision(perfect, success), 1);
    EXPECT_NEAR(average_precision(reversed, success), 0.5 * (1.0 / 5 + 2.0 / 6), 1e-12);
    EXPECT_NEAR(average_precision(equal, success), 2.0 / 6, 1e-12);
    EXPECT_EQ(precision_at_recall(perfect, success, 0.5), 1);
    EXPECT_NEAR(precision_at_recall(reversed, success, 0.5), 1.0 / 5, 1e-12);
    EXPECT_NEAR(precision_at_recall(reversed, success, 0.51), 2.0 / 6, 1e-12);
}

TEST(Metrics, AreUndefinedWithoutSuccesses) {
    const Energies energies = {1, 2, 3};
    const Labels none(3, 0), all(3, 1);
    EXPECT_TRUE(std::isnan(roc_auc(energies, none)));
    EXPECT_TRUE(std::isnan(roc_auc(energies, all)));
    EXPECT_TRUE(std::isnan(average_precision(energies, none)));
    EXPECT_TRUE(std::isnan(precision_at_recall(energies, none, 0.5)));
    EXPECT_TRUE(std::isnan(alignment(energies, none).mean));
    EXPECT_TRUE(std::isnan(alignment(energies, none).spread));
    EXPECT_TRUE(std::isnan(expected_calibration_error({}, {})));
}

TEST(Metrics, RefuseEnergiesThatAreNotFinite) {
    const Labels success = {1, 0};
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        const Energies energies = {0, bad};
        EXPECT_THROW(roc_auc(energies, success), Error);
        EXPECT_THROW(alignment(energies, success), Error);
        EXPECT_THROW(fit_platt(energies, success), Error);
    }
    EXPECT_THROW(roc_auc(Energies{1}, success), Error);
}

TEST(Alignment, CountsSuccessesStrictlyBelowEveryFailure) {
    const Labels success = {1, 1, 1, 1, 0, 0};
    const auto share = [&](const Energies& energies) { return alignment(energies, success).mean; };
    EXPECT_EQ(share({0, 1, 2, 3, 4, 5}), 1);
    EXPECT_EQ(share({0, 1, 2, 4, 4, 5}), 0.75) << "a tie with the lowest failure is not aligned";
    EXPECT_EQ(share({0, 1, 2, 3, -1, 5}), 0) << "one low failure spoils all of its batch";
    EXPECT_EQ(share({0, 9, 9, 9, 4, 5}), 0.25);
}

TEST(Alignment, IsTakenBatchByBatch) {
    // A single low failure spoils one batch of four, that is: the successes among the three it shares it with.
    constexpr std::size_t batch = 20, batches = 4;
    Sample sample{Energies(batch * batches, 0), Labels(batch * batches, 1)};
    sample.energies[13] = -1;
    sample.success[13] = 0;
    const auto [mean, spread] = alignment(sample.energies, sample.success, batch);
    EXPECT_NEAR(mean, 60.0 / 79, 1e-12);
    EXPECT_NEAR(spread, 0, 1e-7);
}

TEST(Alignment, IsTheMeanAndDeviationOverShuffles) {
    const Sample sample = random_sample(300, 5);
    std::vector<double> shares;
    for (int shuffle = 0; shuffle < 8; ++shuffle) {
        const auto order = shuffled_batches(300, 64, 9, shuffle);
        double aligned = 0, successes = 0;
        for (std::size_t i = 0; i < order.size(); ++i) {
            if (!sample.success[order[i]]) continue;
            ++successes;
            bool below_all = true;
            for (std::size_t j = i / 64 * 64; j < (i / 64 + 1) * 64; ++j)
                below_all &= sample.success[order[j]] || sample.energies[order[i]] < sample.energies[order[j]];
            aligned += below_all;
        }
        shares.push_back(aligned / successes);
    }
    const double mean = std::accumulate(shares.begin(), shares.end(), 0.0) / 8;
    double variance = 0;
    for (const double share : shares) variance += (share - mean) * (share - mean) / 8;
    const Alignment result = alignment(sample.energies, sample.success, 64, 8, 9);
    EXPECT_GT(mean, 0);
    EXPECT_NEAR(result.mean, mean, 1e-12);
    EXPECT_NEAR(result.spread, std::sqrt(variance), 1e-9);
}

TEST(ShuffledBatches, HoldAllIndicesAndFillTheLastBatchFromTheFront) {
    for (const std::size_t count : {0UL, 1UL, 5UL, 64UL, 100UL}) {
        const auto order = shuffled_batches(count, 32, 1, 2);
        std::vector<std::size_t> all(count);
        std::iota(all.begin(), all.end(), std::size_t{0});
        const auto end = order.begin() + static_cast<std::ptrdiff_t>(count);
        EXPECT_TRUE(std::is_permutation(order.begin(), end, all.begin(), all.end()));
        EXPECT_EQ(order.size(), count < 32 ? count : (count + 31) / 32 * 32);
        EXPECT_TRUE(std::equal(end, order.end(), order.begin()));
    }
    EXPECT_NE(shuffled_batches(100, 32, 1, 2), shuffled_batches(100, 32, 1, 3));
    EXPECT_NE(shuffled_batches(100, 32, 1, 2), shuffled_batches(100, 32, 2, 2));
}

TEST(CalibrationError, IsThatOfBruteForce) {
    RandomStream random(4);
    std::vector<double> probabilities = {0, 1};
    Labels success = {0, 1};
    for (int i = 0; i < 500; ++i) {
        probabilities.push_back(random.uniform());
        success.push_back(random.bernoulli(probabilities.back() * probabilities.back()));
    }
    for (const int bins : {1, 10, 15}) {
        double error = 0;
        for (int bin = 0; bin < bins; ++bin) {
            double count = 0, confidence = 0, accuracy = 0;
            for (std::size_t i = 0; i < success.size(); ++i) {
                const double position = probabilities[i] * bins;
                if (position < bin || (position >= bin + 1 && bin + 1 < bins)) continue;
                ++count;
                confidence += probabilities[i];
                accuracy += success[i];
            }
            if (count > 0) error += count / 502 * std::abs(accuracy / count - confidence / count);
        }
        EXPECT_NEAR(expected_calibration_error(probabilities, success, bins), error, 1e-12);
    }
    EXPECT_THROW(expected_calibration_error(std::vector<double>{1.5}, Labels{1}), Error);
}

/// Negative log likelihood of Platt's smoothed targets.
double platt_objective(const Sample& sample, const Calibration& calibration) {
    const double successes = successes_of(sample), failures = static_cast<double>(sample.success.size()) - successes;
    double sum = 0;
    for (std::size_t i = 0; i < sample.energies.size(); ++i) {
        const double target = sample.success[i] ? (successes + 1) / (successes + 2) : 1 / (failures + 2);
        const double p = calibration.probability(sample.energies[i]);
        sum -= target * std::log(p) + (1 - target) * std::log(1 - p);
    }
    return sum;
}

TEST(FitPlatt, MinimisesPlattsObjective) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        Sample sample = random_sample(200, 100 + seed);
        for (float& energy : sample.energies) energy = 300 + 20 * energy;  // far from standardised
        const Calibration fit = fit_platt(sample.energies, sample.success);
        EXPECT_GT(fit.slope, 0) << "a higher energy is less likely to succeed";
        // The objective is convex, so the minimum on a fine ring around the fit proves it: nowhere is it lower.
        const double lowest = platt_objective(sample, fit);
        for (int direction = 0; direction < 64; ++direction) {
            const double angle = 2 * std::numbers::pi * direction / 64, size = 1e-3;
            const double slope = fit.slope + size / 20 * std::cos(angle);
            // the offset is moved about the mean energy, where it is nearly independent of the slope
            const double offset = fit.offset + size * std::sin(angle) - (slope - fit.slope) * 300;
            EXPECT_GT(platt_objective(sample, {slope, offset}), lowest);
        }
    }
}

TEST(FitPlatt, RecoversTheLawThatDrewTheLabels) {
    constexpr double slope = 0.8, offset = -0.5;
    RandomStream random(6);
    Sample sample;
    for (int i = 0; i < 200'000; ++i) {
        sample.energies.push_back(static_cast<float>(random.normal(0, 2)));
        sample.success.push_back(random.bernoulli(Calibration{slope, offset}.probability(sample.energies.back())));
    }
    const Calibration fit = fit_platt(sample.energies, sample.success);
    EXPECT_NEAR(fit.slope, slope, 0.02);  // standard errors are about 0.004 and 0.006
    EXPECT_NEAR(fit.offset, offset, 0.03);
}

TEST(FitPlatt, EndsOnSeparableAndConstantEnergies) {
    const Calibration separable = fit_platt(Energies{-1, -1, 1, 1}, Labels{1, 1, 0, 0});
    EXPECT_GT(separable.probability(-1), 0.7);
    EXPECT_LT(separable.probability(1), 0.3);
    const Calibration constant = fit_platt(Energies(10, 5.0F), Labels{1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_NEAR(constant.probability(5), (3 * 4.0 / 5 + 7 * 1.0 / 9) / 10, 1e-6) << "the mean of Platt's targets";
    EXPECT_THROW(fit_platt(Energies{1, 2}, Labels{0, 0}), Error);
    EXPECT_THROW(fit_platt(Energies{1, 2}, Labels{1, 1}), Error);
}

}  // namespace
}  // namespace ebgrasp
