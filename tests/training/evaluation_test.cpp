#include "ebgrasp/training/evaluation.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/training/metrics.hpp"
#include "training/synthetic_windows.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;

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

class NoWindows : public EnergyModel {
  public:
    std::string name() const override { return "blind"; }
    ViewSpec view() const override { return {}; }
    std::unique_ptr<EncodedView> encode(const DepthImage&, const Mask&) const override { return nullptr; }
    std::optional<double> success_probability(double) const override { return {}; }
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

TEST(Evaluation, HoldsTheMetricsOfItsEnergies) {
    RandomStream random(2);
    std::vector<float> energies;
    std::vector<std::uint8_t> success;
    for (int i = 0; i < 1000; ++i) {
        success.push_back(random.bernoulli(0.3));
        energies.push_back(static_cast<float>(random.normal(success.back() ? -1 : 1, 1.5)));
    }
    EvaluationOptions options{.temperature = 2, .batch_size = 1000, .shuffles = 3};
    options.calibration = Calibration{0.7, 0.3};
    const Evaluation evaluation = evaluate(energies, success, options);

    double failures = 0, loss = 0, successes = 0;
    std::vector<double> probabilities;
    for (std::size_t i = 0; i < energies.size(); ++i) {
        if (!success[i]) failures += std::exp(-energies[i] / 2.0);
        probabilities.push_back(options.calibration->probability(energies[i]));
    }
    for (std::size_t i = 0; i < energies.size(); ++i) {
        if (!success[i]) continue;
        loss += energies[i] / 2.0 + std::log(std::exp(-energies[i] / 2.0) + failures);
        ++successes;
    }
    EXPECT_NEAR(evaluation.loss, loss / successes, 1e-9) << "one batch holds all examples, whatever the shuffle";
    EXPECT_EQ(evaluation.alignment, alignment(energies, success, 1000, 3).mean);
    EXPECT_EQ(evaluation.roc_auc, roc_auc(energies, success));
    EXPECT_EQ(evaluation.average_precision, average_precision(energies, success));
    EXPECT_EQ(evaluation.precision_at_recall_50, precision_at_recall(energies, success, 0.5));
    EXPECT_EQ(evaluation.ece, expected_calibration_error(probabilities, success));
    EXPECT_EQ(evaluation.positives, static_cast<std::size_t>(successes));
    EXPECT_EQ(evaluation.positives + evaluation.negatives, 1000U);
}

TEST(Evaluation, LossStaysFiniteAtExtremeEnergies) {
    const std::vector<float> energies = {1e4F, -1e4F, 0};
    const std::vector<std::uint8_t> success = {1, 0, 0};
    EXPECT_NEAR(evaluate(energies, success, {.temperature = 1}).loss, 2e4, 1e-6);
}

TEST(Evaluation, JsonHasItsFieldsAndNullsWhereUndefined) {
    const std::vector<float> energies = {1, 2, 3};
    const nlohmann::json json = evaluate(energies, std::vector<std::uint8_t>{1, 0, 0});
    std::vector<std::string> keys;
    for (const auto& item : json.items()) keys.push_back(item.key());
    EXPECT_THAT(keys, ElementsAre("alignment", "alignment_spread", "average_precision", "ece", "loss", "negatives",
                                  "positives", "precision_at_recall_50", "roc_auc"));
    EXPECT_TRUE(json["ece"].is_null()) << "without a calibration";
    EXPECT_EQ(json["roc_auc"], 1.0);
    EXPECT_EQ(json["negatives"], 2);

    const nlohmann::json none = evaluate(energies, std::vector<std::uint8_t>{0, 0, 0});
    for (const char* key : {"loss", "alignment", "alignment_spread", "roc_auc", "average_precision"})
        EXPECT_TRUE(none[key].is_null()) << key;
}

TEST(Evaluation, TakesTheModelsOwnCalibration) {
    const WindowDataset dataset = synthetic_windows(20, 5, 1);
    const std::vector<std::size_t> indices = shuffled(dataset.examples.size());
    const Calibration calibration{0.01, 1.0};
    const WindowEnergyModel model("linear", std::make_unique<LinearNetwork>(), calibration);
    EvaluationOptions options;
    options.calibration = calibration;
    EXPECT_EQ(nlohmann::json(evaluate(model, dataset, indices)),
              nlohmann::json(evaluate(LinearNetwork(), dataset, indices, options)));
    EXPECT_THROW(evaluate(NoWindows(), dataset, indices), Error);
}

}  // namespace
}  // namespace ebgrasp
