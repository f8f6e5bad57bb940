#include "ebgrasp/training/seed_network.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "temporary_folder.hpp"
#include "training/literal_network.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

constexpr int repeats = SeedNetworkImpl::grasp_repeats;

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

/// Running statistics and scales of a network that has been trained, not those of a fresh one.
void make_norms_uneven(SeedNetwork& network) {
    const torch::NoGradGuard no_grad;
    for (const auto& item : network->named_buffers())
        if (item.value().is_floating_point()) item.value().uniform_(0.05, 0.5);
    for (const auto& item : network->named_parameters())
        if (item.key().find("norm") != std::string::npos) item.value().add_(torch::randn_like(item.value()), 0.2);
}

/// The literal network with the same function: its repeated columns are random, and ours hold their sum.
LiteralSeedNetwork literal_like(SeedNetwork& network) {
    const torch::NoGradGuard no_grad;
    LiteralSeedNetwork literal(/*dropout=*/0.0);
    literal->to(network->grasp_weight().scalar_type());
    auto ours = network->named_parameters();
    auto buffers = network->named_buffers();
    const auto copy = [&](const std::string& name, const std::string& from) {
        literal->named_parameters()[name].copy_(ours[from]);
    };
    for (const std::string i : {"0", "1", "2", "3"}) {
        for (const char* part : {".weight", ".bias"}) {
            copy("convolutions." + i + part, "encoder." + i + ".conv" + part);
            copy("norms." + i + part, "encoder." + i + ".norm" + part);
        }
        for (const char* part : {".running_mean", ".running_var"})
            literal->named_buffers()["norms." + i + part].copy_(buffers["encoder." + i + ".norm" + part]);
    }
    for (const char* part : {".weight", ".bias"}) {
        copy(std::string("hidden") + part, std::string("head.hidden") + part);
        copy(std::string("output") + part, std::string("head.output") + part);
    }
    literal->first->bias.copy_(ours["head.features.bias"]);
    literal->first->weight.slice(1, 0, seed_features).copy_(ours["head.features.weight"]);
    network->named_parameters()["head.grasp.weight"].copy_(
        literal->first->weight.slice(1, seed_features).view({seed_hidden1, repeats, 4}).sum(1));
    return literal;
}

class CollapsedLayer : public testing::TestWithParam<torch::ScalarType> {};
INSTANTIATE_TEST_SUITE_P(Precisions, CollapsedLayer, testing::Values(torch::kDouble, torch::kFloat),
                         [](const auto& info) { return info.param == torch::kDouble ? "Double" : "Float"; });

TEST_P(CollapsedLayer, IsTheLiteralOneInEvaluationAndInTraining) {
    torch::manual_seed(1);
    SeedNetwork network(/*dropout=*/0.0);
    make_norms_uneven(network);
    network->to(GetParam());
    LiteralSeedNetwork literal = literal_like(network);
    const Tensor windows = torch::randn({6, 1, 32, 32}, GetParam()), grasps = torch::randn({6, 4}, GetParam());
    const double tolerance = GetParam() == torch::kDouble ? 1e-10 : 1e-5;
    for (const bool training : {false, true}) {
        network->train(training);
        literal->train(training);
        EXPECT_LE(difference(network(windows, grasps), literal(windows, grasps)), tolerance) << "training " << training;
    }
}

TEST(SeedNetwork, GradientsAreThoseOfTheLiteralNetwork) {
    torch::manual_seed(2);
    SeedNetwork network(/*dropout=*/0.0);
    network->to(torch::kDouble);
    LiteralSeedNetwork literal = literal_like(network);
    const Tensor windows = torch::randn({6, 1, 32, 32}, torch::kDouble), grasps = torch::randn({6, 4}, torch::kDouble);
    network(windows, grasps).pow(2).sum().backward();
    literal(windows, grasps).pow(2).sum().backward();
    const auto ours = network->named_parameters();
    const Tensor first = literal->first->weight.grad();
    EXPECT_LE(difference(ours["head.features.weight"].grad(), first.slice(1, 0, seed_features)), 1e-9);
    const Tensor repeated = first.slice(1, seed_features).view({seed_hidden1, repeats, 4});
    for (const int copy : {0, 100, repeats - 1})  // so Adam moves all of them alike, see SeedNetworkImpl::grasp_weight
        EXPECT_LE(difference(ours["head.grasp.weight"].grad(), repeated.select(1, copy)), 1e-9);
    EXPECT_LE(
        difference(ours["encoder.0.conv.weight"].grad(), literal->named_parameters()["convolutions.0.weight"].grad()),
        1e-9);
}

