#include "ebgrasp/judge/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

double mcnemar_p_value(std::size_t a, std::size_t b) {
    const auto n = static_cast<double>(a + b);
    double log_term = -n * std::numbers::ln2, tail = 0;  // C(n, k) / 2^n, whose factors overflow where it does not
    for (std::size_t k = 0; k <= std::min(a, b); ++k) {
        tail += std::exp(log_term);
        log_term += std::log((n - static_cast<double>(k)) / static_cast<double>(k + 1));
    }
    return std::min(1.0, 2 * tail);
}

std::vector<double> holm_adjusted(const std::vector<double>& p_values) {
    std::vector<std::size_t> order(p_values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
    std::vector<double> adjusted(p_values.size());
    double largest = 0;
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
        largest = std::max(largest, p_values[order[rank]] * static_cast<double>(order.size() - rank));
        adjusted[order[rank]] = std::min(1.0, largest);
    }
    return adjusted;
}

}  // namespace ebgrasp
