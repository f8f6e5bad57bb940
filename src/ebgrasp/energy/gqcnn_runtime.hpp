// GQ-CNN without libtorch: the probability that a grasp succeeds, from the depth image around it (Mahler et al.,
// "Dex-Net 2.0", RSS 2017, figure 4). A baseline: unlike the seed it encodes a window for every grasp.
//
//   z      the distance of the grasp centre from the camera, metres
//   x      the grasp's own 32 x 32 window, centred on it and turned along its closing axis (grasp/grasp_window.hpp),
//   less
//          z: how far the surface lies behind the grasp centre, metres
//   image  conv1_1 7 x 7, conv1_2 5 x 5, max pool, conv2_1 3 x 3, conv2_2 3 x 3, max pool, all of 64 channels with
//          zeros around and ReLU; fc3 4096 -> 1024
//   pose   pc1 1 -> 16
//   merge  fc4 1024 + 16 -> 1024, fc5 1024 -> 1: the logit of success. All but the last with ReLU.
//
// Differences from the publication: x there is the distance from the camera, which leaves it to the layers behind fc3
// to subtract z; docs/evaluation.md has what that costs. One logit in place of a softmax over two, which is the sigmoid
// of their difference. No local response normalisation, which with the released constants divides by (1 + 2e-5 s)^0.75,
// s the sum of squares over 5 channels: by less than 1.01 while activations stay below 11.
//
// Tensors of its checkpoint (model "gqcnn"), shapes as in PyTorch, for layer in conv1_1, conv1_2, conv2_1, conv2_2:
//   <layer>.weight (64, in, k, k), .bias; fc3.weight (1024, 4096), pc1.weight (16, 1), fc4.weight (1024, 1040),
//   fc5.weight (1, 1024), and their .bias
// fc3 reads (channel, row, col), fc4 the image's 1024 before the pose's 16. info["normalization"] is a
// GqcnnNormalization.
#pragma once

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "ebgrasp/energy/checkpoint.hpp"

namespace ebgrasp {

struct GqcnnConvolution {
    const char* name;
    int in_channels, out_channels, kernel;
    bool pool;  ///< followed by the maximum of each 2 x 2
};
inline constexpr std::array<GqcnnConvolution, 4> gqcnn_convolutions = {{{"conv1_1", 1, 64, 7, false},
                                                                        {"conv1_2", 64, 64, 5, true},
                                                                        {"conv2_1", 64, 64, 3, false},
                                                                        {"conv2_2", 64, 64, 3, true}}};
inline constexpr int gqcnn_side = 8, gqcnn_channels = 64;  ///< of the maps that fc3 reads
inline constexpr int gqcnn_features = gqcnn_channels * gqcnn_side * gqcnn_side;
inline constexpr int gqcnn_image = 1024, gqcnn_pose = 16, gqcnn_merged = 1024;  ///< outputs of fc3, pc1 and fc4

/// Means and standard deviations of x and z in the training set, metres.
struct GqcnnNormalization {
    double window_mean = 0, window_std = 1, depth_mean = 0, depth_std = 1;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GqcnnNormalization, window_mean, window_std, depth_mean, depth_std)
/// The normalisation in checkpoint.info. Throws Error if it is missing, not finite, or a deviation is not positive.
GqcnnNormalization gqcnn_normalization_of(const Checkpoint& checkpoint);

class GqcnnRuntime {
  public:
    /// Throws Error naming the tensor that is missing or has another shape.
    explicit GqcnnRuntime(const Checkpoint& checkpoint);
    ~GqcnnRuntime();
    GqcnnRuntime(GqcnnRuntime&&) noexcept;
    GqcnnRuntime& operator=(GqcnnRuntime&&) noexcept;

    /// n logits of success, of n windows (n x 1024 metres, row-major) and n depths (metres). Safe to call from several
    /// threads; the results do not depend on their number.
    std::vector<float> logits(std::span<const float> windows, std::span<const float> depths) const;
    /// 1 / (1 + exp(-logit)), as trained: uncalibrated.
    std::vector<float> success_probabilities(std::span<const float> windows, std::span<const float> depths) const;

    /// Multiplications with addition for one grasp.
    std::size_t multiply_adds() const;

  private:
    class Network;
    std::unique_ptr<const Network> network_;
};

}  // namespace ebgrasp
