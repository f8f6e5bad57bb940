// Calibrations fitted to labelled energies. Both see Platt's smoothed targets in place of 0 and 1: 1 / (failures + 2)
// and (successes + 1) / (successes + 2). So no finite sample makes anything impossible or certain. `success[i]` is 0
// or 1. Throw Error if there are no successes or no failures, or an energy is not finite.
#pragma once

#include <cstdint>
#include <span>

#include "ebgrasp/energy/calibration.hpp"

namespace ebgrasp {

/// The maximum likelihood, by Newton's method with backtracking (Lin, Lin and Weng, "A note on Platt's probabilistic
/// outputs for support vector machines", 2007, appendix).
PlattScaling fit_platt(std::span<const float> energies, std::span<const std::uint8_t> success);

/// The same probability for every energy: the share of successes. What a calibration must beat.
PlattScaling base_rate(std::span<const std::uint8_t> success);

/// The falling function with the least squared error, by pooling adjacent violators (Ayer et al., "An empirical
/// distribution function for sampling with incomplete information", 1955; for calibration Zadrozny and Elkan,
/// "Transforming classifier scores into accurate multiclass probability estimates", 2002). It is a staircase over the
/// sample's energies; the knots are the ends of its steps.
IsotonicTable fit_isotonic(std::span<const float> energies, std::span<const std::uint8_t> success);

}  // namespace ebgrasp
