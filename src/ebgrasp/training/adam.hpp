// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1) over all parameters at once.
#pragma once

#include <torch/torch.h>

namespace ebgrasp {

/// The module's parameters and their gradients become views of two flat tensors, so that a step is a handful of
/// operations whatever the number of parameters. Move the module to its device before.
class Adam {
  public:
    static constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

    /// `rate_factors` multiply the learning rate of single parameters (by name).
    Adam(torch::nn::Module& module, double learning_rate, const std::map<std::string, double>& rate_factors = {});

    void zero_gradients() { gradients_.zero_(); }
    void step();

    /// What a resumed run needs besides the parameters: the moments (flat) and the number of steps taken.
    torch::Tensor first_moment, second_moment;
    std::int64_t steps = 0;

  private:
    torch::Tensor parameters_, gradients_, rates_;
};

}  // namespace ebgrasp
