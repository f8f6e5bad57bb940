#include "ebgrasp/training/gqcnn_trainable.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/image/window.hpp"
#include "ebgrasp/training/module_checkpoint.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

constexpr const char* model_name = "gqcnn";
constexpr int grasp_columns = 5, depth_column = 2;  ///< of WindowExamples::grasps

/// Sums of whole numbers, exact whatever their order.
struct Moments {
    std::int64_t count = 0, sum = 0, squares = 0;

    void add(std::int64_t value) {
        ++count;
        sum += value;
        squares += value * value;
    }
    double mean() const { return static_cast<double>(sum) / static_cast<double>(count); }
    /// Standard deviation; 1 for a constant.
    double deviation() const {
        const double variance = static_cast<double>(squares) / static_cast<double>(count) - mean() * mean();
        return variance > 1e-6 ? std::sqrt(variance) : 1.0;
    }
};

float depth_of(const WindowExamples& examples, std::size_t i) {
    return examples.grasps[i * grasp_columns + depth_column];
}

/// Computed in units of stored_depth_unit, to which the grasps' depths are rounded for this.
GqcnnNormalization normalization_from(const WindowExamples& examples, std::span<const std::size_t> training) {
    require(examples.has_grasp_windows(),
            "gqcnn needs each grasp's own window, which the data lack; generate them with --grasp-windows");
    Moments windows, depths;
    for (const std::size_t i : training) {
        const std::int64_t z = store_depth(depth_of(examples, i));
        depths.add(z);
        for (std::size_t k = 0; k < grasp_window_pixels; ++k)
            windows.add(examples.grasp_windows[i * grasp_window_pixels + k] - z);
    }
    constexpr double unit = stored_depth_unit;
    return {unit * windows.mean(), unit * windows.deviation(), unit * depths.mean(), unit * depths.deviation()};
}

Tensor stored_windows(const WindowExamples& examples) {
    constexpr int max = std::numeric_limits<std::int16_t>::max();  // libtorch has no uint16
    require(std::ranges::max(examples.grasp_windows) <= max, "grasp_windows hold depths above ",
            max * stored_depth_unit, " m, from where a GQ-CNN cannot be trained");
    Tensor windows =
        torch::empty({static_cast<std::int64_t>(examples.size()), 1, window_size, window_size}, torch::kShort);
    std::ranges::copy(examples.grasp_windows, windows.data_ptr<std::int16_t>());
    return windows;
}

Tensor depths_of(const WindowExamples& examples) {
    Tensor depths = torch::empty({static_cast<std::int64_t>(examples.size())});
    for (std::size_t i = 0; i < examples.size(); ++i) depths.data_ptr<float>()[i] = depth_of(examples, i);
    return depths;
}

}  // namespace

GqcnnTrainable::GqcnnTrainable(const TrainingConfig& config, const WindowExamples& examples,
                               std::span<const std::size_t> training, torch::Device device)
    : network_(config.precision == "bfloat16" ? torch::kBFloat16 : torch::kFloat),
      mirror_(config.augment),
      normalization_(normalization_from(examples, training)),
      windows_(stored_windows(examples).to(device)),
      depths_(depths_of(examples).to(device)) {
    network_->to(device);
}

Tensor GqcnnTrainable::energies(const Tensor& examples, const Tensor& turned) {
    const auto& [window_mean, window_std, depth_mean, depth_std] = normalization_;
    const Tensor depths = depths_.index_select(0, examples);
    Tensor windows = windows_.index_select(0, examples).to(torch::kFloat).mul_(stored_depth_unit);
    windows.sub_(depths.view({-1, 1, 1, 1})).sub_(window_mean).div_(window_std);
    const auto flipped_where = [&](const Tensor& chosen, torch::IntArrayRef dimensions) {
        return torch::where(chosen.view({-1, 1, 1, 1}), windows.flip(dimensions), windows);
    };
    if (turned.defined()) windows = flipped_where(turned, {2, 3});
    if (mirror_ && network_->is_training()) windows = flipped_where(torch::rand_like(depths) < 0.5, {2});
    return -network_(windows, (depths - depth_mean) / depth_std);
}

Checkpoint GqcnnTrainable::checkpoint() const {
    Checkpoint checkpoint = module_checkpoint(*network_, model_name);
    const ViewSpec view;
    checkpoint.info = {{"normalization", normalization_},
                       {"view", {{"focal_length", view.focal_length}, {"distance", view.distance}}}};
    return checkpoint;
}

void GqcnnTrainable::load(const Checkpoint& checkpoint) { load_module(*network_, model_name, checkpoint); }

}  // namespace ebgrasp
