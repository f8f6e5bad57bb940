#include "ebgrasp/training/optimizer.hpp"

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/training/adam.hpp"
#include "ebgrasp/training/sgd.hpp"

namespace ebgrasp {

Optimizer::Optimizer(torch::nn::Module& module, double learning_rate,
                     const std::map<std::string, double>& rate_factors) {
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

void Optimizer::step(double rate_factor) {
    const torch::NoGradGuard no_grad;
    ++steps;
    take_step(rate_factor);
}

std::unique_ptr<Optimizer> make_optimizer(const TrainingConfig& config, torch::nn::Module& module,
                                          const std::map<std::string, double>& rate_factors) {
    if (config.optimizer == "adam") return std::make_unique<Adam>(module, config.learning_rate, rate_factors);
    require(config.optimizer == "sgd", "optimizer is ", config.optimizer, ", must be adam or sgd");
    return std::make_unique<Sgd>(module, config.learning_rate, config.momentum, config.weight_decay, rate_factors);
}

}  // namespace ebgrasp
