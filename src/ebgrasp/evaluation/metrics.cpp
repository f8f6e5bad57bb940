#include "ebgrasp/evaluation/metrics.hpp"

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

void check_probabilities(std::span<const double> probabilities, std::span<const std::uint8_t> success) {
    require(probabilities.size() == success.size(), probabilities.size(), " probabilities for ", success.size(),
            " labels");
    for (const double p : probabilities) require(p >= 0 && p <= 1, "a probability of ", p, " lies outside [0, 1]");
}

double mean_of(double sum, std::size_t count) { return count > 0 ? sum / static_cast<double>(count) : undefined; }

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

std::vector<CalibrationBin> calibration_bins(std::span<const double> probabilities,
                                             std::span<const std::uint8_t> success, int bins) {
    check_probabilities(probabilities, success);
    require(bins > 0, "calibration error over ", bins, " bins; use at least 1");
    std::vector<CalibrationBin> table(static_cast<std::size_t>(bins));
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
        const int index = std::min(bins - 1, static_cast<int>(probabilities[i] * bins));
        CalibrationBin& bin = table[static_cast<std::size_t>(index)];
        bin.mean_probability += probabilities[i];
        bin.successes += success[i] != 0;
        ++bin.count;
    }
    for (CalibrationBin& bin : table)
        bin.mean_probability = bin.count > 0 ? bin.mean_probability / static_cast<double>(bin.count) : undefined;
    return table;
}

double expected_calibration_error(std::span<const double> probabilities, std::span<const std::uint8_t> success,
                                  int bins) {
    double sum = 0;
    for (const CalibrationBin& bin : calibration_bins(probabilities, success, bins))
        if (bin.count > 0)
            sum += std::abs(static_cast<double>(bin.successes) - static_cast<double>(bin.count) * bin.mean_probability);
    return mean_of(sum, probabilities.size());
}

double brier_score(std::span<const double> probabilities, std::span<const std::uint8_t> success) {
    check_probabilities(probabilities, success);
    double sum = 0;
    for (std::size_t i = 0; i < success.size(); ++i) sum += std::pow((success[i] ? 1 : 0) - probabilities[i], 2);
    return mean_of(sum, success.size());
}

double log_loss(std::span<const double> probabilities, std::span<const std::uint8_t> success) {
    check_probabilities(probabilities, success);
    double sum = 0;
    for (std::size_t i = 0; i < success.size(); ++i)
        sum -= success[i] ? std::log(probabilities[i]) : std::log1p(-probabilities[i]);
    return mean_of(sum, success.size());
}

double accuracy(std::span<const double> probabilities, std::span<const std::uint8_t> success) {
    check_probabilities(probabilities, success);
    double right = 0;
    for (std::size_t i = 0; i < success.size(); ++i) right += (probabilities[i] > 0.5) == (success[i] != 0);
    return mean_of(right, success.size());
}

}  // namespace ebgrasp
