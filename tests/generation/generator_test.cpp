#include "ebgrasp/generation/generator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/image/window.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

GenerationConfig small_config() {
    GenerationConfig config;
    config.objects = "procedural:6";
    config.examples = 260;
    config.examples_per_shard = 100;
    return config;
}

/// Every file below `folder` by its relative path.
std::map<std::string, std::string> contents(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files[fs::relative(entry.path(), folder)] = read_file(entry.path());
    return files;
}

TEST(Generator, SameBytesOnAnyNumberOfThreads) {
    std::vector<std::map<std::string, std::string>> results;
    for (const int threads : {1, 2, 7}) {
        const ThreadLimit limit(threads);
        const TemporaryFolder folder;
        generate_windows(small_config(), folder.path());
        results.push_back(contents(folder.path()));
    }
    EXPECT_EQ(results[0].size(), 2 + 3 * 7u);
    EXPECT_TRUE(results[0] == results[1]);
    EXPECT_TRUE(results[0] == results[2]);
}

TEST(Generator, AnInterruptedRunEndsWithTheSameBytes) {
    const TemporaryFolder whole, interrupted;
    generate_windows(small_config(), whole.path());
    generate_windows(small_config(), interrupted.path());
    fs::remove(interrupted.path() / "dataset.json");
    fs::remove_all(interrupted.path() / "shard_00002");
    fs::remove_all(interrupted.path() / "shard_00001");
    fs::create_directories(interrupted.path() / "shard_00001.tmp");  // half a shard
    write_file_atomically(interrupted.path() / "shard_00001.tmp/windows.npy", "half");
    generate_windows(small_config(), interrupted.path());
    EXPECT_TRUE(contents(whole.path()) == contents(interrupted.path()));
}

TEST(Generator, RefusesAFolderOfAnotherConfiguration) {
    const TemporaryFolder folder;
    GenerationConfig config = small_config();
    generate_windows(config, folder.path());
    config.seed = 99;
    EXPECT_THROW(generate_windows(config, folder.path()), Error);
}

TEST(Generator, ItsSavedConfigurationIsItself) {
    const TemporaryFolder folder;
    generate_windows(small_config(), folder.path());
    const auto read = config_from_json<GenerationConfig>(read_yaml(folder.path() / "config.yaml"), "config.yaml");
    EXPECT_EQ(nlohmann::json(read), nlohmann::json(small_config()));
}

TEST(Generator, ExamplesLieInTheirWindowsAndBelowTheCamera) {
    const TemporaryFolder folder;
    generate_windows(small_config(), folder.path());
    const WindowDataset data = read_window_dataset(folder.path());
    ASSERT_EQ(data.examples.size(), 260u);
    std::size_t positives = 0;
    for (std::size_t i = 0; i < data.examples.size(); ++i) {
        const float* y = &data.examples.grasps[5 * i];
        EXPECT_THAT(y[0], testing::AllOf(testing::Ge(0), testing::Le(window_size - 1)));
        EXPECT_THAT(y[1], testing::AllOf(testing::Ge(0), testing::Le(window_size - 1)));
        EXPECT_THAT(y[2], testing::AllOf(testing::Gt(0.4), testing::Lt(0.8)));
        EXPECT_LE(std::abs(y[3]), 1.5707964f);
        EXPECT_EQ(data.examples.success(i), data.examples.verdict[i] == 0);
        if (data.examples.success(i)) {
            EXPECT_GT(data.examples.robust_epsilon[i], 0.002f);
            EXPECT_THAT(y[4], testing::AllOf(testing::Gt(0), testing::Le(0.085f)));
        }
        positives += data.examples.success(i);
    }
    // The share aimed at is 0.3, but objects that the gripper can hardly hold do not reach it.
    const double share = static_cast<double>(positives) / 260.0;
    EXPECT_GT(share, 0.1);
    EXPECT_LT(share, 0.35);
}

TEST(Generator, WindowsShowTheObjectUnderTheGrasp) {
    // Without noise, a success closes on something: the window's surface at the grasp is nearer than the grasp's centre
    // or at most a little farther (hollow objects), and nearer than the table around it.
    GenerationConfig config = small_config();
    config.noise.gamma_shape = 0;
    config.noise.gp_probability = 0;
    config.noise.edge_missing_probability = 0;
    const TemporaryFolder folder;
    generate_windows(config, folder.path());
    const WindowDataset data = read_window_dataset(folder.path());
    int above = 0, successes = 0;
    for (std::size_t i = 0; i < data.examples.size(); ++i) {
        if (!data.examples.success(i)) continue;
        const float* y = &data.examples.grasps[5 * i];
        const float* window =
            &data.examples.windows[static_cast<std::size_t>(data.examples.grasp_window[i]) * window_pixels];
        const auto pixel = static_cast<std::size_t>(std::lround(y[0]) * window_size + std::lround(y[1]));
        ++successes;
        above += window[pixel] < y[2] + 0.002f;
    }
    ASSERT_GT(successes, 30);
    EXPECT_GT(above, 0.9 * successes);
}

TEST(Generator, RefusesBadConfigurations) {
    const TemporaryFolder folder;
    const auto message = [&](const nlohmann::json& change) -> std::string {
        try {
            generate_windows(config_from_json<GenerationConfig>(change, "c.yaml"), folder.path() / "d");
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_THAT(message({{"objects", "procedural:0"}}), HasSubstr("[1, 1000000]"));
    EXPECT_THAT(message({{"objects", "/nowhere"}}), HasSubstr("/nowhere: no such file"));
    EXPECT_THAT(message({{"examples", 0}}), HasSubstr("examples is 0"));
    EXPECT_THAT(message({{"exampels", 10}}), HasSubstr("unknown key 'exampels'"));
    EXPECT_THAT(message({{"noise", {{"gp_sigmaa", 1}}}}), HasSubstr("c.yaml: noise: unknown key 'gp_sigmaa'"));
    EXPECT_THAT(message({{"examples", "many"}}), HasSubstr("c.yaml"));
    EXPECT_THAT(message({{"split", {0.5, 0.1, 0.1}}}), HasSubstr("split"));
}

}  // namespace
}  // namespace ebgrasp
