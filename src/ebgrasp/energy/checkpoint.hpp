// Checkpoints: a safetensors file (float32 tensors) whose metadata carries our JSON.
//
// Layout (https://github.com/huggingface/safetensors): 8 bytes little-endian header length, a JSON header naming each
// tensor's dtype, shape and byte range, then the bytes. Our metadata, under "__metadata__":
//   "format": "ebgrasp-checkpoint/1",  "model": "seed",  "info": the JSON text of Checkpoint::info
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ebgrasp {

struct StoredTensor {
    std::vector<std::size_t> shape;
    std::vector<float> values;  ///< C order
};

struct Checkpoint {
    std::string model;    ///< which network: "seed", ...
    nlohmann::json info;  ///< "config", "normalization", "calibration", "provenance", "metrics"
    std::map<std::string, StoredTensor> tensors;

    /// The tensor `name`, checked to have `shape`. Throws Error naming both shapes.
    const StoredTensor& tensor(const std::string& name, const std::vector<std::size_t>& shape) const;
};

/// Throws Error: missing, truncated, not safetensors, not float32, overlapping or out-of-range tensors, non-finite
/// weights, unknown format version.
Checkpoint read_checkpoint(const std::filesystem::path& path);
/// Writes atomically. Throws Error if a tensor's values do not fill its shape or are not finite, or the disk is full.
void write_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

/// The same in memory; `source` names the bytes in error messages. Equal checkpoints give equal bytes.
Checkpoint parse_checkpoint(std::string_view bytes, const std::string& source);
std::string checkpoint_bytes(const Checkpoint& checkpoint, const std::string& source);

}  // namespace ebgrasp
