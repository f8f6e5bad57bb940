#include "ebgrasp/evaluation/example_model.hpp"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/gqcnn_runtime.hpp"
#include "ebgrasp/energy/seed_runtime.hpp"
#include "ebgrasp/evaluation/metrics.hpp"
#include "energy/random_checkpoint.hpp"
#include "gqcnn_checkpoint.hpp"
#include "synthetic_windows.hpp"

namespace ebgrasp {
namespace {

/// E = depth of the window's first pixel + row + 10 col + 100 depth + 1000 angle; counts the windows it encodes.
class LinearNetwork : public WindowNetwork {
  public:
    WindowBatch encode(const WindowBatch& windows) const override {
        encoded += windows.rows();
        return windows.leftCols(1);
    }
    void evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                  std::span<float> energies, GraspBatch*) const override {
        const Eigen::Vector4f weights(1, 10, 100, 1000);
        for (std::size_t i = 0; i < energies.size(); ++i)
            energies[i] = codes(code_index[i], 0) + grasps.row(static_cast<Eigen::Index>(i)).dot(weights);
    }
    mutable Eigen::Index encoded = 0;
};

/// All examples in random order.
std::vector<std::size_t> shuffled(std::size_t count) { return shuffled_batches(count, 1, 3, 0); }

float expected_energy(const WindowExamples& examples, std::size_t i) {
    const float* grasp = &examples.grasps[i * 5];
    return examples.windows[static_cast<std::size_t>(examples.grasp_window[i]) * window_pixels] + grasp[0] +
           10 * grasp[1] + 100 * grasp[2] + 1000 * grasp[3];
}

TEST(ExampleEnergies, KeepTheirOrderAndEncodeEachWindowOnce) {
    const WindowDataset dataset = synthetic_windows(5000, 3, 1);  // more windows than are encoded at once
    const std::vector<std::size_t> indices = shuffled(dataset.examples.size());
    const LinearNetwork network;
    const std::vector<float> energies = example_energies(network, dataset.examples, indices);
    ASSERT_EQ(energies.size(), indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i)
        EXPECT_NEAR(energies[i], expected_energy(dataset.examples, indices[i]), 1e-2);
    EXPECT_EQ(network.encoded, 5000);
    EXPECT_TRUE(example_energies(network, dataset.examples, {}).empty());
}

TEST(ExampleModel, SeedCounts) {
    const Checkpoint checkpoint = random_seed_checkpoint(1);
    // Convolutions: output pixels x kernel x channels in x channels out. The grasp is read by 4 columns in place of the
    // literal 1024.
    const std::size_t encoder = 32 * 32 * 25 * 16 + 16 * 16 * 9 * 16 * 32 + 8 * 8 * 9 * 32 * 64 + 4 * 4 * 9 * 64 * 64;
    const std::size_t head = (1024 + 4) * 512 + 512 * 128 + 128;
    EXPECT_EQ(make_example_model(checkpoint)->multiply_adds(), encoder + head);
    const std::size_t convolutions = 25 * 16 + 9 * 16 * 32 + 9 * 32 * 64 + 9 * 64 * 64, channels = 16 + 32 + 64 + 64;
    EXPECT_EQ(parameter_count(checkpoint), convolutions + 3 * channels + head + 512 + 128 + 1)
        << "biases, scales and offsets count, running statistics do not";
}

TEST(ExampleModel, GqcnnEnergiesAreNegativeLogitsOfTheGraspsOwnWindows) {
    WindowExamples examples = synthetic_windows(20, 2, 1).examples;
    const Checkpoint checkpoint = random_gqcnn_checkpoint(3);
    const auto model = make_example_model(checkpoint);
    EXPECT_THROW(model->energies(examples, shuffled(examples.size())), Error);

    RandomStream random(5);
    for (std::size_t i = 0; i < examples.size() * grasp_window_pixels; ++i)
        examples.grasp_windows.push_back(static_cast<std::uint16_t>(random.uniform(6000, 7000)));
    const std::vector<std::size_t> indices = {7, 3, 39, 0};
    const std::vector<float> energies = model->energies(examples, indices);
    for (std::size_t k = 0; k < indices.size(); ++k) {
        std::vector<float> window;
        for (std::size_t p = 0; p < grasp_window_pixels; ++p)
            window.push_back(static_cast<float>(1e-4 * examples.grasp_windows[indices[k] * grasp_window_pixels + p]));
        const float depth = examples.grasps[5 * indices[k] + 2];
        EXPECT_NEAR(energies[k], -GqcnnRuntime(checkpoint).logits(window, std::span(&depth, 1))[0], 1e-4);
    }
    EXPECT_EQ(parameter_count(checkpoint), 49 * 64 + 25 * 64 * 64 + 2 * (9 * 64 * 64) + 4 * 64 + 4096 * 1024 + 1024 +
                                               32 + 1040 * 1024 + 1024 + 1024 + 1);
}

TEST(ExampleModel, RefusesOtherNetworks) {
    EXPECT_THROW(make_example_model({"field", nlohmann::json::object(), {}}), Error);
}

Checkpoint trained(const std::string& split_by, std::uint64_t seed, const nlohmann::json& data) {
    return {
        "seed", {{"config", {{"split_by", split_by}, {"seed", seed}}}, {"provenance", {{"dataset_config", data}}}}, {}};
}

/// The configuration of data with these shares.
nlohmann::json divided(double train, double validation, double test) {
    return {{"objects", "procedural:60"}, {"seed", 5}, {"split", {train, validation, test}}};
}

/// Gives `dataset` this configuration and the splits that the generator would have given its objects.
void use(WindowDataset& dataset, const nlohmann::json& config) {
    dataset.config = config;
    const auto splits = draw_splits(dataset.objects.size(), config.at("split").get<SplitShares>(), 5);
    for (std::size_t i = 0; i < splits.size(); ++i) dataset.objects[i].split = splits[i];
}

TEST(TrainingDivision, IsWhatTheCheckpointSays) {
    EXPECT_EQ(training_division(trained("example", 7, {})).by, SplitBy::example);
    EXPECT_EQ(training_division(trained("example", 7, {})).seed, 7U);
    EXPECT_EQ(training_division(trained("data", 7, {{"split_by", "window"}})).by, SplitBy::window);
    EXPECT_EQ(training_division(trained("data", 7, nlohmann::json::object())).by, SplitBy::object);
    EXPECT_EQ(training_division({"seed", nlohmann::json::object(), {}}).by, SplitBy::object);
    EXPECT_THROW(training_division({"seed", {{"config", {{"split_by", 3}}}}, {}}), Error);
    EXPECT_THROW(training_division({"seed", {{"config", "x"}}, {}}), Error);
    EXPECT_THROW(training_division(trained("colour", 7, {})), Error);
}

TEST(HeldOutExamples, HoldNoneOfTheTrainingsExamples) {
    WindowDataset dataset = synthetic_windows(60, 4, 1);
    dataset.config = divided(0.7, 0.3, 0);
    for (const std::string by : {"object", "window", "example"}) {
        const Checkpoint checkpoint = trained(by, 11, dataset.config);
        use(dataset, dataset.config);
        const auto training = dataset.indices(Split::train, parse_split_by(by), 11);
        const auto held_out = held_out_examples(checkpoint, dataset, Split::validation);
        EXPECT_THAT(held_out, testing::Each(testing::Not(testing::AnyOfArray(training)))) << by;
    }
    EXPECT_THROW(held_out_examples(trained("object", 1, dataset.config), dataset, Split::test), Error)
        << "there are no test objects";
}

TEST(HeldOutExamples, RefuseObjectsOfTheTrainingInOtherData) {
    WindowDataset dataset = synthetic_windows(60, 4, 1);
    const Checkpoint checkpoint = trained("object", 1, divided(0.8, 0.1, 0.1));
    use(dataset, divided(0.5, 0.3, 0.2));
    EXPECT_THROW(held_out_examples(checkpoint, dataset, Split::validation), Error);
    EXPECT_NO_THROW(held_out_examples(checkpoint, dataset, Split::test)) << "the last 20 % hold the last 10 %";
    use(dataset, divided(0.9, 0.05, 0.05));
    EXPECT_NO_THROW(held_out_examples(checkpoint, dataset, Split::validation));
    use(dataset, divided(0.5, 0.3, 0.2));
    dataset.config["seed"] = 6;  // other objects of the same names
    EXPECT_NO_THROW(held_out_examples(checkpoint, dataset, Split::validation));
}

TEST(SeenInTraining, CountsExamplesAndObjects) {
    WindowDataset dataset = synthetic_windows(60, 4, 1);
    use(dataset, divided(0.5, 0.3, 0.2));
    const auto seen = [&](const Checkpoint& checkpoint, Split split, SplitBy by) {
        return seen_in_training(checkpoint, dataset, dataset.indices(split, by, 11));
    };
    const Checkpoint by_object = trained("object", 11, dataset.config),
                     by_example = trained("example", 11, dataset.config);
    EXPECT_EQ(seen(by_object, Split::train, SplitBy::object).examples, 1);
    EXPECT_EQ(seen(by_object, Split::test, SplitBy::object).examples, 0);
    EXPECT_EQ(seen(by_object, Split::test, SplitBy::object).objects, 0);
    EXPECT_EQ(seen(by_example, Split::test, SplitBy::example).examples, 0);
    EXPECT_EQ(seen(by_example, Split::test, SplitBy::example).objects, 1) << "their other grasps are in training";

    // Across the splits, by counting.
    const auto training = dataset.indices(Split::train, SplitBy::example, 11),
               test = dataset.indices(Split::test, SplitBy::object);
    const std::set<std::size_t> known(training.begin(), training.end());
    const auto count = std::ranges::count_if(test, [&](std::size_t i) { return known.contains(i); });
    const SeenShares crossed = seen(by_example, Split::test, SplitBy::object);
    EXPECT_NEAR(crossed.examples, static_cast<double>(count) / static_cast<double>(test.size()), 1e-15);
    EXPECT_GT(crossed.examples, 0.2);
}

TEST(SeenInTraining, IsUnknownOfOtherData) {
    WindowDataset dataset = synthetic_windows(60, 4, 1);
    use(dataset, divided(0.5, 0.3, 0.2));
    const auto test = dataset.indices(Split::test);
    const SeenShares stranger = seen_in_training({"seed", nlohmann::json::object(), {}}, dataset, test);
    EXPECT_TRUE(std::isnan(stranger.examples) && std::isnan(stranger.objects));
    // The same objects in other data: no object seen, no example seen; else who knows about the examples.
    auto more = divided(0.5, 0.3, 0.2);
    more["examples"] = 9;
    EXPECT_EQ(seen_in_training(trained("object", 1, more), dataset, test).examples, 0);
    const SeenShares training = seen_in_training(trained("object", 1, more), dataset, dataset.indices(Split::train));
    EXPECT_EQ(training.objects, 1);
    EXPECT_TRUE(std::isnan(training.examples));
}

}  // namespace
}  // namespace ebgrasp
