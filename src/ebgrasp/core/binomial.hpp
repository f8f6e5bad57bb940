// What a number of successes among independent trials says about their rate.
#pragma once

#include <cmath>
#include <cstddef>

namespace ebgrasp {

struct Interval {
    double low, high;
};

/// Interval of the success rate with 95 % coverage (Wilson, "Probable inference, the law of succession, and statistical
/// inference", 1927). [0, 1] without trials.
inline Interval wilson_interval(std::size_t successes, std::size_t trials) {
    if (trials == 0) return {0, 1};
    constexpr double z = 1.959963984540054;  // normal quantile of 0.975
    const auto n = static_cast<double>(trials);
    const double p = static_cast<double>(successes) / n;
    const double center = p + z * z / (2 * n), spread = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    const double scale = 1 / (1 + z * z / n);
    return {successes == 0 ? 0 : scale * (center - spread), successes == trials ? 1 : scale * (center + spread)};
}

}  // namespace ebgrasp
