#include "ebgrasp/dataset/shards.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <type_traits>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

/// What a killed run leaves half-written: files by write_file_atomically, folders by write_shard.
bool is_leftover(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.find(".yaml.tmp") != name.npos || name.find(".json.tmp") != name.npos ||
           (name.starts_with("shard_") && name.ends_with(".tmp"));
}

void remove_leftovers(const fs::path& folder) {
    if (!fs::is_directory(folder)) return;
    std::vector<fs::path> leftovers;
    for (const auto& entry : fs::directory_iterator(folder))
        if (is_leftover(entry.path())) leftovers.push_back(entry.path());
    for (const auto& path : leftovers) fs::remove_all(path);
}

/// NumPy's name of T, without byte order.
template <NpyElement T>
std::string dtype_of() {
    const char kind = std::is_floating_point_v<T> ? 'f' : std::is_signed_v<T> ? 'i' : 'u';
    return {kind, static_cast<char>('0' + sizeof(T))};
}

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
    if (name == "window" || name == "image") return SplitBy::window;
    if (name == "example") return SplitBy::example;
    fail("cannot split by '", name, "'; use object, image (or window) or example");
}

std::string to_string(SplitBy by) {
    return by == SplitBy::object ? "object" : by == SplitBy::window ? "window" : "example";
}

Split split_at(double position, const SplitShares& shares) {
    return position < shares[0] ? Split::train : position < shares[0] + shares[1] ? Split::validation : Split::test;
}

std::vector<Split> draw_splits(std::size_t count, const SplitShares& shares, std::uint64_t seed) {
    constexpr int split_stream = 0;
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    RandomStream(seed, split_stream).shuffle(std::span(order));
    std::vector<Split> splits(count);
    for (std::size_t rank = 0; rank < count; ++rank)
        splits[order[rank]] = split_at((static_cast<double>(rank) + 0.5) / static_cast<double>(count), shares);
    return splits;
}

std::string dataset_format(const fs::path& folder) {
    const fs::path file = folder / "dataset.json";
    try {
        return parse_json(read_file(file, 256 << 20), file.string()).at("format").get<std::string>();
    } catch (const nlohmann::json::exception& error) {
        fail(file.string(), ": ", error.what());
    }
}

DatasetHeader read_dataset_header(const fs::path& folder, const std::string& format) {
    const fs::path file = folder / "dataset.json";
    DatasetHeader header;
    try {
        const auto json = parse_json(read_file(file, 256 << 20), file.string());
        const auto given = json.at("format").get<std::string>();
        require(given == format, file.string(), ": format is '", given, "', ", format, " is needed here");
        header.config = json.at("config");
        require(header.config.is_object(), file.string(), ": config is no mapping of names to values");
        for (const auto& object : json.at("objects"))
            header.objects.push_back({object.at("name"), parse_split(object.at("split"))});
        for (const auto& shard : json.at("shards")) header.shards.push_back(folder / shard.get<std::string>());
    } catch (const nlohmann::json::exception& error) {
        fail(file.string(), ": ", error.what());
    }
    require(!header.shards.empty(), file.string(), ": lists no shards");
    return header;
}

void write_dataset_header(const fs::path& folder, const std::string& format, const DatasetHeader& header) {
    nlohmann::json objects = nlohmann::json::array(), shards = nlohmann::json::array();
    for (const auto& object : header.objects)
        objects.push_back({{"name", object.name}, {"split", to_string(object.split)}});
    for (const auto& shard : header.shards) shards.push_back(shard.filename().string());
    const nlohmann::json json = {
        {"format", format}, {"config", header.config}, {"objects", objects}, {"shards", shards}};
    write_file_atomically(folder / "dataset.json", json.dump(1) + "\n");
}

void claim_folder(const fs::path& folder, const nlohmann::json& config) {
    const fs::path file = folder / "config.yaml";
    if (fs::exists(file)) {
        require(
            read_yaml(file) == config, folder.string(),
            ": holds data of another configuration (its config.yaml differs); choose another --output or remove it");
        return remove_leftovers(folder);
    }
    require(!fs::exists(folder / "dataset.json"), folder.string(),
            ": holds a data set without config.yaml; choose another --output");
    remove_leftovers(folder);
    write_file_atomically(file, to_yaml(config));
}

void write_shard(const fs::path& folder, const std::function<void(const fs::path&)>& write_columns) {
    const fs::path temporary = folder.string() + ".tmp";
    fs::remove_all(temporary);
    try {
        write_columns(temporary);
        fs::remove_all(folder);
        fs::rename(temporary, folder);
    } catch (...) {
        std::error_code ignored;
        fs::remove_all(temporary, ignored);
        throw;
    }
}

std::uint16_t store_depth(float z) {
    const double units = std::round(static_cast<double>(z) / stored_depth_unit);
    return units >= 1 && units <= 65535 ? static_cast<std::uint16_t>(units) : std::uint16_t{0};
}

template <NpyElement T>
NpyArray read_column_array(const fs::path& file, const std::vector<std::size_t>& shape) {
    NpyArray array = read_npy(file);
    const std::string dtype = dtype_of<T>();
    require(array.dtype == dtype, file.string(), ": holds ", array.dtype, ", expected ", dtype);
    const auto fits = [](std::size_t given, std::size_t wanted) { return wanted == 0 || given == wanted; };
    require(array.shape.size() == shape.size() &&
                std::equal(array.shape.begin() + 1, array.shape.end(), shape.begin() + 1, fits),
            file.string(), ": has the wrong shape for ", file.stem().string());
    require(fits(array.shape[0], shape[0]), file.string(), ": has ", array.shape[0], " rows, expected ", shape[0],
            "; the shard is damaged, generate it again");
    return array;
}

#define EBGRASP_INSTANTIATE(T) \
    template NpyArray read_column_array<T>(const std::filesystem::path&, const std::vector<std::size_t>&);
EBGRASP_INSTANTIATE(float)
EBGRASP_INSTANTIATE(double)
EBGRASP_INSTANTIATE(std::uint8_t)
EBGRASP_INSTANTIATE(std::uint16_t)
EBGRASP_INSTANTIATE(std::int32_t)
EBGRASP_INSTANTIATE(std::int64_t)
#undef EBGRASP_INSTANTIATE

}  // namespace ebgrasp
