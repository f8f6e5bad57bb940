#include "ebgrasp/dexnet/dexnet.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/dexnet/npz.hpp"
#include "ebgrasp/grasp/grasp_window.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

template <typename T>
NpyArray array_of(const std::vector<double>& values, const std::vector<std::size_t>& shape) {
    const std::vector<T> elements(values.begin(), values.end());
    NpyArray array{sizeof(T) == 4 ? "f4" : "f8", shape, std::string(sizeof(T) * elements.size(), '\0')};
    if (!elements.empty()) std::memcpy(array.bytes.data(), elements.data(), array.bytes.size());
    return array;
}

/// The three tensors of a shard, with values that need all of T's digits.
template <typename T>
struct Shard {
    explicit Shard(std::size_t rows, std::uint64_t seed) {
        RandomStream random(seed);
        for (std::size_t i = 0; i < rows; ++i) {
            for (int k = 0; k < 1024; ++k) depth.push_back(random.uniform(0.6, 0.8));
            const double row = random.uniform(100, 400), col = random.uniform(100, 500);
            for (const double value : {row, col, random.uniform(0.6, 0.8), random.uniform(0, 6.28), row - 239.5,
                                       col - 319.5, random.uniform(30, 50)})
                poses.push_back(value);
            robust.push_back(i % 3 == 0 ? 0.0 : random.uniform(0, 0.006));
        }
    }

    void write(const fs::path& folder, const std::string& number) const {
        const std::size_t rows = robust.size();
        write_npz(folder / ("depth_ims_tf_table_" + number + ".npz"), array_of<T>(depth, {rows, 32, 32, 1}));
        write_npz(folder / ("hand_poses_" + number + ".npz"), array_of<T>(poses, {rows, 7}));
        write_npz(folder / ("robust_ferrari_canny_" + number + ".npz"), array_of<T>(robust, {rows}));
    }

    std::vector<double> depth, poses, robust;
};

