// What all layouts on disk share: a folder with dataset.json, config.yaml and shards, which are folders of columns
// (.npy). A shard exists whole or not at all. Objects are divided into splits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebgrasp/core/npy.hpp"

namespace ebgrasp {

enum class Split : std::uint8_t { train, validation, test };
std::string to_string(Split split);
Split parse_split(const std::string& name);

/// How examples are divided: whole objects (the honest one), whole windows or images, or single examples (the seed's,
/// which shows validation windows in training).
enum class SplitBy : std::uint8_t { object, window, example };
/// "object", "window" or its synonym "image", "example". Throws Error for another name.
SplitBy parse_split_by(const std::string& name);
std::string to_string(SplitBy by);  ///< "object", "window" or "example"

/// Shares of train, validation and test.
using SplitShares = std::array<double, 3>;
/// The split to which a position in [0, 1) belongs.
Split split_at(double position, const SplitShares& shares);
/// Splits of `count` objects, shuffled by `seed`, in `shares` (sum 1).
std::vector<Split> draw_splits(std::size_t count, const SplitShares& shares, std::uint64_t seed);

struct ObjectEntry {
    std::string name;
    Split split;
};

/// A data set's dataset.json: what there is to know before its shards are read.
struct DatasetHeader {
    nlohmann::json config;  ///< the generator's
    std::vector<ObjectEntry> objects;
    std::vector<std::filesystem::path> shards;  ///< their folders
};

/// The format that the data set in `folder` says it is of. Throws Error: dataset.json is missing or damaged.
std::string dataset_format(const std::filesystem::path& folder);

/// Throws Error: dataset.json is missing or damaged, of another format, or lists no shards.
DatasetHeader read_dataset_header(const std::filesystem::path& folder, const std::string& format);
void write_dataset_header(const std::filesystem::path& folder, const std::string& format, const DatasetHeader& header);

/// Makes sure that what is written to `folder` continues data of the same configuration: writes config.yaml, or throws
/// Error if there is one that differs, or a data set without one. Removes what a killed run left half-written.
void claim_folder(const std::filesystem::path& folder, const nlohmann::json& config);

/// Writes the shard `folder`: `write_columns` fills a folder beside it, which is then renamed. On an exception nothing
/// is left.
void write_shard(const std::filesystem::path& folder,
                 const std::function<void(const std::filesystem::path&)>& write_columns);

/// Metres per unit of a stored depth: finer than any sensor, and 6.5 m reach.
inline constexpr double stored_depth_unit = 1e-4;
/// `z` (metres) in these units; 0 for missing depth (0, negative, NaN) and beyond reach.
std::uint16_t store_depth(float z);

/// The column of `file` with elements of type T and the given shape, in which 0 stands for any size. Throws Error.
template <NpyElement T>
NpyArray read_column_array(const std::filesystem::path& file, const std::vector<std::size_t>& shape);
template <NpyElement T>
std::vector<T> read_column(const std::filesystem::path& file, const std::vector<std::size_t>& shape) {
    return read_column_array<T>(file, shape).template as<T>();
}

}  // namespace ebgrasp
