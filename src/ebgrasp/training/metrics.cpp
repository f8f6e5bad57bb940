#include "ebgrasp/training/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

void check(std::span<const float> energies, std::span<const std::uint8_t> success) {
    require(energies.size() == success.size(), energies.size(), " energies for ", success.size(), " labels");
    for (const float energy : energies)
        require(std::isfinite(energy), "an energy is ", energy,
                ": the network has diverged or its weights are unusable");
}

/// Numbers of successes and failures that share one energy.
struct Step {
    double successes, failures;
};

/// The examples by rising energy, equal energies together.
std::vector<Step> ranked_steps(std::span<const float> energies, std::span<const std::uint8_t> success) {
    check(energies, success);
    std::vector<std::size_t> order(energies.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return energies[a] < energies[b]; });
    std::vector<Step> steps;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == 0 || energies[order[i]] != energies[order[i - 1]]) steps.push_back({0, 0});
        (success[order[i]] ? steps.back().successes : steps.back().failures) += 1;
    }
    return steps;
}

double total_successes(const std::vector<Step>& steps) {
    return std::accumulate(steps.begin(), steps.end(), 0.0,
                           [](double sum, const Step& step) { return sum + step.successes; });
}

/// Share of aligned successes over the batches of one order.
double aligned_share(std::span<const float> energies, std::span<const std::uint8_t> success,
                     std::span<const std::size_t> order, std::size_t batch_size) {
    std::size_t successes = 0, aligned = 0;
    for (std::size_t begin = 0; begin + batch_size <= order.size(); begin += batch_size) {
        const auto batch = order.subspan(begin, batch_size);
        float lowest_failure = std::numeric_limits<float>::infinity();
        for (const std::size_t i : batch)
            if (!success[i]) lowest_failure = std::min(lowest_failure, energies[i]);
        for (const std::size_t i : batch) {
            successes += success[i] != 0;
            aligned += success[i] && energies[i] < lowest_failure;
        }
    }
    return successes > 0 ? static_cast<double>(aligned) / static_cast<double>(successes) : undefined;
}

}  // namespace

std::vector<std::size_t> shuffled_batches(std::size_t count, std::size_t batch_size, std::uint64_t seed, int shuffle) {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    RandomStream(seed, shuffle).shuffle(std::span(order));
    batch_size = std::min(batch_size, count);
    while (batch_size > 0 && order.size() % batch_size != 0) order.push_back(order[order.size() - count]);
    return order;
}

Alignment alignment(std::span<const float> energies, std::span<const std::uint8_t> success, std::size_t batch_size,
                    int shuffles, std::uint64_t seed) {
    check(energies, success);
    require(batch_size > 0 && shuffles > 0, "alignment over ", shuffles, " shuffles in batches of ", batch_size,
            "; both must be at least 1");
    if (energies.empty()) return {undefined, undefined};
    batch_size = std::min(batch_size, energies.size());
    double sum = 0, squares = 0;
    for (int shuffle = 0; shuffle < shuffles; ++shuffle) {
        const double share =
            aligned_share(energies, success, shuffled_batches(energies.size(), batch_size, seed, shuffle), batch_size);
        sum += share;
        squares += share * share;
    }
    const double mean = sum / shuffles;
    const double variance = squares / shuffles - mean * mean;
    return {mean, variance < 0 ? 0.0 : std::sqrt(variance)};  // rounding may take it below 0; NaN stays
}

double roc_auc(std::span<const float> energies, std::span<const std::uint8_t> success) {
    double won = 0, successes = 0, failures = 0;
    for (const Step& step : ranked_steps(energies, success)) {
        won += step.failures * (successes + 0.5 * step.successes);
        successes += step.successes;
        failures += step.failures;
    }
    return successes > 0 && failures > 0 ? won / (successes * failures) : undefined;
}

double average_precision(std::span<const float> energies, std::span<const std::uint8_t> success) {
    const std::vector<Step> steps = ranked_steps(energies, success);
    const double total = total_successes(steps);
    double sum = 0, successes = 0, taken = 0;
    for (const Step& step : steps) {
        successes += step.successes;
        taken += step.successes + step.failures;
        sum += step.successes / total * successes / taken;
    }
    return total > 0 ? sum : undefined;
}

