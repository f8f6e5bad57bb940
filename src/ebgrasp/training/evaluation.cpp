#include "ebgrasp/training/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/training/metrics.hpp"

namespace ebgrasp {
namespace {

constexpr std::size_t windows_at_once = 4096;  ///< bounds the memory of codes

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
    return batches > 0 ? sum / static_cast<double>(batches) : std::numeric_limits<double>::quiet_NaN();
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
            {"ece", number(evaluation.ece)},
            {"positives", evaluation.positives},
            {"negatives", evaluation.negatives}};
}

std::vector<std::uint8_t> example_labels(const WindowExamples& examples, std::span<const std::size_t> indices) {
    std::vector<std::uint8_t> labels;
    for (const std::size_t i : indices) labels.push_back(examples.success(i));
    return labels;
}

std::vector<float> example_energies(const WindowNetwork& network, const WindowExamples& examples,
                                    std::span<const std::size_t> indices) {
    // Positions in `indices` ordered by window, so that the examples of a window come together.
    std::vector<std::size_t> order(indices.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto window = [&](std::size_t position) { return examples.grasp_window[indices[position]]; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return window(a) < window(b); });

    std::vector<float> energies(indices.size());
    for (std::size_t begin = 0; begin < order.size();) {
        std::vector<std::int32_t> windows;
        std::vector<int> code_index;
        std::size_t end = begin;
        for (; end < order.size(); ++end) {
            if (windows.empty() || window(order[end]) != windows.back()) {
                if (windows.size() == windows_at_once) break;
                windows.push_back(window(order[end]));
            }
            code_index.push_back(static_cast<int>(windows.size()) - 1);
        }
        WindowBatch pixels(static_cast<Eigen::Index>(windows.size()), window_pixels);
        for (std::size_t i = 0; i < windows.size(); ++i)
            std::copy_n(examples.windows.begin() + static_cast<std::ptrdiff_t>(windows[i]) * window_pixels,
                        window_pixels, pixels.row(static_cast<Eigen::Index>(i)).data());
        GraspBatch grasps(static_cast<Eigen::Index>(end - begin), 4);
        for (std::size_t i = begin; i < end; ++i)
            std::copy_n(examples.grasps.begin() + static_cast<std::ptrdiff_t>(indices[order[i]]) * 5, 4,
                        grasps.row(static_cast<Eigen::Index>(i - begin)).data());
        std::vector<float> chunk(end - begin);
        network.evaluate(network.encode(pixels), code_index, grasps, chunk, nullptr);
        for (std::size_t i = begin; i < end; ++i) energies[order[i]] = chunk[i - begin];
        begin = end;
    }
    return energies;
}

Evaluation evaluate(std::span<const float> energies, std::span<const std::uint8_t> success,
                    const EvaluationOptions& options) {
    const Alignment aligned = alignment(energies, success, options.batch_size, options.shuffles, options.seed);
    double ece = std::numeric_limits<double>::quiet_NaN();
    if (options.calibration) {
        std::vector<double> probabilities;
        for (const float energy : energies) probabilities.push_back(options.calibration->probability(energy));
        ece = expected_calibration_error(probabilities, success);
    }
    const auto positives =
        static_cast<std::size_t>(std::count_if(success.begin(), success.end(), [](auto s) { return s != 0; }));
    return {.loss = contrastive_loss(energies, success, options),
            .alignment = aligned.mean,
            .alignment_spread = aligned.spread,
            .roc_auc = roc_auc(energies, success),
            .average_precision = average_precision(energies, success),
            .precision_at_recall_50 = precision_at_recall(energies, success, 0.5),
            .ece = ece,
            .positives = positives,
            .negatives = success.size() - positives};
}

Evaluation evaluate(const WindowNetwork& network, const WindowDataset& dataset, std::span<const std::size_t> indices,
                    const EvaluationOptions& options) {
    return evaluate(example_energies(network, dataset.examples, indices), example_labels(dataset.examples, indices),
                    options);
}

Evaluation evaluate(const EnergyModel& model, const WindowDataset& dataset, std::span<const std::size_t> indices,
                    EvaluationOptions options) {
    const auto* windowed = dynamic_cast<const WindowEnergyModel*>(&model);
    require(windowed, "model '", model.name(), "' does not look through windows and cannot be judged on window data");
    options.calibration = windowed->calibration();
    return evaluate(windowed->network(), dataset, indices, options);
}

}  // namespace ebgrasp
