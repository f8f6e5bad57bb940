#include "ebgrasp/training/seed_trainable.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ebgrasp/energy/energy_model.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

constexpr int grasp_columns = 5;  ///< of WindowExamples::grasps

/// Mean and standard deviation of `count` values; a constant is left at deviation 1.
template <typename Value>
std::pair<double, double> moments(std::size_t count, const Value& value) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < count; ++i) {  // Welford, "Note on a method for calculating corrected sums", 1962
        const double difference = value(i) - mean;
        mean += difference / static_cast<double>(i + 1);
        squares += difference * (value(i) - mean);
    }
    const double deviation = count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0.0;
    return {mean, deviation > 1e-9 ? deviation : 1.0};
}

WindowNormalization normalization_from(const WindowExamples& examples, std::span<const std::size_t> training) {
    WindowNormalization normalization;
    for (std::size_t column = 0; column < 4; ++column)
        std::tie(normalization.grasp_mean[column], normalization.grasp_std[column]) = moments(
            training.size(), [&](std::size_t i) { return examples.grasps[training[i] * grasp_columns + column]; });

    std::vector<std::int32_t> windows;
    for (const std::size_t i : training) windows.push_back(examples.grasp_window[i]);
    std::sort(windows.begin(), windows.end());
    windows.erase(std::unique(windows.begin(), windows.end()), windows.end());
    std::tie(normalization.depth_mean, normalization.depth_std) =
        moments(windows.size() * window_pixels, [&](std::size_t i) {
            return examples
                .windows[static_cast<std::size_t>(windows[i / window_pixels]) * window_pixels + i % window_pixels];
        });
    return normalization;
}

Tensor normalized_windows(const WindowExamples& examples, const WindowNormalization& normalization) {
    Tensor windows = torch::empty({static_cast<std::int64_t>(examples.window_count()), 1, window_size, window_size});
    const auto mean = static_cast<float>(normalization.depth_mean),
               scale = static_cast<float>(1 / normalization.depth_std);
    std::transform(examples.windows.begin(), examples.windows.end(), windows.data_ptr<float>(),
                   [&](float depth) { return (depth - mean) * scale; });
    return windows;
}

/// 2 m x 4: as labelled, then turned by pi.
Tensor normalized_grasps(const WindowExamples& examples, const WindowNormalization& normalization) {
    const auto count = static_cast<std::int64_t>(examples.size());
    Tensor grasps = torch::empty({2 * count, 4});
    auto out = grasps.accessor<float, 2>();
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t column = 0; column < 4; ++column) {
            const auto k = static_cast<std::size_t>(column);
            const auto normalize = [&](double value) {
                return static_cast<float>((value - normalization.grasp_mean[k]) / normalization.grasp_std[k]);
            };
            const double value = examples.grasps[static_cast<std::size_t>(i) * grasp_columns + k];
            const double turned = column < 3 ? value : value > 0 ? value - std::numbers::pi : value + std::numbers::pi;
            out[i][column] = normalize(value);
            out[count + i][column] = normalize(turned);
        }
    }
    return grasps;
}

Tensor window_indices(const WindowExamples& examples) {
    return torch::tensor(examples.grasp_window, torch::kInt).to(torch::kLong);
}

}  // namespace

SeedTrainable::SeedTrainable(const TrainingConfig& config, const WindowExamples& examples,
                             std::span<const std::size_t> training, torch::Device device)
    : network_(config.dropout),
      share_windows_(config.batch_by == "window"),
      grasp_rate_(config.grasp_rate),
      normalization_(normalization_from(examples, training)),
      windows_(normalized_windows(examples, normalization_).to(device)),
      window_(window_indices(examples).to(device)),
      grasps_(normalized_grasps(examples, normalization_).to(device)) {
    network_->to(device);
}

Tensor SeedTrainable::energies(const Tensor& examples, const Tensor& turned) {
    const Tensor rows = turned.defined() ? examples + turned * window_.size(0) : examples;
    return network_->energies(encode(window_.index_select(0, examples)), grasps_.index_select(0, rows));
}

/// One code per example, of the windows `window`.
Tensor SeedTrainable::encode(const Tensor& window) {
    if (!share_windows_ && network_->is_training()) return network_->encode(windows_.index_select(0, window));
    const auto [distinct, index, counts] = torch::unique_consecutive(window, /*return_inverse=*/true);
    return network_->encode(windows_.index_select(0, distinct)).index_select(0, index);
}

std::map<std::string, double> SeedTrainable::rate_factors() const {
    return {{"head.grasp.weight", grasp_rate_}};  // why: see SeedNetworkImpl::grasp_weight
}

Checkpoint SeedTrainable::checkpoint() const {
    Checkpoint checkpoint = to_checkpoint(network_);
    const ViewSpec view;
    checkpoint.info = {{"normalization", normalization_},
                       {"view", {{"focal_length", view.focal_length}, {"distance", view.distance}}}};
    return checkpoint;
}

}  // namespace ebgrasp
