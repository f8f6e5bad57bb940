// Training of the seed network on window data. No libtorch in this header.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/training/evaluation.hpp"

namespace ebgrasp {

struct TrainingConfig {
    std::string model = "seed";
    std::string loss = "nce";  ///< "nce" (contrastive, the seed's) or "bce"
    double temperature = 100;  ///< of either loss, (0, 1e6]; the seed's authors tried 1, 10, 100 and 1000
    int epochs = 500;          ///< [1, 1e6]
    int batch_size = 512;      ///< examples, [2, 65536]
    /// "example": batches of examples drawn one by one, the seed's; "window": batches of windows with all of their
    /// examples, so that a window is encoded once for all of its grasps (about 4 times as fast) and every success has
    /// failures of its own window among its negatives.
    std::string batch_by = "example";
    double learning_rate = 1e-4;  ///< Adam's, (0, 1]
    /// Factor on the learning rate of the weights that read the grasp, (0, 256]. 256 is the literal seed, whose 256
    /// copies of the grasp all take Adam's step: at a rate of 2e-4 a step is a quarter of the initial weights.
    double grasp_rate = 256;
    double dropout = 0.2;             ///< after the hidden layers, [0, 1); the authors state no value
    bool augment = true;              ///< turn grasps by pi with probability 0.5
    std::string split_by = "object";  ///< "object", "window" or "example" (the seed's)
    std::uint64_t seed = 1;           ///< of weights, order, augmentation, dropout, and the split if not by object
    std::string device = "auto";      ///< "cpu", "cuda", or "auto": cuda where there is one
    int threads = 0;                  ///< on the CPU; 0: all

    /// Throws Error naming the first field that is out of range, its value and its bound.
    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TrainingConfig, model, loss, temperature, epochs, batch_size, batch_by,
                                   learning_rate, grasp_rate, dropout, augment, split_by, seed, device, threads)

struct EpochReport {
    int epoch = 0;             ///< from 1
    double training_loss = 0;  ///< mean over the epoch's batches, dropout on
    double validation_loss = 0, validation_alignment = 0;
    /// 10th, 50th and 90th percentile of the validation energies.
    std::array<double, 3> success_energies = {}, failure_energies = {};
    double seconds = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(EpochReport, epoch, training_loss, validation_loss, validation_alignment,
                                   success_energies, failure_energies, seconds)

struct TrainingResult {
    int best_epoch = 0;      ///< the one kept: lowest validation loss
    nlohmann::json metrics;  ///< its Evaluation on the validation split
    std::vector<EpochReport> epochs;
};

/// Trains and writes
///   output           checkpoint of the epoch with the lowest validation loss, with its Platt calibration, metrics,
///                    configuration and provenance; usable from the first epoch on
///   output + .csv    one line for each epoch
///   output + .state  what a killed run needs to go on: call train again with the same arguments. On a CPU it then ends
///                    in the same bytes of `output` as if it had never stopped. It stays after the last epoch, so that
///                    a repeated call returns at once and one with more epochs goes on.
/// Throws Error: bad configuration, a split without successes or failures, a state of another configuration or data
/// set, no CUDA device where one is demanded, divergence to non-finite numbers. `on_epoch` is called after each epoch's
/// files are written.
TrainingResult train(const WindowDataset& dataset, const TrainingConfig& config, const std::filesystem::path& output,
                     const std::function<void(const EpochReport&)>& on_epoch = {});

}  // namespace ebgrasp
