// The seed network as its description reads, with stock operators: y repeated 256 times to 1024 inputs, concatenated
// with the features into a first layer of 2048. Tests hold ours equal to it, the benchmark races against it.
#pragma once

#include <torch/torch.h>

namespace ebgrasp {

struct LiteralSeedNetworkImpl : torch::nn::Module {
    explicit LiteralSeedNetworkImpl(double dropout = 0.2) : dropout(dropout) {
        const int channels[] = {1, 16, 32, 64, 64}, kernels[] = {5, 3, 3, 3};
        for (int i = 0; i < 4; ++i) {
            convolutions->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(channels[i], channels[i + 1], kernels[i])
                                                          .stride(i == 0 ? 1 : 2)
                                                          .padding(i == 0 ? 2 : 1)));
            norms->push_back(torch::nn::BatchNorm2d(channels[i + 1]));
        }
        register_module("convolutions", convolutions);
        register_module("norms", norms);
        register_module("first", first);
        register_module("hidden", hidden);
        register_module("output", output);
    }

    torch::Tensor forward(torch::Tensor x, const torch::Tensor& y) {
        for (std::size_t i = 0; i < 4; ++i)
            x = norms[i]->as<torch::nn::BatchNorm2d>()->forward(
                torch::relu(convolutions[i]->as<torch::nn::Conv2d>()->forward(x)));
        x = torch::relu(first(torch::cat({x.flatten(1), y.repeat({1, 256})}, 1)));
        x = torch::relu(hidden(torch::dropout(x, dropout, is_training())));
        return output(torch::dropout(x, dropout, is_training())).squeeze(1);
    }

    double dropout;
    torch::nn::ModuleList convolutions, norms;
    torch::nn::Linear first{2048, 512}, hidden{512, 128}, output{128, 1};
};
TORCH_MODULE(LiteralSeedNetwork);

}  // namespace ebgrasp
