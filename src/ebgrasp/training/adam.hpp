// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1) over all parameters at once.
#pragma once

#include "ebgrasp/training/optimizer.hpp"

namespace ebgrasp {

class Adam : public Optimizer {
  public:
    static constexpr double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;

    Adam(torch::nn::Module& module, double learning_rate, const std::map<std::string, double>& rate_factors = {});

    std::map<std::string, torch::Tensor> state() override;
    torch::Tensor first_moment, second_moment;  ///< flat

  protected:
    void take_step(double rate_factor) override;

  private:
    /// The same in one sweep, which libtorch's operators are a dozen of. `first_factor` and `second_factor` multiply
    /// the moments.
    template <typename Scalar>
    void step_on_cpu(double first_factor, double second_factor);
};

}  // namespace ebgrasp
