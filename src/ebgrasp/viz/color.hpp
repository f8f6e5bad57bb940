// Colours, colour maps and the palette of curves.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ebgrasp {

/// sRGB with opacity `a` (0 transparent, 255 opaque).
struct Color {
    std::uint8_t r = 0, g = 0, b = 0, a = 255;
    bool operator==(const Color&) const = default;
    constexpr Color with_alpha(std::uint8_t alpha) const { return {r, g, b, alpha}; }
};

inline constexpr Color kWhite{255, 255, 255}, kBlack{0, 0, 0}, kInk{38, 38, 38}, kGridGray{222, 222, 222};

enum class ColorMap {
    gray,       ///< black to white
    viridis,    ///< perceptually even, readable without colour vision (van der Walt and Smith, matplotlib, 2015)
    score,      ///< magenta, orange, yellow (the upper part of matplotlib's plasma): every colour stands out on gray
    diverging,  ///< blue, white, red: ColorBrewer's RdBu, reversed (Brewer, 2003)
};

/// The colour at t in [0, 1] (clamped); a light gray for NaN.
Color map_color(ColorMap map, double t);

/// The colour of the i-th curve: Okabe and Ito's palette ("Color universal design", 2008), repeated after 7.
Color series_color(std::size_t i);

/// A closed interval of values, low <= high.
struct Limits {
    double low = 0, high = 1;
    /// Where `value` lies: 0 at low, 1 at high, linear and not clamped; 0.5 if the interval is empty.
    double fraction(double value) const { return high > low ? (value - low) / (high - low) : 0.5; }
    double at(double fraction) const { return low + fraction * (high - low); }
};

}  // namespace ebgrasp
