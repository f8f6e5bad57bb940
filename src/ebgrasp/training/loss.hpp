// Losses over a batch of energies.
#pragma once

#include <torch/torch.h>

namespace ebgrasp {

/// Noise-contrastive estimation with temperature tau: every success i against all failures j of the batch, of whatever
/// scene,
///   L = 1/n+ sum_i [ E_i / tau + log( exp(-E_i / tau) + sum_j exp(-E_j / tau) ) ]
///     = 1/n+ sum_i softplus( log sum_j exp(-E_j / tau) + E_i / tau ),
/// computed in the second form, which does not overflow. `energies` and `success` (bool) hold n; the result is a
/// scalar, 0 if the batch has no successes or no failures.
torch::Tensor nce_loss(const torch::Tensor& energies, const torch::Tensor& success, double temperature);

/// Binary cross-entropy of p(success) = 1 / (1 + exp(E / tau)), the mean over the batch.
torch::Tensor bce_loss(const torch::Tensor& energies, const torch::Tensor& success, double temperature);

}  // namespace ebgrasp
