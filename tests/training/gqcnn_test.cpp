#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/training/gqcnn_trainable.hpp"
#include "ebgrasp/training/loss.hpp"
#include "ebgrasp/training/module_checkpoint.hpp"
#include "ebgrasp/training/optimizer.hpp"
#include "gqcnn_checkpoint.hpp"
#include "synthetic_windows.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using torch::Tensor;

TrainingConfig gqcnn_config() {
    TrainingConfig config;
    config.model = "gqcnn";
    config.loss = "bce";
    config.temperature = 1;
    config.optimizer = "sgd";
    config.learning_rate = 0.01;
    return config;
}

/// Examples whose own windows hold random depths about 0.7 m. A grasp succeeds if the left half of its window is nearer
/// than the right half; turned or mirrored at the closing axis a window is another one.
WindowExamples random_examples(int count, std::uint64_t seed) {
    WindowExamples examples = synthetic_windows(count, 1, seed).examples;
    RandomStream random(seed);
    for (int i = 0; i < count; ++i) {
        const bool success = random.bernoulli(0.5);
        for (int k = 0; k < window_pixels; ++k) {
            const bool left = k % window_size < window_size / 2;
            examples.grasp_windows.push_back(
                static_cast<std::uint16_t>(7000 + random.normal(left == success ? -100 : 100, 150)));
        }
        examples.verdict[static_cast<std::size_t>(i)] = success ? 0 : 1;
    }
    return examples;
}

std::vector<std::size_t> all_of(const WindowExamples& examples) {
    std::vector<std::size_t> indices(examples.size());
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i;
    return indices;
}

/// The windows of `examples` in metres, with rows, columns or both reversed.
std::vector<float> metres(const WindowExamples& examples, bool flip_rows = false, bool flip_cols = false) {
    std::vector<float> windows;
    for (std::size_t i = 0; i < examples.size(); ++i)
        for (std::size_t row = 0; row < 32; ++row)
            for (std::size_t col = 0; col < 32; ++col)
                windows.push_back(
                    static_cast<float>(1e-4 * examples.grasp_windows[i * 1024 + (flip_rows ? 31 - row : row) * 32 +
                                                                     (flip_cols ? 31 - col : col)]));
    return windows;
}

std::vector<float> depths_of(const WindowExamples& examples) {
    std::vector<float> depths;
    for (std::size_t i = 0; i < examples.size(); ++i) depths.push_back(examples.grasps[5 * i + 2]);
    return depths;
}

/// The tolerance is that of single precision: the two libraries add up 16 384 products in different orders, and 1.1e-5
/// has been seen.
void expect_negated(const Tensor& energies, const std::vector<float>& logits, double tolerance = 3e-5) {
    ASSERT_EQ(energies.numel(), static_cast<std::int64_t>(logits.size()));
    for (std::size_t i = 0; i < logits.size(); ++i)
        EXPECT_NEAR(energies[static_cast<std::int64_t>(i)].item<double>(), -logits[i],
                    tolerance * std::max(1.0F, std::abs(logits[i])));
}

TEST(GqcnnNetwork, IsTheDeployedRuntime) {
    const Checkpoint checkpoint = random_gqcnn_checkpoint(11);
    GqcnnNetwork network;
    load_module(*network, "gqcnn", checkpoint);
    network->eval();
    const torch::NoGradGuard no_grad;
    constexpr int count = 40;
    std::vector<float> windows = random_grasp_windows(count, 12), depths = random_grasp_depths(count, 13);
    const Tensor x = torch::from_blob(windows.data(), {count, 1, 32, 32}), z = torch::from_blob(depths.data(), {count});
    expect_negated(-network((x - z.view({-1, 1, 1, 1}) - 0.02) / 0.03, (z - 0.66) / 0.02),
                   GqcnnRuntime(checkpoint).logits(windows, depths));
    EXPECT_EQ(module_checkpoint(*network, "gqcnn").tensors.size(), 16U);
    EXPECT_THROW(load_module(*network, "gqcnn", Checkpoint{"seed", {}, {}}), Error);
}

