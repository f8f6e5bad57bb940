// `windows` data: 32 x 32 depth windows, each shared by several labelled grasps. This is what the seed trains on.
//
// On disk, a folder:
//   dataset.json               format "ebgrasp-windows/1", the generator's configuration, objects with their splits,
//                              and the list of shards with their sizes
//   shard_00000/windows.npy    (n, 32, 32) float32, metres, no missing pixels
//               window_object.npy  (n) int32, index into dataset.json's objects
//               grasps.npy         (m, 5) float32: row, col (window pixels), depth (m), angle (rad), opening (m)
//               grasp_window.npy   (m) int32, index of the window within the shard
//               robust_epsilon.npy (m) float32
//               epsilon.npy        (m) float32
//               verdict.npy        (m) uint8, the label oracle's Verdict; 0 is success
//   A shard exists whole or not at all (written beside and renamed).
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ebgrasp {

enum class Split : std::uint8_t { train, validation, test };
std::string to_string(Split split);
Split parse_split(const std::string& name);

/// A block of examples, in memory: a shard, or a whole data set.
struct WindowExamples {
    std::vector<float> windows;                  ///< n x 32 x 32
    std::vector<std::int32_t> window_object;     ///< n
    std::vector<float> grasps;                   ///< m x 5
    std::vector<std::int32_t> grasp_window;      ///< m
    std::vector<float> robust_epsilon, epsilon;  ///< m
    std::vector<std::uint8_t> verdict;           ///< m

    std::size_t window_count() const { return window_object.size(); }
    std::size_t size() const { return grasp_window.size(); }
    bool success(std::size_t i) const { return verdict[i] == 0; }
};

struct ObjectEntry {
    std::string name;
    Split split;
};

/// How examples are divided: whole objects (the honest one), whole windows, or single examples (the seed's, which
/// shows validation windows in training).
enum class SplitBy : std::uint8_t { object, window, example };
SplitBy parse_split_by(const std::string& name);

struct WindowDataset {
    nlohmann::json config;  ///< the generator's
    std::vector<ObjectEntry> objects;
    WindowExamples examples;

    /// Indices of the examples of one split. Object splits are the data set's own; the others are drawn by hashing
    /// (seed, window or example) into 80 / 10 / 10 %.
    std::vector<std::size_t> indices(Split split, SplitBy by = SplitBy::object, std::uint64_t seed = 0) const;
};

void write_window_shard(const std::filesystem::path& folder, const WindowExamples& examples);
WindowExamples read_window_shard(const std::filesystem::path& folder);

/// Reads a whole data set, at most `max_examples` of it (0: all). Throws Error naming the damaged file.
WindowDataset read_window_dataset(const std::filesystem::path& folder, std::size_t max_examples = 0);

}  // namespace ebgrasp
