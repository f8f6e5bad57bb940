#include "ebgrasp/training/per_pixel_trainer.hpp"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/baselines/per_pixel_runtime.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

constexpr double step = std::numbers::pi / per_pixel_angles;

/// An oblong block on a plane. Grasps across it hold, within 22 degrees and near its middle line's middle.
PerPixelExample block(std::uint64_t seed) {
    RandomStream random(99, seed);
    const double angle = random.uniform(0, std::numbers::pi), row = random.uniform(9, 14), col = random.uniform(9, 14);
    const Eigen::Vector2d across(std::sin(angle), std::cos(angle)), along(across.y(), -across.x());  // (row, col)
    PerPixelExample example{Split::train, {DepthArray::Constant(24, 24, 0.7F), 0, 0, 262.5, 0.7}, {}};
    for (int r = 0; r < 24; ++r)
        for (int c = 0; c < 24; ++c) {
            const Eigen::Vector2d offset(r - row, c - col);
            const double x = offset.dot(across), y = offset.dot(along);
            if (std::abs(x) > 2.5 || std::abs(y) > 8) continue;
            example.grid.depth(r, c) = 0.65F;
            PixelLabels labels{r, c};
            for (int k = 0; k < per_pixel_angles; ++k) {
                const double off = std::abs(std::remainder(k * step - angle, std::numbers::pi));
                if (off > 0.8) continue;  // too wide
                labels.opening[static_cast<std::size_t>(k)] = 50;
                labels.success |= static_cast<std::uint16_t>((off < 1.5 * step && std::abs(y) < 4) << k);
            }
            example.pixels.push_back(labels);
        }
    return example;
}

std::vector<PerPixelExample> blocks(std::uint64_t first, std::uint64_t count) {
    std::vector<PerPixelExample> examples;
    for (std::uint64_t i = first; i < first + count; ++i) examples.push_back(block(i));
    return examples;
}

PerPixelTrainingConfig small_config() {
    PerPixelTrainingConfig config;
    config.epochs = 3;
    config.learning_rate = 3e-3;
    config.device = "cpu";
    config.threads = 1;
    return config;
}

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// Says the same angle everywhere, likes one pixel, and (5, 6) half as much.
class Fixed : public GraspMapper {
  public:
    Fixed(int row, int col, double angle) : row_(row), col_(col), angle_(angle) {}
    GraspMaps maps(const ViewGrid& grid) const override {
        const DepthArray zero = DepthArray::Zero(grid.depth.rows(), grid.depth.cols());
        GraspMaps maps{zero, zero + static_cast<float>(std::cos(2 * angle_)),
                       zero + static_cast<float>(std::sin(2 * angle_)), zero};
        maps.quality(5, 6) = 0.5;
        maps.quality(row_, col_) = 1;
        return maps;
    }

  private:
    int row_, col_;
    double angle_;
};

TEST(Top1Success, AsksTheLabelsOfThePixelAndTheAngle) {
    PerPixelExample example{Split::train, {DepthArray::Constant(16, 16, 0.7F), 0, 0, 262.5, 0.7}, {}};
    PixelLabels good{5, 6}, bad{9, 9};
    good.success = 0b100;  // 30 degrees
    good.opening.fill(40);
    bad.opening.fill(40);
    bad.opening[2] = 0;
    example.pixels = {good, bad};
    const std::vector<PerPixelExample> one = {example};
    EXPECT_EQ(top1_success(Fixed(5, 6, 2 * step), one), 1);
    EXPECT_EQ(top1_success(Fixed(5, 6, 2.4 * step), one), 1);
    EXPECT_EQ(top1_success(Fixed(5, 6, 2.4 * step - std::numbers::pi), one), 1);
    EXPECT_EQ(top1_success(Fixed(5, 6, 2.6 * step), one), 0);
    EXPECT_EQ(top1_success(Fixed(9, 9, 3 * step), one), 0);
    // The jaws do not fit the best peak, and the next one counts.
    EXPECT_EQ(top1_success(Fixed(9, 9, 2 * step), one), 1);
    // A scene without any grasp does not count.
    std::vector<PerPixelExample> two = {example, example};
    two[1].pixels[0].success = 0;
    EXPECT_EQ(top1_success(Fixed(5, 6, 2 * step), two), 1);
}

