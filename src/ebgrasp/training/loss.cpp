#include "ebgrasp/training/loss.hpp"

namespace ebgrasp {

torch::Tensor nce_loss(const torch::Tensor& energies, const torch::Tensor& success, double temperature) {
    // Successes leave the sum over failures with the weight exp(-1e30) = 0; unlike -infinity, that has a gradient (0)
    // even if no failure is left.
    constexpr double excluded = -1e30;
    const torch::Tensor scores = -energies / temperature;
    const torch::Tensor failures = scores.masked_fill(success, excluded).logsumexp(0);
    const torch::Tensor losses = torch::softplus(failures - scores) * success;
    return losses.sum() / success.sum().clamp_min(1);
}

torch::Tensor bce_loss(const torch::Tensor& energies, const torch::Tensor& success, double temperature) {
    return torch::binary_cross_entropy_with_logits(-energies / temperature, success.to(energies.scalar_type()));
}

}  // namespace ebgrasp
