#include "ebgrasp/evaluation/evaluation.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/evaluation/metrics.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;

TEST(Evaluation, HoldsTheMetricsOfItsEnergies) {
    RandomStream random(2);
    std::vector<float> energies;
    std::vector<std::uint8_t> success;
    for (int i = 0; i < 1000; ++i) {
        success.push_back(random.bernoulli(0.3));
        energies.push_back(static_cast<float>(random.normal(success.back() ? -1 : 1, 1.5)));
    }
    EvaluationOptions options{.temperature = 2, .batch_size = 1000, .shuffles = 3};
    options.calibration = PlattScaling{0.7, 0.3};
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
    EXPECT_EQ(evaluation.accuracy, accuracy(probabilities, success));
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
    EXPECT_THAT(keys, ElementsAre("accuracy", "alignment", "alignment_spread", "average_precision", "ece", "loss",
                                  "negatives", "positives", "precision_at_recall_50", "roc_auc"));
    for (const char* key : {"accuracy", "ece"}) EXPECT_TRUE(json[key].is_null()) << key << " without a calibration";
    EXPECT_EQ(json["roc_auc"], 1.0);
    EXPECT_EQ(json["negatives"], 2);

    const nlohmann::json none = evaluate(energies, std::vector<std::uint8_t>{0, 0, 0});
    for (const char* key : {"loss", "alignment", "alignment_spread", "roc_auc", "average_precision"})
        EXPECT_TRUE(none[key].is_null()) << key;
}

TEST(CalibrationScores, AreThoseOfTheProbabilities) {
    const std::vector<float> energies = {-1, 0, 1, 2};
    const std::vector<std::uint8_t> success = {1, 0, 1, 0};
    const Calibration calibration = PlattScaling{1.5, -0.2};
    const std::vector<double> predicted = probabilities(calibration, energies);
    for (std::size_t i = 0; i < energies.size(); ++i) EXPECT_EQ(predicted[i], calibration.probability(energies[i]));
    const CalibrationScores scores = calibration_scores(calibration, energies, success);
    EXPECT_EQ(scores.ece, expected_calibration_error(predicted, success));
    EXPECT_EQ(scores.brier, brier_score(predicted, success));
    EXPECT_EQ(scores.log_loss, log_loss(predicted, success));
}

}  // namespace
}  // namespace ebgrasp
