#include "ebgrasp/dataset/scene_dataset.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/file.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Eigen::Isometry3d some_pose(double a) {
    return Eigen::Translation3d(a, -2 * a, 0.5 + a) * Eigen::AngleAxisd(3 * a, Eigen::Vector3d(1, 2, 3).normalized());
}

/// A scene with `objects` objects and `grasps` grasps, all values different.
SceneRecord some_scene(int number, int objects, int grasps) {
    SceneRecord scene;
    scene.height = 3;
    scene.width = 4;
    scene.intrinsics = {500.0 + number, 501, 1.5, 1.0 / 3};
    scene.X_WC = some_pose(0.1 + number);
    for (int i = 0; i < 12; ++i) {
        scene.depth.push_back(static_cast<std::uint16_t>(7000 * (i % 2) + i + number));
        scene.instances.push_back(static_cast<std::uint8_t>(i % (objects + 1)));
    }
    scene.split = static_cast<Split>(number % 3);
    scene.label_seed = (std::uint64_t{1} << 62) + static_cast<std::uint64_t>(number);
    for (int k = 0; k < objects; ++k) scene.objects.push_back({k % 3, some_pose(0.3 * k + number)});
    for (int g = 0; g < grasps; ++g) {
        const auto x = static_cast<float>(number + 0.1 * g);
        scene.grasps.push_back(
            {x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, static_cast<std::uint8_t>(g % 3), g % (objects + 1) - 1});
    }
    return scene;
}

std::vector<SceneRecord> some_scenes() { return {some_scene(0, 1, 4), some_scene(1, 3, 0), some_scene(2, 2, 5)}; }

DatasetHeader write_dataset(const fs::path& folder, const std::vector<SceneRecord>& scenes) {
    const DatasetHeader header{
        {{"seed", 3}},
        {{"a", Split::train}, {"b", Split::validation}, {"c", Split::test}},
        {folder / "shard_00000"},
    };
    write_scene_shard(header.shards[0], scenes);
    write_scene_header(folder, header);
    return header;
}

TEST(SceneDataset, ReadsBackWhatWasWritten) {
    const TemporaryFolder folder;
    const auto written = some_scenes();
    write_dataset(folder.path(), written);
    const DatasetHeader header = read_scene_header(folder.path());
    EXPECT_EQ(header.config.at("seed"), 3);
    ASSERT_EQ(header.objects.size(), 3u);
    EXPECT_EQ(header.objects[1].name, "b");
    EXPECT_EQ(header.objects[1].split, Split::validation);
    const auto read = read_scene_shard(header, 0);
    ASSERT_EQ(read.size(), written.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
        EXPECT_EQ(read[i].height, 3);
        EXPECT_EQ(read[i].width, 4);
        EXPECT_EQ(read[i].intrinsics, written[i].intrinsics);
        EXPECT_TRUE(read[i].X_WC.matrix() == written[i].X_WC.matrix());
        EXPECT_EQ(read[i].depth, written[i].depth);
        EXPECT_EQ(read[i].instances, written[i].instances);
        EXPECT_EQ(read[i].split, written[i].split);
        EXPECT_EQ(read[i].label_seed, written[i].label_seed);
        ASSERT_EQ(read[i].objects.size(), written[i].objects.size());
        for (std::size_t k = 0; k < read[i].objects.size(); ++k) {
            EXPECT_EQ(read[i].objects[k].index, written[i].objects[k].index);
            EXPECT_TRUE(read[i].objects[k].X_WO.matrix() == written[i].objects[k].X_WO.matrix());
        }
        ASSERT_EQ(read[i].grasps.size(), written[i].grasps.size());
        for (std::size_t g = 0; g < read[i].grasps.size(); ++g) {
            const SceneGrasp &a = read[i].grasps[g], &b = written[i].grasps[g];
            EXPECT_EQ(
                std::tie(a.row, a.col, a.depth, a.angle, a.opening, a.robust_epsilon, a.epsilon, a.verdict, a.object),
                std::tie(b.row, b.col, b.depth, b.angle, b.opening, b.robust_epsilon, b.epsilon, b.verdict, b.object));
        }
    }
}

TEST(SceneDataset, StoresDepthInTenthsOfMillimetres) {
    EXPECT_EQ(store_depth(0.7f), 7000);
    EXPECT_EQ(store_depth(0.70004f), 7000);
    EXPECT_EQ(store_depth(0.70006f), 7001);
    EXPECT_EQ(store_depth(6.5535f), 65535);
    for (const float missing : {0.0f, -1.0f, 6.6f, 1e30f, std::numeric_limits<float>::infinity(), std::nanf("")})
        EXPECT_EQ(store_depth(missing), 0) << missing;
    SceneRecord scene;
    scene.depth = {0, 7000, 65535};
    EXPECT_THAT(scene.depth_in_metres(), testing::ElementsAre(0.0f, testing::FloatNear(0.7f, 1e-7f), 6.5535f));
}

