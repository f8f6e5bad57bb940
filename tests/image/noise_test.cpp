#include "ebgrasp/image/noise.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr NoiseParameters quiet{.gamma_shape = 0, .gp_probability = 0, .edge_missing_probability = 0};

/// A flat image of depth 0.7 m, the right half 5 cm nearer.
DepthImage step_image(int height = 120, int width = 160) {
    DepthImage image{DepthArray::Constant(height, width, 0.7f), {height, width, 525, 525, width / 2.0, height / 2.0}};
    image.depth.rightCols(width / 2) = 0.65f;
    return image;
}

DepthImage noisy(DepthImage image, const NoiseParameters& parameters, std::uint64_t seed) {
    RandomStream random(seed);
    add_noise(image, parameters, random);
    return image;
}

TEST(Noise, WithoutAnyIsTheIdentity) {
    const DepthImage image = step_image();
    EXPECT_TRUE((noisy(image, quiet, 1).depth == image.depth).all());
}

TEST(Noise, TheGainIsOneGammaNumberPerImage) {
    NoiseParameters parameters = quiet;
    parameters.gamma_shape = 1000;
    double sum = 0, squares = 0;
    constexpr int trials = 5000;
    for (int seed = 0; seed < trials; ++seed) {
        const DepthImage image = noisy(step_image(4, 4), parameters, static_cast<std::uint64_t>(seed));
        const double gain = image.depth(0, 0) / 0.7;
        EXPECT_NEAR(image.depth(3, 3) / 0.65, gain, 1e-6);
        sum += gain;
        squares += gain * gain;
    }
    const double mean = sum / trials;
    EXPECT_NEAR(mean, 1.0, 0.002);
    EXPECT_NEAR(std::sqrt(squares / trials - mean * mean), std::sqrt(1.0 / 1000), 0.0015);
}

TEST(Noise, TheFieldIsCorrelatedOverItsScaleAndNotBeyond) {
    NoiseParameters parameters = quiet;
    parameters.gp_probability = 1;
    double variance = 0, near = 0, far = 0;
    int count = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const DepthArray field = noisy(step_image(), parameters, seed).depth - step_image().depth;
        for (int row = 8; row < 112; ++row)
            for (int col = 8; col < 136; ++col, ++count) {
                variance += field(row, col) * field(row, col);
                near += field(row, col) * field(row, col + 1);
                far += field(row, col) * field(row, col + 16);
            }
    }
    // Bicubic interpolation of independent nodes keeps between 0.3 (halfway in both directions) and 1 of their
    // variance.
    EXPECT_GT(std::sqrt(variance / count), 0.5 * parameters.gp_sigma);
    EXPECT_LT(std::sqrt(variance / count), 1.0 * parameters.gp_sigma);
    EXPECT_GT(near / variance, 0.8);
    EXPECT_NEAR(far / variance, 0.0, 0.05);
}

TEST(Noise, TheFieldComesWithItsProbability) {
    NoiseParameters parameters = quiet;
    parameters.gp_probability = 0.5;
    int changed = 0;
    for (std::uint64_t seed = 0; seed < 1000; ++seed)
        changed += !(noisy(step_image(8, 8), parameters, seed).depth == step_image(8, 8).depth).all();
    EXPECT_NEAR(changed, 500, 60);
}

TEST(Noise, PixelsGoMissingAtDepthEdgesOnly) {
    NoiseParameters parameters = quiet;
    parameters.edge_missing_probability = 0.3;
    int missing = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const DepthImage image = noisy(step_image(), parameters, seed);
        EXPECT_TRUE((image.depth.leftCols(79) > 0).all());
        EXPECT_TRUE((image.depth.rightCols(79) > 0).all());
        missing += static_cast<int>((image.depth == 0).count());
    }
    EXPECT_NEAR(missing / (20.0 * 240), 0.3, 0.03);
}

TEST(Noise, MissingPixelsStayMissing) {
    DepthImage image = step_image();
    image.depth.topRows(10).setZero();
    image.depth.row(20).setConstant(std::nanf(""));
    const DepthImage result = noisy(image, {.gp_probability = 1}, 3);
    EXPECT_TRUE((result.depth.topRows(10) == 0).all());
    EXPECT_TRUE(result.depth.row(20).isNaN().all());
    EXPECT_TRUE((result.depth.block(11, 0, 8, 70) > 0.5f).all());
}

TEST(Noise, IsAFunctionOfTheSeed) {
    const NoiseParameters parameters{.gp_probability = 1};
    EXPECT_TRUE((noisy(step_image(), parameters, 5).depth == noisy(step_image(), parameters, 5).depth).all());
    EXPECT_FALSE((noisy(step_image(), parameters, 5).depth == noisy(step_image(), parameters, 6).depth).all());
}

TEST(Noise, OddSizesAndScales) {
    NoiseParameters parameters{.gp_probability = 1, .gp_scale = 7.5};
    EXPECT_TRUE((noisy(step_image(13, 1), parameters, 1).depth > 0).all());
    EXPECT_TRUE((noisy(step_image(1, 14), parameters, 1).depth.leftCols(6) > 0).all());
    parameters.gp_scale = 0.5;
    EXPECT_THROW(noisy(step_image(), parameters, 1), Error);
}

}  // namespace
}  // namespace ebgrasp
