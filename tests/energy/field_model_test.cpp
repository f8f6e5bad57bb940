#include "ebgrasp/energy/field_model.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "random_checkpoint.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;

/// The view straight down at a table with a block on it.
DepthImage table_with_block() {
    DepthImage view{DepthArray::Constant(200, 240, 0.70f), {200, 240, 525, 525, 119.5, 99.5}};
    RandomStream random(4);
    for (int row = 0; row < 200; ++row)
        for (int col = 0; col < 240; ++col)
            view.depth(row, col) = static_cast<float>(
                0.70 - (row > 80 && row < 120 && col > 90 && col < 150 ? 0.04 : 0.0) + random.normal(0, 0.0005));
    return view;
}

Mask block_region(const DepthImage& view) { return (view.depth < 0.68f).cast<std::uint8_t>(); }

std::vector<PlanarGrasp> grasps_near_the_block(std::size_t count) {
    RandomStream random(9);
    std::vector<PlanarGrasp> grasps;
    for (std::size_t i = 0; i < count; ++i)
        grasps.push_back(
            {random.uniform(70, 130), random.uniform(80, 160), random.uniform(0.66, 0.695), random.uniform(-1.5, 1.5)});
    return grasps;
}

std::vector<double> energies_of(const EncodedView& view, std::span<const PlanarGrasp> grasps) {
    std::vector<double> energies(grasps.size());
    view.evaluate(grasps, energies);
    return energies;
}

TEST(FieldEnergyModel, IsUnchangedByATurnOfPiAndByThreads) {
    const FieldEnergyModel model(random_field_checkpoint(1));
    const DepthImage view = table_with_block();
    const auto encoded = model.encode(view, block_region(view), Gripper{});
    auto grasps = grasps_near_the_block(100);
    const auto energies = energies_of(*encoded, grasps);
    {
        const ThreadLimit one(1);
        EXPECT_EQ(energies_of(*model.encode(view, block_region(view), Gripper{}), grasps), energies);
    }
    for (auto& grasp : grasps) grasp.angle += std::numbers::pi;
    const auto turned = energies_of(*encoded, grasps);
    for (std::size_t i = 0; i < grasps.size(); ++i) EXPECT_NEAR(turned[i], energies[i], 1e-5);
}

TEST(FieldEnergyModel, ReadsInTheGrippersFrame) {
    const FieldEnergyModel model(random_field_checkpoint(2));
    const DepthImage view = table_with_block();
    const auto grasps = grasps_near_the_block(20);
    const auto wide = energies_of(*model.encode(view, block_region(view), load_gripper("robotiq_2f85")), grasps),
               narrow = energies_of(*model.encode(view, block_region(view), load_gripper("yumi")), grasps);
    for (std::size_t i = 0; i < grasps.size(); ++i) EXPECT_NE(wide[i], narrow[i]);
}

TEST(FieldEnergyModel, CalibratesItsSuccessHead) {
    Checkpoint checkpoint = random_field_checkpoint(3);
    const DepthImage view = table_with_block();
    const auto grasps = grasps_near_the_block(30);
    const auto probabilities = [&] {
        const FieldEnergyModel model(checkpoint);
        EXPECT_TRUE(model.calibrated());
        return model.encode(view, block_region(view), Gripper{})->success_probabilities(grasps);
    };
    const auto raw = probabilities();
    checkpoint.info["calibration"] = {{"method", "platt"}, {"slope", 0.5}, {"offset", 0.25}};
    const auto calibrated = probabilities();
    for (std::size_t i = 0; i < grasps.size(); ++i) {
        const double logit = std::log(raw[i] / (1 - raw[i]));
        EXPECT_NEAR(calibrated[i], 1 / (1 + std::exp(-0.5 * logit + 0.25)), 1e-6);
    }
}

TEST(FieldEnergyModel, IsLoadedByName) {
    const std::string path = testing::TempDir() + "field.safetensors";
    Checkpoint checkpoint = random_field_checkpoint(4);
    write_checkpoint(checkpoint, path);
    const auto model = load_energy_model(path);
    EXPECT_EQ(model->name(), "field");
    const DepthImage view = table_with_block();
    const auto cost = model->encode(view, block_region(view), Gripper{})->multiply_adds();
    EXPECT_GT(cost.encoding, 1e6);
    EXPECT_EQ(cost.reading, 2.0 * (412 * 128 + 128 * 64 + 64 * 2));

    checkpoint.tensors.erase("up1.weight");
    write_checkpoint(checkpoint, path);
    try {
        load_energy_model(path);
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("up1.weight"));
    }
}

TEST(FieldEnergyModel, RefusesFieldsOfEarlierVersions) {
    Checkpoint checkpoint = random_field_checkpoint(5);
    checkpoint.info.erase("view");
    try {
        FieldEnergyModel{checkpoint};
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("trained by an earlier version"));
    }
}

TEST(FieldEnergyModel, RefusesWhatDoesNotFit) {
    const FieldEnergyModel model(random_field_checkpoint(5));
    DepthImage view = table_with_block();
    EXPECT_THROW(model.encode(view, Mask::Ones(10, 10), Gripper{}), Error);
    view.depth(3, 4) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(model.encode(view, Mask::Ones(200, 240), Gripper{}), Error);
}

}  // namespace
}  // namespace ebgrasp