double precision_at_recall(std::span<const float> energies, std::span<const std::uint8_t> success, double recall) {
    const std::vector<Step> steps = ranked_steps(energies, success);
    const double needed = recall * total_successes(steps);
    double successes = 0, taken = 0;
    for (const Step& step : steps) {
        successes += step.successes;
        taken += step.successes + step.failures;
        if (successes > 0 && successes >= needed) return successes / taken;
    }
    return undefined;
}

double expected_calibration_error(std::span<const double> probabilities, std::span<const std::uint8_t> success,
                                  int bins) {
    require(probabilities.size() == success.size(), probabilities.size(), " probabilities for ", success.size(),
            " labels");
    require(bins > 0, "calibration error over ", bins, " bins; use at least 1");
    if (probabilities.empty()) return undefined;
    std::vector<double> excess(static_cast<std::size_t>(bins), 0.0);  // successes minus summed probability
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        const double p = probabilities[i];
        require(p >= 0 && p <= 1, "a probability of ", p, " lies outside [0, 1]");
        excess[static_cast<std::size_t>(std::min(bins - 1, static_cast<int>(p * bins)))] += success[i] - p;
    }
    const double sum =
        std::accumulate(excess.begin(), excess.end(), 0.0, [](double a, double b) { return a + std::abs(b); });
    return sum / static_cast<double>(probabilities.size());
}

Calibration fit_platt(std::span<const float> energies, std::span<const std::uint8_t> success) {
    check(energies, success);
    const auto successes =
        static_cast<double>(std::count_if(success.begin(), success.end(), [](auto s) { return s != 0; }));
    const double failures = static_cast<double>(success.size()) - successes;
    require(successes > 0 && failures > 0, "calibration needs successes and failures, but there are ", successes,
            " and ", failures);
    // Fitted to standardised energies z, so that the ridge below means the same whatever their scale.
    const auto count = static_cast<double>(energies.size());
    const double mean = std::accumulate(energies.begin(), energies.end(), 0.0) / count;
    const double variance = std::accumulate(energies.begin(), energies.end(), 0.0,
                                            [&](double sum, float e) { return sum + (e - mean) * (e - mean); }) /
                            count;
    const double scale = variance > 0 ? std::sqrt(variance) : 1.0;
    const auto standardised = [&](std::size_t i) { return (energies[i] - mean) / scale; };

    const double high = (successes + 1) / (successes + 2), low = 1 / (failures + 2);  // Platt's targets
    const auto target = [&](std::size_t i) { return success[i] ? high : low; };
    // Negative log likelihood of p = 1 / (1 + exp(f)), f = a z + b: t f + log(1 + exp(-f)).
    const auto objective = [&](double a, double b) {
        double sum = 0;
        for (std::size_t i = 0; i < energies.size(); ++i) {
            const double f = a * standardised(i) + b;
            sum += target(i) * f + std::max(-f, 0.0) + std::log1p(std::exp(-std::abs(f)));
        }
        return sum;
    };

    double a = 0, b = std::log((failures + 1) / (successes + 1)), value = objective(a, b);
    constexpr int max_iterations = 100;
    constexpr double ridge = 1e-12, min_step = 1e-10, tolerance = 1e-9;
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
        double h11 = ridge, h22 = ridge, h21 = 0, g1 = 0, g2 = 0;
        for (std::size_t i = 0; i < energies.size(); ++i) {
            const double z = standardised(i), p = 1 / (1 + std::exp(a * z + b));
            const double weight = p * (1 - p), residual = target(i) - p;
            h11 += z * z * weight;
            h22 += weight;
            h21 += z * weight;
            g1 += z * residual;
            g2 += residual;
        }
        if (std::abs(g1) < tolerance * count && std::abs(g2) < tolerance * count) break;
        const double determinant = h11 * h22 - h21 * h21;
        const double step_a = -(h22 * g1 - h21 * g2) / determinant, step_b = -(h11 * g2 - h21 * g1) / determinant;
        const double slope = g1 * step_a + g2 * step_b;
        double step = 1;
        for (; step >= min_step; step /= 2) {
            const double next = objective(a + step * step_a, b + step * step_b);
            if (next < value + 1e-4 * step * slope) {
                a += step * step_a;
                b += step * step_b;
                value = next;
                break;
            }
        }
        if (step < min_step) break;
    }
    return {a / scale, b - a * mean / scale};
}

}  // namespace ebgrasp
