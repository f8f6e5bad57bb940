#include "ebgrasp/dataset/window_dataset.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/npy.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

template <typename T>
std::vector<T> read_column(const fs::path& file, const char* dtype, std::vector<std::size_t> shape) {
    const NpyArray array = read_npy(file);
    require(array.dtype == dtype, file.string(), ": holds ", array.dtype, ", expected ", dtype);
    const bool same_rank = array.shape.size() == shape.size();
    require(same_rank && std::equal(shape.begin() + 1, shape.end(), array.shape.begin() + 1), file.string(),
            ": has the wrong shape for ", file.stem().string());
    require(shape[0] == 0 || array.shape[0] == shape[0], file.string(), ": has ", array.shape[0], " rows, expected ",
            shape[0], "; the shard is damaged, generate it again");
    return array.as<T>();
}

void append(auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); }

/// The split of hash bucket `u` in [0, 1): 80 / 10 / 10 %.
Split split_of(double u) { return u < 0.8 ? Split::train : u < 0.9 ? Split::validation : Split::test; }

}  // namespace

std::string to_string(Split split) {
    return split == Split::train ? "train" : split == Split::validation ? "validation" : "test";
}

Split parse_split(const std::string& name) {
    for (const Split split : {Split::train, Split::validation, Split::test})
        if (name == to_string(split)) return split;
    fail("unknown split '", name, "'; use train, validation or test");
}

SplitBy parse_split_by(const std::string& name) {
    if (name == "object") return SplitBy::object;
    if (name == "window") return SplitBy::window;
    if (name == "example") return SplitBy::example;
    fail("cannot split by '", name, "'; use object, window or example");
}

std::vector<std::size_t> WindowDataset::indices(Split split, SplitBy by, std::uint64_t seed) const {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        const auto window = static_cast<std::size_t>(examples.grasp_window[i]);
        const Split own = by == SplitBy::object
                              ? objects[static_cast<std::size_t>(examples.window_object[window])].split
                          : by == SplitBy::window ? split_of(RandomStream(seed, window).uniform())
                                                  : split_of(RandomStream(seed, i).uniform());
        if (own == split) chosen.push_back(i);
    }
    return chosen;
}

void write_window_shard(const fs::path& folder, const WindowExamples& examples) {
    const fs::path temporary = folder.string() + ".tmp";
    fs::remove_all(temporary);
    const std::size_t n = examples.window_count(), m = examples.size();
    try {
        write_npy<float>(temporary / "windows.npy", examples.windows, {n, 32, 32});
        write_npy<std::int32_t>(temporary / "window_object.npy", examples.window_object, {n});
        write_npy<float>(temporary / "grasps.npy", examples.grasps, {m, 5});
        write_npy<std::int32_t>(temporary / "grasp_window.npy", examples.grasp_window, {m});
        write_npy<float>(temporary / "robust_epsilon.npy", examples.robust_epsilon, {m});
        write_npy<float>(temporary / "epsilon.npy", examples.epsilon, {m});
        write_npy<std::uint8_t>(temporary / "verdict.npy", examples.verdict, {m});
        fs::remove_all(folder);
        fs::rename(temporary, folder);
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(temporary, ignored);
        throw;
    }
}

WindowExamples read_window_shard(const fs::path& folder) {
    WindowExamples examples;
    examples.window_object = read_column<std::int32_t>(folder / "window_object.npy", "i4", {0});
    examples.grasp_window = read_column<std::int32_t>(folder / "grasp_window.npy", "i4", {0});
    const std::size_t n = examples.window_count(), m = examples.size();
    require(n > 0 && m > 0, folder.string(), ": the shard is empty");
    examples.windows = read_column<float>(folder / "windows.npy", "f4", {n, 32, 32});
    examples.grasps = read_column<float>(folder / "grasps.npy", "f4", {m, 5});
    examples.robust_epsilon = read_column<float>(folder / "robust_epsilon.npy", "f4", {m});
    examples.epsilon = read_column<float>(folder / "epsilon.npy", "f4", {m});
    examples.verdict = read_column<std::uint8_t>(folder / "verdict.npy", "u1", {m});
    const auto finite = [](float value) { return std::isfinite(value); };
    require(std::ranges::all_of(examples.windows, finite), folder.string(), ": windows.npy holds NaN or infinity");
    require(std::ranges::all_of(examples.grasps, finite), folder.string(), ": grasps.npy holds NaN or infinity");
    for (const auto window : examples.grasp_window)
        require(window >= 0 && static_cast<std::size_t>(window) < n, folder.string(),
                ": grasp_window.npy names window ", window, " of ", n);
    return examples;
}

WindowDataset read_window_dataset(const fs::path& folder, std::size_t max_examples) {
    const fs::path file = folder / "dataset.json";
    WindowDataset dataset;
    nlohmann::json header;
    try {
        header = nlohmann::json::parse(read_file(file, 256 << 20));
        const auto format = header.at("format").get<std::string>();
        require(format == "ebgrasp-windows/1", file.string(), ": format is '", format,
                "', this version reads ebgrasp-windows/1");
        dataset.config = header.at("config");
        for (const auto& object : header.at("objects"))
            dataset.objects.push_back({object.at("name"), parse_split(object.at("split"))});
        for (const auto& shard : header.at("shards")) {
            WindowExamples block = read_window_shard(folder / shard.get<std::string>());
            WindowExamples& all = dataset.examples;
            for (const auto object : block.window_object)
                require(object >= 0 && static_cast<std::size_t>(object) < dataset.objects.size(), file.string(), ": ",
                        shard.get<std::string>(), " names object ", object, " of ", dataset.objects.size());
            for (auto& window : block.grasp_window) window += static_cast<std::int32_t>(all.window_count());
            append(all.windows, block.windows);
            append(all.window_object, block.window_object);
            append(all.grasps, block.grasps);
            append(all.grasp_window, block.grasp_window);
            append(all.robust_epsilon, block.robust_epsilon);
            append(all.epsilon, block.epsilon);
            append(all.verdict, block.verdict);
            if (max_examples > 0 && all.size() >= max_examples) break;
        }
    } catch (const nlohmann::json::exception& error) {
        fail(file.string(), ": ", error.what());
    }
    if (WindowExamples& all = dataset.examples; max_examples > 0 && all.size() > max_examples) {
        all.grasps.resize(5 * max_examples);
        all.grasp_window.resize(max_examples);
        all.robust_epsilon.resize(max_examples);
        all.epsilon.resize(max_examples);
        all.verdict.resize(max_examples);
    }
    require(dataset.examples.size() > 0, file.string(), ": lists no shards");
    return dataset;
}

}  // namespace ebgrasp
