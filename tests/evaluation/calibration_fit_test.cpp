#include "ebgrasp/evaluation/calibration_fit.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "evaluation/random_sample.hpp"

namespace ebgrasp {
namespace {

double target_of(const Sample& sample, std::size_t i) {
    const double successes = successes_of(sample), failures = static_cast<double>(sample.success.size()) - successes;
    return sample.success[i] ? (successes + 1) / (successes + 2) : 1 / (failures + 2);
}

/// Negative log likelihood of Platt's smoothed targets.
double platt_objective(const Sample& sample, const PlattScaling& scaling) {
    const Calibration calibration(scaling);
    double sum = 0;
    for (std::size_t i = 0; i < sample.energies.size(); ++i) {
        const double target = target_of(sample, i), p = calibration.probability(sample.energies[i]);
        sum -= target * std::log(p) + (1 - target) * std::log(1 - p);
    }
    return sum;
}

TEST(FitPlatt, MinimisesPlattsObjective) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        Sample sample = random_sample(200, 100 + seed);
        for (float& energy : sample.energies) energy = 300 + 20 * energy;  // far from standardised
        const PlattScaling fit = fit_platt(sample.energies, sample.success);
        EXPECT_GT(fit.slope, 0) << "a higher energy is less likely to succeed";
        // The objective is convex, so the minimum on a fine ring around the fit proves it: nowhere is it lower.
        const double lowest = platt_objective(sample, fit);
        for (int direction = 0; direction < 64; ++direction) {
            const double angle = 2 * std::numbers::pi * direction / 64, size = 1e-3;
            const double slope = fit.slope + size / 20 * std::cos(angle);
            // the offset is moved about the mean energy, where it is nearly independent of the slope
            const double offset = fit.offset + size * std::sin(angle) - (slope - fit.slope) * 300;
            EXPECT_GT(platt_objective(sample, {slope, offset}), lowest);
        }
    }
}

TEST(FitPlatt, RecoversTheLawThatDrewTheLabels) {
    constexpr PlattScaling law{0.8, -0.5};
    RandomStream random(6);
    Sample sample;
    for (int i = 0; i < 200'000; ++i) {
        sample.energies.push_back(static_cast<float>(random.normal(0, 2)));
        sample.success.push_back(random.bernoulli(Calibration(law).probability(sample.energies.back())));
    }
    const PlattScaling fit = fit_platt(sample.energies, sample.success);
    EXPECT_NEAR(fit.slope, law.slope, 0.02);  // standard errors are about 0.004 and 0.006
    EXPECT_NEAR(fit.offset, law.offset, 0.03);
}

TEST(FitPlatt, EndsOnSeparableAndConstantEnergies) {
    const Calibration separable = fit_platt(Energies{-1, -1, 1, 1}, Labels{1, 1, 0, 0});
    EXPECT_GT(separable.probability(-1), 0.7);
    EXPECT_LT(separable.probability(1), 0.3);
    const Calibration constant = fit_platt(Energies(10, 5.0F), Labels{1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_NEAR(constant.probability(5), (3 * 4.0 / 5 + 7 * 1.0 / 9) / 10, 1e-6) << "the mean of Platt's targets";
}

TEST(BaseRate, IsTheMeanOfTheTargetsForEveryEnergy) {
    const Calibration constant = base_rate(Labels{1, 1, 1, 0, 0, 0, 0, 0, 0, 0});
    for (const double energy : {-5.0, 0.0, 5.0})
        EXPECT_NEAR(constant.probability(energy), (3 * 4.0 / 5 + 7 * 1.0 / 9) / 10, 1e-12);
}

/// The isotonic regression at energy e by its min-max formula (Barlow et al., "Statistical inference under order
/// restrictions", 1972, theorem 1.4): for falling functions the least, over lower ends a <= e, of the greatest, over
/// upper ends b >= e, mean target of the energies in [a, b]. Cubic in the number of examples, and pools nothing.
double min_max(const Sample& sample, float e) {
    double least = std::numeric_limits<double>::infinity();
    for (const float a : sample.energies) {
        if (a > e) continue;
        double greatest = -std::numeric_limits<double>::infinity();
        for (const float b : sample.energies) {
            if (b < e) continue;
            double sum = 0, count = 0;
            for (std::size_t i = 0; i < sample.energies.size(); ++i) {
                if (sample.energies[i] < a || sample.energies[i] > b) continue;
                sum += target_of(sample, i);
                ++count;
            }
            greatest = std::max(greatest, sum / count);
        }
        least = std::min(least, greatest);
    }
    return least;
}

TEST(FitIsotonic, IsTheMinMaxFormulaAtEveryExample) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        const Sample sample = random_sample(20 + 8 * seed, 300 + seed);
        const Calibration fit = fit_isotonic(sample.energies, sample.success);
        for (const float energy : sample.energies) EXPECT_NEAR(fit.probability(energy), min_max(sample, energy), 1e-12);
    }
}

