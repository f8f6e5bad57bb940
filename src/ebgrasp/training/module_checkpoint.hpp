// libtorch modules to and from checkpoints.
#pragma once

#include <string>
#include <torch/torch.h>

#include "ebgrasp/energy/checkpoint.hpp"

namespace ebgrasp {

/// A checkpoint of model `model` with the module's parameters and floating-point buffers, by their names; its info is
/// empty.
Checkpoint module_checkpoint(const torch::nn::Module& module, const std::string& model);

/// Copies the checkpoint's tensors into the module's. Throws Error if it is of another model, or naming the tensor that
/// is missing or has another shape.
void load_module(torch::nn::Module& module, const std::string& model, const Checkpoint& checkpoint);

}  // namespace ebgrasp
