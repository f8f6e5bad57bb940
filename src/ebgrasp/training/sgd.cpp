#include "ebgrasp/training/sgd.hpp"

namespace ebgrasp {

Sgd::Sgd(torch::nn::Module& module, double learning_rate, double momentum, double weight_decay,
         const std::map<std::string, double>& rate_factors)
    : Optimizer(module, learning_rate, rate_factors),
      momentum_(momentum),
      weight_decay_(weight_decay),
      velocity_(torch::zeros_like(parameters_)) {}

void Sgd::take_step(double rate_factor) {
    velocity_.mul_(momentum_).add_(gradients_).add_(parameters_, weight_decay_);
    parameters_.addcmul_(velocity_, rates_, -rate_factor);
}

}  // namespace ebgrasp
