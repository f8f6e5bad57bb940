// Examples per second of one training step of the seed network at batch 512: forward, loss, backward, Adam.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <ctime>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "../tests/training/literal_network.hpp"
#include "ebgrasp/core/allocator.hpp"
#include "ebgrasp/training/adam.hpp"
#include "ebgrasp/training/loss.hpp"
#include "ebgrasp/training/seed_network.hpp"

namespace ebgrasp {
namespace {

constexpr int batch = 512;
constexpr double temperature = 100, learning_rate = 1e-4;

struct Batch {
    torch::Tensor windows = torch::randn({batch, 1, 32, 32}), grasps = torch::randn({batch, 4});
    torch::Tensor success = torch::rand({batch}) < 0.3;
};

/// CPU seconds of the process: hardly touched by what else the machine does.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// FLOP per CPU second of a product of two 2048 x 2048 matrices through oneDNN: what our layers could reach at best.
double sgemm_rate() {
    constexpr int size = 2048;
    const std::vector<float> a(size * size, 0.5F), b(size * size, 0.25F);
    std::vector<float> c(size * size);
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 5; ++i) {
        const double start = cpu_seconds();
        dnnl::sgemm('N', 'N', size, size, size, 1, a.data(), size, b.data(), size, 0, c.data(), size);
        best = std::min(best, cpu_seconds() - start);
    }
    return 2.0 * size * size * size / best;
}

/// Floating-point operations of the products in one step: every weight forwards, for its own gradient, and for that of
/// its input, which the first convolution and the grasps do not need.
double products_in_step(double windows) {
    double encoder = 0;
    int side = 32;
    for (const ConvolutionShape& shape : seed_encoder) {
        side = shape.output_side(side);
        encoder += (shape.in_channels == 1 ? 2.0 : 3.0) * side * side * shape.out_channels * shape.patch_size();
    }
    const double features = 3.0 * seed_features * seed_hidden1,
                 head = 2.0 * 4 * seed_hidden1 + 3.0 * (seed_hidden1 + 1) * seed_hidden2;
    return 2 * (windows * (encoder + features) + batch * head);
}

void report(benchmark::State& state, double windows, double cpu) {
    const auto steps = static_cast<double>(state.iterations());
    state.counters["examples/s"] = benchmark::Counter(steps * batch, benchmark::Counter::kIsRate);
    state.counters["of_sgemm"] = steps * products_in_step(windows) / cpu / sgemm_rate();
}

/// Stock operators, stock Adam, the literal first layer; with malloc as it is, or as ours tunes it.
void literal_step(benchmark::State& state) {
    if (state.range(0)) tune_allocator();
    LiteralSeedNetwork network;
    torch::optim::Adam adam(network->parameters(), learning_rate);
    const Batch data;
    const double start = cpu_seconds();
    for (auto _ : state) {
        adam.zero_grad();
        nce_loss(network(data.windows, data.grasps), data.success, temperature).backward();
        adam.step();
    }
    report(state, batch, cpu_seconds() - start);
}

/// Ours. Batches drawn by example hold 512 windows; batches drawn by window 64, with 8 grasps each as ours are
/// generated.
void seed_step(benchmark::State& state) {
    tune_allocator();
    SeedNetwork network;
    Adam adam(*network, learning_rate);
    const Batch data;
    const std::int64_t windows = state.range(0), grasps_per_window = batch / windows;
    const torch::Tensor index = torch::arange(windows).repeat_interleave(grasps_per_window);
    const double start = cpu_seconds();
    for (auto _ : state) {
        adam.zero_gradients();
        const torch::Tensor codes = network->encode(data.windows.narrow(0, 0, windows)).index_select(0, index);
        nce_loss(network->energies(codes, data.grasps), data.success, temperature).backward();
        adam.step();
    }
    report(state, static_cast<double>(windows), cpu_seconds() - start);
}

BENCHMARK(literal_step)
    ->ArgName("tuned")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinWarmUpTime(1)
    ->MinTime(3);
BENCHMARK(seed_step)
    ->ArgName("windows")
    ->Arg(512)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinWarmUpTime(1)
    ->MinTime(3);

}  // namespace
}  // namespace ebgrasp
