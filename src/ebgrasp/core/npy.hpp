// NumPy's .npy format, versions 1 to 3 (NEP 1), little-endian C-order arrays. Reading checks everything that a
// damaged or hostile file can get wrong before it allocates.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

/// An array as stored: `dtype` is NumPy's descriptor without byte order ("f4", "u1", ...), `bytes` in C order.
struct NpyArray {
    std::string dtype;
    std::vector<std::size_t> shape;
    std::string bytes;

    std::size_t size() const;
    /// The elements converted to T (any of the real number types).
    template <typename T>
    std::vector<T> as() const;
};

/// Parses the bytes of a .npy file; `name` is used in error messages. Throws Error.
NpyArray parse_npy(std::string_view file, const std::string& name);
NpyArray read_npy(const std::filesystem::path& path);
/// The bytes of the .npy file that parse_npy gives `array` back from.
std::string to_npy(const NpyArray& array);

template <typename T>
concept NpyElement = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::uint8_t> ||
    std::same_as<T, std::uint16_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

/// The bytes of a .npy file (version 1.0, header padded to 64 bytes) that precede the data.
template <NpyElement T>
std::string npy_header(const std::vector<std::size_t>& shape);

/// Writes `values` (C order, product of `shape` elements) atomically.
template <NpyElement T>
void write_npy(const std::filesystem::path& path, std::span<const T> values, const std::vector<std::size_t>& shape);

}  // namespace ebgrasp
