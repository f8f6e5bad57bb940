#include "ebgrasp/evaluation/calibration_fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

void check_energies(std::span<const float> energies, std::size_t labels) {
    require(energies.size() == labels, energies.size(), " energies for ", labels, " labels");
    for (const float energy : energies)
        require(std::isfinite(energy), "an energy is ", energy,
                ": the network has diverged or its weights are unusable");
}

/// What stands for 0 and 1.
struct Targets {
    double failure, success;
    double operator()(std::uint8_t label) const { return label ? success : failure; }
};

Targets smoothed_targets(std::span<const std::uint8_t> success) {
    const auto successes = static_cast<double>(std::ranges::count_if(success, [](auto label) { return label != 0; }));
    const double failures = static_cast<double>(success.size()) - successes;
    require(successes > 0 && failures > 0, "calibration needs successes and failures, but there are ", successes,
            " and ", failures);
    return {1 / (failures + 2), (successes + 1) / (successes + 2)};
}

Eigen::VectorXd target_vector(std::span<const std::uint8_t> success) {
    const Targets target = smoothed_targets(success);
    Eigen::VectorXd targets(static_cast<Eigen::Index>(success.size()));
    std::ranges::transform(success, targets.begin(), target);
    return targets;
}

double log_odds_against(double probability) { return std::log((1 - probability) / probability); }

/// -log likelihood of p = 1 / (1 + exp(f)), f = a z + b, as a function of w = (a, b).
class PlattObjective {
  public:
    PlattObjective(Eigen::VectorXd z, Eigen::VectorXd targets) : z_(std::move(z)), targets_(std::move(targets)) {}

    /// Sum of t f + log(1 + exp(-f)), which does not overflow as it is written here.
    double value(const Eigen::Vector2d& w) const {
        const Eigen::ArrayXd f = exponents(w);
        return (targets_.array() * f + (-f).max(0.0) + (-f.abs()).exp().log1p()).sum();
    }

    struct Derivatives {
        Eigen::Vector2d gradient;
        Eigen::Matrix2d hessian;
    };
    Derivatives derivatives(const Eigen::Vector2d& w) const {
        const Eigen::ArrayXd p = 1 / (1 + exponents(w).exp());
        const Eigen::ArrayXd residual = targets_.array() - p, weight = p * (1 - p);
        const double mixed = (weight * z_.array()).sum();
        Derivatives d;
        d.gradient << (residual * z_.array()).sum(), residual.sum();
        d.hessian << (weight * z_.array().square()).sum(), mixed, mixed, weight.sum();
        return d;
    }

  private:
    Eigen::ArrayXd exponents(const Eigen::Vector2d& w) const { return w[0] * z_.array() + w[1]; }

    Eigen::VectorXd z_, targets_;
};

Eigen::Vector2d minimize(const PlattObjective& objective, Eigen::Vector2d w, double gradient_tolerance) {
    constexpr int max_iterations = 100;
    constexpr double ridge = 1e-12, min_step = 1e-10, sufficient_decrease = 1e-4;
    double value = objective.value(w);
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
        const auto [gradient, hessian] = objective.derivatives(w);
        if (gradient.cwiseAbs().maxCoeff() < gradient_tolerance) break;
        const Eigen::Vector2d direction = -(hessian + ridge * Eigen::Matrix2d::Identity()).inverse() * gradient;
        const double slope = gradient.dot(direction);
        double step = 1, next = objective.value(w + direction);
        for (; step >= min_step && next >= value + sufficient_decrease * step * slope; step /= 2)
            next = objective.value(w + step / 2 * direction);
        if (step < min_step) break;
        w += step * direction;
        value = next;
    }
    return w;
}

/// Examples of neighbouring energies that share one probability.
struct Block {
    double first, last;  ///< energies
    double sum, count;   ///< of the targets
    double mean() const { return sum / count; }
};

/// Each energy of the sample once, rising.
std::vector<Block> single_energies(std::span<const float> energies, std::span<const std::uint8_t> success,
                                   const Targets& target) {
    std::vector<std::size_t> order(energies.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return energies[i]; });
    std::vector<Block> blocks;
    for (const std::size_t i : order) {
        if (blocks.empty() || energies[i] != blocks.back().last) blocks.push_back({energies[i], energies[i], 0, 0});
        blocks.back().sum += target(success[i]);
        blocks.back().count += 1;
    }
    return blocks;
}

}  // namespace

PlattScaling fit_platt(std::span<const float> energies, std::span<const std::uint8_t> success) {
    check_energies(energies, success.size());
    Eigen::VectorXd targets = target_vector(success);
    const auto count = targets.size();
    Eigen::VectorXd z = Eigen::Map<const Eigen::VectorXf>(energies.data(), count).cast<double>();

    // Fitted to standardised energies, so that the tolerances mean the same whatever their scale.
    const double mean = z.mean();
    z.array() -= mean;
    const double deviation = std::sqrt(z.squaredNorm() / static_cast<double>(count));
    const double scale = deviation > 0 ? deviation : 1.0;
    z /= scale;
    const Eigen::Vector2d start(0, log_odds_against(targets.mean()));
    const Eigen::Vector2d w =
        minimize(PlattObjective(std::move(z), std::move(targets)), start, 1e-9 * static_cast<double>(count));
    return {w[0] / scale, w[1] - w[0] * mean / scale};
}

PlattScaling base_rate(std::span<const std::uint8_t> success) {
    return {0, log_odds_against(target_vector(success).mean())};
}

IsotonicTable fit_isotonic(std::span<const float> energies, std::span<const std::uint8_t> success) {
    check_energies(energies, success.size());
    std::vector<Block> pooled;
    for (Block block : single_energies(energies, success, smoothed_targets(success))) {
        for (; !pooled.empty() && pooled.back().mean() <= block.mean(); pooled.pop_back()) {
            const Block& before = pooled.back();
            block = {before.first, block.last, before.sum + block.sum, before.count + block.count};
        }
        pooled.push_back(block);
    }
    IsotonicTable table;
    for (const Block& block : pooled) {
        table.energies.push_back(block.first);
        table.probabilities.push_back(block.mean());
        if (block.first == block.last) continue;
        table.energies.push_back(block.last);
        table.probabilities.push_back(block.mean());
    }
    return table;
}

}  // namespace ebgrasp
