#include "ebgrasp/baselines/gaussian_mixture.hpp"

#include <Eigen/Cholesky>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

namespace ebgrasp {
namespace {

using Eigen::MatrixXd, Eigen::VectorXd;
using Component = GaussianMixture::Component;

constexpr int max_iterations = 100, max_means_iterations = 30;
constexpr double tolerance = 1e-3;

/// Index of the nearest row of `centers`, and the squared distance to it.
std::pair<Eigen::Index, double> nearest(const MatrixXd& centers, const VectorXd& point) {
    Eigen::Index index;
    const double distance = (centers.rowwise() - point.transpose()).rowwise().squaredNorm().minCoeff(&index);
    return {index, distance};
}

/// An index drawn with probability proportional to `weights`; any index if all are 0.
Eigen::Index draw(const VectorXd& weights, RandomStream& random) {
    double rest = random.uniform() * weights.sum();
    for (Eigen::Index i = 0; i + 1 < weights.size(); ++i) {
        rest -= weights[i];
        if (rest < 0) return i;
    }
    return weights.size() - 1;
}

/// k-means++: each centre is a point, drawn by its squared distance to the centres before it.
MatrixXd spread_centers(const MatrixXd& points, int count, RandomStream& random) {
    MatrixXd centers(count, points.cols());
    VectorXd weights = VectorXd::Ones(points.rows());
    for (int k = 0; k < count; ++k) {
        centers.row(k) = points.row(draw(weights, random));
        for (Eigen::Index i = 0; i < points.rows(); ++i)
            weights[i] = nearest(centers.topRows(k + 1), points.row(i)).second;
    }
    return centers;
}

/// Each point's cluster by Lloyd's iterations, as responsibilities: points x clusters, of 0 and 1.
MatrixXd cluster(const MatrixXd& points, int count, RandomStream& random) {
    MatrixXd centers = spread_centers(points, count, random);
    MatrixXd membership, previous = MatrixXd::Zero(points.rows(), count);
    for (int iteration = 0; iteration < max_means_iterations; ++iteration) {
        membership = MatrixXd::Zero(points.rows(), count);
        for (Eigen::Index i = 0; i < points.rows(); ++i) membership(i, nearest(centers, points.row(i)).first) = 1;
        if (membership == previous) break;
        for (int k = 0; k < count; ++k)
            if (const double size = membership.col(k).sum(); size > 0)
                centers.row(k) = membership.col(k).transpose() * points / size;
        previous = membership;
    }
    return membership;
}

/// M step: the components that fit the responsibilities (points x components).
std::vector<Component> maximize(const MatrixXd& points, const MatrixXd& responsibilities, double regularization) {
    constexpr double least = 10 * std::numeric_limits<double>::epsilon();  // size of an empty component
    std::vector<Component> components;
    for (Eigen::Index k = 0; k < responsibilities.cols(); ++k) {
        const VectorXd r = responsibilities.col(k);
        const double size = r.sum() + least;
        const VectorXd mean = points.transpose() * r / size;
        const MatrixXd centered = points.rowwise() - mean.transpose();
        MatrixXd covariance = centered.transpose() * r.asDiagonal() * centered / size;
        covariance.diagonal().array() += regularization;
        components.push_back({size / static_cast<double>(points.rows()), mean, covariance.llt().matrixL()});
    }
    return components;
}

/// log (weight p(point)) of each point and component.
MatrixXd log_densities(const MatrixXd& points, const std::vector<Component>& components) {
    MatrixXd logs(points.rows(), static_cast<Eigen::Index>(components.size()));
    for (std::size_t k = 0; k < components.size(); ++k) {
        const auto& [weight, mean, factor] = components[k];
        const MatrixXd whitened =
            factor.triangularView<Eigen::Lower>().solve((points.rowwise() - mean.transpose()).transpose());
        const double constant = std::log(weight) - factor.diagonal().array().log().sum() -
                                0.5 * static_cast<double>(points.cols()) * std::log(2 * std::numbers::pi);
        logs.col(static_cast<Eigen::Index>(k)) = constant - 0.5 * whitened.colwise().squaredNorm().transpose().array();
    }
    return logs;
}

/// log sum exp of each row.
VectorXd log_sums(const MatrixXd& logs) {
    const VectorXd largest = logs.rowwise().maxCoeff();
    return largest.array() + (logs.colwise() - largest).array().exp().rowwise().sum().log();
}

}  // namespace

GaussianMixture::GaussianMixture(const MatrixXd& points, int components, double regularization, RandomStream& random) {
    assert(points.rows() > 0 && components > 0);
    components_ = maximize(points, cluster(points, components, random), regularization);
    double likelihood = -std::numeric_limits<double>::infinity();
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
        const MatrixXd logs = log_densities(points, components_);
        const VectorXd sums = log_sums(logs);
        if (sums.mean() - likelihood < tolerance) break;
        likelihood = sums.mean();
        components_ = maximize(points, (logs.colwise() - sums).array().exp(), regularization);
    }
}

VectorXd GaussianMixture::sample(RandomStream& random) const {
    VectorXd weights(static_cast<Eigen::Index>(components_.size()));
    for (std::size_t k = 0; k < components_.size(); ++k) weights[static_cast<Eigen::Index>(k)] = components_[k].weight;
    const Component& component = components_[static_cast<std::size_t>(draw(weights, random))];
    VectorXd normal(component.mean.size());
    for (double& value : normal) value = random.normal();
    return component.mean + component.factor * normal;
}

double GaussianMixture::mean_log_likelihood(const MatrixXd& points) const {
    return log_sums(log_densities(points, components_)).mean();
}

}  // namespace ebgrasp