TEST(SceneDataset, AShardIsWholeOrNotThere) {
    const TemporaryFolder folder;
    auto scenes = some_scenes();
    scenes[1].depth.pop_back();
    EXPECT_THROW(write_scene_shard(folder.path() / "shard_00000", scenes), Error);
    EXPECT_TRUE(fs::is_empty(folder.path()));
    EXPECT_THROW(write_scene_shard(folder.path() / "shard_00000", {}), Error);
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

/// What reading says to a sound data set after `damage`.
std::string message_after(const std::function<void(const fs::path& shard)>& damage) {
    static const TemporaryFolder sound;
    if (fs::is_empty(sound.path())) write_dataset(sound.path(), some_scenes());
    const TemporaryFolder folder;
    fs::copy(sound.path(), folder.path(), fs::copy_options::recursive);
    damage(folder.path() / "shard_00000");
    try {
        read_scene_shard(read_scene_header(folder.path()), 0);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(SceneDataset, NamesTheColumnThatIsMissingOrTruncated) {
    const TemporaryFolder folder;
    write_dataset(folder.path(), some_scenes());
    int columns = 0;
    for (const auto& entry : fs::directory_iterator(folder.path() / "shard_00000")) {
        const std::string name = entry.path().filename();
        EXPECT_THAT(message_after([&](const fs::path& shard) { fs::remove(shard / name); }), HasSubstr(name));
        EXPECT_THAT(message_after(
                        [&](const fs::path& shard) { fs::resize_file(shard / name, fs::file_size(shard / name) - 1); }),
                    HasSubstr(name));
        ++columns;
    }
    EXPECT_EQ(columns, 15);
}

/// `values` in place of a column.
template <typename T>
std::string message_with(const std::string& name, const std::vector<T>& values, const std::vector<std::size_t>& shape) {
    return message_after([&](const fs::path& shard) { write_npy<T>(shard / (name + ".npy"), values, shape); });
}

TEST(SceneDataset, RefusesWhatCannotBe) {
    using I = std::int32_t;
    EXPECT_THAT(message_with<I>("object_scene", {0, 1, 1, 1, 2, 3}, {6}), HasSubstr("object_scene.npy: names scene 3"));
    EXPECT_THAT(message_with<I>("object_scene", {0, 1, 1, 1, 2, -1}, {6}), HasSubstr("names scene -1"));
    EXPECT_THAT(message_with<I>("object_scene", {0, 2, 1, 1, 2, 2}, {6}), HasSubstr("names scene 1 after scene 2"));
    EXPECT_THAT(message_with<I>("object_index", {0, 0, 1, 2, 0, 3}, {6}), HasSubstr("object 3 of 3"));
    EXPECT_THAT(message_with<I>("grasp_object", {-1, 1, 0, 0, 0, 0, 0, 0, 0}, {9}), HasSubstr("object 1 of a scene"));
    EXPECT_THAT(message_with<I>("grasp_object", {-2, 0, 0, 0, 0, 0, 0, 0, 0}, {9}), HasSubstr("grasp_object.npy"));
    EXPECT_THAT(message_with<float>("grasps", std::vector<float>(45, NAN), {9, 5}), HasSubstr("NaN"));
    EXPECT_THAT(message_with<float>("grasps", std::vector<float>(36), {9, 4}), HasSubstr("grasps.npy: has the wrong"));
    EXPECT_THAT(message_with<double>("camera_pose", std::vector<double>(36, NAN), {3, 3, 4}), HasSubstr("is no pose"));
    EXPECT_THAT(message_with<double>("object_pose", std::vector<double>(72, 0.1), {6, 3, 4}), HasSubstr("is no pose"));
    EXPECT_THAT(message_with<double>("intrinsics", std::vector<double>(12, 0.0), {3, 4}), HasSubstr("is no camera"));
    EXPECT_THAT(message_with<std::uint8_t>("scene_split", {0, 1, 7}, {3}), HasSubstr("split 7"));
    EXPECT_THAT(message_with<std::uint8_t>("scene_split", {0, 1}, {2}), HasSubstr("expected 2"));
    EXPECT_THAT(message_with<std::int64_t>("label_seed", {1, 2, -3}, {3}), HasSubstr("label seed -3"));
    EXPECT_THAT(message_with<std::uint8_t>("instances", std::vector<std::uint8_t>(36, 9), {3, 3, 4}),
                HasSubstr("more objects"));
    EXPECT_THAT(message_with<std::uint16_t>("depth", {}, {3, 0, 4}), HasSubstr("images of 0 x 4 pixels"));
    EXPECT_THAT(message_with<float>("depth", std::vector<float>(36), {3, 3, 4}), HasSubstr("holds f4, expected u2"));
    EXPECT_THAT(message_after([](const fs::path& shard) {
                    write_file_atomically(shard.parent_path() / "dataset.json", R"({"format": "ebgrasp-windows/1"})");
                }),
                HasSubstr("ebgrasp-scenes/1 is needed here"));
}

}  // namespace
}  // namespace ebgrasp