/// With augmentation the angles only come out right if labels turn with the images.
TEST(TrainPerPixel, LearnsWhereAndAcrossWhat) {
    const auto training = blocks(0, 64), validation = blocks(1000, 32);
    PerPixelTrainingConfig config = small_config();
    config.epochs = 24;
    const TemporaryFolder folder;
    const auto path = folder.path() / "percnn.safetensors";
    const auto epochs = train_per_pixel(training, validation, config, {{"made", "here"}}, path);
    ASSERT_EQ(epochs.size(), 24u);
    double best = 0;
    for (const PerPixelReport& report : epochs) best = std::max(best, report.top1);
    EXPECT_GT(best, 0.6);  // a grasp drawn at random holds in one case of ten
    EXPECT_LT(epochs.back().angle_loss, 0.5 * epochs.front().angle_loss);
    EXPECT_LT(epochs.back().width_loss, 0.5 * epochs.front().width_loss);

    // The deployed runtime of the checkpoint says the same.
    const Checkpoint checkpoint = read_checkpoint(path);
    EXPECT_EQ(checkpoint.info.at("metrics").at("top1"), best);
    EXPECT_EQ(checkpoint.info.at("provenance").at("made"), "here");
    const PerPixelRuntime runtime(checkpoint);
    EXPECT_NEAR(top1_success(runtime, validation), best, 0.04);
    const std::string log = read_file(path.string() + ".csv");
    EXPECT_THAT(log, testing::StartsWith("epoch,quality_loss,angle_loss,width_loss,top1,seconds\n1,"));
    EXPECT_EQ(std::ranges::count(log, '\n'), 25);
}

TEST(TrainPerPixel, GoesOnWhereItStopped) {
    const auto training = blocks(0, 24), validation = blocks(1000, 8);
    const TemporaryFolder folder;
    const auto whole = folder.path() / "whole.safetensors", resumed = folder.path() / "resumed.safetensors";
    const auto expected = train_per_pixel(training, validation, small_config(), {}, whole);

    struct Killed {};
    const auto kill_after_two = [](const PerPixelReport& report) {
        if (report.epoch == 2) throw Killed();
    };
    EXPECT_THROW(train_per_pixel(training, validation, small_config(), {}, resumed, kill_after_two), Killed);
    int calls = 0;
    const auto epochs = train_per_pixel(training, validation, small_config(), {}, resumed, [&](const auto& report) {
        EXPECT_EQ(report.epoch, 3);
        ++calls;
    });
    EXPECT_EQ(calls, 1);
    ASSERT_EQ(epochs.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(epochs[i].quality_loss, expected[i].quality_loss);
        EXPECT_EQ(epochs[i].angle_loss, expected[i].angle_loss);
        EXPECT_EQ(epochs[i].top1, expected[i].top1);
    }
    EXPECT_EQ(read_checkpoint(resumed).tensors.at("conv5.weight").values,
              read_checkpoint(whole).tensors.at("conv5.weight").values);

    // A finished run returns at once; one of other data or another configuration is refused.
    EXPECT_EQ(train_per_pixel(training, validation, small_config(), {}, resumed).size(), 3u);
    PerPixelTrainingConfig other = small_config();
    other.angle_weight = 2;
    EXPECT_THAT(message_of([&] { train_per_pixel(training, validation, other, {}, resumed); }),
                testing::HasSubstr("another configuration or data"));
    EXPECT_THAT(message_of([&] { train_per_pixel(blocks(1, 24), validation, small_config(), {}, resumed); }),
                testing::HasSubstr("another configuration or data"));
}

TEST(TrainPerPixel, NamesWhatIsOutOfRange) {
    const auto examples = blocks(0, 2);
    const TemporaryFolder folder;
    const auto path = folder.path() / "percnn.safetensors";
    const auto message = [&](const auto& change) {
        PerPixelTrainingConfig config = small_config();
        change(config);
        return message_of([&] { train_per_pixel(examples, examples, config, {}, path); });
    };
    EXPECT_THAT(message([](auto& config) { config.epochs = 0; }), testing::HasSubstr("epochs is 0"));
    EXPECT_THAT(message([](auto& config) { config.batch_size = 2000; }), testing::HasSubstr("batch_size is 2000"));
    EXPECT_THAT(message([](auto& config) { config.learning_rate = NAN; }), testing::HasSubstr("learning_rate is nan"));
    EXPECT_THAT(message([](auto& config) { config.angle_weight = -1; }), testing::HasSubstr("angle_weight is -1"));
    EXPECT_THAT(message([](auto& config) { config.device = "gpu"; }), testing::HasSubstr("device is gpu"));
    EXPECT_THAT(message_of([&] { train_per_pixel({}, examples, small_config(), {}, path); }),
                testing::HasSubstr("there are 0 training"));
}

}  // namespace
}  // namespace ebgrasp
