// First-order optimizers over all parameters of a network at once.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <torch/torch.h>

#include "ebgrasp/training/training_config.hpp"

namespace ebgrasp {

/// The module's parameters and their gradients become views of two flat tensors, so that a step is a handful of
/// operations whatever the number of parameters. Move the module to its device before.
class Optimizer {
  public:
    /// `rate_factors` multiply the learning rate of single parameters (by name).
    Optimizer(torch::nn::Module& module, double learning_rate, const std::map<std::string, double>& rate_factors);
    virtual ~Optimizer() = default;
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;

    void zero_gradients() { gradients_.zero_(); }
    /// One step along the gradients, its learning rate multiplied by `rate_factor`.
    void step(double rate_factor = 1);

    /// What a resumed run needs besides the parameters and `steps`: flat tensors by name, which the optimizer goes on
    /// using, so that they can be read and written in place.
    virtual std::map<std::string, torch::Tensor> state() = 0;
    std::int64_t steps = 0;  ///< taken so far

  protected:
    /// Moves the parameters. `steps` counts this step already; gradients are not recorded.
    virtual void take_step(double rate_factor) = 0;

    torch::Tensor parameters_, gradients_, rates_;  ///< flat; rates_ holds the learning rate of each parameter
};

/// The optimizer that `config` asks for.
std::unique_ptr<Optimizer> make_optimizer(const TrainingConfig& config, torch::nn::Module& module,
                                          const std::map<std::string, double>& rate_factors);

}  // namespace ebgrasp
