#include "ebgrasp/training/per_pixel_network.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/training/module_checkpoint.hpp"

namespace ebgrasp {
namespace {

/// A rough landscape of up to 10 cm.
ViewGrid random_grid(int rows, int cols) {
    RandomStream random(7, rows, cols);
    ViewGrid grid{DepthArray(rows, cols), 0, 0, 262.5, 0.7};
    for (Eigen::Index i = 0; i < grid.depth.size(); ++i)
        grid.depth.data()[i] = static_cast<float>(0.7 - random.uniform(0, 0.1));
    return grid;
}

double largest_difference(const GraspMaps& a, const GraspMaps& b) {
    return std::max({(a.quality - b.quality).abs().maxCoeff(), (a.cos2 - b.cos2).abs().maxCoeff(),
                     (a.sin2 - b.sin2).abs().maxCoeff(), (a.width - b.width).abs().maxCoeff()});
}

TEST(PerPixelNetwork, HasTheWeightsOfThePublishedNetwork) {
    torch::manual_seed(1);
    const PerPixelNetwork network;
    std::int64_t weights = 0;
    for (const auto& parameter : network->parameters()) weights += parameter.numel();
    EXPECT_EQ(weights, 66'676);
}

TEST(PerPixelNetwork, AgreesWithItsDeployedRuntime) {
    torch::manual_seed(1);
    PerPixelNetwork network;
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->parameters())
        if (parameter.dim() == 1)
            parameter.uniform_(-0.1, 0.1);
        else
            parameter.mul_(1.4);  // makes up for what the ReLUs take
    const PerPixelRuntime runtime(module_checkpoint(*network, "percnn"));
    for (const auto& [rows, cols] : {std::pair(32, 32), std::pair(64, 104), std::pair(136, 40)}) {
        const ViewGrid grid = random_grid(rows, cols);
        const GraspMaps expected = TorchGraspMapper(network, torch::kCPU).maps(grid);
        ASSERT_GT(expected.quality.abs().maxCoeff(), 0.1) << "the maps say nothing";
        const GraspMaps actual = runtime.maps(grid);
        EXPECT_LT(largest_difference(actual, expected), 1e-4) << rows << " x " << cols;
        const ThreadLimit one(1);
        EXPECT_EQ(largest_difference(runtime.maps(grid), actual), 0);
    }
}

/// GG-CNN2's convolutions reach over 136 pixels; interpolation adds some.
TEST(PerPixelNetwork, SeesAsFarAsThePublishedNetwork) {
    torch::manual_seed(3);
    PerPixelNetwork network;
    torch::Tensor heights = torch::rand({1, 1, 160, 160});
    heights.set_requires_grad(true);
    network->forward(heights)[0][0][80][80].backward();
    const torch::Tensor seen = heights.grad()[0][0].abs().sum(0).nonzero();
    const auto first = seen.min().item<int>(), last = seen.max().item<int>();
    EXPECT_GE(last - first, 130);
    EXPECT_LE(last - first, 146);
}

}  // namespace
}  // namespace ebgrasp
