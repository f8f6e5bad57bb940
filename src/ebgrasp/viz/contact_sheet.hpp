// Many small depth windows with their grasps on one sheet.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ebgrasp/viz/overlay.hpp"

namespace ebgrasp {

struct ContactTile {
    DepthImage window;            ///< all of a sheet's windows have one size
    PlanarGrasp grasp;            ///< in the window's pixels
    std::string caption;          ///< lines are separated by '\n'
    std::optional<bool> success;  ///< colours the tile's frame
};

struct ContactSheetOptions {
    std::string title = {};
    int columns = 8;
    int zoom = 5;                                  ///< picture pixels per window pixel, in [1, 64]
    double opening = 0.085, finger_width = 0.022;  ///< metres, as in GlyphStyle
};

inline constexpr Color kSuccessColor{0, 158, 115}, kFailureColor{213, 94, 0};

/// The tiles row by row, each with its own contrast, and a legend of the frames if both successes and failures are
/// among them. Throws Error: no tiles, empty windows or windows of several sizes.
Picture contact_sheet(std::span<const ContactTile> tiles, const ContactSheetOptions& options = {});

}  // namespace ebgrasp
