// Quantiles of a few numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ebgrasp {

/// The value that a share in [0, 1] of `values` lies below, interpolated linearly between neighbours (type 7 of Hyndman
/// and Fan, "Sample quantiles in statistical packages", 1996); NaN without values.
inline double quantile(std::vector<double> values, double share) {
    if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
    std::ranges::sort(values);
    const double position = std::clamp(share, 0.0, 1.0) * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(position);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], position - static_cast<double>(below));
}

}  // namespace ebgrasp
