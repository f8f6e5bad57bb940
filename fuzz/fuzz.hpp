// What fuzz targets hold readers of outside input to: bytes become a value or an Error that says why not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "ebgrasp/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ebgrasp::fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program unless `condition` holds: what was made of an input is wrong.
void demand(bool condition);

/// Calls `read`, which may throw Error. Any other exception ends the program.
template <typename Read>
void value_or_error(const Read& read) noexcept {
    try {
        read();
    } catch (const Error& error) {
        demand(error.what()[0] != '\0');
    }
}

/// A folder in memory for readers of files, gone at the end of the program.
class InputFolder {
  public:
    InputFolder();
    ~InputFolder();
    InputFolder(const InputFolder&) = delete;
    InputFolder& operator=(const InputFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path write(const std::string& name, std::string_view bytes) const;

  private:
    std::filesystem::path path_;
};

}  // namespace ebgrasp::fuzz
