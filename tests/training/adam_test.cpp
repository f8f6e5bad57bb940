#include "ebgrasp/training/adam.hpp"

#include <gtest/gtest.h>

namespace ebgrasp {
namespace {

using torch::Tensor;

constexpr double learning_rate = 0.01;

torch::nn::Sequential network(std::uint64_t seed) {
    torch::manual_seed(seed);
    torch::nn::Sequential network(torch::nn::Linear(5, 7), torch::nn::Tanh(), torch::nn::Linear(7, 1));
    network->to(torch::kDouble);
    return network;
}

/// A gradient that changes from step to step, and whose parts differ in size.
void backward(torch::nn::Sequential& network, int step) {
    const Tensor x = torch::arange(20, torch::kDouble).view({4, 5}).mul(0.1 * (step + 1)).sin();
    network->forward(x).pow(2).sum().backward();
}

void expect_equal(const torch::nn::Sequential& a, const torch::nn::Sequential& b, double tolerance) {
    for (std::size_t i = 0; i < a->parameters().size(); ++i)
        EXPECT_LE((a->parameters()[i] - b->parameters()[i]).abs().max().item<double>(), tolerance) << "parameter " << i;
}

TEST(Adam, TakesTheStepsOfPyTorch) {
    torch::nn::Sequential ours = network(1), stock = network(1);
    Adam adam(*ours, learning_rate);
    torch::optim::Adam stock_adam(stock->parameters(), torch::optim::AdamOptions(learning_rate));
    for (int step = 0; step < 20; ++step) {
        adam.zero_gradients();
        backward(ours, step);
        adam.step();
        stock_adam.zero_grad();
        backward(stock, step);
        stock_adam.step();
        expect_equal(ours, stock, 1e-13);
    }
    EXPECT_EQ(adam.steps, 20);
}

TEST(Adam, RateFactorScalesTheStepsOfOneParameter) {
    torch::nn::Sequential ours = network(2), once = network(2), start = network(2);
    Adam scaled(*ours, learning_rate, {{"2.weight", 256}}), plain(*once, learning_rate);
    backward(ours, 0);
    backward(once, 0);
    scaled.step();
    plain.step();
    const auto names = start->named_parameters();
    for (const auto& item : names) {
        const double factor = item.key() == "2.weight" ? 256 : 1;
        const Tensor step = ours->named_parameters()[item.key()] - item.value(),
                     plain_step = once->named_parameters()[item.key()] - item.value();
        EXPECT_LE((step - factor * plain_step).abs().max().item<double>(), 1e-12) << item.key();
    }
}

TEST(Adam, GoesOnFromItsMoments) {
    torch::nn::Sequential whole = network(3), halves = network(3);
    Adam adam(*whole, learning_rate);
    const auto take_steps = [](torch::nn::Sequential& module, Adam& optimizer, int begin, int end) {
        for (int step = begin; step < end; ++step) {
            optimizer.zero_gradients();
            backward(module, step);
            optimizer.step();
        }
    };
    take_steps(whole, adam, 0, 6);
    Adam first(*halves, learning_rate);
    take_steps(halves, first, 0, 3);
    Adam second(*halves, learning_rate);
    second.first_moment.copy_(first.first_moment);
    second.second_moment.copy_(first.second_moment);
    second.steps = first.steps;
    take_steps(halves, second, 3, 6);
    expect_equal(whole, halves, 0);
}

}  // namespace
}  // namespace ebgrasp
