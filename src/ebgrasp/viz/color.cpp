#include "ebgrasp/viz/color.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace ebgrasp {
namespace {

constexpr Color hex(std::uint32_t rgb) {
    return {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8), static_cast<std::uint8_t>(rgb)};
}

// Evenly spaced nodes of the published maps; between them the colour is linear (within 4 of 255 of the original).
constexpr std::array kGray = {hex(0x000000), hex(0xffffff)};
constexpr std::array kViridis = {hex(0x440154), hex(0x482475), hex(0x414487), hex(0x355f8d),
                                 hex(0x2a788e), hex(0x21918c), hex(0x22a884), hex(0x44bf70),
                                 hex(0x7ad151), hex(0xbddf26), hex(0xfde725)};
constexpr std::array kScore = {hex(0xb12a90), hex(0xcc4778), hex(0xe16462), hex(0xf2844b),
                               hex(0xfca636), hex(0xfcce25), hex(0xf0f921)};
constexpr std::array kDiverging = {hex(0x053061), hex(0x2166ac), hex(0x4393c3), hex(0x92c5de),
                                   hex(0xd1e5f0), hex(0xf7f7f7), hex(0xfddbc7), hex(0xf4a582),
                                   hex(0xd6604d), hex(0xb2182b), hex(0x67001f)};
constexpr Color kUndefined = hex(0xd9d9d9);

std::span<const Color> nodes(ColorMap map) {
    switch (map) {
        case ColorMap::gray:
            return kGray;
        case ColorMap::viridis:
            return kViridis;
        case ColorMap::score:
            return kScore;
        case ColorMap::diverging:
            return kDiverging;
    }
    return kGray;
}

}  // namespace

Color map_color(ColorMap map, double t) {
    if (std::isnan(t)) return kUndefined;
    const auto table = nodes(map);
    const double position = std::clamp(t, 0.0, 1.0) * static_cast<double>(table.size() - 1);
    const auto i = std::min(static_cast<std::size_t>(position), table.size() - 2);
    const double weight = position - static_cast<double>(i);
    const auto mix = [&](std::uint8_t a, std::uint8_t b) {
        return static_cast<std::uint8_t>(std::lround(a + weight * (b - a)));
    };
    const Color &a = table[i], &b = table[i + 1];
    return {mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
}

Color series_color(std::size_t i) {
    constexpr std::array palette = {hex(0x0072b2), hex(0xd55e00), hex(0x009e73), hex(0xcc79a7),
                                    hex(0xe69f00), hex(0x56b4e9), hex(0x5a5a5a)};
    return palette[i % palette.size()];
}

}  // namespace ebgrasp
