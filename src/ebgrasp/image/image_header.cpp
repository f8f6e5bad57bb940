#include "ebgrasp/image/image_header.hpp"

#include <algorithm>
#include <cstdint>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t max_pixels = std::uint64_t{1} << 26;
constexpr std::uint64_t max_ratio = 1032;  // of deflate (zlib's technical notes); TIFF's LZW stays below it

/// Unsigned integers in a file's byte order.
class Bytes {
  public:
    Bytes(std::string_view file, bool big_endian, const std::string& name)
        : file_(file), big_endian_(big_endian), name_(name) {}

    std::uint64_t operator()(std::uint64_t offset, std::uint64_t size) const {
        require(offset <= file_.size() && size <= file_.size() - offset, name_,
                ": is not a readable image, it ends within its header");
        std::uint64_t value = 0;
        for (std::uint64_t i = 0; i < size; ++i)
            value = value << 8 | static_cast<unsigned char>(file_[offset + (big_endian_ ? i : size - 1 - i)]);
        return value;
    }

  private:
    std::string_view file_;
    bool big_endian_;
    const std::string& name_;
};

void check_pixels(std::uint64_t width, std::uint64_t height, std::uint64_t limit, const std::string& name) {
    limit = std::min(limit, max_pixels);
    require(width <= limit && height <= limit && width * height <= limit, name, ": is not a readable image, it claims ",
            width, " x ", height, " pixels, of which its bytes can hold ", limit);
}

void check_png(std::string_view file, const std::string& name) {
    const Bytes bytes(file, true, name);
    check_pixels(bytes(16, 4), bytes(20, 4), 8 * max_ratio * file.size(), name);  // 8 pixels a byte, if black and white
}

/// The first image of a TIFF, and the tiles that it may be made of.
void check_tiff(std::string_view file, bool big_endian, const std::string& name) {
    const Bytes bytes(file, big_endian, name);
    const std::uint64_t directory = bytes(4, 4), entries = bytes(directory, 2);
    std::uint64_t width = 0, height = 0, tile_width = 0, tile_height = 0, samples = 1;
    for (std::uint64_t i = 0; i < entries; ++i) {
        const std::uint64_t entry = directory + 2 + 12 * i, tag = bytes(entry, 2), type = bytes(entry + 2, 2);
        std::uint64_t* const field = tag == 256   ? &width
                                     : tag == 257 ? &height
                                     : tag == 277 ? &samples
                                     : tag == 322 ? &tile_width
                                     : tag == 323 ? &tile_height
                                                  : nullptr;
        if (!field) continue;
        require(type == 3 || type == 4, name, ": is not a readable image, its TIFF tag ", tag, " is of type ", type);
        *field = std::max(*field, bytes(entry + 8, type == 3 ? 2 : 4));
    }
    require(samples <= 4, name, ": is not a readable image, it has ", samples, " channels");
    check_pixels(width, height, max_ratio * file.size(), name);
    check_pixels(tile_width, tile_height, max_ratio * file.size(), name);
}

}  // namespace

void check_image_header(std::string_view file, const std::string& name) {
    if (file.starts_with("\x89PNG\r\n\x1a\n")) return check_png(file, name);
    if (file.starts_with("II*\0"sv)) return check_tiff(file, false, name);
    if (file.starts_with("MM\0*"sv)) return check_tiff(file, true, name);
    fail(name, ": is not a readable image, neither a PNG nor a TIFF");
}

}  // namespace ebgrasp
