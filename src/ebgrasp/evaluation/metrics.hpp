// How well energies tell successes from failures. Lower energy means better, throughout; `success[i]` is 0 or 1.
// A metric that its input leaves undefined (no successes, no failures) is NaN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ebgrasp {

/// 0 .. count - 1 shuffled, for cutting into batches: filled up from its front to a multiple of `batch_size`, so that
/// all batches are full. No more than one batch of `count` if that is smaller.
std::vector<std::size_t> shuffled_batches(std::size_t count, std::size_t batch_size, std::uint64_t seed, int shuffle);

/// The seed's alignment: the share of successes whose energy is lower than that of every failure in their batch.
struct Alignment {
    double mean, spread;  ///< over the shuffles; spread is the standard deviation
};
Alignment alignment(std::span<const float> energies, std::span<const std::uint8_t> success,
                    std::size_t batch_size = 512, int shuffles = 8, std::uint64_t seed = 0);

/// Probability that a random success has lower energy than a random failure; ties count half.
double roc_auc(std::span<const float> energies, std::span<const std::uint8_t> success);

/// Sum over the ranked list of precision times the recall gained; equal energies are one step.
double average_precision(std::span<const float> energies, std::span<const std::uint8_t> success);

/// Precision at the highest energy threshold that first recalls `recall` of the successes.
double precision_at_recall(std::span<const float> energies, std::span<const std::uint8_t> success, double recall);

/// The examples whose probability lies in one bin.
struct CalibrationBin {
    double mean_probability = 0;  ///< NaN if the bin is empty
    std::size_t successes = 0, count = 0;
};
/// `bins` equal bins of [0, 1]; a probability of 1 lies in the last.
std::vector<CalibrationBin> calibration_bins(std::span<const double> probabilities,
                                             std::span<const std::uint8_t> success, int bins = 15);

/// Mean over the bins, weighted by their counts, of |share of successes - mean probability| (Guo et al., "On
/// calibration of modern neural networks", 2017, equation 3).
double expected_calibration_error(std::span<const double> probabilities, std::span<const std::uint8_t> success,
                                  int bins = 15);

/// Mean squared distance of probabilities from outcomes (Brier, "Verification of forecasts expressed in terms of
/// probability", 1950).
double brier_score(std::span<const double> probabilities, std::span<const std::uint8_t> success);

/// Mean of -log p(outcome), natural logarithm; infinite if an outcome was thought impossible.
double log_loss(std::span<const double> probabilities, std::span<const std::uint8_t> success);

/// Share of the examples for which "p(success) is above one half" is right.
double accuracy(std::span<const double> probabilities, std::span<const std::uint8_t> success);

}  // namespace ebgrasp
