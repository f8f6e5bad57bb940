#include "ebgrasp/dataset/window_dataset.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/npy.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

WindowExamples some_examples(std::size_t windows, std::size_t grasps_per_window) {
    WindowExamples e;
    for (std::size_t w = 0; w < windows; ++w) {
        e.windows.insert(e.windows.end(), 1024, 0.5f + 0.01f * static_cast<float>(w));
        e.window_object.push_back(static_cast<std::int32_t>(w % 3));
        for (std::size_t g = 0; g < grasps_per_window; ++g) {
            for (int k = 0; k < 5; ++k) e.grasps.push_back(static_cast<float>(w + g) + 0.1f * static_cast<float>(k));
            e.grasp_window.push_back(static_cast<std::int32_t>(w));
            e.robust_epsilon.push_back(0.001f * static_cast<float>(g));
            e.epsilon.push_back(0.002f * static_cast<float>(g));
            e.verdict.push_back(static_cast<std::uint8_t>(g % 2));
        }
    }
    return e;
}

void write_dataset(const fs::path& folder, const std::vector<WindowExamples>& shards) {
    nlohmann::json names = nlohmann::json::array();
    for (std::size_t i = 0; i < shards.size(); ++i) {
        names.push_back("shard_" + std::to_string(i));
        write_window_shard(folder / names.back().get<std::string>(), shards[i]);
    }
    const nlohmann::json header = {{"format", "ebgrasp-windows/1"},
                                   {"config", {{"seed", 3}}},
                                   {"objects",
                                    {{{"name", "a"}, {"split", "train"}},
                                     {{"name", "b"}, {"split", "validation"}},
                                     {{"name", "c"}, {"split", "test"}}}},
                                   {"shards", names}};
    write_file_atomically(folder / "dataset.json", header.dump());
}

TEST(WindowDataset, ReadsBackItsShardsAsOne) {
    const TemporaryFolder folder;
    const auto first = some_examples(4, 3), second = some_examples(2, 5);
    write_dataset(folder.path(), {first, second});
    const WindowDataset all = read_window_dataset(folder.path());
    EXPECT_EQ(all.examples.size(), 4 * 3 + 2 * 5);
    EXPECT_EQ(all.examples.window_count(), 6);
    EXPECT_EQ(all.config.at("seed"), 3);
    // The second shard's windows are numbered on from the first's.
    EXPECT_EQ(all.examples.grasp_window.back(), 5);
    EXPECT_EQ(all.examples.windows[5 * 1024], second.windows[1024]);
    EXPECT_EQ(std::vector<float>(all.examples.grasps.begin(), all.examples.grasps.begin() + 60), first.grasps);
    EXPECT_EQ(read_window_dataset(folder.path(), 7).examples.size(), 7);
}

TEST(WindowDataset, GraspWindowsAreOptionalButInAllShardsOrNone) {
    const auto with_grasp_windows = [](WindowExamples examples) {
        for (std::size_t i = 0; i < examples.size() * grasp_window_pixels; ++i)
            examples.grasp_windows.push_back(static_cast<std::uint16_t>(6000 + i % 997));
        return examples;
    };
    const auto first = with_grasp_windows(some_examples(4, 3)), second = with_grasp_windows(some_examples(2, 5));
    const TemporaryFolder all, some, none;
    write_dataset(all.path(), {first, second});
    const WindowExamples read = read_window_dataset(all.path()).examples;
    ASSERT_EQ(read.grasp_windows.size(), 22 * grasp_window_pixels);
    EXPECT_TRUE(
        std::ranges::equal(std::span(read.grasp_windows).first(first.grasp_windows.size()), first.grasp_windows));
    EXPECT_TRUE(
        std::ranges::equal(std::span(read.grasp_windows).last(second.grasp_windows.size()), second.grasp_windows));
    EXPECT_EQ(read_window_dataset(all.path(), 7).examples.grasp_windows.size(), 7 * grasp_window_pixels);

    write_dataset(none.path(), {some_examples(4, 3)});
    EXPECT_FALSE(fs::exists(none.path() / "shard_0/grasp_windows.npy"));
    EXPECT_FALSE(read_window_dataset(none.path()).examples.has_grasp_windows());

    write_dataset(some.path(), {first, some_examples(2, 5)});
    EXPECT_THROW(read_window_dataset(some.path()), Error);
    WindowExamples holes = first;
    holes.grasp_windows[5] = 0;
    write_dataset(some.path(), {holes});
    EXPECT_THROW(read_window_dataset(some.path()), Error);
}