TEST(GqcnnNetwork, ConvolvesInHalfPrecisionInTrainingOnly) {
    const Checkpoint checkpoint = random_gqcnn_checkpoint(14);
    GqcnnNetwork exact, half(torch::kBFloat16);
    const Tensor x = torch::randn({8, 1, 32, 32}), z = torch::randn({8});
    for (auto* network : {&exact, &half}) {
        load_module(**network, "gqcnn", checkpoint);
        (*network)->eval();
    }
    EXPECT_TRUE(torch::equal(half(x, z), exact(x, z)));
    half->train();
    exact->train();
    const Tensor logits = half(x, z), expected = exact(x, z);
    const double spread = expected.std().item<double>();
    EXPECT_GT((logits - expected).abs().max().item<double>(), 1e-4 * spread);
    EXPECT_LT((logits - expected).abs().max().item<double>(), 0.05 * spread);
    logits.sum().backward();
    expected.sum().backward();
    const auto gradients = half->named_parameters();
    for (const auto& item : exact->named_parameters()) {
        const Tensor gradient = item.value().grad();
        EXPECT_LT((gradients[item.key()].grad() - gradient).norm().item<double>(), 0.3 * gradient.norm().item<double>())
            << item.key();
    }
}

TEST(GqcnnNetwork, InitialWeightsAreHes) {
    torch::manual_seed(1);
    GqcnnNetwork network;
    for (const auto& item : network->named_parameters()) {
        const Tensor& values = item.value();
        if (values.dim() == 1) {
            EXPECT_EQ(values.abs().max().item<double>(), 0) << item.key();
        } else if (values.numel() > 1000) {
            const double inputs = static_cast<double>(values.numel() / values.size(0));
            const double spread = 1 / std::sqrt(2.0 * static_cast<double>(values.numel()));  // of a deviation, relative
            EXPECT_NEAR(values.std().item<double>() * std::sqrt(inputs / 2), 1, 5 * spread) << item.key();
        }
    }
}

TEST(GqcnnTrainable, ItsCheckpointGivesItsEnergies) {
    const WindowExamples examples = random_examples(30, 1);
    torch::manual_seed(2);
    GqcnnTrainable network(gqcnn_config(), examples, all_of(examples), torch::kCPU);
    network.module().eval();
    const torch::NoGradGuard no_grad;
    const GqcnnRuntime runtime(network.checkpoint());
    const Tensor order = torch::tensor({3, 1, 4, 29, 5}, torch::kLong);
    std::vector<float> logits;
    const auto all = runtime.logits(metres(examples), depths_of(examples));
    for (const std::size_t i : {3, 1, 4, 29, 5}) logits.push_back(all[i]);
    expect_negated(network.energies(order, {}), logits);

    GqcnnTrainable other(gqcnn_config(), examples, all_of(examples), torch::kCPU);
    other.module().eval();
    other.load(network.checkpoint());
    EXPECT_TRUE(torch::equal(other.energies(order, {}), network.energies(order, {})));
}

TEST(GqcnnTrainable, NormalisesByTheTrainingExamples) {
    const WindowExamples examples = random_examples(10, 3);
    const std::vector<std::size_t> training = {2, 5, 7};
    const GqcnnTrainable network(gqcnn_config(), examples, training, torch::kCPU);
    const GqcnnNormalization normalization = gqcnn_normalization_of(network.checkpoint());
    const auto windows = metres(examples), depths = depths_of(examples);
    double mean = 0, squares = 0, depth_mean = 0;
    for (const std::size_t i : training) {
        depth_mean += depths[i] / 3.0;
        for (std::size_t k = 0; k < 1024; ++k) mean += (windows[i * 1024 + k] - depths[i]) / (3 * 1024.0);
    }
    for (const std::size_t i : training)
        for (std::size_t k = 0; k < 1024; ++k)
            squares += std::pow(windows[i * 1024 + k] - depths[i] - mean, 2) / (3 * 1024.0);
    EXPECT_NEAR(normalization.window_mean, mean, 1e-4);
    EXPECT_NEAR(normalization.window_std, std::sqrt(squares), 1e-4);
    EXPECT_NEAR(normalization.depth_mean, depth_mean, 1e-4) << "grasp depths are rounded to 0.1 mm for this";
}

