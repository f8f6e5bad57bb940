// Training of a network on window data. No libtorch in this header.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/training/training_config.hpp"

namespace ebgrasp {

/// How many energies lie in each of 64 equal bins of [low, high], the middle 99.8 % of all of them; the outermost bins
/// also hold what lies beyond.
struct EnergyHistogram {
    static constexpr std::size_t bins = 64;
    double low = 0, high = 1;
    std::array<int, bins> successes = {}, failures = {};
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EnergyHistogram, low, high, successes, failures)

struct EpochReport {
    int epoch = 0;             ///< from 1
    double training_loss = 0;  ///< mean over the epoch's batches, dropout on
    double validation_loss = 0, validation_alignment = 0;
    /// 10th, 50th and 90th percentile of the validation energies.
    std::array<double, 3> success_energies = {}, failure_energies = {};
    EnergyHistogram energies;                  ///< of the validation split
    double training_seconds = 0, seconds = 0;  ///< that the epoch took, without and with validation
    double finished = 0;                       ///< seconds since 1970
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochReport, epoch, training_loss, validation_loss, validation_alignment,
                                   success_energies, failure_energies, energies, training_seconds, seconds, finished)

struct TrainingResult {
    int best_epoch = 0;      ///< the one kept: lowest validation loss
    nlohmann::json metrics;  ///< its Evaluation on the validation split
    std::vector<EpochReport> epochs;
};

/// How `config` divides `dataset`: split_by, or what the data's configuration says.
SplitBy training_split(const TrainingConfig& config, const WindowDataset& dataset);
/// Examples that one epoch passes over: the training split's, in whole batches.
std::size_t examples_per_epoch(const TrainingConfig& config, const WindowDataset& dataset);
/// The epochs that training to `output` has finished so far; none if it has not begun. Throws Error if what is there
/// belongs to something else.
std::vector<EpochReport> finished_epochs(const std::filesystem::path& output);

/// Trains and writes
///   output             checkpoint of the epoch with the lowest validation loss, with its Platt calibration, metrics,
///                      configuration and provenance; usable from the first epoch on
///   output + .csv      one line for each epoch
///   output + .events/  the same for TensorBoard, with histograms of the validation energies
///   output + .state    what a killed run needs to go on: call train again with the same arguments. On a CPU it then
///                      ends in the same bytes of `output` as if it had never stopped. It stays after the last epoch,
///                      so that a repeated call returns at once and one with more epochs goes on.
/// Throws Error: bad configuration, a split without successes or failures, a state of another configuration or data
/// set, no CUDA device where one is demanded, divergence to non-finite numbers. `on_epoch` is called after each epoch's
/// files are written; examples are counted by `progress`, or by a bar of its own.
TrainingResult train(const WindowDataset& dataset, const TrainingConfig& config, const std::filesystem::path& output,
                     const std::function<void(const EpochReport&)>& on_epoch = {}, Progress* progress = nullptr);

}  // namespace ebgrasp
