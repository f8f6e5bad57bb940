// The dense energy field as a libtorch module, for training; energy/field.hpp describes it.
#pragma once

#include <torch/torch.h>

#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/field.hpp"

namespace ebgrasp {

/// B scenes of one size, each with its gripper.
struct FieldBatch {
    torch::Tensor depth;    ///< B x 1 x height x width, metres
    torch::Tensor points;   ///< B x field_points x 2, metres
    torch::Tensor gripper;  ///< B x field_gripper_inputs
    double focal_length;    ///< grid pixels
    double plane_depth;     ///< metres
};

class FieldNetworkImpl : public torch::nn::Module {
  public:
    FieldNetworkImpl();

    /// Feature maps: B x field_features x height / 2 x width / 2.
    torch::Tensor encode(const FieldBatch& batch);

    struct Reading {
        torch::Tensor energy, logit;  ///< B x N
    };
    /// `grasps`: B x N x (row, col, depth, angle), rows and columns in grid pixels. `twice_differentiable`: gradients
    /// with the grasps have gradients themselves, which takes longer.
    Reading read(const torch::Tensor& features, const FieldBatch& batch, const torch::Tensor& grasps,
                 bool twice_differentiable = false);

  private:
    torch::nn::Sequential stem_, down2_, down3_, middle_, narrow3_, up2_, narrow2_, up1_;
    torch::nn::Conv2d features_{nullptr};
    torch::nn::Linear hidden1_{nullptr}, hidden2_{nullptr}, output_{nullptr};
};
TORCH_MODULE(FieldNetwork);

/// The network's tensors, batch norms folded into their convolutions, by the names of energy/field_runtime.hpp.
Checkpoint to_checkpoint(FieldNetwork& network);

}  // namespace ebgrasp