TEST(SeedNetwork, StartsAsTheLiteralOneDoes) {
    torch::manual_seed(3);
    const SeedNetwork network;
    // PyTorch draws the literal layer's weights uniformly from +- 1 / sqrt(2048); ours sum 256 of them.
    const double bound = 1 / std::sqrt(2048.0), variance = repeats * bound * bound / 3;
    const Tensor weight = network->grasp_weight().detach();
    const auto count = static_cast<double>(weight.numel());  // 2048
    EXPECT_NEAR(weight.mean().item<double>(), 0, 4 * std::sqrt(variance / count));
    EXPECT_NEAR(weight.var().item<double>(), variance, 4 * variance * std::sqrt(2 / count));
    // a sum of 256 is as good as normal: 68.3 % lie within one standard deviation
    EXPECT_NEAR((weight.abs() < std::sqrt(variance)).to(torch::kDouble).mean().item<double>(), 0.683, 0.04);
    const auto parameters = network->named_parameters();
    for (const char* name : {"head.features.weight", "head.features.bias"}) {
        const double highest = parameters[name].abs().max().item<double>();
        EXPECT_LE(highest, bound) << name;
        EXPECT_GT(highest, 0.98 * bound) << name;
    }
}

TEST(SeedNetwork, DropoutActsInTrainingAlone) {
    torch::manual_seed(4);
    SeedNetwork network(0.5);
    const Tensor code = torch::randn({1, seed_hidden1}).expand({64, -1}), grasp = torch::zeros({64, 4});
    network->train();
    EXPECT_GT(network->energies(code, grasp).var().item<double>(), 0);
    network->eval();
    EXPECT_LE(network->energies(code, grasp).var().item<double>(), 1e-12);
}

TEST(SeedNetwork, GradientByGraspIsThatOfTheEnergy) {
    torch::manual_seed(5);
    SeedNetwork network;
    make_norms_uneven(network);
    network->to(torch::kDouble);
    network->eval();
    const Tensor code = network->encode(torch::randn({5, 1, 32, 32}, torch::kDouble)).detach();
    const Tensor grasps = torch::randn({5, 4}, torch::kDouble).requires_grad_();
    const Tensor gradients = torch::autograd::grad({network->energies(code, grasps).sum()}, {grasps})[0];
    constexpr double step = 1e-7;
    for (int k = 0; k < 4; ++k) {
        Tensor high = grasps.detach().clone(), low = grasps.detach().clone();
        high.select(1, k).add_(step);
        low.select(1, k).sub_(step);
        const Tensor slope = (network->energies(code, high) - network->energies(code, low)) / (2 * step);
        EXPECT_LE(difference(gradients.select(1, k), slope), 1e-6) << "coordinate " << k;
    }
}

// -------------------------------------------------------------------------------------------------------- deployment

const WindowNormalization normalization = {0.68, 0.03, {15.5, 16.5, 0.66, 0.1}, {4.0, 5.0, 0.02, 0.9}};

