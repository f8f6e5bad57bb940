// A model judged on labelled examples. No libtorch here: the deployed runtime is evaluated like a network in training.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/energy/window_energy.hpp"

namespace ebgrasp {

struct EvaluationOptions {
    double temperature = 100;                     ///< of the loss
    std::size_t batch_size = 512;                 ///< of loss and alignment
    int shuffles = 8;                             ///< over which loss and alignment are averaged
    std::uint64_t seed = 0;                       ///< of the shuffles
    std::optional<Calibration> calibration = {};  ///< for the calibration error
};

/// Fields that the examples leave undefined (or ece without calibration) are NaN, and null in JSON.
struct Evaluation {
    double loss;                         ///< the contrastive one (training/loss.hpp), in batches as in training
    double alignment, alignment_spread;  ///< see metrics.hpp
    double roc_auc, average_precision;
    double precision_at_recall_50;
    double ece;  ///< expected calibration error
    std::size_t positives, negatives;
};
/// Keys are the fields' names.
void to_json(nlohmann::json& json, const Evaluation& evaluation);

/// energies[i] of example indices[i]; every window is encoded once.
std::vector<float> example_energies(const WindowNetwork& network, const WindowExamples& examples,
                                    std::span<const std::size_t> indices);
/// success[i] of example indices[i], 0 or 1.
std::vector<std::uint8_t> example_labels(const WindowExamples& examples, std::span<const std::size_t> indices);

Evaluation evaluate(std::span<const float> energies, std::span<const std::uint8_t> success,
                    const EvaluationOptions& options = {});
Evaluation evaluate(const WindowNetwork& network, const WindowDataset& dataset, std::span<const std::size_t> indices,
                    const EvaluationOptions& options = {});
/// The same with the model's own calibration. Throws Error if the model does not look through windows.
Evaluation evaluate(const EnergyModel& model, const WindowDataset& dataset, std::span<const std::size_t> indices,
                    EvaluationOptions options = {});

}  // namespace ebgrasp
