#include "ebgrasp/training/adam.hpp"

#include <cmath>

namespace ebgrasp {

Adam::Adam(torch::nn::Module& module, double learning_rate, const std::map<std::string, double>& rate_factors) {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> values, rates;
    for (const auto& item : module.named_parameters()) {
        const auto factor = rate_factors.find(item.key());
        const double rate = learning_rate * (factor == rate_factors.end() ? 1.0 : factor->second);
        values.push_back(item.value().detach().reshape(-1));
        rates.push_back(torch::full_like(values.back(), rate));
    }
    parameters_ = torch::cat(values);
    rates_ = torch::cat(rates);
    gradients_ = torch::zeros_like(parameters_);
    first_moment = torch::zeros_like(parameters_);
    second_moment = torch::zeros_like(parameters_);

    std::int64_t offset = 0;
    for (torch::Tensor& parameter : module.parameters()) {
        const auto view = [&](const torch::Tensor& flat) {
            return flat.narrow(0, offset, parameter.numel()).view_as(parameter);
        };
        parameter.set_data(view(parameters_));
        parameter.mutable_grad() = view(gradients_);
        offset += parameter.numel();
    }
}

void Adam::step() {
    const torch::NoGradGuard no_grad;
    ++steps;
    first_moment.mul_(beta1).add_(gradients_, 1 - beta1);
    second_moment.mul_(beta2).addcmul_(gradients_, gradients_, 1 - beta2);
    const double correction1 = 1 - std::pow(beta1, steps), correction2 = 1 - std::pow(beta2, steps);
    const torch::Tensor deviation = (second_moment / correction2).sqrt_().add_(epsilon);
    parameters_.sub_((first_moment / correction1).mul_(rates_).div_(deviation));
}

}  // namespace ebgrasp
