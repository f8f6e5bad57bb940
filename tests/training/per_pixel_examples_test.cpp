#include "ebgrasp/training/per_pixel_examples.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "synthetic_scene.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

constexpr double step = std::numbers::pi / per_pixel_angles;

/// A box of 3 x 12 x 5 cm seen from straight above, its short side along the view's `angle`.
struct BoxScene {
    explicit BoxScene(double angle) : angle(angle) {
        const Eigen::Isometry3d X_WC = camera_above(0.7, 0);
        const Eigen::Vector3d short_side_W = X_WC.linear() * Eigen::Vector3d(std::cos(angle), std::sin(angle), 0);
        const double yaw = std::atan2(short_side_W.y(), short_side_W.x());
        const SupportPlane plane{X_WC.linear().transpose() * Eigen::Vector3d::UnitZ(), 0.7, 1.0};
        scene.emplace(synthetic_scene({{0, 0, yaw, {0.03, 0.12, 0.05}}}, X_WC).image, Mask(), plane, ViewSpec{}, 0.006);
    }
    /// How far (metres) a point of the grasp's depth lies from the box's middle, along its short and its long side.
    Eigen::Vector2d offset(const PlanarGrasp& y) const {
        const Eigen::Vector3d p = scene->camera().deproject(y.row, y.col, y.depth);
        const Eigen::Vector2d u(std::cos(angle), std::sin(angle));
        const Eigen::Vector2d xy = p.head<2>();  // the camera of V stands over the box's middle
        return {xy.dot(u), xy.dot(Eigen::Vector2d(-u.y(), u.x()))};
    }
    double angle;
    std::optional<Scene> scene;
};

/// An oracle of that box: grasps across it hold unless they are 2 cm off its middle along its length.
LabelGrasps holds_near_the_middle(const BoxScene& box, std::vector<PlanarGrasp>* asked = nullptr) {
    return [&box, asked](std::span<const PlanarGrasp> grasps) {
        std::vector<std::uint8_t> success;
        for (const PlanarGrasp& y : grasps) {
            if (asked) asked->push_back(y);
            success.push_back(std::abs(wrap_angle(y.angle - box.angle)) < 1.5 * step &&
                              std::abs(box.offset(y).y()) < 0.02);
        }
        return success;
    };
}

TEST(LabelPixels, MarksThePatchTheAnglesAndTheOpening) {
    const int across = 2;  // 30 degrees
    const BoxScene box(across * step);
    std::vector<PlanarGrasp> asked;
    const PerPixelExample example = label_pixels(*box.scene, Gripper{}, holds_near_the_middle(box, &asked));

    // The labelled pixels are those on the box: 3 x 12 cm, its top 5 cm nearer to the camera.
    const double pixel = 2 * 0.65 / 525;
    EXPECT_NEAR(double(example.pixels.size()) * pixel * pixel, 0.03 * 0.12, 0.1 * 0.03 * 0.12);
    int positive = 0;
    for (const PixelLabels& labels : example.pixels) {
        const Eigen::Vector2d at = view_pixel(example.grid, labels.row, labels.col);
        const Eigen::Vector2d offset = box.offset({at.x(), at.y(), 0.65, 0, 0});
        EXPECT_LT(std::abs(offset.x()), 0.017);
        EXPECT_LT(std::abs(offset.y()), 0.062);
        if (labels.success == 0) {
            EXPECT_GT(std::abs(offset.y()), 0.016);
            continue;
        }
        ++positive;
        EXPECT_LT(std::abs(offset.y()), 0.024);
        // Bits 1, 2 and 3 at most: within 1.5 steps of the short side.
        EXPECT_TRUE(labels.succeeds(across) || std::abs(offset.y()) > 0.016);
        EXPECT_EQ(labels.success & ~0b1110, 0);
        EXPECT_GE(labels.opening[across], 35);  // 30 mm and a margin on both sides
        EXPECT_LE(labels.opening[across], 85);
        EXPECT_EQ(labels.opening[across + per_pixel_angles / 2], 0);  // 120 mm: too wide
    }
    EXPECT_NEAR(positive * pixel * pixel, 0.03 * 0.04, 0.25 * 0.03 * 0.04);

    // The oracle was asked about grasps as they are executed: centred between the contacts, jaws open by their width.
    for (const PlanarGrasp& y : asked)
        if (std::abs(wrap_angle(y.angle - box.angle)) < 1e-6) {
            EXPECT_LT(std::abs(box.offset(y).x()), 0.002);
            // Half-way down; where the jaws do not fit there, 2 or 1 cm below the top.
            EXPECT_THAT(0.7 - y.depth, testing::AnyOf(testing::DoubleNear(0.025, 1e-3), testing::DoubleNear(0.03, 1e-3),
                                                      testing::DoubleNear(0.04, 1e-3)));
            EXPECT_GT(y.width, 0.034);
        }
}

