// `windows` data: 32 x 32 depth windows, each shared by several labelled grasps. This is what the seed trains on.
//
// On disk, a folder:
//   dataset.json               format "ebgrasp-windows/1", the generator's configuration, objects with their splits,
//                              and the list of shards
//   shard_00000/windows.npy    (n, 32, 32) float32, metres, no missing pixels
//               window_object.npy  (n) int32, index into dataset.json's objects
//               grasps.npy         (m, 5) float32: row, col (window pixels), depth (m), angle (rad), opening (m)
//               grasp_window.npy   (m) int32, index of the window within the shard
//               robust_epsilon.npy (m) float32
//               epsilon.npy        (m) float32
//               verdict.npy        (m) uint8, the label oracle's Verdict; 0 is success
//               grasp_windows.npy  (m, 32, 32) uint16, units of 0.1 mm: each grasp's own window, centred on it and
//               turned
//                                  along its closing axis (grasp/grasp_window.hpp), of the same image as the shared
//                                  one. Only if the generator was asked for it (grasp_windows): GQ-CNN reads it
//               and, in imported data, the importer's own columns (dexnet/dexnet.hpp)
//   A shard exists whole or not at all (written beside and renamed).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebgrasp/dataset/shards.hpp"

namespace ebgrasp {

inline constexpr std::size_t grasp_window_pixels = 32 * 32;

/// A block of examples, in memory: a shard, or a whole data set.
struct WindowExamples {
    std::vector<float> windows;                  ///< n x 32 x 32
    std::vector<std::int32_t> window_object;     ///< n
    std::vector<float> grasps;                   ///< m x 5
    std::vector<std::int32_t> grasp_window;      ///< m
    std::vector<float> robust_epsilon, epsilon;  ///< m
    std::vector<std::uint8_t> verdict;           ///< m
    std::vector<std::uint16_t> grasp_windows;    ///< m x 32 x 32 in stored_depth_unit, or none

    std::size_t window_count() const { return window_object.size(); }
    std::size_t size() const { return grasp_window.size(); }
    bool has_grasp_windows() const { return !grasp_windows.empty(); }
    bool success(std::size_t i) const { return verdict[i] == 0; }
};

/// The shares of train, validation and test that a data set's configuration asks for; 80 / 10 / 10 % without. Throws
/// Error if they are no three numbers.
SplitShares split_shares(const nlohmann::json& config);

struct WindowDataset {
    nlohmann::json config;  ///< the generator's
    std::vector<ObjectEntry> objects;
    WindowExamples examples;

    /// Indices of the examples of one split. Object splits are the data set's own; the others are drawn by hashing
    /// (seed, window or example) into the shares of config's `split` (80 / 10 / 10 % without one).
    std::vector<std::size_t> indices(Split split, SplitBy by = SplitBy::object, std::uint64_t seed = 0) const;
};

/// Columns beyond those of WindowExamples, by name. Stored beside them as `<name>.npy` and left to whoever wrote them.
using ExtraColumns = std::map<std::string, NpyArray>;

void write_window_shard(const std::filesystem::path& folder, const WindowExamples& examples,
                        const ExtraColumns& extra = {});
WindowExamples read_window_shard(const std::filesystem::path& folder);

/// Reads dataset.json. Throws Error: missing, damaged or of another format.
DatasetHeader read_window_header(const std::filesystem::path& folder);
void write_window_header(const std::filesystem::path& folder, const DatasetHeader& header);

/// Reads one shard of a data set and checks that the objects it names exist. Throws Error.
WindowExamples read_window_shard(const DatasetHeader& header, std::size_t shard);

/// Reads a whole data set, at most `max_examples` of it (0: all). Throws Error naming the damaged file.
WindowDataset read_window_dataset(const std::filesystem::path& folder, std::size_t max_examples = 0);

}  // namespace ebgrasp
