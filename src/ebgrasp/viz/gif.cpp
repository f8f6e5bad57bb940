#include "ebgrasp/viz/gif.hpp"

#include <algorithm>
#include <cassert>
#include <initializer_list>
#include <string>
#include <utility>

namespace ebgrasp {
namespace {

constexpr int kTransparent = 255;

void put(std::ostream& out, std::initializer_list<int> bytes) {
    for (const int byte : bytes) out.put(static_cast<char>(byte));
}
int low(int value) { return value & 255; }
int high(int value) { return value >> 8 & 255; }

int distance(Color a, Color b) {
    const int r = a.r - b.r, g = a.g - b.g, blue = a.b - b.b;
    return r * r + g * g + blue * blue;
}

// Nearest palette entries, looked up by the upper six bits of each channel.
class NearestColor {
  public:
    NearestColor() : table_(1 << 18) {
        const auto palette = gif_palette();
        const auto channel = [](std::size_t bits) { return static_cast<std::uint8_t>((bits & 63) * 255 / 63); };
        for (std::size_t i = 0; i < table_.size(); ++i) {
            const Color color{channel(i >> 12), channel(i >> 6), channel(i)};
            const auto nearest =
                std::min_element(palette.begin(), palette.begin() + kTransparent,
                                 [&](Color a, Color b) { return distance(a, color) < distance(b, color); });
            table_[i] = static_cast<std::uint8_t>(nearest - palette.begin());
        }
    }
    std::uint8_t operator()(const std::uint8_t* rgb) const {
        return table_[std::size_t{rgb[0]} >> 2 << 12 | std::size_t{rgb[1]} >> 2 << 6 | std::size_t{rgb[2]} >> 2];
    }

  private:
    std::vector<std::uint8_t> table_;
};

// Packs codes of growing width, least significant bit first, into blocks of up to 255 bytes.
class BlockPacker {
  public:
    explicit BlockPacker(std::ostream& out) : out_(out) {}
    void put(int code, int bits) {
        pending_ |= static_cast<std::uint32_t>(code) << pending_bits_;
        for (pending_bits_ += bits; pending_bits_ >= 8; pending_bits_ -= 8, pending_ >>= 8) byte();
    }
    void finish() {
        if (pending_bits_ > 0) byte();
        flush();
        out_.put(0);
    }

  private:
    void byte() {
        block_.push_back(static_cast<char>(pending_ & 255));
        if (block_.size() == 255) flush();
    }
    void flush() {
        if (block_.empty()) return;
        out_.put(static_cast<char>(block_.size()));
        out_ << block_;
        block_.clear();
    }

    std::ostream& out_;
    std::string block_;
    std::uint32_t pending_ = 0;
    int pending_bits_ = 0;
};

// Lempel-Ziv-Welch with GIF's variable code width (GIF89a, appendix F).
void compress(std::ostream& out, const std::vector<std::uint8_t>& indices) {
    constexpr int kClear = 256, kEnd = 257, kFirstFree = 258, kMaxCodes = 4096;
    using Successors = std::array<std::int16_t, 256>;  // the code of (code, next index); 0: none yet
    std::vector<Successors> table(kMaxCodes);
    BlockPacker packer(out);
    int bits = 9, next_code = kFirstFree;
    put(out, {8});  // bits of an index
    packer.put(kClear, bits);
    int code = indices.front();
    for (std::size_t i = 1; i < indices.size(); ++i) {
        auto& successor = table[static_cast<std::size_t>(code)][indices[i]];
        if (successor != 0) {
            code = successor;
            continue;
        }
        packer.put(code, bits);
        if (next_code < kMaxCodes) {
            if (next_code == 1 << bits) ++bits;
            successor = static_cast<std::int16_t>(next_code++);
        } else {
            packer.put(kClear, bits);
            table.assign(kMaxCodes, Successors{});
            bits = 9;
            next_code = kFirstFree;
        }
        code = indices[i];
    }
    packer.put(code, bits);
    if (next_code == 1 << bits && bits < 12) ++bits;  // the decoder adds an entry for the last code, too
    packer.put(kEnd, bits);
    packer.finish();
}

}  // namespace

std::array<Color, 256> gif_palette() {
    std::vector<Color> colors;
    for (const auto& [map, count] : {std::pair{ColorMap::gray, 48}, std::pair{ColorMap::viridis, 48},
                                     std::pair{ColorMap::score, 24}, std::pair{ColorMap::diverging, 24}})
        for (int i = 0; i < count; ++i) colors.push_back(map_color(map, i / (count - 1.0)));
    for (std::size_t i = 0; i < 7; ++i) colors.push_back(series_color(i));
    for (int r = 0; r < 5; ++r)
        for (int g = 0; g < 5; ++g)
            for (int b = 0; b < 4; ++b)
                colors.push_back({static_cast<std::uint8_t>(r * 255 / 4), static_cast<std::uint8_t>(g * 255 / 4),
                                  static_cast<std::uint8_t>(b * 255 / 3)});
    assert(colors.size() <= kTransparent);
    std::array<Color, 256> palette{};
    std::copy(colors.begin(), colors.end(), palette.begin());
    return palette;
}

GifWriter::GifWriter(std::ostream& out, int height, int width, int delay_hundredths)
    : out_(out), height_(height), width_(width), delay_(delay_hundredths) {
    out_ << "GIF89a";
    put(out_, {low(width), high(width), low(height), high(height), 0xf7, 0, 0});  // global palette of 256 x 8 bits
    for (const Color& color : gif_palette()) put(out_, {color.r, color.g, color.b});
    put(out_, {0x21, 0xff, 11});  // application extension: repeat for ever
    out_ << "NETSCAPE2.0";
    put(out_, {3, 1, 0, 0, 0});
}

void GifWriter::add(const Picture& frame) {
    assert(frame.height == height_ && frame.width == width_);
    static const NearestColor nearest;
    std::vector<std::uint8_t> indices(frame.rgb.size() / 3);
    for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = nearest(frame.rgb.data() + 3 * i);
    std::vector<std::uint8_t> changes = indices;
    for (std::size_t i = 0; i < last_.size(); ++i)
        if (indices[i] == last_[i]) changes[i] = kTransparent;
    last_ = std::move(indices);
    // Graphic control: leave the frame in place, transparent index; then the image's descriptor.
    put(out_, {0x21, 0xf9, 4, 1 << 2 | 1, low(delay_), high(delay_), kTransparent, 0});
    put(out_, {0x2c, 0, 0, 0, 0, low(width_), high(width_), low(height_), high(height_), 0});
    compress(out_, changes);
}

void GifWriter::finish() { put(out_, {0x3b}); }

}  // namespace ebgrasp
