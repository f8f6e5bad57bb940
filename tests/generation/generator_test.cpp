#include "ebgrasp/generation/generator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/image/window.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

GenerationConfig windows_config() {
    GenerationConfig config;
    config.objects = "procedural:6";
    config.examples = 260;
    config.examples_per_shard = 100;
    return config;
}

GenerationConfig scenes_config() {
    GenerationConfig config = windows_config();
    config.layout = "scenes";
    config.scene.kind = "packed";
    config.examples = 100;
    config.grasps_per_scene = 20;
    config.candidates_per_scene = 80;
    config.scenes_per_shard = 2;
    config.camera.intrinsics = {120, 160, 131.25, 131.25, 79.5, 59.5};
    return config;
}

/// Every file below `folder` by its relative path.
std::map<std::string, std::string> contents(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files[fs::relative(entry.path(), folder)] = read_file(entry.path());
    return files;
}

class BothLayouts : public testing::TestWithParam<GenerationConfig> {};
INSTANTIATE_TEST_SUITE_P(Generator, BothLayouts, testing::Values(windows_config(), scenes_config()),
                         [](const auto& test) { return test.param.layout; });

TEST_P(BothLayouts, SameBytesOnAnyNumberOfThreads) {
    std::vector<std::map<std::string, std::string>> results;
    for (const int threads : {1, 2, 7}) {
        const ThreadLimit limit(threads);
        const TemporaryFolder folder;
        generate(GetParam(), folder.path());
        results.push_back(contents(folder.path()));
    }
    EXPECT_EQ(results[0].size(), 3 + 3 * (GetParam().layout == "windows" ? 7u : 15u));
    EXPECT_TRUE(results[0] == results[1]);
    EXPECT_TRUE(results[0] == results[2]);
}

TEST_P(BothLayouts, AnInterruptedRunEndsWithTheSameBytes) {
    const TemporaryFolder whole, interrupted;
    const GenerationSummary made = generate(GetParam(), whole.path());
    generate(GetParam(), interrupted.path());
    const fs::path& folder = interrupted.path();
    fs::remove(folder / "dataset.json");
    fs::remove_all(folder / "shard_00002");
    fs::remove_all(folder / "shard_00001");
    // What killed processes leave: half a shard, half a header, and a shard that is not wanted any more.
    for (const char* file : {"shard_00001.tmp/windows.npy", "shard_00009.tmp/windows.npy.tmp77", "dataset.json.tmp77"})
        write_file_atomically(folder / file, "half");
    const GenerationSummary resumed = generate(GetParam(), folder);
    EXPECT_TRUE(contents(whole.path()) == contents(folder));
    EXPECT_EQ(resumed.examples, made.examples);
    EXPECT_EQ(resumed.positives, made.positives);
    EXPECT_EQ(resumed.images, made.images);
}

TEST(Generator, RefusesAFolderOfAnotherConfiguration) {
    const TemporaryFolder folder;
    GenerationConfig config = windows_config();
    generate(config, folder.path());
    config.seed = 99;
    EXPECT_THROW(generate(config, folder.path()), Error);
}

TEST(Generator, KeepsTheGripperAndRefusesAnother) {
    const TemporaryFolder folder, grippers;
    GenerationConfig config = windows_config();
    config.gripper = grippers.path() / "ours.yaml";
    Gripper gripper;
    gripper.name = "ours";
    write_file_atomically(config.gripper, to_yaml(gripper));
    generate(config, folder.path());
    EXPECT_EQ(to_yaml(load_gripper(folder.path() / "gripper.yaml")), to_yaml(gripper));
    gripper.max_opening = 0.04;
    write_file_atomically(config.gripper, to_yaml(gripper));
    EXPECT_THROW(generate(config, folder.path()), Error);
}

TEST(Generator, ItsSavedConfigurationIsItself) {
    const TemporaryFolder folder;
    generate(windows_config(), folder.path());
    const auto read = config_from_json<GenerationConfig>(read_yaml(folder.path() / "config.yaml"), "config.yaml");
    EXPECT_EQ(nlohmann::json(read), nlohmann::json(windows_config()));
}

TEST(Generator, ExamplesLieInTheirWindowsAndBelowTheCamera) {
    const TemporaryFolder folder;
    generate(windows_config(), folder.path());
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
    // The share aimed at is 0.3, but objects that the gripper can hardly hold evenly do not reach it.
    const double share = static_cast<double>(positives) / 260.0;
    EXPECT_GT(share, 0.05);
    EXPECT_LT(share, 0.35);
}

TEST(Generator, WindowsShowTheObjectUnderTheGrasp) {
    // Without noise, a success closes on something: the window's surface at the grasp is nearer than the grasp's centre
    // or at most a little farther (hollow objects), and nearer than the table around it.
    GenerationConfig config = windows_config();
    config.noise.gamma_shape = 0;
    config.noise.gp_probability = 0;
    config.noise.edge_missing_probability = 0;
    const TemporaryFolder folder;
    generate(config, folder.path());
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
    ASSERT_GT(successes, 15);
    EXPECT_GT(above, 0.9 * successes);
}

TEST(Generator, WindowsOfClutterShowTheirTargetAmongOthers) {
    GenerationConfig config = windows_config();
    config.scene.kind = "packed";
    const TemporaryFolder folder;
    const GenerationSummary made = generate(config, folder.path());
    EXPECT_EQ(made.examples, 260u);
    const WindowDataset data = read_window_dataset(folder.path());
    std::set<int> objects(data.examples.window_object.begin(), data.examples.window_object.end());
    EXPECT_GT(objects.size(), 1u);
}

