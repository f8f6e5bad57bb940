#include "ebgrasp/training/field_trainer.hpp"

#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/field_model.hpp"
#include "ebgrasp/energy/field_runtime.hpp"

namespace ebgrasp {
namespace {

/// Bars on a table, along the columns; a grasp holds if it closes across its bar near the middle, at about half its
/// height.
class Bars : public FieldData {
  public:
    /// `executed` more grasps of each bar, good ones by their labels, were executed, and the lower ones failed.
    explicit Bars(std::size_t count, std::size_t executed = 0) : executed_(executed) {
        for (std::size_t i = 0; i < count; ++i) {
            RandomStream random(3, i);
            Bar bar{
                {{DepthArray::Constant(64, 64, 0.7f), 0, 0, 262.5, 0.7}, 64, 64}, 30 + 70 * random.uniform(), {}, {}};
            const int middle = static_cast<int>(std::lround(bar.grid.foot({bar.row, 64, 0.68}).x()));
            bar.grid.depth.block(middle - 3, 12, 7, 40).setConstant(0.66f);
            for (int k = 0; k < 120; ++k) bar.grasps.push_back(near(bar, random));
            bar.hold = label_all(bar, bar.grasps);
            for (std::size_t k = 0; k < executed; ++k) {
                const bool low = k % 2 == 0;
                bar.grasps.push_back(
                    {bar.row + random.uniform(-3, 3), random.uniform(40, 88), low ? 0.688 : 0.672, 1.57, 0});
                bar.hold.push_back(low ? 0.0f : 1.0f);
            }
            bars_.push_back(std::move(bar));
        }
    }
    std::size_t size() const override { return bars_.size(); }
    Scene scene(std::size_t i) const override {
        return {bars_[i].grid, gripper_, bars_[i].grasps, bars_[i].hold, executed_};
    }
    std::vector<float> label(std::size_t i, std::span<const PlanarGrasp> grasps, std::uint64_t) const override {
        ++asked;
        return label_all(bars_[i], grasps);
    }
    mutable std::atomic<int> asked = 0;

  private:
    struct Bar {
        FieldGrid grid;
        double row;
        std::vector<PlanarGrasp> grasps;
        std::vector<float> hold;
    };
    static PlanarGrasp near(const Bar& bar, RandomStream& random) {
        return {bar.row + random.uniform(-20, 20), random.uniform(30, 98), random.uniform(0.66, 0.70),
                random.uniform(-1.57, 1.57), 0};
    }
    static std::vector<float> label_all(const Bar& bar, std::span<const PlanarGrasp> grasps) {
        std::vector<float> hold;
        for (const PlanarGrasp& y : grasps) {
            const bool on_bar = std::abs(y.row - bar.row) < 10, across = std::abs(std::cos(y.angle)) < 0.6;
            hold.push_back(on_bar && across && std::abs(y.depth - 0.68) < 0.012 ? 0.9f : 0.1f);
        }
        return hold;
    }

    Gripper gripper_;
    std::size_t executed_;
    std::vector<Bar> bars_;
};

class FieldTraining : public testing::Test {
  protected:
    FieldTrainingConfig quick(int steps) const {
        FieldTrainingConfig config;
        config.steps = steps;
        config.scenes_per_step = 4;
        config.grasps_per_scene = 40;
        config.mining_steps = 2;
        config.validate_every = steps;
        config.device = "cpu";
        return config;
    }
    std::vector<FieldReport> train(const FieldTrainingConfig& config, const std::string& name) {
        return train_field(training_, validation_, config, {{"test", true}}, fresh(name));
    }
    /// A path where nothing is.
    static std::string fresh(const std::string& name) {
        const std::string path = testing::TempDir() + name;
        for (const char* rest : {"", ".csv", ".state"}) std::filesystem::remove(path + rest);
        return path;
    }
    Bars training_{12}, validation_{4};
};

TEST_F(FieldTraining, LearnsWhereGraspsHold) {
    const auto reports = train(quick(150), "bars.safetensors");
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_GT(reports[0].roc_auc, 0.85) << "of the energy";
    EXPECT_GT(reports[0].logit_roc_auc, 0.85) << "of the success head";
    EXPECT_GT(training_.asked, 0);
    const auto model = load_energy_model(testing::TempDir() + "bars.safetensors");
    EXPECT_EQ(model->name(), "field");
}

TEST_F(FieldTraining, ExecutedGraspsOverruleTheirLabels) {
    const Bars practised(12, 20), unseen(4, 20);
    FieldTrainingConfig config = quick(150);
    config.executed_share = 0.5;
    const std::string path = fresh("practised.safetensors");
    train_field(practised, validation_, config, {}, path);
    const FieldRuntime runtime(read_checkpoint(path));
    for (std::size_t i = 0; i < unseen.size(); ++i) {
        const auto scene = unseen.scene(i);
        const auto executed = scene.grasps.last(scene.executed);
        std::vector<double> energies(executed.size());
        runtime.evaluate(runtime.encode(scene.grid), scene.gripper, executed, energies, {}, {});
        double lowest_failure = 1e9, highest_success = -1e9;
        for (std::size_t k = 0; k < executed.size(); ++k)
            if (scene.hold.last(scene.executed)[k] > 0.5f)
                highest_success = std::max(highest_success, energies[k]);
            else
                lowest_failure = std::min(lowest_failure, energies[k]);
        EXPECT_LT(highest_success, lowest_failure) << i;
    }
}

TEST_F(FieldTraining, EveryAblationTrains) {
    const std::vector<std::function<void(FieldTrainingConfig&)>> ablations = {
        [](auto& c) { c.contrastive_weight = 0, c.energy_classification_weight = 1; },
        [](auto& c) { c.proposal_density_weight = 1; },
        [](auto& c) { c.denoising_weight = 0.3; },
        [](auto& c) { c.gradient_penalty = 0.01; },
        [](auto& c) { c.mined_share = 0; },
    };
    for (std::size_t i = 0; i < ablations.size(); ++i) {
        FieldTrainingConfig config = quick(4);
        ablations[i](config);
        const auto reports = train(config, "ablation.safetensors");
        EXPECT_TRUE(std::isfinite(reports.back().loss)) << i;
    }
}

TEST_F(FieldTraining, WithoutRelabellingTheOracleIsAskedInValidationAlone) {
    FieldTrainingConfig config = quick(3);
    config.relabel = false;
    train(config, "blind.safetensors");
    EXPECT_EQ(training_.asked, 0);
    EXPECT_GT(validation_.asked, 0);
}

}  // namespace
}  // namespace ebgrasp
