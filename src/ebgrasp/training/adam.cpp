#include "ebgrasp/training/adam.hpp"

#include <cmath>

namespace ebgrasp {

Adam::Adam(torch::nn::Module& module, double learning_rate, const std::map<std::string, double>& rate_factors)
    : Optimizer(module, learning_rate, rate_factors),
      first_moment(torch::zeros_like(parameters_)),
      second_moment(torch::zeros_like(parameters_)) {}

std::map<std::string, torch::Tensor> Adam::state() {
    return {{"adam.first_moment", first_moment}, {"adam.second_moment", second_moment}};
}

void Adam::take_step(double rate_factor) {
    first_moment.mul_(beta1).add_(gradients_, 1 - beta1);
    second_moment.mul_(beta2).addcmul_(gradients_, gradients_, 1 - beta2);
    const double correction1 = 1 - std::pow(beta1, steps), correction2 = 1 - std::pow(beta2, steps);
    const torch::Tensor deviation = (second_moment / correction2).sqrt_().add_(epsilon);
    parameters_.sub_((first_moment / correction1).mul_(rates_).div_(deviation), rate_factor);
}

}  // namespace ebgrasp
