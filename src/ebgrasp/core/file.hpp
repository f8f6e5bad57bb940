// Whole files: read with a bound, written atomically.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace ebgrasp {

/// The whole file as bytes. Throws Error if it is missing, unreadable or larger than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 32);

/// Writes `path` so that it is either complete or untouched: `write` fills a temporary file beside it, which is
/// flushed to disk and renamed. Parent folders are made. Throws Error (disk full, no permission), leaving nothing.
/// A device or pipe (/dev/stdout) is written straight.
void write_file_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace ebgrasp
