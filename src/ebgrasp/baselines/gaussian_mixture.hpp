// Mixtures of Gaussians: fitted to points, sampled from.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {

class GaussianMixture {
  public:
    struct Component {
        double weight;  ///< they sum to 1
        Eigen::VectorXd mean;
        Eigen::MatrixXd factor;  ///< lower triangular; covariance = factor factor^T
    };

    /// Expectation maximisation (Dempster, Laird and Rubin, 1977) with full covariances from a k-means++ start (Arthur
    /// and Vassilvitskii, 2007), until the mean log-likelihood of `points` (one a row) rises by less than 1e-3, at most
    /// 100 times. `regularization` is added to each variance. As scikit-learn does it, which GQ-CNN's policy uses.
    /// Needs at least one point and one component.
    GaussianMixture(const Eigen::MatrixXd& points, int components, double regularization, RandomStream& random);

    const std::vector<Component>& components() const { return components_; }
    Eigen::VectorXd sample(RandomStream& random) const;
    /// Mean over the rows of log p(row).
    double mean_log_likelihood(const Eigen::MatrixXd& points) const;

  private:
    std::vector<Component> components_;
};

}  // namespace ebgrasp
