// The encoder in training on a CPU: layers of convolution -> ReLU -> batch norm over the batch, on oneDNN.
//
// What stock operators read and write one tensor after the other happens here chunk by chunk of the batch, while a
// chunk is in the second-level cache:
//   forward    normalise the layer's input (the last layer's norm), convolve, ReLU, sums for the batch norm
//   backward   norm and ReLU, gradients of weights and bias, gradient of the input, sums for the norm before it
// so that of every layer only the ReLU's output and its gradient go through memory, with channels innermost. Chunks
// depend on shapes alone, primitives are single-threaded (energy/single_threaded.hpp), and sums over chunks are added
// up in order: results do not depend on the number of threads. Gains are in docs/benchmarks.md; tests hold it equal to
// the stock operators.
#pragma once

#include <memory>
#include <torch/torch.h>

#include "ebgrasp/energy/patches.hpp"

namespace ebgrasp {

/// One layer's parameters, as PyTorch holds them.
struct ConvReluNormParameters {
    torch::Tensor weight;         ///< out x in x kernel x kernel
    torch::Tensor bias;           ///< out
    torch::Tensor scale, offset;  ///< out; the batch norm's weight and bias
};

struct ConvReluNormResult {
    torch::Tensor output;                       ///< n x side x side x out_channels
    std::vector<torch::Tensor> mean, variance;  ///< of each layer's ReLU over batch and pixels (biased); no gradient
};

/// Keeps primitives and scratch memory from step to step. One thread calls forward and backward, in which others help.
class ConvReluNormStack {
  public:
    /// The first layer reads side x side maps.
    ConvReluNormStack(const std::vector<ConvolutionShape>& shapes, int side, double epsilon);

    /// `input` is n x side x side x in_channels. Gradients flow to the parameters, not to the input. CPU tensors of
    /// floats. Throws Error if the input has another shape or type.
    ConvReluNormResult forward(const torch::Tensor& input, const std::vector<ConvReluNormParameters>& parameters);

    struct Body;

  private:
    std::shared_ptr<Body> body_;
};

}  // namespace ebgrasp
