#include "ebgrasp/baselines/gaussian_mixture.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

namespace ebgrasp {
namespace {

using Eigen::Matrix2d, Eigen::MatrixXd, Eigen::Vector2d, Eigen::VectorXd;

struct Gaussian {
    double weight;
    Vector2d mean;
    Matrix2d factor;  // lower triangular

    double density(const Vector2d& x) const {
        const Matrix2d covariance = factor * factor.transpose();
        const Vector2d d = x - mean;
        return std::exp(-0.5 * d.dot(covariance.inverse() * d)) /
               (2 * std::numbers::pi * std::sqrt(covariance.determinant()));
    }
};

Matrix2d lower(double a, double b, double c) {
    Matrix2d factor;
    factor << a, 0, b, c;
    return factor;
}

const std::vector<Gaussian> truth = {{0.7, {0, 0}, lower(1, 0.5, 0.5)}, {0.3, {8, -5}, lower(0.3, 0, 2)}};

MatrixXd draw(const std::vector<Gaussian>& gaussians, int count, RandomStream& random) {
    MatrixXd points(count, 2);
    for (int i = 0; i < count; ++i) {
        const Gaussian& g = gaussians[random.uniform() < gaussians[0].weight ? 0 : 1];
        points.row(i) = g.mean + g.factor * Vector2d(random.normal(), random.normal());
    }
    return points;
}

MatrixXd covariance_of(const MatrixXd& points) {
    const MatrixXd centered = points.rowwise() - points.colwise().mean();
    return centered.transpose() * centered / double(points.rows());
}

TEST(GaussianMixture, OfOneComponentHasTheMomentsOfThePoints) {
    RandomStream random(1);
    const MatrixXd points = draw(truth, 200, random);
    const GaussianMixture mixture(points, 1, 0.01, random);
    const auto& [weight, mean, factor] = mixture.components().at(0);
    EXPECT_NEAR(weight, 1, 1e-12);
    EXPECT_LT((mean - points.colwise().mean().transpose()).norm(), 1e-9);
    const Matrix2d expected = covariance_of(points) + 0.01 * Matrix2d::Identity();
    EXPECT_LT((factor * factor.transpose() - expected).norm(), 1e-9);
}

TEST(GaussianMixture, FindsTheComponentsThatDrewThePoints) {
    RandomStream random(2);
    const MatrixXd points = draw(truth, 4000, random);
    const GaussianMixture mixture(points, 2, 1e-6, random);
    for (const Gaussian& expected : truth) {
        const auto nearest = std::ranges::min_element(
            mixture.components(), {}, [&](const auto& component) { return (component.mean - expected.mean).norm(); });
        EXPECT_NEAR(nearest->weight, expected.weight, 0.02);
        EXPECT_LT((nearest->mean - expected.mean).norm(), 0.2);
        EXPECT_LT((nearest->factor - expected.factor).norm(), 0.15);
    }
}

TEST(GaussianMixture, LikelihoodIsTheMeanLogOfTheWeightedDensities) {
    RandomStream random(3);
    const MatrixXd points = draw(truth, 500, random);
    const GaussianMixture mixture(points, 2, 1e-6, random);
    double expected = 0, of_truth = 0;
    for (const auto& row : points.rowwise()) {
        double density = 0, true_density = 0;
        for (const auto& c : mixture.components())
            density += c.weight * Gaussian{c.weight, c.mean, c.factor}.density(row.transpose());
        for (const Gaussian& g : truth) true_density += g.weight * g.density(row.transpose());
        expected += std::log(density) / 500;
        of_truth += std::log(true_density) / 500;
    }
    EXPECT_NEAR(mixture.mean_log_likelihood(points), expected, 1e-9);
    EXPECT_GT(expected, of_truth - 1e-3) << "the fit explains its points at least as well as what drew them";
}

TEST(GaussianMixture, SamplesHaveItsMoments) {
    RandomStream random(4);
    const MatrixXd points = draw(truth, 300, random);
    const GaussianMixture mixture(points, 2, 1e-6, random);
    MatrixXd samples(20'000, 2);
    for (Eigen::Index i = 0; i < samples.rows(); ++i) samples.row(i) = mixture.sample(random);
    // Expectation maximisation keeps the points' mean and covariance exactly.
    EXPECT_LT((samples.colwise().mean() - points.colwise().mean()).norm(), 0.1);
    EXPECT_LT((covariance_of(samples) - covariance_of(points)).norm(), 0.05 * covariance_of(points).norm());
}

TEST(GaussianMixture, TakesPointsThatDegenerate) {
    RandomStream random(5);
    const MatrixXd one = MatrixXd::Constant(1, 5, 2.0), alike = MatrixXd::Constant(10, 5, 2.0);
    for (const auto& [points, components] : {std::pair{one, 1}, {one, 3}, {alike, 4}}) {
        const GaussianMixture mixture(points, components, 0.01, random);
        double weight = 0;
        for (const auto& component : mixture.components()) weight += component.weight;
        EXPECT_NEAR(weight, 1, 1e-9);
        for (int i = 0; i < 100; ++i) {
            const VectorXd sample = mixture.sample(random);
            ASSERT_TRUE(sample.allFinite());
            EXPECT_LT((sample.array() - 2).abs().maxCoeff(), 0.6) << "six times the regularised deviation of 0.1";
        }
    }
}

}  // namespace
}  // namespace ebgrasp
