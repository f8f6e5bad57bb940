// GQ-CNN as a libtorch module, for training; energy/gqcnn_runtime.hpp describes it and deploys its checkpoints.
#pragma once

#include <torch/torch.h>
#include <vector>

#include "ebgrasp/energy/gqcnn_runtime.hpp"

namespace ebgrasp {

/// Its parameters have the names of the checkpoint format.
class GqcnnNetworkImpl : public torch::nn::Module {
  public:
    /// Initial weights are normal with variance 2 / inputs (He et al., "Delving deep into rectifiers", 2015), as
    /// published; biases are 0.
    /// `training_type` is what the convolutions compute in during training, torch::kFloat or torch::kBFloat16; weights
    /// and all else are floats.
    explicit GqcnnNetworkImpl(torch::ScalarType training_type = torch::kFloat);

    /// n logits of success of n x 1 x 32 x 32 normalised windows and n normalised depths.
    torch::Tensor forward(const torch::Tensor& windows, const torch::Tensor& depths);

  private:
    torch::ScalarType training_type_;
    std::vector<torch::nn::Conv2d> convolutions_;
    torch::nn::Linear fc3_, pc1_, fc4_, fc5_;
};
TORCH_MODULE(GqcnnNetwork);

}  // namespace ebgrasp
