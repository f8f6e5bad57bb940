// GQ-CNN with the data that it is trained on.
#pragma once

#include "ebgrasp/training/gqcnn_network.hpp"
#include "ebgrasp/training/trainable.hpp"

namespace ebgrasp {

/// The energy is the negative logit. Where grasps are turned (config.augment), windows are also mirrored at the closing
/// axis with probability 0.5 in training; both at once mirror across it. So all four symmetries of a grasp are seen, as
/// published.
class GqcnnTrainable : public TrainableNetwork {
  public:
    /// Throws Error if the examples have no windows of their own (WindowExamples::grasp_windows).
    GqcnnTrainable(const TrainingConfig& config, const WindowExamples& examples, std::span<const std::size_t> training,
                   torch::Device device);

    torch::nn::Module& module() override { return *network_; }
    torch::Tensor energies(const torch::Tensor& examples, const torch::Tensor& turned) override;
    Checkpoint checkpoint() const override;
    void load(const Checkpoint& checkpoint) override;

  private:
    GqcnnNetwork network_;
    bool mirror_;
    GqcnnNormalization normalization_;
    torch::Tensor windows_;  ///< m x 1 x 32 x 32, int16 in stored_depth_unit, on the device
    torch::Tensor depths_;   ///< m, metres, on the device
};

}  // namespace ebgrasp
