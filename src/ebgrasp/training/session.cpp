#include "ebgrasp/training/session.hpp"

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

torch::Device choose_device(const std::string& name) {
    const bool available = torch::cuda::is_available();
    require(name != "cuda" || available, "device 'cuda' was asked for, but libtorch sees none; use 'cpu' or 'auto'");
    return name == "cuda" || (name == "auto" && available) ? torch::kCUDA : torch::kCPU;
}

TorchThreadLimit::TorchThreadLimit(int threads) : previous_(torch::get_num_threads()) {
    if (threads > 0) torch::set_num_threads(threads);
}

TorchThreadLimit::~TorchThreadLimit() { torch::set_num_threads(previous_); }

void save_optimizer(Optimizer& optimizer, Checkpoint& state) {
    for (const auto& [name, tensor] : optimizer.state()) {
        const torch::Tensor values = tensor.to(torch::kCPU, torch::kFloat).contiguous();
        const float* data = values.data_ptr<float>();
        const auto size = static_cast<std::size_t>(values.numel());
        state.tensors[name] = {{size}, std::vector<float>(data, data + size)};
    }
    state.info["optimizer_steps"] = optimizer.steps;
}

void load_optimizer(const Checkpoint& state, Optimizer& optimizer) {
    for (const auto& [name, tensor] : optimizer.state()) {
        const auto& values = state.tensor(name, {static_cast<std::size_t>(tensor.numel())}).values;
        tensor.copy_(torch::from_blob(const_cast<float*>(values.data()), tensor.sizes(), torch::kFloat));
    }
    state.info.at("optimizer_steps").get_to(optimizer.steps);
}

}  // namespace ebgrasp
