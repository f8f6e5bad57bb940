#include "ebgrasp/training/adam.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {

Adam::Adam(torch::nn::Module& module, double learning_rate, const std::map<std::string, double>& rate_factors)
    : Optimizer(module, learning_rate, rate_factors),
      first_moment(torch::zeros_like(parameters_)),
      second_moment(torch::zeros_like(parameters_)) {}

std::map<std::string, torch::Tensor> Adam::state() {
    return {{"adam.first_moment", first_moment}, {"adam.second_moment", second_moment}};
}

void Adam::take_step(double rate_factor) {
    const double correction1 = 1 - std::pow(beta1, steps), correction2 = 1 - std::pow(beta2, steps);
    if (parameters_.is_cpu()) {
        AT_DISPATCH_FLOATING_TYPES(parameters_.scalar_type(), "Adam",
                                   [&] { step_on_cpu<scalar_t>(rate_factor / correction1, 1 / correction2); });
        return;
    }
    first_moment.mul_(beta1).add_(gradients_, 1 - beta1);
    second_moment.mul_(beta2).addcmul_(gradients_, gradients_, 1 - beta2);
    const torch::Tensor deviation = (second_moment / correction2).sqrt_().add_(epsilon);
    parameters_.sub_((first_moment / correction1).mul_(rates_).div_(deviation), rate_factor);
}

template <typename Scalar>
void Adam::step_on_cpu(double first_factor, double second_factor) {
    constexpr std::int64_t block = 2048;  // of each tensor, in the first-level cache and the second
    const std::int64_t count = parameters_.numel();
    parallel_for(static_cast<std::size_t>((count + block - 1) / block), [&](std::size_t index) {
        const std::int64_t first = static_cast<std::int64_t>(index) * block, size = std::min(block, count - first);
        const auto part_of = [&](const torch::Tensor& flat) {
            return Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>(flat.data_ptr<Scalar>() + first, size);
        };
        const auto number = [](double value) { return static_cast<Scalar>(value); };
        auto parameters = part_of(parameters_), m = part_of(first_moment), v = part_of(second_moment);
        const auto g = part_of(gradients_), rates = part_of(rates_);
        m = number(beta1) * m + number(1 - beta1) * g;
        v = number(beta2) * v + number(1 - beta2) * g.square();
        parameters -= number(first_factor) * rates * m / ((v * number(second_factor)).sqrt() + number(epsilon));
    });
}

}  // namespace ebgrasp
