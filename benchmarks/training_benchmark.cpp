// Examples per second of one training step of the seed network at batch 512: forward, loss, backward, Adam.
#include <benchmark/benchmark.h>

#include "../tests/training/literal_network.hpp"
#include "ebgrasp/training/adam.hpp"
#include "ebgrasp/training/allocator.hpp"
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

void report(benchmark::State& state) {
    state.counters["examples/s"] =
        benchmark::Counter(static_cast<double>(state.iterations() * batch), benchmark::Counter::kIsRate);
}

/// Stock operators, stock Adam, the literal first layer.
void literal_step(benchmark::State& state) {
    LiteralSeedNetwork network;
    torch::optim::Adam adam(network->parameters(), learning_rate);
    const Batch data;
    for (auto _ : state) {
        adam.zero_grad();
        nce_loss(network(data.windows, data.grasps), data.success, temperature).backward();
        adam.step();
    }
    report(state);
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
    for (auto _ : state) {
        adam.zero_gradients();
        const torch::Tensor codes = network->encode(data.windows.narrow(0, 0, windows)).index_select(0, index);
        nce_loss(network->energies(codes, data.grasps), data.success, temperature).backward();
        adam.step();
    }
    report(state);
}

BENCHMARK(literal_step)->Unit(benchmark::kMillisecond)->UseRealTime()->MinTime(3);
BENCHMARK(seed_step)->ArgName("windows")->Arg(512)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime()->MinTime(3);

}  // namespace
}  // namespace ebgrasp
