#include "ebgrasp/training/loss.hpp"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;
using Loss = std::function<Tensor(const Tensor& energies, const Tensor& success, double temperature)>;

struct Batch {
    std::vector<double> energies;
    std::vector<bool> success;

    Tensor energy_tensor() const { return torch::tensor(energies, torch::kDouble); }
    Tensor success_tensor() const {
        Tensor tensor = torch::empty({static_cast<std::int64_t>(success.size())}, torch::kBool);
        for (std::size_t i = 0; i < success.size(); ++i) tensor[static_cast<std::int64_t>(i)] = bool(success[i]);
        return tensor;
    }
};

Batch random_batch(std::size_t count, double spread, std::uint64_t seed) {
    RandomStream random(seed);
    Batch batch;
    for (std::size_t i = 0; i < count; ++i) {
        batch.energies.push_back(random.normal(0, spread));
        batch.success.push_back(i == 0 || (i > 1 && random.bernoulli(0.3)));  // at least one of either label
    }
    return batch;
}

/// The formula as the seed's authors write it.
double naive_nce(const Batch& batch, double temperature) {
    double failures = 0, sum = 0, successes = 0;
    for (std::size_t j = 0; j < batch.energies.size(); ++j)
        if (!batch.success[j]) failures += std::exp(-batch.energies[j] / temperature);
    for (std::size_t i = 0; i < batch.energies.size(); ++i) {
        if (!batch.success[i]) continue;
        const double scaled = batch.energies[i] / temperature;
        sum += scaled + std::log(std::exp(-scaled) + failures);
        ++successes;
    }
    return sum / successes;
}

double naive_bce(const Batch& batch, double temperature) {
    double sum = 0;
    for (std::size_t i = 0; i < batch.energies.size(); ++i) {
        const double p = 1 / (1 + std::exp(batch.energies[i] / temperature));
        sum -= std::log(batch.success[i] ? p : 1 - p);
    }
    return sum / static_cast<double>(batch.energies.size());
}

double value(const Loss& loss, const Batch& batch, double temperature) {
    return loss(batch.energy_tensor(), batch.success_tensor(), temperature).item<double>();
}

struct Case {
    const char* name;
    Loss loss;
    std::function<double(const Batch&, double)> naive;
};

class LossTest : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Losses, LossTest,
                         testing::Values(Case{"nce", nce_loss, naive_nce}, Case{"bce", bce_loss, naive_bce}),
                         [](const auto& info) { return info.param.name; });

TEST_P(LossTest, IsItsFormula) {
    for (const double temperature : {0.5, 1.0, 10.0, 1000.0})
        for (const std::size_t count : {2UL, 7UL, 512UL}) {
            const Batch batch = random_batch(count, 3 * temperature, count);
            // PyTorch's softplus is linear beyond 20, where it is off by less than exp(-20)
            EXPECT_NEAR(value(GetParam().loss, batch, temperature), GetParam().naive(batch, temperature), 3e-9);
        }
}

TEST_P(LossTest, GradientIsThatOfItsValue) {
    constexpr double temperature = 2, step = 1e-5;
    const Batch batch = random_batch(9, 3, 1);
    const Tensor energies = batch.energy_tensor().requires_grad_();
    GetParam().loss(energies, batch.success_tensor(), temperature).backward();
    for (std::size_t i = 0; i < batch.energies.size(); ++i) {
        Batch high = batch, low = batch;
        high.energies[i] += step;
        low.energies[i] -= step;
        const double slope = (GetParam().naive(high, temperature) - GetParam().naive(low, temperature)) / (2 * step);
        EXPECT_NEAR(energies.grad()[static_cast<std::int64_t>(i)].item<double>(), slope, 1e-8);
        EXPECT_EQ(slope > 0, batch.success[i]) << "descent lowers successes and lifts failures";
    }
}

TEST_P(LossTest, OnlyTheRatioOfEnergyAndTemperatureCounts) {
    const Batch batch = random_batch(64, 3, 2);
    Batch scaled = batch;
    for (double& energy : scaled.energies) energy *= 100;
    EXPECT_NEAR(value(GetParam().loss, batch, 1.5), value(GetParam().loss, scaled, 150), 1e-12);
}

TEST_P(LossTest, StaysFiniteAtExtremeEnergies) {
    for (const double sign : {-1.0, 1.0}) {
        // success, success, failure, failure: in float, as in training
        const Tensor energies = torch::tensor({sign * 1e4, 0.0, -sign * 1e4, 0.0}, torch::kFloat).requires_grad_();
        const Tensor loss = GetParam().loss(energies, torch::tensor({true, true, false, false}), 1);
        loss.backward();
        EXPECT_TRUE(std::isfinite(loss.item<double>()));
        EXPECT_TRUE(energies.grad().isfinite().all().item<bool>());
    }
}

TEST(NceLoss, OfTwoSuccessesAndTwoFailures) {
    // Energies ln 2 and ln 4 against ln 1 and ln 2: weights exp(-E) are 1/2, 1/4 and 1, 1/2, so that
    // L = (log((1/2 + 3/2) / (1/2)) + log((1/4 + 3/2) / (1/4))) / 2 = (log 4 + log 7) / 2.
    const Batch batch{{std::log(2.0), 0, std::log(4.0), std::log(2.0)}, {true, false, true, false}};
    EXPECT_NEAR(value(nce_loss, batch, 1), 0.5 * std::log(28.0), 1e-12);
}

TEST(NceLoss, IgnoresACommonShift) {
    const Batch batch = random_batch(64, 3, 3);
    Batch shifted = batch;
    for (double& energy : shifted.energies) energy += 1234;
    EXPECT_NEAR(value(nce_loss, batch, 2), value(nce_loss, shifted, 2), 1e-9);
}

TEST(NceLoss, IsZeroWithoutSuccessesOrWithoutFailures) {
    for (const bool success : {false, true}) {
        const Tensor energies = torch::tensor({-3.0, 5.0}).requires_grad_();
        const Tensor loss = nce_loss(energies, torch::tensor({success, success}), 1);
        loss.backward();
        EXPECT_EQ(loss.item<double>(), 0);
        EXPECT_TRUE(energies.grad().eq(0).all().item<bool>());
    }
}

}  // namespace
}  // namespace ebgrasp
