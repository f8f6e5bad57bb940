// Stochastic gradient descent with momentum (Polyak, "Some methods of speeding up the convergence of iteration
// methods", 1964) and an L2 penalty.
#pragma once

#include "ebgrasp/training/optimizer.hpp"

namespace ebgrasp {

/// Of the gradient g at the weights w: v <- momentum v + g + weight_decay w; w <- w - rate v. As PyTorch's and
/// TensorFlow's, the rate multiplies the velocity, so a change of the rate acts at once.
class Sgd : public Optimizer {
  public:
    Sgd(torch::nn::Module& module, double learning_rate, double momentum, double weight_decay,
        const std::map<std::string, double>& rate_factors = {});

    std::map<std::string, torch::Tensor> state() override { return {{"sgd.velocity", velocity_}}; }

  protected:
    void take_step(double rate_factor) override;

  private:
    double momentum_, weight_decay_;
    torch::Tensor velocity_;  ///< flat
};

}  // namespace ebgrasp