/// `data` without noise, seen from straight above, so that the table is one depth everywhere.
WindowExamples clean_windows(bool grasp_windows) {
    GenerationConfig config = windows_config();
    config.noise = {.gamma_shape = 0, .gp_probability = 0, .edge_missing_probability = 0};
    config.camera.max_elevation = 0;
    config.grasp_windows = grasp_windows;
    const TemporaryFolder folder;
    generate(config, folder.path());
    return read_window_dataset(folder.path()).examples;
}

TEST(Generator, GraspWindowsChangeNothingElse) {
    const WindowExamples with = clean_windows(true), without = clean_windows(false);
    EXPECT_EQ(with.grasp_windows.size(), with.size() * grasp_window_pixels);
    EXPECT_FALSE(without.has_grasp_windows());
    EXPECT_EQ(with.verdict, without.verdict);
    EXPECT_EQ(with.epsilon, without.epsilon);
    EXPECT_EQ(with.grasp_window, without.grasp_window);
    EXPECT_THAT(with.grasps, testing::Pointwise(testing::FloatNear(1e-5f), without.grasps));
    EXPECT_THAT(with.windows, testing::Pointwise(testing::FloatNear(1e-5f), without.windows));
}

TEST(Generator, GraspWindowsShowTheSharedWindowFromTheGrasp) {
    // Where the shared window is flat over 5 x 5 pixels, neither interpolation nor filter matters: the grasp's window
    // must show the same depth at the place that its definition (grasp/grasp_window.hpp) gives.
    const WindowExamples examples = clean_windows(true);
    std::size_t compared = 0, on_objects = 0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        const float* y = &examples.grasps[5 * i];
        const float* shared = &examples.windows[static_cast<std::size_t>(examples.grasp_window[i]) * window_pixels];
        const float table = *std::max_element(shared, shared + window_pixels);
        const auto depth = [&](int row, int col) { return shared[row * window_size + col]; };
        for (int r = 0; r < window_size; ++r)
            for (int c = 0; c < window_size; ++c) {
                const double along = c + 1 / 3.0 - 47.5 / 3, across = r + 1 / 3.0 - 47.5 / 3;  // shared window's pixels
                const int row = static_cast<int>(std::lround(y[0] + std::sin(y[3]) * along + std::cos(y[3]) * across));
                const int col = static_cast<int>(std::lround(y[1] + std::cos(y[3]) * along - std::sin(y[3]) * across));
                if (row < 2 || col < 2 || row > window_size - 3 || col > window_size - 3) continue;
                bool flat = true;
                for (int k = 0; k < 25; ++k)
                    flat &= std::abs(depth(row - 2 + k / 5, col - 2 + k % 5) - depth(row, col)) < 2e-5f;
                if (!flat) continue;
                const double stored =
                    examples.grasp_windows[i * grasp_window_pixels + static_cast<std::size_t>(r * window_size + c)] *
                    stored_depth_unit;
                ASSERT_NEAR(stored, depth(row, col), 1e-4) << "example " << i << " at " << r << ", " << c;
                ++compared;
                on_objects += depth(row, col) < table - 0.005f;
            }
    }
    EXPECT_GT(compared, 50 * examples.size());
    EXPECT_GT(on_objects, 2 * examples.size());
}

TEST(Generator, CountsWhatIsInTheData) {
    const TemporaryFolder folder;
    const GenerationSummary made = generate(windows_config(), folder.path());
    const WindowDataset data = read_window_dataset(folder.path());
    std::size_t positives = 0;
    for (std::size_t i = 0; i < data.examples.size(); ++i) positives += data.examples.success(i);
    EXPECT_EQ(made.examples, data.examples.size());
    EXPECT_EQ(made.positives, positives);
    EXPECT_EQ(made.images, data.examples.window_count());
    EXPECT_EQ(made.objects, data.objects.size());
}

TEST(Generator, RefusesBadConfigurations) {
    const TemporaryFolder folder;
    const auto message = [&](nlohmann::json change) -> std::string {
        change.emplace("objects", "procedural:6");
        try {
            generate(config_from_json<GenerationConfig>(change, "c.yaml"), folder.path() / "d");
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
    EXPECT_THAT(message({{"split", {0.5, 0.1, 0.1}}}), HasSubstr("split: the shares sum to 0.7"));
    EXPECT_THAT(message({{"split", {1.5, -0.5, 0.0}}}), HasSubstr("split is 1.5"));
    EXPECT_THAT(message({{"candidates", {{"uniform", 0.5}}}}), HasSubstr("candidates: the shares sum to"));
    EXPECT_THAT(message({{"layout", "tensors"}}), HasSubstr("layout is 'tensors'; use windows or scenes"));
    EXPECT_THAT(message({{"layout", "scenes"}, {"split_by", "example"}}), HasSubstr("splits windows only"));
    EXPECT_THAT(message({{"layout", "scenes"}, {"grasp_windows", true}}), HasSubstr("is for the layout windows"));
    EXPECT_THAT(message({{"split_by", "colour"}}), HasSubstr("cannot split by 'colour'"));
    EXPECT_THAT(message({{"scene", {{"kind", "heap"}}}}), HasSubstr("scene.kind is 'heap'"));
    EXPECT_THAT(message({{"scene", {{"kind", "pile"}}}}), HasSubstr("needs physics"));
    EXPECT_THAT(message({{"scene", {{"objects", {4, 3}}}}}), HasSubstr("scene.objects (fewest) is 4"));
    EXPECT_THAT(message({{"scene", {{"kind", "packed"}, {"min_volume", 0.5}}}}), HasSubstr("none of the 6 objects"));
    EXPECT_THAT(message({{"noise", {{"gamma_shape", 0.5}}}}), HasSubstr("noise.gamma_shape is 0.5"));
    EXPECT_FALSE(fs::exists(folder.path() / "d"));
}

}  // namespace
}  // namespace ebgrasp
