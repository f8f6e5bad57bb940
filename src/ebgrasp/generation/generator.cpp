#include "ebgrasp/generation/generator.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/generation/scene_generator.hpp"
#include "ebgrasp/generation/window_generator.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

/// Random streams of one seed that serve different ends; 0 is draw_splits'.
constexpr int window_stream = 1, scene_stream = 2, scene_split_stream = 3;

/// Appends up to `room` examples of one window.
void append_window(WindowExamples& shard, const WindowExamples& window, std::size_t room) {
    const std::size_t count = std::min(window.size(), room);
    if (count == 0) return;
    const auto index = static_cast<std::int32_t>(shard.window_count());
    const auto append = [](auto& to, const auto& from, std::size_t size) {
        to.insert(to.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
    };
    append(shard.windows, window.windows, window.windows.size());
    append(shard.window_object, window.window_object, 1);
    append(shard.grasps, window.grasps, 5 * count);
    append(shard.robust_epsilon, window.robust_epsilon, count);
    append(shard.epsilon, window.epsilon, count);
    append(shard.verdict, window.verdict, count);
    if (window.has_grasp_windows()) append(shard.grasp_windows, window.grasp_windows, grasp_window_pixels * count);
    shard.grasp_window.insert(shard.grasp_window.end(), count, index);
}

/// One shard of `count` windows examples. Rounds are small, so that memory stays flat, and their size depends on the
/// counts alone: same bytes for any threads.
WindowExamples make_windows(const SceneSampler& sampler, const Gripper& gripper, const GenerationConfig& config,
                            std::size_t shard, std::size_t count, Progress& progress) {
    WindowExamples examples;
    std::size_t first = 0, empty_rounds = 0;
    while (examples.size() < count) {
        const std::size_t before = examples.size();
        const std::size_t round =
            std::min<std::size_t>(256, (count - before) / static_cast<std::size_t>(config.grasps_per_window) + 1);
        std::vector<WindowExamples> windows(round);
        parallel_for(round, [&](std::size_t i) {
            windows[i] =
                generate_window(sampler, gripper, config, RandomStream(config.seed, window_stream, shard, first + i));
        });
        for (const auto& window : windows) append_window(examples, window, count - examples.size());
        first += round;
        progress.advance(examples.size() - before);
        empty_rounds = examples.size() == before ? empty_rounds + 1 : 0;
        require(empty_rounds < 20, config.objects,
                ": no candidate grasp lies in the window for any object; are the meshes in metres?");
    }
    return examples;
}

/// The scenes `first` to `first + count`. `splits` are the objects'.
std::vector<SceneRecord> make_scenes(const SceneSampler& sampler, const Gripper& gripper,
                                     const GenerationConfig& config, const std::vector<Split>& splits,
                                     std::size_t first, std::size_t count, Progress& progress) {
    const bool by_object = parse_split_by(config.split_by) == SplitBy::object;
    std::vector<SceneRecord> scenes(count);
    parallel_for(count, [&](std::size_t i) {
        SceneRecord& scene = scenes[i];
        scene = generate_scene(sampler, gripper, config, RandomStream(config.seed, scene_stream, first + i));
        scene.split = by_object
                          ? splits[static_cast<std::size_t>(scene.objects.front().index)]
                          : split_at(RandomStream(config.seed, scene_split_stream, first + i).uniform(), config.split);
        progress.advance();
    });
    return scenes;
}

/// Counts what the shards hold; reads the small columns that it needs.
GenerationSummary summarize(const DatasetHeader& header, bool windows) {
    GenerationSummary summary;
    summary.objects = header.objects.size();
    for (const fs::path& shard : header.shards) {
        const auto verdict = read_column<std::uint8_t>(shard / "verdict.npy", {0});
        summary.examples += verdict.size();
        summary.positives += static_cast<std::size_t>(std::ranges::count(verdict, 0));
        summary.images += windows ? read_column<std::int32_t>(shard / "window_object.npy", {0}).size()
                                  : read_column<std::uint8_t>(shard / "scene_split.npy", {0}).size();
    }
    return summary;
}

/// The gripper without what only places the user's frames, which labels do not depend on.
std::string labelling_gripper(Gripper gripper) {
    gripper.tcp_offset = {0, 0, 0};
    gripper.base_distance = 0;
    return to_yaml(gripper);
}

/// Keeps the gripper with the data, since config.yaml may only name its file. Throws Error if data made for another
/// gripper is there.
void keep_gripper(const Gripper& gripper, const fs::path& file) {
    require(!fs::exists(file) || labelling_gripper(load_gripper(file.string())) == labelling_gripper(gripper),
            file.string(),
            ": the data there was made for a gripper that differs; choose another --output or remove it");
    write_file_atomically(file, to_yaml(gripper));
}

}  // namespace

GenerationSummary generate(const GenerationConfig& config, const fs::path& folder, const Settle& settle) {
    config.validate();
    const bool windows = parse_layout(config.layout) == Layout::windows;
    const bool by_object = parse_split_by(config.split_by) == SplitBy::object;
    const Gripper gripper = load_gripper(config.gripper);
    auto objects = load_objects(config.objects, config.seed);
    const auto splits = draw_splits(objects.size(), config.split, config.seed);
    DatasetHeader header{config, {}, {}};
    for (std::size_t i = 0; i < objects.size(); ++i) header.objects.push_back({objects[i].name(), splits[i]});
    const SceneSampler sampler(std::move(objects), by_object ? splits : std::vector<Split>{}, config.scene, settle);
    claim_folder(folder, config);
    keep_gripper(gripper, folder / "gripper.yaml");

    const auto per_scene = static_cast<std::size_t>(config.grasps_per_scene);
    const std::size_t total = windows ? config.examples : (config.examples + per_scene - 1) / per_scene;
    const std::size_t per_shard = windows ? config.examples_per_shard : config.scenes_per_shard;
    Progress progress(windows ? "examples" : "scenes", total);
    for (std::size_t first = 0; first < total; first += per_shard) {
        const std::size_t shard = first / per_shard, count = std::min(per_shard, total - first);
        const fs::path path = header.shards.emplace_back(folder / fmt::format("shard_{:05}", shard));
        if (fs::exists(path)) {
            progress.advance(count);
        } else if (windows) {
            write_window_shard(path, make_windows(sampler, gripper, config, shard, count, progress));
        } else {
            write_scene_shard(path, make_scenes(sampler, gripper, config, splits, first, count, progress));
        }
    }
    if (windows)
        write_window_header(folder, header);
    else
        write_scene_header(folder, header);
    return summarize(header, windows);
}

}  // namespace ebgrasp
