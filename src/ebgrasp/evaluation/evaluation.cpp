#include "ebgrasp/evaluation/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/evaluation/metrics.hpp"

namespace ebgrasp {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

/// Sums of the contrastive loss over one batch (the formula of training/loss.hpp).
struct LossSum {
    double loss = 0;
    std::size_t successes = 0;
};

LossSum batch_loss(std::span<const float> energies, std::span<const std::uint8_t> success,
                   std::span<const std::size_t> batch, double temperature) {
    double highest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (const std::size_t i : batch)
        if (!success[i]) highest = std::max(highest, -energies[i] / temperature);
    for (const std::size_t i : batch)
        if (!success[i]) sum += std::exp(-energies[i] / temperature - highest);
    LossSum result;
    for (const std::size_t i : batch) {
        if (!success[i]) continue;
        ++result.successes;
        if (sum == 0) continue;  // no failures: no loss
        const double x = highest + std::log(sum) + energies[i] / temperature;
        result.loss += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    }
    return result;
}

/// Mean over the batches that have successes.
double contrastive_loss(std::span<const float> energies, std::span<const std::uint8_t> success,
                        const EvaluationOptions& options) {
    const std::size_t batch_size = std::min(options.batch_size, energies.size());
    double sum = 0;
    std::size_t batches = 0;
    for (int shuffle = 0; shuffle < options.shuffles; ++shuffle) {
        const std::vector<std::size_t> order = shuffled_batches(energies.size(), batch_size, options.seed, shuffle);
        for (std::size_t begin = 0; begin < order.size(); begin += batch_size) {
            const LossSum batch =
                batch_loss(energies, success, std::span(order).subspan(begin, batch_size), options.temperature);
            if (batch.successes == 0) continue;
            sum += batch.loss / static_cast<double>(batch.successes);
            ++batches;
        }
    }
    return batches > 0 ? sum / static_cast<double>(batches) : undefined;
}

}  // namespace

void to_json(nlohmann::json& json, const Evaluation& evaluation) {
    const auto number = [](double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(); };
    json = {{"loss", number(evaluation.loss)},
            {"alignment", number(evaluation.alignment)},
            {"alignment_spread", number(evaluation.alignment_spread)},
            {"roc_auc", number(evaluation.roc_auc)},
            {"average_precision", number(evaluation.average_precision)},
            {"precision_at_recall_50", number(evaluation.precision_at_recall_50)},
            {"accuracy", number(evaluation.accuracy)},
            {"ece", number(evaluation.ece)},
            {"positives", evaluation.positives},
            {"negatives", evaluation.negatives}};
}

Evaluation evaluate(std::span<const float> energies, std::span<const std::uint8_t> success,
                    const EvaluationOptions& options) {
    const Alignment aligned = alignment(energies, success, options.batch_size, options.shuffles, options.seed);
    const auto positives = static_cast<std::size_t>(std::ranges::count_if(success, [](auto s) { return s != 0; }));
    Evaluation evaluation{.loss = contrastive_loss(energies, success, options),
                          .alignment = aligned.mean,
                          .alignment_spread = aligned.spread,
                          .roc_auc = roc_auc(energies, success),
                          .average_precision = average_precision(energies, success),
                          .precision_at_recall_50 = precision_at_recall(energies, success, 0.5),
                          .accuracy = undefined,
                          .ece = undefined,
                          .positives = positives,
                          .negatives = success.size() - positives};
    if (options.calibration) {
        const std::vector<double> predicted = probabilities(*options.calibration, energies);
        evaluation.accuracy = accuracy(predicted, success);
        evaluation.ece = expected_calibration_error(predicted, success);
    }
    return evaluation;
}

std::vector<double> probabilities(const Calibration& calibration, std::span<const float> energies) {
    std::vector<double> result;
    for (const float energy : energies) result.push_back(calibration.probability(energy));
    return result;
}

CalibrationScores calibration_scores(const Calibration& calibration, std::span<const float> energies,
                                     std::span<const std::uint8_t> success) {
    const std::vector<double> predicted = probabilities(calibration, energies);
    return {expected_calibration_error(predicted, success), brier_score(predicted, success),
            log_loss(predicted, success)};
}

}  // namespace ebgrasp
