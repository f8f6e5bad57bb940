// NumPy's .npz with a single array in it, as np.savez_compressed(file, array) writes it: a zip archive whose only
// member is arr_0.npy.
#pragma once

#include <cstddef>
#include <filesystem>

#include "ebgrasp/core/npy.hpp"

namespace ebgrasp {

/// Bytes that a .npz file, and the array in it, may have at most: 65 000 windows, 65 times a shard of Dex-Net's.
inline constexpr std::size_t max_npz_bytes = std::size_t{1} << 28;

/// Reads the array, deflated or stored. Throws Error naming the file: no zip archive, truncated, a wrong check sum,
/// another member than arr_0.npy, or beyond max_npz_bytes (only that much is ever unpacked).
NpyArray read_npz(const std::filesystem::path& path);

/// Writes `array` deflated, atomically. The bytes depend on the array alone (the member's date is 1980-01-01).
void write_npz(const std::filesystem::path& path, const NpyArray& array);

}  // namespace ebgrasp
