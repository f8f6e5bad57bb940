// One encoder layer in training, convolution -> ReLU -> batch norm over the batch, forward and backward in one pass
// over cache-sized chunks of the batch, where the three stock operators go through memory for every step. What that
// gains on a CPU is in docs/benchmarks.md; tests hold the two equal.
#pragma once

#include <torch/torch.h>

#include "ebgrasp/energy/patches.hpp"

namespace ebgrasp {

struct ConvReluNormResult {
    torch::Tensor output;          ///< n x side x side x out_channels
    torch::Tensor mean, variance;  ///< out_channels: of the ReLU's output over batch and pixels (biased); no gradient
};

/// `input` is n x side x side x in_channels, `weight` (kernel row, kernel col, in channel) x out_channels; `bias`, and
/// the norm's `scale` and `offset`, hold out_channels. CPU tensors, all float or all double. Results do not depend on
/// the number of threads.
ConvReluNormResult conv_relu_norm(const torch::Tensor& input, const torch::Tensor& weight, const torch::Tensor& bias,
                                  const torch::Tensor& scale, const torch::Tensor& offset,
                                  const ConvolutionShape& shape, double epsilon);

}  // namespace ebgrasp
