// The seed network with the data that it is trained on.
#pragma once

#include "ebgrasp/training/seed_network.hpp"
#include "ebgrasp/training/trainable.hpp"

namespace ebgrasp {

/// Examples of one window that follow one another share its encoding in batches of windows, and in evaluation.
class SeedTrainable : public TrainableNetwork {
  public:
    SeedTrainable(const TrainingConfig& config, const WindowExamples& examples, std::span<const std::size_t> training,
                  torch::Device device);

    torch::nn::Module& module() override { return *network_; }
    torch::Tensor energies(const torch::Tensor& examples, const torch::Tensor& turned) override;
    std::map<std::string, double> rate_factors() const override;
    Checkpoint checkpoint() const override;
    void load(const Checkpoint& checkpoint) override { load_checkpoint(network_, checkpoint); }

  private:
    torch::Tensor encode(const torch::Tensor& window);

    SeedNetwork network_;
    bool share_windows_;
    double grasp_rate_;
    WindowNormalization normalization_;
    // On the device, normalised, so that a batch is gathered by index:
    torch::Tensor windows_;  ///< n x 1 x 32 x 32
    torch::Tensor window_;   ///< m, the window of each example
    torch::Tensor grasps_;   ///< 2 m x 4: as labelled, then turned by pi
};

}  // namespace ebgrasp
