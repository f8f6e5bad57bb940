// How Dex-Net's tensors are laid out; what import and export share.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "ebgrasp/core/npy.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/dexnet/dexnet.hpp"

namespace ebgrasp {

/// A tensor of a shard, and the column of `windows` data that holds its values.
struct DexnetField {
    const char* name;
    std::vector<std::size_t> row;  ///< shape of one example
    const char* column;            ///< nullptr: none does
};

inline const std::array<DexnetField, 3> dexnet_fields = {{{"depth_ims_tf_table", {32, 32, 1}, "windows"},
                                                          {"hand_poses", {7}, nullptr},
                                                          {"robust_ferrari_canny", {}, "robust_epsilon"}}};

/// "<folder>/<field>_<number>.npz"; the number is as in the name, such as "00000".
std::filesystem::path tensor_file(const std::filesystem::path& folder, const DexnetField& field,
                                  const std::string& number);

/// The numbers of the shards in `folder` of which at least one tensor is there; none if there is no such folder.
std::set<std::string> find_tensor_shards(const std::filesystem::path& folder);

/// Throws Error, which names `file`, unless `tensor` consists of `rows` > 0 examples of `field`, in finite floats.
void check_tensor(const NpyArray& tensor, const DexnetField& field, std::size_t rows, const std::string& file);

/// What a shard of `windows` or `scenes` data holds.
DexnetSummary summary_of_shard(const std::filesystem::path& shard);

/// Calls `convert(i)`, which returns the summary of shard i, for all shards in parallel, and adds up.
template <typename Convert>
DexnetSummary convert_shards(const std::string& title, std::size_t count, const Convert& convert) {
    std::vector<DexnetSummary> summaries(count);
    Progress progress(title, count, "shards");
    parallel_for(count, [&](std::size_t i) {
        summaries[i] = convert(i);
        progress.advance();
    });
    DexnetSummary total;
    for (const auto& summary : summaries) {
        total.shards += summary.shards;
        total.examples += summary.examples;
        total.positives += summary.positives;
    }
    return total;
}

}  // namespace ebgrasp
