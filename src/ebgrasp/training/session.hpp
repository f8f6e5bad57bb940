// What every training run needs of libtorch: a device, threads, and the optimizer's part of the state that a killed run
// goes on from.
#pragma once

#include <string>
#include <torch/torch.h>

#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/training/optimizer.hpp"

namespace ebgrasp {

/// "cpu", "cuda", or "auto": cuda where there is one. Throws Error where "cuda" is asked for in vain.
torch::Device choose_device(const std::string& name);

/// ThreadLimit (core/parallel.hpp) for libtorch's own pool.
class TorchThreadLimit {
  public:
    explicit TorchThreadLimit(int threads);
    ~TorchThreadLimit();
    TorchThreadLimit(const TorchThreadLimit&) = delete;
    TorchThreadLimit& operator=(const TorchThreadLimit&) = delete;

  private:
    int previous_;
};

/// Adds the optimizer's tensors to a training state, and info["optimizer_steps"].
void save_optimizer(Optimizer& optimizer, Checkpoint& state);
/// Takes them back. Throws Error for a missing tensor, nlohmann::json::exception for missing info.
void load_optimizer(const Checkpoint& state, Optimizer& optimizer);

}  // namespace ebgrasp
