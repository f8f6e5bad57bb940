// The seed network as a libtorch module, for training; energy/seed_runtime.hpp describes it and deploys its
// checkpoints.
#pragma once

#include <optional>
#include <torch/torch.h>

#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/seed_runtime.hpp"
#include "ebgrasp/training/conv_relu_norm.hpp"

namespace ebgrasp {

/// Convolution -> ReLU -> batch norm.
class EncoderLayerImpl : public torch::nn::Module {
  public:
    explicit EncoderLayerImpl(const ConvolutionShape& shape);

    /// n x channels x side x side maps.
    torch::Tensor forward(const torch::Tensor& maps) { return norm_(torch::relu(conv_(maps))); }

    /// For ConvReluNormStack, which does the same for several layers in training on a CPU, faster.
    ConvReluNormParameters fused_parameters() const;
    /// Carries the running statistics on by those of a batch with `count` numbers in a channel.
    void track(const torch::Tensor& mean, const torch::Tensor& variance, double count);

  private:
    torch::nn::Conv2d conv_;
    torch::nn::BatchNorm2d norm_;
};
TORCH_MODULE(EncoderLayer);

class SeedNetworkImpl : public torch::nn::Module {
  public:
    /// The seed's repeated input: y, 256 times over, beside the features.
    static constexpr int grasp_repeats = 256;

    /// `dropout` is the probability after either hidden layer; the seed's authors state no value.
    /// Initial weights are distributed as PyTorch's for the literal first layer of 2048 inputs.
    explicit SeedNetworkImpl(double dropout = 0.2);

    /// n x 1 x 32 x 32 normalised windows to n x 512 codes (the first layer's share of the window).
    torch::Tensor encode(const torch::Tensor& windows);
    /// n energies of n codes and n x 4 normalised grasps.
    torch::Tensor energies(const torch::Tensor& codes, const torch::Tensor& grasps);
    torch::Tensor forward(const torch::Tensor& windows, const torch::Tensor& grasps) {
        return energies(encode(windows), grasps);
    }

    /// The layer that acts for 256 equal columns of the literal one. Under Adam all of them would take the same step,
    /// so their sum takes steps 256 times as long.
    const torch::Tensor& grasp_weight() const { return grasp_->weight; }

  private:
    /// The encoder in training with floats on a CPU: n x 64 x 4 x 4.
    torch::Tensor encode_fused(const torch::Tensor& windows);

    torch::nn::ModuleList encoder_;
    std::optional<ConvReluNormStack> fused_;  ///< made when first used
    torch::nn::Linear features_{nullptr}, grasp_{nullptr}, hidden_{nullptr}, output_{nullptr};
    double dropout_;
};
TORCH_MODULE(SeedNetwork);

/// The network's tensors, by the names of the checkpoint format; `info` is empty.
Checkpoint to_checkpoint(const SeedNetwork& network);
/// Copies the checkpoint's tensors into `network`. Throws Error naming a missing tensor or wrong shape.
void load_checkpoint(SeedNetwork& network, const Checkpoint& checkpoint);

/// The libtorch network behind the interface of the deployed one: slower, on any device and in any precision.
class TorchWindowNetwork : public WindowNetwork {
  public:
    /// Puts `network` into evaluation mode whenever it is used, and leaves it there.
    TorchWindowNetwork(SeedNetwork network, const WindowNormalization& normalization);

    WindowBatch encode(const WindowBatch& windows) const override;
    void evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                  std::span<float> energies, GraspBatch* gradients) const override;

  private:
    mutable SeedNetwork network_;  // libtorch's modules have no const forward
    WindowNormalization normalization_;
};

}  // namespace ebgrasp
