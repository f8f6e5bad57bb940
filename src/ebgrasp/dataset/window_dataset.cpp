#include "ebgrasp/dataset/window_dataset.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

constexpr const char* format = "ebgrasp-windows/1";

void append(auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

SplitShares split_shares(const nlohmann::json& config) {
    const auto found = config.find("split");
    if (found == config.end()) return {0.8, 0.1, 0.1};
    try {
        return found->get<SplitShares>();
    } catch (const nlohmann::json::exception&) {
        fail("the data set's config.split is ", found->dump(), ": give the three shares of train, validation and test");
    }
}

std::vector<std::size_t> WindowDataset::indices(Split split, SplitBy by, std::uint64_t seed) const {
    const SplitShares shares = split_shares(config);
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        const auto window = static_cast<std::size_t>(examples.grasp_window[i]);
        const Split own = by == SplitBy::object
                              ? objects[static_cast<std::size_t>(examples.window_object[window])].split
                          : by == SplitBy::window ? split_at(RandomStream(seed, window).uniform(), shares)
                                                  : split_at(RandomStream(seed, i).uniform(), shares);
        if (own == split) chosen.push_back(i);
    }
    return chosen;
}

void write_window_shard(const fs::path& folder, const WindowExamples& examples, const ExtraColumns& extra) {
    const std::size_t n = examples.window_count(), m = examples.size();
    write_shard(folder, [&](const fs::path& shard) {
        write_npy<float>(shard / "windows.npy", examples.windows, {n, 32, 32});
        write_npy<std::int32_t>(shard / "window_object.npy", examples.window_object, {n});
        write_npy<float>(shard / "grasps.npy", examples.grasps, {m, 5});
        write_npy<std::int32_t>(shard / "grasp_window.npy", examples.grasp_window, {m});
        write_npy<float>(shard / "robust_epsilon.npy", examples.robust_epsilon, {m});
        write_npy<float>(shard / "epsilon.npy", examples.epsilon, {m});
        write_npy<std::uint8_t>(shard / "verdict.npy", examples.verdict, {m});
        if (examples.has_grasp_windows())
            write_npy<std::uint16_t>(shard / "grasp_windows.npy", examples.grasp_windows, {m, 32, 32});
        for (const auto& [name, column] : extra) write_file_atomically(shard / (name + ".npy"), to_npy(column));
    });
}

WindowExamples read_window_shard(const fs::path& folder) {
    WindowExamples examples;
    examples.window_object = read_column<std::int32_t>(folder / "window_object.npy", {0});
    examples.grasp_window = read_column<std::int32_t>(folder / "grasp_window.npy", {0});
    const std::size_t n = examples.window_count(), m = examples.size();
    require(n > 0 && m > 0, folder.string(), ": the shard is empty");
    examples.windows = read_column<float>(folder / "windows.npy", {n, 32, 32});
    examples.grasps = read_column<float>(folder / "grasps.npy", {m, 5});
    examples.robust_epsilon = read_column<float>(folder / "robust_epsilon.npy", {m});
    examples.epsilon = read_column<float>(folder / "epsilon.npy", {m});
    examples.verdict = read_column<std::uint8_t>(folder / "verdict.npy", {m});
    if (fs::exists(folder / "grasp_windows.npy"))
        examples.grasp_windows = read_column<std::uint16_t>(folder / "grasp_windows.npy", {m, 32, 32});
    require(!std::ranges::count(examples.grasp_windows, 0), folder.string(), ": grasp_windows.npy has missing pixels");
    const auto finite = [](float value) { return std::isfinite(value); };
    require(std::ranges::all_of(examples.windows, finite), folder.string(), ": windows.npy holds NaN or infinity");
    require(std::ranges::all_of(examples.grasps, finite), folder.string(), ": grasps.npy holds NaN or infinity");
    for (const auto window : examples.grasp_window)
        require(window >= 0 && static_cast<std::size_t>(window) < n, folder.string(),
                ": grasp_window.npy names window ", window, " of ", n);
    return examples;
}

DatasetHeader read_window_header(const fs::path& folder) { return read_dataset_header(folder, format); }

void write_window_header(const fs::path& folder, const DatasetHeader& header) {
    write_dataset_header(folder, format, header);
}

WindowExamples read_window_shard(const DatasetHeader& header, std::size_t shard) {
    const fs::path& folder = header.shards[shard];
    WindowExamples examples = read_window_shard(folder);
    for (const auto object : examples.window_object)
        require(object >= 0 && static_cast<std::size_t>(object) < header.objects.size(), folder.string(),
                ": window_object.npy names object ", object, " of ", header.objects.size());
    return examples;
}

WindowDataset read_window_dataset(const fs::path& folder, std::size_t max_examples) {
    const DatasetHeader header = read_window_header(folder);
    WindowDataset dataset{header.config, header.objects, {}};
    WindowExamples& all = dataset.examples;
    for (std::size_t shard = 0; shard < header.shards.size(); ++shard) {
        WindowExamples block = read_window_shard(header, shard);
        for (auto& window : block.grasp_window) window += static_cast<std::int32_t>(all.window_count());
        append(all.windows, block.windows);
        append(all.window_object, block.window_object);
        append(all.grasps, block.grasps);
        append(all.grasp_window, block.grasp_window);
        append(all.robust_epsilon, block.robust_epsilon);
        append(all.epsilon, block.epsilon);
        append(all.verdict, block.verdict);
        require(shard == 0 || all.has_grasp_windows() == block.has_grasp_windows(), header.shards[shard].string(),
                block.has_grasp_windows() ? ": has" : ": lacks", " grasp_windows.npy, unlike the shards before it");
        if (shard == 0) all.grasp_windows.reserve(block.grasp_windows.size() * header.shards.size());
        append(all.grasp_windows, block.grasp_windows);
        if (max_examples > 0 && all.size() >= max_examples) break;
    }
    if (max_examples > 0 && all.size() > max_examples) {
        all.grasps.resize(5 * max_examples);
        all.grasp_window.resize(max_examples);
        all.robust_epsilon.resize(max_examples);
        all.epsilon.resize(max_examples);
        all.verdict.resize(max_examples);
        if (all.has_grasp_windows()) all.grasp_windows.resize(grasp_window_pixels * max_examples);
    }
    return dataset;
}

}  // namespace ebgrasp
