// GG-CNN2 as a libtorch module, for training; baselines/per_pixel_runtime.hpp describes it and deploys its checkpoints.
#pragma once

#include <torch/torch.h>

#include "ebgrasp/baselines/per_pixel_runtime.hpp"

namespace ebgrasp {

/// Its parameters have the names of the checkpoint format.
class PerPixelNetworkImpl : public torch::nn::Module {
  public:
    /// Weights as published: uniform after Glorot and Bengio (2010).
    PerPixelNetworkImpl();

    /// n x 1 x height x width heights, in the units of per_pixel_input, to n x 4 x height x width maps.
    torch::Tensor forward(const torch::Tensor& heights);

  private:
    std::vector<torch::nn::Conv2d> layers_;  ///< as in per_pixel_layers
};
TORCH_MODULE(PerPixelNetwork);

/// The libtorch network as a planner sees it: for validation.
class TorchGraspMapper : public GraspMapper {
  public:
    TorchGraspMapper(PerPixelNetwork network, torch::Device device) : network_(std::move(network)), device_(device) {}
    GraspMaps maps(const ViewGrid& grid) const override;

  private:
    mutable PerPixelNetwork network_;  // libtorch's modules have no const forward
    torch::Device device_;
};

}  // namespace ebgrasp