TEST(WindowDataset, SplitsPartitionTheExamples) {
    const TemporaryFolder folder;
    write_dataset(folder.path(), {some_examples(300, 4)});
    const WindowDataset data = read_window_dataset(folder.path());
    for (const SplitBy by : {SplitBy::object, SplitBy::window, SplitBy::example}) {
        std::vector<int> seen(data.examples.size(), 0);
        for (const Split split : {Split::train, Split::validation, Split::test})
            for (const auto i : data.indices(split, by, 7)) ++seen[i];
        EXPECT_THAT(seen, testing::Each(1));
    }
    // By object and by window, no window is on two sides.
    for (const SplitBy by : {SplitBy::object, SplitBy::window}) {
        std::set<int> train;
        for (const auto i : data.indices(Split::train, by, 7)) train.insert(data.examples.grasp_window[i]);
        for (const auto i : data.indices(Split::validation, by, 7))
            EXPECT_FALSE(train.contains(data.examples.grasp_window[i]));
    }
    const double share = double(data.indices(Split::train, SplitBy::example).size()) / double(data.examples.size());
    EXPECT_NEAR(share, 0.8, 0.05);
}

TEST(WindowDataset, NamesTheDamagedFile) {
    const auto message_after = [](const std::function<void(const fs::path&)>& damage) {
        const TemporaryFolder folder;
        write_dataset(folder.path(), {some_examples(3, 2)});
        damage(folder.path());
        try {
            read_window_dataset(folder.path());
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    EXPECT_THAT(message_after([](const fs::path& f) { fs::resize_file(f / "shard_0/windows.npy", 500); }),
                HasSubstr("windows.npy"));
    EXPECT_THAT(message_after([](const fs::path& f) { fs::remove(f / "shard_0/verdict.npy"); }),
                HasSubstr("verdict.npy"));
    EXPECT_THAT(message_after([](const fs::path& f) {
                    write_npy<std::int32_t>(f / "shard_0/grasp_window.npy", std::vector<std::int32_t>(6, 99), {6});
                }),
                HasSubstr("window 99"));
    EXPECT_THAT(message_after(
                    [](const fs::path& f) { write_npy<float>(f / "shard_0/epsilon.npy", std::vector<float>(5), {5}); }),
                HasSubstr("epsilon.npy: has 5 rows, expected 6"));
    EXPECT_THAT(message_after([](const fs::path& f) {
                    std::vector<float> grasps(30, std::nanf(""));
                    write_npy<float>(f / "shard_0/grasps.npy", grasps, {6, 5});
                }),
                HasSubstr("NaN"));
    EXPECT_THAT(message_after([](const fs::path& f) { write_file_atomically(f / "dataset.json", "{\"format\": "); }),
                HasSubstr("dataset.json"));
    EXPECT_THAT(message_after([](const fs::path& f) {
                    write_file_atomically(f / "dataset.json", R"({"format": "ebgrasp-windows/9", "config": {}})");
                }),
                HasSubstr("ebgrasp-windows/9"));
    EXPECT_THAT(message_after([](const fs::path& f) { fs::remove(f / "dataset.json"); }), HasSubstr("dataset.json"));
}

}  // namespace
}  // namespace ebgrasp
