// A network in training, as the trainer sees it. Each network holds the data in the form that it reads: what an example
// is to it, and what a grasp turned by pi means, differ.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <torch/torch.h>
#include <vector>

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/training/training_config.hpp"

namespace ebgrasp {

class TrainableNetwork {
  public:
    virtual ~TrainableNetwork() = default;

    /// What is learnt. Its mode (train or eval) decides on dropout and on batch statistics.
    virtual torch::nn::Module& module() = 0;

    /// n energies of the data set's examples `examples` (n, int64); the grasps of those in `turned` (n, bool;
    /// undefined: none) are turned by pi. All tensors lie on the device, and nothing is copied from or to it.
    virtual torch::Tensor energies(const torch::Tensor& examples, const torch::Tensor& turned) = 0;

    /// Factors on the learning rate of single parameters, by name.
    virtual std::map<std::string, double> rate_factors() const { return {}; }

    /// Model, tensors, and in `info` what deployment needs of the network: "normalization", "view".
    virtual Checkpoint checkpoint() const = 0;
    /// Takes over a checkpoint's tensors. Throws Error naming the model, tensor or shape that does not fit.
    virtual void load(const Checkpoint& checkpoint) = 0;
};

/// Names that TrainingConfig::model may have.
std::vector<std::string> trainable_models();

/// The network `config.model` with random weights (libtorch's generator), and all of `data` on `device`, normalised by
/// the mean and standard deviation of the examples `training`. Throws Error if the data lack what the network reads.
std::unique_ptr<TrainableNetwork> make_trainable(const TrainingConfig& config, const WindowDataset& data,
                                                 std::span<const std::size_t> training, torch::Device device);

}  // namespace ebgrasp