TEST(GqcnnTrainable, TurnsAndMirrorsWindows) {
    const WindowExamples examples = random_examples(64, 4);
    const Tensor all = torch::arange(64, torch::kLong);
    const torch::NoGradGuard no_grad;
    GqcnnTrainable network(gqcnn_config(), examples, all_of(examples), torch::kCPU);
    const GqcnnRuntime runtime(network.checkpoint());
    const auto depths = depths_of(examples);
    const auto plain = runtime.logits(metres(examples), depths),
               turned = runtime.logits(metres(examples, true, true), depths),
               mirrored = runtime.logits(metres(examples, true, false), depths);

    network.module().eval();
    expect_negated(network.energies(all, torch::ones({64}, torch::kBool)), turned);
    const Tensor half = all < 32;
    std::vector<float> mixed(turned.begin(), turned.begin() + 32);
    mixed.insert(mixed.end(), plain.begin() + 32, plain.end());
    expect_negated(network.energies(all, half), mixed);

    // In training every window is as stored or mirrored, about half of them each.
    network.module().train();
    const Tensor energies = network.energies(all, torch::zeros({64}, torch::kBool));
    int mirrors = 0;
    for (std::size_t i = 0; i < 64; ++i) {
        const double energy = energies[static_cast<std::int64_t>(i)].item<double>();
        const double to_plain = std::abs(energy + plain[i]), to_mirrored = std::abs(energy + mirrored[i]);
        EXPECT_LT(std::min(to_plain, to_mirrored), 1e-5 * std::max(1.0, std::abs(energy)));
        mirrors += to_mirrored < to_plain;
    }
    EXPECT_GT(mirrors, 16);
    EXPECT_LT(mirrors, 48);

    TrainingConfig config = gqcnn_config();
    config.augment = false;
    GqcnnTrainable still(config, examples, all_of(examples), torch::kCPU);
    still.load(network.checkpoint());
    still.module().train();
    expect_negated(still.energies(all, {}), plain);
}

TEST(GqcnnTrainable, LearnsWithThePublishedRecipe) {
    const WindowExamples examples = random_examples(96, 5);
    TrainingConfig config = gqcnn_config();
    config.augment = false;  // the rule tells left from right
    config.weight_decay = 5e-4;
    torch::manual_seed(6);
    GqcnnTrainable network(config, examples, all_of(examples), torch::kCPU);
    const auto optimizer = make_optimizer(config, network.module(), network.rate_factors());
    Tensor success = torch::empty({96}, torch::kBool);
    for (std::int64_t i = 0; i < 96; ++i) success[i] = examples.success(static_cast<std::size_t>(i));
    double first = 0, last = 0;
    for (int step = 0; step < 9; ++step) {
        const Tensor batch = torch::arange(32 * (step % 3), 32 * (step % 3 + 1), torch::kLong);
        optimizer->zero_gradients();
        const Tensor loss = bce_loss(network.energies(batch, {}), success.index_select(0, batch), 1);
        loss.backward();
        optimizer->step();
        last = loss.item<double>();
        if (step == 0) first = last;
    }
    EXPECT_LT(last, 0.5 * first);
}

TEST(GqcnnTrainable, RefusesDataThatItCannotRead) {
    WindowExamples examples = synthetic_windows(10, 2, 1).examples;
    const auto complaint = [&]() -> std::string {
        try {
            GqcnnTrainable(gqcnn_config(), examples, all_of(examples), torch::kCPU);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_THAT(complaint(), HasSubstr("--grasp-windows"));
    examples.grasp_windows.assign(examples.size() * grasp_window_pixels, 40000);
    EXPECT_THAT(complaint(), HasSubstr("3.2767"));
}

}  // namespace
}  // namespace ebgrasp
