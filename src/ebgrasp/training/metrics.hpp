// How well energies tell successes from failures. Lower energy means better, throughout; `success[i]` is 0 or 1.
// A metric that its input leaves undefined (no successes, no failures) is NaN.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebgrasp/energy/window_energy.hpp"

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

/// Mean over `bins` equal bins of [0, 1], weighted by their counts, of |share of successes - mean probability|
/// (Guo et al., "On calibration of modern neural networks", 2017, equation 3).
double expected_calibration_error(std::span<const double> probabilities, std::span<const std::uint8_t> success,
                                  int bins = 15);

/// Platt scaling fitted by maximum likelihood with Platt's smoothed targets: Newton's method with backtracking (Lin,
/// Lin and Weng, "A note on Platt's probabilistic outputs for support vector machines", 2007, appendix). Throws Error
/// if there are no successes or no failures, or an energy is not finite.
Calibration fit_platt(std::span<const float> energies, std::span<const std::uint8_t> success);

}  // namespace ebgrasp
