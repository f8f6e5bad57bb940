#include "ebgrasp/evaluation/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "evaluation/random_sample.hpp"

namespace ebgrasp {
namespace {

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

TEST(CalibrationBins, HoldEveryExampleOnce) {
    const std::vector<double> probabilities = {0, 0.05, 0.31, 0.39, 1};
    const auto bins = calibration_bins(probabilities, Labels{0, 1, 1, 0, 1}, 10);
    ASSERT_EQ(bins.size(), 10U);
    EXPECT_EQ(bins[0].count, 2U);
    EXPECT_EQ(bins[0].successes, 1U);
    EXPECT_NEAR(bins[0].mean_probability, 0.025, 1e-15);
    EXPECT_EQ(bins[3].count, 2U);
    EXPECT_NEAR(bins[3].mean_probability, 0.35, 1e-15);
    EXPECT_EQ(bins[9].count, 1U) << "a probability of 1 lies in the last bin";
    EXPECT_EQ(bins[5].count, 0U);
    EXPECT_TRUE(std::isnan(bins[5].mean_probability));
    EXPECT_THROW(calibration_bins(probabilities, Labels{0, 1, 1, 0, 1}, 0), Error);
}

TEST(ProperScores, AreThoseOfTheirFormulas) {
    const std::vector<double> probabilities = {0.9, 0.2, 0.5, 0.6};
    const Labels success = {1, 1, 0, 0};
    EXPECT_NEAR(brier_score(probabilities, success), (0.01 + 0.64 + 0.25 + 0.36) / 4, 1e-15);
    EXPECT_NEAR(log_loss(probabilities, success), -(std::log(0.9) + std::log(0.2) + std::log(0.5) + std::log(0.4)) / 4,
                1e-15);
    EXPECT_EQ(accuracy(probabilities, success), 0.5);
    EXPECT_EQ(log_loss(std::vector<double>{1, 0}, Labels{1, 0}), 0);
    EXPECT_EQ(log_loss(std::vector<double>{0}, Labels{1}), std::numeric_limits<double>::infinity());
    for (const auto score : {brier_score, log_loss, accuracy}) {
        EXPECT_TRUE(std::isnan(score({}, {})));
        EXPECT_THROW(score(std::vector<double>{1.5}, Labels{1}), Error);
        EXPECT_THROW(score(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, Labels{1}), Error);
        EXPECT_THROW(score(std::vector<double>{0.5}, Labels{1, 0}), Error);
    }
}

TEST(ProperScores, AreLeastForTheTrueProbability) {
    RandomStream random(5);
    Labels success;
    for (int i = 0; i < 50'000; ++i) success.push_back(random.bernoulli(0.3));
    const auto score_of = [&](auto score, double p) { return score(std::vector<double>(success.size(), p), success); };
    for (const double other : {0.2, 0.27, 0.33, 0.4}) {
        EXPECT_LT(score_of(brier_score, 0.3), score_of(brier_score, other));
        EXPECT_LT(score_of(log_loss, 0.3), score_of(log_loss, other));
    }
}

}  // namespace
}  // namespace ebgrasp