/// A network of random weights, and its checkpoint written to a file.
struct Deployed {
    explicit Deployed(std::uint64_t seed) {
        torch::manual_seed(seed);
        make_norms_uneven(network);
        Checkpoint checkpoint = to_checkpoint(network);
        checkpoint.info["normalization"] = normalization;
        write_checkpoint(checkpoint, path);
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder.path() / "seed.safetensors";
    SeedNetwork network;
};

TEST(Deployment, RuntimeHasTheEnergiesAndGradientsOfTheNetwork) {
    const Deployed deployed(6);
    const SeedRuntime runtime(read_checkpoint(deployed.path));
    const TorchWindowNetwork torch_network(deployed.network, normalization);

    RandomStream random(7);
    WindowBatch windows(3, window_pixels);
    for (float& depth : windows.reshaped()) depth = static_cast<float>(random.normal(0.68, 0.03));
    GraspBatch grasps(200, 4);
    std::vector<int> index;
    for (Eigen::Index i = 0; i < grasps.rows(); ++i) {
        index.push_back(static_cast<int>(random.index(3)));
        for (std::size_t k = 0; k < 4; ++k)
            grasps(i, static_cast<Eigen::Index>(k)) =
                static_cast<float>(random.normal(normalization.grasp_mean[k], normalization.grasp_std[k]));
    }
    std::vector<float> expected(200), energies(200);
    GraspBatch expected_gradients, gradients;
    torch_network.evaluate(torch_network.encode(windows), index, grasps, expected, &expected_gradients);
    runtime.evaluate(runtime.encode(windows), index, grasps, energies, &gradients);
    for (std::size_t i = 0; i < 200; ++i) EXPECT_NEAR(energies[i], expected[i], 1e-5) << "grasp " << i;
    // gradients by normalised coordinates, which are all of one size
    const Eigen::RowVector4f scale = Eigen::Map<const Eigen::RowVector4d>(normalization.grasp_std.data()).cast<float>();
    EXPECT_LE(((gradients - expected_gradients) * scale.asDiagonal()).cwiseAbs().maxCoeff(), 1e-5F);
    EXPECT_GT((expected_gradients * scale.asDiagonal()).cwiseAbs().maxCoeff(), 1e-3F);
}

TEST(Deployment, NetworkBehindTheEnergyModelIsTheLoadedOne) {
    const Deployed deployed(8);
    const auto loaded = load_energy_model(deployed.path.string());
    const WindowEnergyModel ours("seed", std::make_unique<TorchWindowNetwork>(deployed.network, normalization));

    RandomStream random(9);
    DepthImage view;
    view.depth.resize(160, 200);
    for (float& depth : view.depth.reshaped()) depth = static_cast<float>(random.uniform(0.6, 0.7));
    const Mask region = Mask::Ones(160, 200);  // wider than a window, so that several are encoded
    std::vector<PlanarGrasp> grasps(50);
    for (PlanarGrasp& grasp : grasps) {
        grasp.row = random.uniform(0, 160);
        grasp.col = random.uniform(0, 200);
        grasp.depth = random.uniform(0.64, 0.68);
        grasp.angle = random.uniform(-1.5, 1.5);
    }
    std::vector<double> expected(50), energies(50);
    std::vector<GraspGradient> expected_gradients(50), gradients(50);
    loaded->encode(view, region, {})->evaluate(grasps, expected, expected_gradients);
    ours.encode(view, region, {})->evaluate(grasps, energies, gradients);
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_NEAR(energies[i], expected[i], 1e-5);
        for (int k = 0; k < 4; ++k) EXPECT_NEAR(gradients[i][k], expected_gradients[i][k], 1e-4) << "coordinate " << k;
    }
}

TEST(Checkpoint, RestoresTheNetwork) {
    const Deployed deployed(10);
    torch::manual_seed(11);
    SeedNetwork restored;
    load_checkpoint(restored, read_checkpoint(deployed.path));
    EXPECT_EQ(checkpoint_bytes(to_checkpoint(restored), "restored"),
              checkpoint_bytes(to_checkpoint(deployed.network), "deployed"));

    Checkpoint damaged = to_checkpoint(deployed.network);
    damaged.tensors.erase("head.grasp.weight");
    EXPECT_THROW(load_checkpoint(restored, damaged), Error);
    Checkpoint other = to_checkpoint(deployed.network);
    other.model = "field";
    EXPECT_THROW(load_checkpoint(restored, other), Error);
}

}  // namespace
}  // namespace ebgrasp
