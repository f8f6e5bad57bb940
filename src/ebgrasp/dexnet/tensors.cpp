#include "ebgrasp/dexnet/tensors.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

/// The number, as written, in "<field>_<number>.npz"; empty if `name` is no such name.
std::string shard_number(const std::string& name, const std::string& field) {
    const std::string suffix = ".npz";
    const std::size_t start = field.size() + 1;
    if (!name.starts_with(field + "_") || !name.ends_with(suffix) || name.size() <= start + suffix.size()) return {};
    const std::string number = name.substr(start, name.size() - start - suffix.size());
    return number.find_first_not_of("0123456789") == number.npos ? number : std::string();
}

}  // namespace

fs::path tensor_file(const fs::path& folder, const DexnetField& field, const std::string& number) {
    return folder / (std::string(field.name) + "_" + number + ".npz");
}

std::set<std::string> find_tensor_shards(const fs::path& folder) {
    std::set<std::string> numbers;
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder, code))
        for (const auto& field : dexnet_fields) {
            const std::string number = shard_number(entry.path().filename().string(), field.name);
            if (!number.empty()) numbers.insert(number);
        }
    return numbers;
}

void check_tensor(const NpyArray& tensor, const DexnetField& field, std::size_t rows, const std::string& file) {
    require(tensor.dtype == "f4" || tensor.dtype == "f8", file, ": holds ", tensor.dtype, ", expected f4 or f8");
    const bool fits = tensor.shape.size() == field.row.size() + 1 &&
                      std::equal(field.row.begin(), field.row.end(), tensor.shape.begin() + 1);
    require(fits && tensor.shape[0] > 0, file, ": has the wrong shape for ", field.name);
    require(tensor.shape[0] == rows, file, ": has ", tensor.shape[0], " rows, but ", dexnet_fields[0].name,
            " of its shard has ", rows);
    require(std::ranges::all_of(tensor.as<float>(), [](float value) { return std::isfinite(value); }), file,
            ": holds NaN or infinity");
}

DexnetSummary summary_of_shard(const fs::path& shard) {
    const auto verdict = read_npy(shard / "verdict.npy").as<std::uint8_t>();
    return {1, verdict.size(), static_cast<std::size_t>(std::ranges::count(verdict, std::uint8_t{0}))};
}

}  // namespace ebgrasp