TEST(LabelPixels, NothingThatTheJawsDoNotFitIsAsked) {
    const BoxScene box(0);
    std::vector<PlanarGrasp> asked;
    const PerPixelExample example = label_pixels(*box.scene, Gripper{}, holds_near_the_middle(box, &asked));
    std::size_t fits = 0;
    for (const PixelLabels& labels : example.pixels)
        for (const std::uint8_t opening : labels.opening) fits += opening > 0;
    EXPECT_EQ(asked.size(), fits);
    EXPECT_LT(fits, example.pixels.size() * per_pixel_angles);
    EXPECT_GT(fits, example.pixels.size());
}

std::vector<PerPixelExample> some_examples() {
    std::vector<PerPixelExample> examples;
    for (const double angle : {0.1, 1.2}) {
        const BoxScene box(angle);
        examples.push_back(label_pixels(*box.scene, Gripper{}, holds_near_the_middle(box)));
    }
    examples[1].split = Split::validation;
    examples.push_back(examples[0]);
    examples[2].pixels.clear();
    return examples;
}

TEST(PerPixelShard, ReadsWhatItWrote) {
    const TemporaryFolder folder;
    const auto written = some_examples();
    write_per_pixel_shard(folder.path() / "shard", written);
    const auto read = read_per_pixel_shard(folder.path() / "shard");
    ASSERT_EQ(read.size(), written.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
        EXPECT_EQ(read[i].split, written[i].split);
        EXPECT_EQ(read[i].grid.row, written[i].grid.row);
        EXPECT_EQ(read[i].grid.col, written[i].grid.col);
        EXPECT_EQ(read[i].grid.focal_length, written[i].grid.focal_length);
        EXPECT_EQ(read[i].grid.plane_depth, written[i].grid.plane_depth);
        EXPECT_TRUE(read[i].grid.depth.isApprox(written[i].grid.depth, 1e-4F));
        ASSERT_EQ(read[i].pixels.size(), written[i].pixels.size());
        for (std::size_t k = 0; k < read[i].pixels.size(); ++k) {
            EXPECT_EQ(read[i].pixels[k].row, written[i].pixels[k].row);
            EXPECT_EQ(read[i].pixels[k].col, written[i].pixels[k].col);
            EXPECT_EQ(read[i].pixels[k].success, written[i].pixels[k].success);
            EXPECT_EQ(read[i].pixels[k].opening, written[i].pixels[k].opening);
        }
    }
    write_per_pixel_shard(folder.path() / "empty", {});
    EXPECT_TRUE(read_per_pixel_shard(folder.path() / "empty").empty());
}

TEST(PerPixelShard, DamageIsAnError) {
    const TemporaryFolder folder;
    const auto shard = folder.path() / "shard";
    const auto examples = some_examples();
    const auto message = [&] {
        try {
            read_per_pixel_shard(shard);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    for (const char* column : {"grid", "camera", "example_split", "depth", "pixel", "success", "opening"}) {
        write_per_pixel_shard(shard, examples);
        const auto file = shard / (std::string(column) + ".npy");
        const std::string bytes = read_file(file);
        write_file_atomically(file, std::string_view(bytes).substr(0, bytes.size() - 2));
        EXPECT_THAT(message(), testing::HasSubstr(column)) << "truncated";
        std::filesystem::remove(file);
        EXPECT_THAT(message(), testing::HasSubstr(column)) << "missing";
    }
    write_per_pixel_shard(shard, examples);
    write_npy<std::uint16_t>(shard / "depth.npy", std::vector<std::uint16_t>(100, 7000), {100});
    EXPECT_THAT(message(), testing::HasSubstr("the columns end in example 0"));
    write_per_pixel_shard(shard, examples);
    write_npy<std::int32_t>(shard / "grid.npy", std::vector<std::int32_t>(15, 1 << 30), {3, 5});
    EXPECT_THAT(message(), testing::HasSubstr("example 0 has 1073741824 x"));
}

}  // namespace
}  // namespace ebgrasp
