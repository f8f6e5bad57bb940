// The seed network without libtorch: E(x, y) of a 32 x 32 depth window x and a grasp y = (row, col, depth, angle).
//
//   x, y      normalised by the training set's mean and standard deviation
//   encoder   4 x [convolution -> ReLU -> batch norm], flattened (channel, row, col) to 1024 features
//   head      512 -> 128 -> 1, ReLU between. The first layer reads the features and y repeated 256 times; the repeated
//             input acts through its sum of columns alone, so the layer is W_f features + W_g y + b.
//
// Tensors of its checkpoint (model "seed"), shapes as in PyTorch:
//   encoder.<i>.conv.weight (out, in, k, k), .conv.bias, .norm.weight, .norm.bias, .norm.running_mean,
//   .norm.running_var head.features.weight (512, 1024), head.features.bias, head.grasp.weight (512, 4),
//   head.hidden.weight (128, 512), head.hidden.bias, head.output.weight (1, 128), head.output.bias
// and info["normalization"], a WindowNormalization.
#pragma once

#include <array>
#include <nlohmann/json.hpp>

#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/patches.hpp"
#include "ebgrasp/energy/window_energy.hpp"

namespace ebgrasp {

/// The seed's encoder: sides 32 -> 32 -> 16 -> 8 -> 4.
inline constexpr std::array<ConvolutionShape, 4> seed_encoder = {
    {{1, 16, 5, 1, 2}, {16, 32, 3, 2, 1}, {32, 64, 3, 2, 1}, {64, 64, 3, 2, 1}}};
inline constexpr int seed_features = 1024;
inline constexpr int seed_hidden1 = 512, seed_hidden2 = 128;
inline constexpr double batch_norm_epsilon = 1e-5;

/// Means and standard deviations of the training set's depths (metres) and grasps (row, col, depth, angle).
struct WindowNormalization {
    double depth_mean = 0, depth_std = 1;
    std::array<double, 4> grasp_mean = {0, 0, 0, 0}, grasp_std = {1, 1, 1, 1};
};
void to_json(nlohmann::json& json, const WindowNormalization& normalization);
/// The normalisation in checkpoint.info. Throws Error if it is missing, not finite, or a deviation is not positive.
WindowNormalization normalization_of(const Checkpoint& checkpoint);

/// A code is the first layer's share of the window, W_f features + b (512 numbers), so a further grasp in the same
/// window costs only 4 -> 512 -> 128 -> 1. Energies do not depend on the number of threads.
class SeedRuntime : public WindowNetwork {
  public:
    /// Throws Error naming the tensor that is missing or has another shape.
    explicit SeedRuntime(const Checkpoint& checkpoint);

    EncodedView::Cost multiply_adds() const override;
    WindowBatch encode(const WindowBatch& windows) const override;
    void evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                  std::span<float> energies, GraspBatch* gradients) const override;

  private:
    struct Convolution {
        ConvolutionShape shape;
        WindowBatch weight;               ///< (kernel * kernel * in) x out
        Eigen::RowVectorXf bias;          ///< out
        Eigen::RowVectorXf scale, shift;  ///< out; batch norm of the ReLU's output
    };
    Convolution load_convolution(const Checkpoint& checkpoint, std::size_t layer) const;
    void features(const float* window, float* out) const;
    void evaluate_block(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                        std::span<float> energies, GraspBatch* gradients, Eigen::Index begin, Eigen::Index end) const;

    float depth_mean_, depth_scale_;
    Eigen::Array<float, 1, 4> grasp_mean_, grasp_scale_;  ///< scales are 1 / standard deviation
    std::vector<Convolution> encoder_;
    WindowBatch features_weight_;  ///< 1024 (row, col, channel) x 512
    Eigen::RowVectorXf features_bias_;
    WindowBatch grasp_weight_, hidden_weight_;  ///< 512 x 4, 128 x 512
    Eigen::RowVectorXf hidden_bias_, output_weight_;
    float output_bias_;
};

}  // namespace ebgrasp