TEST(FitIsotonic, TiesShareOneProbability) {
    // At energy 2 one of three succeeds; had its failures been pooled one by one, the success would have stood alone.
    const Calibration fit = fit_isotonic(Energies{1, 1, 2, 2, 2, 3}, Labels{1, 1, 1, 0, 0, 0});
    const double success = 4.0 / 5, failure = 1.0 / 5;
    EXPECT_NEAR(fit.probability(1), success, 1e-12);
    EXPECT_NEAR(fit.probability(2), (success + 2 * failure) / 3, 1e-12);
    EXPECT_NEAR(fit.probability(3), failure, 1e-12);
    EXPECT_NEAR(fit.probability(1.5), (success + (success + 2 * failure) / 3) / 2, 1e-12) << "linear between the steps";
}

TEST(FitIsotonic, IsConstantWhereEnergiesMisleadOrDoNotDiffer) {
    const double mean = (3 * 4.0 / 5 + 3 * 1.0 / 5) / 6;
    const Calibration reversed = fit_isotonic(Energies{1, 2, 3, 4, 5, 6}, Labels{0, 0, 0, 1, 1, 1});
    const Calibration constant = fit_isotonic(Energies(6, 1.0F), Labels{1, 0, 1, 0, 1, 0});
    for (const double energy : {-100.0, 1.0, 3.3, 100.0}) {
        EXPECT_NEAR(reversed.probability(energy), mean, 1e-12);
        EXPECT_NEAR(constant.probability(energy), mean, 1e-12);
    }
}

TEST(FitIsotonic, IsNeverCertain) {
    const Calibration fit = fit_isotonic(Energies{-1, -1, 1, 1}, Labels{1, 1, 0, 0});
    EXPECT_NEAR(fit.probability(-10), 3.0 / 4, 1e-12);
    EXPECT_NEAR(fit.probability(10), 1.0 / 4, 1e-12);
}

TEST(FitIsotonic, RecoversALawThatIsNotPlatts) {
    const auto law = [](double energy) { return energy < -1 ? 0.9 : energy < 1 ? 0.6 : 0.05; };
    RandomStream random(8);
    Sample sample;
    for (int i = 0; i < 100'000; ++i) {
        sample.energies.push_back(static_cast<float>(random.uniform(-3, 3)));
        sample.success.push_back(random.bernoulli(law(sample.energies.back())));
    }
    const Calibration fit = fit_isotonic(sample.energies, sample.success);
    for (const double energy : {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5})
        EXPECT_NEAR(fit.probability(energy), law(energy), 0.03) << energy;  // each step has 33 000 examples
}

TEST(CalibrationFits, RefuseWhatCannotBeFitted) {
    const auto refused = [](const Energies& energies, const Labels& success) {
        EXPECT_THROW(fit_platt(energies, success), Error);
        EXPECT_THROW(fit_isotonic(energies, success), Error);
    };
    refused({1, 2}, {0, 0});
    refused({1, 2}, {1, 1});
    refused({}, {});
    refused({1, 2, 3}, {1, 0});
    refused({0, std::numeric_limits<float>::quiet_NaN()}, {1, 0});
    refused({0, std::numeric_limits<float>::infinity()}, {1, 0});
}

}  // namespace
}  // namespace ebgrasp
