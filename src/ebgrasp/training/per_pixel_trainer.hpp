// Training of the per-pixel network. No libtorch in this header.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/training/per_pixel_examples.hpp"

namespace ebgrasp {

/// The loss of a batch: over its labelled pixels the mean cross-entropy of the quality against the success of the angle
/// that the network itself proposes there, so that quality is the probability that its own grasp holds; the same
/// against 0 over all other pixels, times background_weight; and over pixels at which some angle holds the mean squared
/// errors of (cos2, sin2) and of the opening. Of several angles that hold, the one nearest to the network's is its
/// target.
struct PerPixelTrainingConfig {
    int epochs = 20;              ///< [1, 1e6]
    int batch_size = 8;           ///< examples, [1, 1024]
    double learning_rate = 1e-3;  ///< Adam's, (0, 1]; falls to 0 along a half cosine
    double background_weight = 0.1, angle_weight = 1, width_weight = 1;  ///< [0, 1e3]
    bool augment = true;  ///< mirror examples and turn them by right angles
    std::uint64_t seed = 1;
    std::string device = "auto";  ///< "cpu", "cuda", or "auto": cuda where there is one
    int threads = 0;              ///< on the CPU; 0: all

    /// Throws Error naming the first field that is out of range, its value and its bound.
    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PerPixelTrainingConfig, epochs, batch_size, learning_rate, background_weight,
                                   angle_weight, width_weight, augment, seed, device, threads)

struct PerPixelReport {
    int epoch = 0;                                            ///< from 1
    double quality_loss = 0, angle_loss = 0, width_loss = 0;  ///< means over the epoch's batches
    double top1 = 0;                                          ///< see top1_success, on the validation examples
    double seconds = 0;                                       ///< the epoch took
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PerPixelReport, epoch, quality_loss, angle_loss, width_loss, top1, seconds)

/// Of the examples in which some labelled grasp holds, the share in which the one holds that the planner would execute:
/// the best peak whose angle, rounded to the labelled ones, the jaws fit. 0 if there are no such examples.
double top1_success(const GraspMapper& network, std::span<const PerPixelExample> examples);

/// Trains and writes
///   output           checkpoint of the epoch with the highest top1, with its metrics, configuration and provenance
///   output + .csv    one line for each epoch
///   output + .state  what a killed run needs to go on: call this again with the same arguments
/// Throws Error: bad configuration, no examples, a state of another configuration or other examples, no CUDA device
/// where one is demanded, divergence. `on_epoch` is called after each epoch's files are written.
std::vector<PerPixelReport> train_per_pixel(std::span<const PerPixelExample> training,
                                            std::span<const PerPixelExample> validation,
                                            const PerPixelTrainingConfig& config, const nlohmann::json& provenance,
                                            const std::filesystem::path& output,
                                            const std::function<void(const PerPixelReport&)>& on_epoch = {});

}  // namespace ebgrasp
