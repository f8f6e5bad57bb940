#include "ebgrasp/training/module_checkpoint.hpp"

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

/// Calls visit(name, tensor) for all that a checkpoint keeps.
template <typename Visit>
void for_each_tensor(const torch::nn::Module& module, const Visit& visit) {
    for (const auto& item : module.named_parameters()) visit(item.key(), item.value());
    for (const auto& item : module.named_buffers())
        if (item.value().is_floating_point()) visit(item.key(), item.value());  // no counters
}

std::vector<std::size_t> shape_of(const Tensor& tensor) { return {tensor.sizes().begin(), tensor.sizes().end()}; }

}  // namespace

Checkpoint module_checkpoint(const torch::nn::Module& module, const std::string& model) {
    Checkpoint checkpoint{model, nlohmann::json::object(), {}};
    for_each_tensor(module, [&](const std::string& name, const Tensor& tensor) {
        const Tensor values = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
        const float* data = values.data_ptr<float>();
        checkpoint.tensors[name] = StoredTensor{shape_of(tensor), std::vector<float>(data, data + values.numel())};
    });
    return checkpoint;
}

void load_module(torch::nn::Module& module, const std::string& model, const Checkpoint& checkpoint) {
    require(checkpoint.model == model, "the checkpoint holds a model '", checkpoint.model, "', not '", model, "'");
    const torch::NoGradGuard no_grad;
    for_each_tensor(module, [&](const std::string& name, Tensor tensor) {
        const auto& values = checkpoint.tensor(name, shape_of(tensor)).values;
        tensor.copy_(torch::from_blob(const_cast<float*>(values.data()), tensor.sizes(), torch::kFloat));
    });
}

}  // namespace ebgrasp
