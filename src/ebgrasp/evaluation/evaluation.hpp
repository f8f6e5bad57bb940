// A model judged on labelled examples.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "ebgrasp/energy/calibration.hpp"

namespace ebgrasp {

struct EvaluationOptions {
    double temperature = 100;                     ///< of the loss, above 0
    std::size_t batch_size = 512;                 ///< of loss and alignment
    int shuffles = 8;                             ///< over which loss and alignment are averaged
    std::uint64_t seed = 0;                       ///< of the shuffles
    std::optional<Calibration> calibration = {};  ///< for what is computed from probabilities
};

/// Fields that the examples, or a lacking calibration, leave undefined are NaN, and null in JSON.
struct Evaluation {
    double loss;                         ///< the contrastive one (training/loss.hpp), in batches as in training
    double alignment, alignment_spread;  ///< see metrics.hpp
    double roc_auc, average_precision;
    double precision_at_recall_50;
    double accuracy;  ///< of "the calibrated probability is above one half"
    double ece;       ///< expected calibration error of that probability
    std::size_t positives, negatives;
};
/// Keys are the fields' names.
void to_json(nlohmann::json& json, const Evaluation& evaluation);

/// energies[i] and success[i] (0 or 1) of example i. Throws Error if an energy is not finite, or sizes differ.
Evaluation evaluate(std::span<const float> energies, std::span<const std::uint8_t> success,
                    const EvaluationOptions& options = {});

/// p(success) of each energy.
std::vector<double> probabilities(const Calibration& calibration, std::span<const float> energies);

/// How good the probabilities of a calibration are; see metrics.hpp.
struct CalibrationScores {
    double ece, brier, log_loss;
};
CalibrationScores calibration_scores(const Calibration& calibration, std::span<const float> energies,
                                     std::span<const std::uint8_t> success);

}  // namespace ebgrasp
