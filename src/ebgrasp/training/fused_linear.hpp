// Fully connected layers in training on a CPU, on oneDNN, whose products use all of the processor's vector width where
// the BLAS behind libtorch may not. ReLU, dropout and the addition happen in one sweep, and dropout keeps no mask.
//
// Products are cut into pieces that depend on shapes alone, and primitives are single-threaded
// (energy/single_threaded.hpp): results do not depend on the number of threads. Gains are in docs/benchmarks.md; tests
// hold these layers equal to the stock operators.
#pragma once

#include <torch/torch.h>

namespace ebgrasp {

/// x W^T + addend: `x` is n x in, `weight` out x in, `addend` either out (a bias) or n x out. Floats on the CPU.
torch::Tensor fused_linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& addend);

/// dropout(relu(x W^T + addend)). Each number is dropped with probability `dropout`, by libtorch's generator, and the
/// others are divided by 1 - dropout.
torch::Tensor fused_linear_relu_dropout(const torch::Tensor& x, const torch::Tensor& weight,
                                        const torch::Tensor& addend, double dropout);

}  // namespace ebgrasp
