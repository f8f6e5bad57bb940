// The dense energy field without libtorch: energies, success logits and exact gradients of many grasps in one view.
//
// Tensors of its checkpoint (model "field"), shapes as in PyTorch, batch norms folded into the convolutions:
//   <layer>.weight (out, in, k, k), <layer>.bias for the layers of field_encoder
//   hidden1.weight (128, 412), .bias; hidden2.weight (64, 128), .bias; output.weight (2, 64), .bias (energy, logit)
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/convolution_network.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/energy/field.hpp"

namespace ebgrasp {

struct FieldConvolution {
    const char* name;
    int in_channels, out_channels, kernel, stride;
};
/// The U-Net. up2 reads narrow3 (upsampled) before down2, up1 narrow2 (upsampled) before stem; all but features are
/// followed by a ReLU.
inline constexpr std::array<FieldConvolution, 9> field_encoder = {{{"stem", 1, 16, 5, 2},
                                                                   {"down2", 16, 32, 3, 2},
                                                                   {"down3", 32, 64, 3, 2},
                                                                   {"middle", 64, 64, 3, 1},
                                                                   {"narrow3", 64, 16, 1, 1},
                                                                   {"up2", 48, 32, 3, 1},
                                                                   {"narrow2", 32, 8, 1, 1},
                                                                   {"up1", 24, 16, 3, 1},
                                                                   {"features", 16, field_features, 1, 1}}};

/// A view, encoded.
struct FieldCode {
    FieldGrid grid;
    int rows = 0, cols = 0;       ///< of the feature map
    std::vector<float> features;  ///< rows x cols x field_features
};

class FieldRuntime {
  public:
    /// Throws Error naming the tensor that is missing or has another shape; or if an earlier version trained it.
    explicit FieldRuntime(const Checkpoint& checkpoint);

    FieldCode encode(FieldGrid grid) const;

    /// Energies and success logits of grasps in view pixels, and gradients dE/d(row, col, depth, angle), for the
    /// gripper; spans that are not wanted may be empty. Results do not depend on the number of threads.
    void evaluate(const FieldCode& code, const Gripper& gripper, std::span<const PlanarGrasp> grasps,
                  std::span<double> energies, std::span<double> logits, std::span<GraspGradient> gradients) const;

    /// Multiplications with addition to encode a grid of rows x cols pixels, and to read one grasp.
    double encoder_multiply_adds(int rows, int cols) const { return encoder_.multiply_adds(rows, cols); }
    static constexpr double reader_multiply_adds =
        2.0 * (field_inputs * field_hidden1 + field_hidden1 * field_hidden2 + 2 * field_hidden2);

  private:
    using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    struct Block;
    void evaluate_block(const FieldCode& code, const Gripper& gripper, std::span<const PlanarGrasp> grasps,
                        std::span<double> energies, std::span<double> logits, std::span<GraspGradient> gradients) const;

    struct Workspaces;
    ConvolutionNetwork encoder_;
    std::shared_ptr<Workspaces> workspaces_;
    Matrix hidden1_, hidden2_, output_;  ///< out x in
    Eigen::RowVectorXf hidden1_bias_, hidden2_bias_, output_bias_;
};

}  // namespace ebgrasp
