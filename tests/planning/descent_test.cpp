#include "ebgrasp/planning/descent.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

/// E = weighted squared distance to a target grasp, with its exact gradient.
class Bowl : public EncodedView {
  public:
    explicit Bowl(PlanarGrasp target, Eigen::Vector4d weights) : target_(target), weights_(weights) {}
    void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                  std::span<GraspGradient> gradients) const override {
        for (std::size_t i = 0; i < grasps.size(); ++i) {
            const auto& y = grasps[i];
            const Eigen::Vector4d d(y.row - target_.row, y.col - target_.col, y.depth - target_.depth,
                                    wrap_angle(y.angle - target_.angle));
            energies[i] = weights_.dot(d.cwiseProduct(d));
            if (!gradients.empty()) gradients[i] = 2 * weights_.cwiseProduct(d);
        }
    }

  private:
    PlanarGrasp target_;
    Eigen::Vector4d weights_;
};

const CameraIntrinsics camera;
const PlanarGrasp target{240, 320, 0.68, 0.4};
// Curvatures that suit the scales of the axes: 6 mm are 4.6 px at 0.68 m.
const Bowl bowl(target, {1 / 20.0, 1 / 20.0, 1 / 3.6e-5, 1 / 0.0625});

std::vector<PlanarGrasp> starts() {
    RandomStream random(1);
    std::vector<PlanarGrasp> grasps;
    for (int i = 0; i < 50; ++i)
        grasps.push_back({target.row + random.uniform(-8, 8), target.col + random.uniform(-8, 8),
                          target.depth + random.uniform(-0.01, 0.01),
                          wrap_angle(target.angle + random.uniform(-0.4, 0.4))});
    return grasps;
}

TEST(Descent, ReachesTheMinimumOfABowl) {
    auto grasps = starts();
    DescentOptions options;
    options.steps = 40;
    const auto energies = descend(bowl, camera, grasps, options);
    for (std::size_t i = 0; i < grasps.size(); ++i) {
        EXPECT_LT(energies[i], 0.05);
        EXPECT_NEAR(grasps[i].row, target.row, 1.0);
        EXPECT_NEAR(grasps[i].angle, target.angle, 0.06);
    }
}

TEST(Descent, ReturnsTheLowestEnergyVisited) {
    auto grasps = starts();
    std::vector<std::vector<DescentStep>> trace;
    const DescentOptions options;
    const auto energies = descend(bowl, camera, grasps, options, {}, &trace);
    for (std::size_t i = 0; i < grasps.size(); ++i) {
        ASSERT_EQ(trace[i].size(), static_cast<std::size_t>(options.steps) + 1);
        double lowest = trace[i].front().energy;
        for (const auto& step : trace[i]) lowest = std::min(lowest, step.energy);
        EXPECT_EQ(energies[i], lowest);
        double read_again;
        bowl.evaluate({&grasps[i], 1}, {&read_again, 1}, {});
        EXPECT_EQ(read_again, lowest);
    }
}

TEST(Descent, StepsAreBoundedInPhysicalUnitsWhateverTheEnergysScale) {
    // The same bowl a million times steeper takes the same steps.
    const Bowl steep(target, Eigen::Vector4d(1 / 20.0, 1 / 20.0, 1 / 3.6e-5, 1 / 0.0625) * 1e6);
    auto gentle_grasps = starts(), steep_grasps = starts();
    std::vector<std::vector<DescentStep>> gentle_trace, steep_trace;
    const DescentOptions options;
    descend(bowl, camera, gentle_grasps, options, {}, &gentle_trace);
    descend(steep, camera, steep_grasps, options, {}, &steep_trace);
    for (std::size_t i = 0; i < gentle_grasps.size(); ++i) {
        EXPECT_NEAR(gentle_grasps[i].row, steep_grasps[i].row, 1e-6);
        for (std::size_t t = 1; t < gentle_trace[i].size(); ++t) {
            const auto &a = gentle_trace[i][t - 1].grasp, &b = gentle_trace[i][t].grasp;
            const double metres = std::hypot(a.row - b.row, a.col - b.col) * a.depth / camera.fx;
            EXPECT_LE(metres, options.rate * options.translation * 1.001);
            EXPECT_LE(std::abs(a.depth - b.depth), options.rate * options.depth * 1.001);
            EXPECT_LE(std::abs(wrap_angle(a.angle - b.angle)), options.rate * options.angle * 1.001);
        }
    }
}

TEST(Descent, ProjectsEveryStep) {
    auto grasps = starts();
    for (auto& grasp : grasps) grasp.depth = std::min(grasp.depth, 0.675);
    std::vector<std::vector<DescentStep>> trace;
    descend(
        bowl, camera, grasps, {}, [](PlanarGrasp& y) { y.depth = std::min(y.depth, 0.675); }, &trace);
    for (const auto& path : trace)
        for (const auto& step : path) EXPECT_LE(step.grasp.depth, 0.675);
}

TEST(Descent, OtherSearchesLowerTheEnergyToo) {
    const auto mean_of = [](const std::vector<double>& values) {
        double sum = 0;
        for (const double value : values) sum += value / static_cast<double>(values.size());
        return sum;
    };
    auto grasps = starts();
    std::vector<double> first(grasps.size());
    bowl.evaluate(grasps, first, {});
    for (const Search search : {Search::langevin, Search::derivative_free}) {
        DescentOptions options{.search = search, .steps = 40};
        auto found = starts(), again = starts();
        const auto energies = descend(bowl, camera, found, options);
        EXPECT_LT(mean_of(energies), 0.25 * mean_of(first));
        for (std::size_t i = 0; i < energies.size(); ++i) EXPECT_LE(energies[i], first[i]);
        EXPECT_EQ(descend(bowl, camera, again, options), energies) << "same seed, same bytes";
        options.seed = 1;
        again = starts();
        EXPECT_NE(descend(bowl, camera, again, options), energies);
    }
}

TEST(Descent, DerivativeFreeSearchAsksForNoGradients) {
    struct Values : EncodedView {
        void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                      std::span<GraspGradient> gradients) const override {
            EXPECT_TRUE(gradients.empty());
            bowl.evaluate(grasps, energies, {});
        }
    };
    auto grasps = starts();
    descend(Values(), camera, grasps, {.search = Search::derivative_free});
}

TEST(Descent, StaysWhereTheGradientVanishes) {
    std::vector<PlanarGrasp> grasps{target};
    EXPECT_EQ(descend(bowl, camera, grasps, {})[0], 0.0);
    EXPECT_EQ(grasps[0].row, target.row);
}

}  // namespace
}  // namespace ebgrasp
