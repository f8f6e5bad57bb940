#include "ebgrasp/training/sgd.hpp"

#include <gtest/gtest.h>

namespace ebgrasp {
namespace {

using torch::Tensor;

torch::nn::Sequential network(std::uint64_t seed) {
    torch::manual_seed(seed);
    torch::nn::Sequential network(torch::nn::Linear(5, 7), torch::nn::Tanh(), torch::nn::Linear(7, 1));
    network->to(torch::kDouble);
    return network;
}

/// A gradient that changes from step to step.
void backward(torch::nn::Sequential& network, int step) {
    const Tensor x = torch::arange(20, torch::kDouble).view({4, 5}).mul(0.1 * (step + 1)).sin();
    network->forward(x).pow(2).sum().backward();
}

TEST(Sgd, TakesTheStepsOfPyTorchAlsoWhenTheRateFalls) {
    constexpr double rate = 0.01, momentum = 0.9, decay = 5e-2;
    torch::nn::Sequential ours = network(1), stock = network(1);
    Sgd sgd(*ours, rate, momentum, decay);
    torch::optim::SGD stock_sgd(stock->parameters(),
                                torch::optim::SGDOptions(rate).momentum(momentum).weight_decay(decay));
    for (int step = 0; step < 30; ++step) {
        const double factor = std::pow(0.95, step / 10);
        for (auto& group : stock_sgd.param_groups())
            static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate * factor);
        sgd.zero_gradients();
        backward(ours, step);
        sgd.step(factor);
        stock_sgd.zero_grad();
        backward(stock, step);
        stock_sgd.step();
        for (std::size_t i = 0; i < stock->parameters().size(); ++i)
            EXPECT_LE((ours->parameters()[i] - stock->parameters()[i]).abs().max().item<double>(), 1e-13);
    }
    EXPECT_EQ(sgd.steps, 30);
}

TEST(Sgd, RateFactorScalesTheStepsOfOneParameter) {
    torch::nn::Sequential ours = network(2), start = network(2);
    Sgd sgd(*ours, 0.01, 0.9, 0, {{"2.weight", 10}});
    backward(ours, 0);
    const auto gradients = ours->named_parameters();
    sgd.step();
    for (const auto& item : start->named_parameters()) {
        const Tensor expected = item.value() - (item.key() == "2.weight" ? 0.1 : 0.01) * gradients[item.key()].grad();
        EXPECT_LE((ours->named_parameters()[item.key()] - expected).abs().max().item<double>(), 1e-14) << item.key();
    }
}

TEST(Sgd, GoesOnFromItsVelocity) {
    torch::nn::Sequential whole = network(3), halves = network(3);
    const auto take_steps = [](torch::nn::Sequential& module, Sgd& sgd, int begin, int end) {
        for (int step = begin; step < end; ++step) {
            sgd.zero_gradients();
            backward(module, step);
            sgd.step();
        }
    };
    Sgd sgd(*whole, 0.01, 0.9, 1e-3);
    take_steps(whole, sgd, 0, 6);
    Sgd first(*halves, 0.01, 0.9, 1e-3);
    take_steps(halves, first, 0, 3);
    Sgd second(*halves, 0.01, 0.9, 1e-3);
    for (const auto& [name, tensor] : second.state()) tensor.copy_(first.state().at(name));
    take_steps(halves, second, 3, 6);
    for (std::size_t i = 0; i < whole->parameters().size(); ++i)
        EXPECT_TRUE(torch::equal(whole->parameters()[i], halves->parameters()[i]));
}

}  // namespace
}  // namespace ebgrasp