/// A folder of tensors and a place for what is made of them.
class Dexnet : public testing::Test {
  protected:
    std::string import_error(const std::function<void()>& damage) {
        fs::remove_all(tensors_);
        fs::remove_all(data_);
        Shard<float>(5, 1).write(tensors_, "00000");
        Shard<float>(5, 2).write(tensors_, "00001");
        damage();
        try {
            import_dexnet(tensors_, data_);
        } catch (const Error& error) {
            EXPECT_FALSE(fs::exists(data_ / "dataset.json"));
            return error.what();
        }
        return "no error";
    }
    std::string export_error() {
        try {
            export_dexnet(data_, exported_);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }
    void expect_same_arrays(const fs::path& file) {
        const NpyArray before = read_npz(tensors_ / file), after = read_npz(exported_ / file);
        EXPECT_EQ(after.dtype, before.dtype) << file;
        EXPECT_EQ(after.shape, before.shape) << file;
        EXPECT_EQ(after.bytes, before.bytes) << file;
    }

    TemporaryFolder folder_;
    fs::path tensors_ = folder_.path() / "tensors", data_ = folder_.path() / "data",
             exported_ = folder_.path() / "exported";
};

TEST_F(Dexnet, ImportedTensorsAreExportedBitByBit) {
    Shard<float>(1000, 1).write(tensors_, "00000");
    Shard<double>(200, 2).write(tensors_, "00001");
    Shard<float>(17, 3).write(tensors_, "00007");  // a part of the data; the last shard is short
    // One shard of mixed types.
    write_npz(tensors_ / "hand_poses_00007.npz", array_of<double>(Shard<double>(17, 3).poses, {17, 7}));
    const DexnetSummary imported = import_dexnet(tensors_, data_);
    const DexnetSummary exported = export_dexnet(data_, exported_);
    EXPECT_EQ(imported.shards, 3);
    EXPECT_EQ(imported.examples, 1217);
    EXPECT_EQ(exported.examples, 1217);
    for (const char* number : {"00000", "00001", "00007"})
        for (const char* field : {"depth_ims_tf_table_", "hand_poses_", "robust_ferrari_canny_"})
            expect_same_arrays(std::string(field) + number + ".npz");
    EXPECT_EQ(std::distance(fs::directory_iterator(exported_), fs::directory_iterator()), 9);
}

TEST_F(Dexnet, EachExampleBecomesAWindowWithItsGraspAtTheCentre) {
    const Shard<float> first(30, 1), second(20, 2);
    first.write(tensors_, "00000");
    second.write(tensors_, "00001");
    const DexnetSummary summary = import_dexnet(tensors_, data_);
    const WindowDataset data = read_window_dataset(data_);
    ASSERT_EQ(data.examples.size(), 50);
    ASSERT_EQ(data.examples.window_count(), 50);
    std::size_t positives = 0;
    for (std::size_t i = 0; i < 50; ++i) {
        const Shard<float>& shard = i < 30 ? first : second;
        const std::size_t k = i < 30 ? i : i - 30;
        EXPECT_EQ(data.examples.grasp_window[i], static_cast<int>(i));
        EXPECT_EQ(data.examples.window_object[i], i < 30 ? 0 : 1);
        EXPECT_EQ(data.examples.windows[1024 * i + 77], static_cast<float>(shard.depth[1024 * k + 77]));
        const float* grasp = &data.examples.grasps[5 * i];
        EXPECT_EQ(grasp[0], 15.5f);
        EXPECT_EQ(grasp[1], 15.5f);
        EXPECT_EQ(grasp[2], static_cast<float>(shard.poses[7 * k + 2]));
        EXPECT_EQ(grasp[3], 0.0f);
        EXPECT_NEAR(grasp[4], shard.poses[7 * k + 6] * shard.poses[7 * k + 2] / 525, 1e-7);
        EXPECT_EQ(data.examples.robust_epsilon[i], static_cast<float>(shard.robust[k]));
        EXPECT_EQ(data.examples.success(i), shard.robust[k] > 0.002);
        positives += shard.robust[k] > 0.002;
    }
    EXPECT_EQ(summary.positives, positives);
    EXPECT_GT(positives, 10);
    EXPECT_EQ(data.objects[1].name, "dexnet_00001");
}

TEST_F(Dexnet, ThresholdsInTheTensorsOwnPrecision) {
    // 0.002 is above its own float, so that a float32 metric of 0.002 is no success, as in NumPy.
    Shard<float> shard(3, 1);
    shard.robust = {0.002, std::nextafter(0.002f, 1.0f), 0.0};
    shard.write(tensors_, "00000");
    EXPECT_EQ(import_dexnet(tensors_, data_).positives, 1);
    EXPECT_EQ(import_dexnet(tensors_, folder_.path() / "lower", 0.001).positives, 2);
}

TEST_F(Dexnet, SplitByObjectIsSplitByShard) {
    for (int i = 0; i < 20; ++i)
        Shard<float>(3, static_cast<std::uint64_t>(i)).write(tensors_, "000" + std::to_string(10 + i));
    import_dexnet(tensors_, data_);
    const WindowDataset data = read_window_dataset(data_);
    EXPECT_EQ(data.indices(Split::train).size(), 48);
    EXPECT_EQ(data.indices(Split::validation).size(), 6);
    EXPECT_EQ(data.indices(Split::test).size(), 6);
}

TEST_F(Dexnet, RefusesShardsByName) {
    EXPECT_EQ(import_error([] {}), "no error");
    for (const std::string field : {"depth_ims_tf_table", "hand_poses", "robust_ferrari_canny"}) {
        const std::string name = field + "_00001.npz";
        const fs::path file = tensors_ / name;
        EXPECT_THAT(import_error([&] { fs::remove(file); }),
                    testing::AllOf(HasSubstr(name), HasSubstr("no such file")));
        EXPECT_THAT(import_error([&] { fs::resize_file(file, fs::file_size(file) / 2); }), HasSubstr(name));
        EXPECT_THAT(import_error([&] {
                        NpyArray array = read_npz(file);
                        array.dtype = "i4";
                        if (array.bytes.size() == 4 * array.size()) write_npz(file, array);
                    }),
                    testing::AllOf(HasSubstr(name), HasSubstr("holds i4, expected f4 or f8")));
        EXPECT_THAT(import_error([&] {
                        NpyArray array = read_npz(file);
                        const float nan = std::nanf("");
                        std::memcpy(array.bytes.data(), &nan, sizeof nan);
                        write_npz(file, array);
                    }),
                    testing::AllOf(HasSubstr(name), HasSubstr("NaN")));
    }
    const auto rows = [&](const std::string& name, std::vector<std::size_t> shape) {
        std::size_t size = 1;
        for (const auto n : shape) size *= n;
        return import_error(
            [&] { write_npz(tensors_ / name, array_of<float>(std::vector<double>(size, 0.5), shape)); });
    };
    EXPECT_THAT(rows("hand_poses_00001.npz", {4, 7}), HasSubstr("hand_poses_00001.npz: has 4 rows"));
    EXPECT_THAT(rows("robust_ferrari_canny_00000.npz", {6}), HasSubstr("robust_ferrari_canny_00000.npz: has 6 rows"));
    EXPECT_THAT(rows("hand_poses_00001.npz", {5, 6}), HasSubstr("hand_poses_00001.npz: has the wrong shape"));
    EXPECT_THAT(rows("depth_ims_tf_table_00001.npz", {5, 32, 32}), HasSubstr("has the wrong shape"));
    EXPECT_THAT(rows("depth_ims_tf_table_00001.npz", {}), HasSubstr("has the wrong shape"));
    EXPECT_THAT(rows("depth_ims_tf_table_00001.npz", {0, 32, 32, 1}), HasSubstr("has the wrong shape"));
}

TEST_F(Dexnet, RefusesFoldersThatHoldOtherThings) {
    EXPECT_THAT(import_error([&] { fs::remove_all(tensors_); }), HasSubstr("no Dex-Net tensors"));
    EXPECT_THAT(import_error([&] { write_file_atomically(data_ / "config.yaml", "seed: 3\n"); }),
                HasSubstr("another configuration"));
    ASSERT_EQ(import_error([] {}), "no error");
    EXPECT_THROW(import_dexnet(tensors_, data_, 0.001), Error);
    write_npz(exported_ / "hand_poses_00009.npz", array_of<float>({1}, {1}));
    EXPECT_THAT(export_error(), HasSubstr("shard 00009 of other tensors"));
}

TEST_F(Dexnet, GoesOnWhereItStopped) {
    ASSERT_EQ(import_error([] {}), "no error");
    const std::string header = read_file(data_ / "dataset.json"),
                      verdict = read_file(data_ / "shard_00001/verdict.npy");
    const auto kept = fs::last_write_time(data_ / "shard_00000/windows.npy");
    fs::remove(data_ / "dataset.json");
    fs::remove_all(data_ / "shard_00001");
    EXPECT_EQ(import_dexnet(tensors_, data_).examples, 10);
    EXPECT_EQ(read_file(data_ / "dataset.json"), header);
    EXPECT_EQ(read_file(data_ / "shard_00001/verdict.npy"), verdict);
    EXPECT_EQ(fs::last_write_time(data_ / "shard_00000/windows.npy"), kept);
}

TEST_F(Dexnet, GeneratedWindowsCannotBeExported) {
    ASSERT_EQ(import_error([] {}), "no error");
    fs::remove(data_ / "shard_00001/hand_poses.npy");
    EXPECT_THAT(export_error(), testing::AllOf(HasSubstr("shard_00001"), HasSubstr("--layout scenes")));
    EXPECT_FALSE(fs::exists(exported_));
}

/// A bump on the table, seen from 0.7 m straight above; 9 pixels are missing.
SceneRecord scene_of(std::size_t grasps, std::uint64_t seed) {
    SceneRecord scene;
    scene.height = 120;
    scene.width = 160;
    scene.intrinsics = {500, 510, 80, 60};
    scene.X_WC.linear() = Eigen::Vector3d(1, -1, -1).asDiagonal();
    scene.X_WC.translation() << 0.01, 0.02, 0.7;
    for (int row = 0; row < 120; ++row)
        for (int col = 0; col < 160; ++col)
            scene.depth.push_back(store_depth(0.7f - 0.05f * std::exp(-0.002f * float(std::pow(row - 50, 2)) -
                                                                      0.001f * float(std::pow(col - 90, 2)))));
    for (int k = 0; k < 9; ++k) scene.depth[static_cast<std::size_t>(160 * 100 + 20 + k)] = 0;
    scene.instances.assign(scene.depth.size(), 0);
    scene.objects.push_back({0, Eigen::Isometry3d::Identity()});
    RandomStream random(seed);
    for (std::size_t i = 0; i < grasps; ++i) {
        const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
        const float robust_epsilon = i % 4 == 0 ? uniform(0.003, 0.01) : 0.0f;
        scene.grasps.push_back({uniform(20, 100), uniform(20, 140), uniform(0.65, 0.7), uniform(-1.5, 1.5), 0.0f,
                                robust_epsilon, robust_epsilon, static_cast<std::uint8_t>(i % 4 == 0 ? 0 : 3), 0});
    }
    return scene;
}

TEST_F(Dexnet, ScenesAreExportedAsWindowsOfTheirGrasps) {
    std::vector<SceneRecord> scenes;
    for (std::size_t i = 0; i < 5; ++i) scenes.push_back(scene_of(250 + i, i));
    write_scene_shard(data_ / "shard_00000", std::span(scenes).first(3));
    write_scene_shard(data_ / "shard_00001", std::span(scenes).last(2));
    write_dataset_header(
        data_, "ebgrasp-scenes/1",
        {{{"gripper", "robotiq_2f85"}}, {{"bump", Split::train}}, {data_ / "shard_00000", data_ / "shard_00001"}});
    const DexnetSummary summary = export_dexnet(data_, exported_);
    EXPECT_EQ(summary.shards, 2);
    EXPECT_EQ(summary.examples, 1260);

    std::vector<float> windows, poses, robust;
    for (const char* number : {"00000", "00001"}) {
        const auto append = [&](std::vector<float>& to, const std::string& field) {
            const auto values = read_npz(exported_ / (field + "_" + number + ".npz")).as<float>();
            to.insert(to.end(), values.begin(), values.end());
        };
        append(windows, "depth_ims_tf_table");
        append(poses, "hand_poses");
        append(robust, "robust_ferrari_canny");
    }
    EXPECT_EQ(read_npz(exported_ / "hand_poses_00000.npz").shape, (std::vector<std::size_t>{1000, 7}));
    ASSERT_EQ(robust.size(), 1260);
    std::size_t k = 0;
    for (const SceneRecord& scene : scenes) {
        auto metres = scene.depth_in_metres();
        for (float& z : metres) z = z == 0 ? 0.7f : z;  // the table
        const DepthArray image = Eigen::Map<const DepthArray>(metres.data(), 120, 160);
        for (const SceneGrasp& grasp : scene.grasps) {
            std::vector<float> window(1024);
            grasp_window(image, {grasp.row, grasp.col, grasp.depth, grasp.angle, 0}, window);
            for (std::size_t i = 0; i < 1024; ++i) ASSERT_NEAR(windows[1024 * k + i], window[i], 1e-6);
            const double pose[] = {grasp.row,
                                   grasp.col,
                                   grasp.depth,
                                   grasp.angle,
                                   grasp.row - 60,
                                   grasp.col - 80,
                                   500 * 0.085 / grasp.depth};
            for (std::size_t i = 0; i < 7; ++i) ASSERT_NEAR(poses[7 * k + i], pose[i], 1e-4);
            ASSERT_EQ(robust[k++], grasp.robust_epsilon);
        }
    }
    // What is read back succeeds where the scenes' grasps do.
    const DexnetSummary back = import_dexnet(exported_, folder_.path() / "back");
    EXPECT_EQ(back.positives, summary.positives);
    EXPECT_EQ(back.examples, summary.examples);
    // Fewer grasps would leave old shards behind.
    write_dataset_header(data_, "ebgrasp-scenes/1",
                         {{{"gripper", "robotiq_2f85"}}, {{"bump", Split::train}}, {data_ / "shard_00001"}});
    EXPECT_THAT(export_error(), HasSubstr("shard 00001 of other tensors"));
}

TEST_F(Dexnet, ExportNamesADamagedShard) {
    ASSERT_EQ(import_error([] {}), "no error");
    const fs::path poses = data_ / "shard_00001/hand_poses.npy";
    write_npy<float>(poses, std::vector<float>(28), {4, 7});
    EXPECT_THAT(export_error(), HasSubstr("shard_00001/hand_poses: has 4 rows"));
}

}  // namespace
}  // namespace ebgrasp
