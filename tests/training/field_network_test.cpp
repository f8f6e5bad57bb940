#include "ebgrasp/training/field_network.hpp"

#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/field_runtime.hpp"

namespace ebgrasp {
namespace {

constexpr double plane_depth = 0.7, focal_length = 262.5;

/// A field with random weights whose batch norms have seen something.
FieldNetwork random_field() {
    torch::manual_seed(7);
    FieldNetwork network;
    network->to(torch::kDouble);
    const torch::NoGradGuard no_grad;
    for (auto& item : network->named_buffers())
        if (item.value().is_floating_point()) item.value().uniform_(0.5, 1.5);
    return network;
}

/// A table with blocks and a slope.
FieldGrid bumpy_grid(int rows = 48, int cols = 56) {
    FieldGrid grid{{DepthArray(rows, cols), 30, 41, focal_length, plane_depth}, 90, 75};
    RandomStream random(3);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < cols; ++j)
            grid.depth(i, j) = static_cast<float>(plane_depth - (i > 15 && i < 30 && j > 20 && j < 34 ? 0.05 : 0) -
                                                  0.0005 * j + random.normal(0, 0.001));
    return grid;
}

std::vector<PlanarGrasp> random_grasps(const FieldGrid& grid, std::size_t count) {
    RandomStream random(5);
    std::vector<PlanarGrasp> grasps;
    for (std::size_t i = 0; i < count; ++i)
        grasps.push_back({grid.row + random.uniform(20, 70), grid.col + random.uniform(20, 80),
                          random.uniform(0.62, 0.69), random.uniform(-1.5, 1.5)});
    return grasps;
}

FieldBatch batch_of(const FieldGrid& grid, const Gripper& gripper) {
    FieldBatch batch{torch::empty({1, 1, grid.depth.rows(), grid.depth.cols()}), torch::empty({1, field_points, 2}),
                     torch::empty({1, field_gripper_inputs}), focal_length, plane_depth};
    std::copy_n(grid.depth.data(), grid.depth.size(), batch.depth.data_ptr<float>());
    const auto points = field_gripper_points(gripper);
    for (std::size_t k = 0; k < points.size(); ++k)
        for (int axis = 0; axis < 2; ++axis)
            batch.points[0][std::int64_t(k)][axis] = static_cast<float>(points[k][axis]);
    std::ranges::copy(field_gripper_input(gripper), batch.gripper.data_ptr<float>());
    batch.depth = batch.depth.to(torch::kDouble);
    batch.points = batch.points.to(torch::kDouble);
    batch.gripper = batch.gripper.to(torch::kDouble);
    return batch;
}

/// (row, col, depth, angle) in view pixels: 1 x N x 4.
torch::Tensor rows_of(const std::vector<PlanarGrasp>& grasps) {
    torch::Tensor rows = torch::empty({1, std::int64_t(grasps.size()), 4}, torch::kDouble);
    for (std::size_t i = 0; i < grasps.size(); ++i) {
        const auto at = std::int64_t(i);
        rows[0][at][0] = grasps[i].row;
        rows[0][at][1] = grasps[i].col;
        rows[0][at][2] = grasps[i].depth;
        rows[0][at][3] = grasps[i].angle;
    }
    return rows;
}

/// The same in the grid's pixels, as the network reads them: FieldGrid::foot for tensors.
torch::Tensor in_grid(const torch::Tensor& rows, const FieldGrid& grid) {
    const torch::Tensor depth = rows.select(2, 2), shrink = depth / grid.plane_depth;
    const auto foot = [&](const torch::Tensor& view, double axis, int first) {
        return (axis + shrink * (view - axis) - first - 0.5) / view_grid_step;
    };
    return torch::stack({foot(rows.select(2, 0), grid.axis_row, grid.row),
                         foot(rows.select(2, 1), grid.axis_col, grid.col), depth, rows.select(2, 3)},
                        2);
}

// The module in double precision against the runtime in single: energies, logits, gradients.
TEST(FieldNetwork, RuntimeAgreesWithTheModule) {
    FieldNetwork network = random_field();
    network->eval();
    const FieldRuntime runtime(to_checkpoint(network));
    for (const char* name : {"robotiq_2f85", "yumi"}) {
        const Gripper gripper = load_gripper(name);
        const FieldGrid grid = bumpy_grid();
        const auto grasps = random_grasps(grid, 70);
        const FieldBatch batch = batch_of(grid, gripper);
        const torch::Tensor y = rows_of(grasps).requires_grad_(true);
        const auto reading = network->read(network->encode(batch), batch, in_grid(y, grid));
        const torch::Tensor slopes = torch::autograd::grad({reading.energy.sum()}, {y})[0];

        std::vector<double> energies(grasps.size()), logits(grasps.size());
        std::vector<GraspGradient> gradients(grasps.size());
        runtime.evaluate(runtime.encode(grid), gripper, grasps, energies, logits, gradients);
        for (std::size_t i = 0; i < grasps.size(); ++i) {
            const auto at = std::int64_t(i);
            EXPECT_NEAR(energies[i], reading.energy[0][at].item<double>(), 1e-5);
            EXPECT_NEAR(logits[i], reading.logit[0][at].item<double>(), 1e-5);
            for (int k = 0; k < 4; ++k) {
                const double slope = slopes[0][at][k].item<double>();
                EXPECT_NEAR(gradients[i][k], slope, 1e-4 * std::max(1.0, std::abs(slope))) << i << ", " << k;
            }
        }
    }
}

TEST(FieldNetwork, SwappingTheJawsChangesNothing) {
    FieldNetwork network = random_field();
    network->eval();
    const FieldRuntime runtime(to_checkpoint(network));
    const FieldGrid grid = bumpy_grid();
    auto grasps = random_grasps(grid, 40);
    std::vector<double> energies(40), turned(40);
    const auto code = runtime.encode(grid);
    runtime.evaluate(code, Gripper{}, grasps, energies, {}, {});
    for (auto& grasp : grasps) grasp.angle += std::numbers::pi;
    runtime.evaluate(code, Gripper{}, grasps, turned, {}, {});
    for (std::size_t i = 0; i < grasps.size(); ++i) EXPECT_NEAR(energies[i], turned[i], 1e-5);
}

// Along any path the energy of the module changes by the integral of its gradient (bilinear cells have kinks).
TEST(FieldNetwork, GradientsAreThoseOfTheEnergies) {
    FieldNetwork network = random_field();
    network->eval();
    const FieldRuntime runtime(to_checkpoint(network));
    const FieldGrid grid = bumpy_grid();
    const auto code = runtime.encode(grid);
    constexpr std::size_t points = 2000;
    for (const GraspGradient& move : {GraspGradient(25, 0, 0, 0), GraspGradient(0, 25, 0, 0),
                                      GraspGradient(0, 0, 0.05, 0), GraspGradient(0, 0, 0, 2.5)}) {
        const auto at = [&](double t) {
            return PlanarGrasp{62 + t * move[0], 70 + t * move[1], 0.63 + t * move[2], -1.2 + t * move[3]};
        };
        std::vector<PlanarGrasp> path = {at(0), at(1)};
        for (std::size_t i = 0; i < points; ++i) path.push_back(at((double(i) + 0.5) / points));
        std::vector<double> energies(path.size());
        std::vector<GraspGradient> gradients(path.size());
        runtime.evaluate(code, Gripper{}, path, energies, {}, gradients);
        double integral = 0;
        for (std::size_t i = 2; i < path.size(); ++i) integral += gradients[i].dot(move) / points;
        EXPECT_NEAR(integral, energies[1] - energies[0], 2e-4) << move.transpose();
    }
}

// Both ways to sample the maps read the same; the one with gathers can be differentiated twice.
TEST(FieldNetwork, SlopesOfSlopes) {
    FieldNetwork network = random_field();
    network->eval();
    const FieldGrid grid = bumpy_grid();
    const FieldBatch batch = batch_of(grid, Gripper{});
    const torch::Tensor features = network->encode(batch).detach();
    const torch::Tensor y = in_grid(rows_of(random_grasps(grid, 12)), grid).requires_grad_(true);
    const torch::Tensor energy = network->read(features, batch, y, true).energy;
    EXPECT_TRUE(torch::allclose(energy, network->read(features, batch, y).energy, 1e-9, 1e-9));

    // d(dE/dangle)/dangle: angles move no point across the border of a bilinear cell in so small a step.
    const auto slope = [&](const torch::Tensor& at) {
        return torch::autograd::grad({network->read(features, batch, at, true).energy.sum()}, {at}, {}, true, true)[0];
    };
    const torch::Tensor second = torch::autograd::grad({slope(y).select(2, 2).sum()}, {y})[0].select(2, 2);
    constexpr double step = 1e-7;
    torch::Tensor above = y.detach().clone(), below = y.detach().clone();
    above.select(2, 2).add_(step);
    below.select(2, 2).sub_(step);
    const torch::Tensor expected =
        (slope(above.requires_grad_(true)) - slope(below.requires_grad_(true))).select(2, 2) / (2 * step);
    EXPECT_TRUE(torch::allclose(second, expected, 1e-3, 1e-2)) << second << expected;
}

}  // namespace
}  // namespace ebgrasp
