// The energy around a grasp, as contours over all pairs of its coordinates.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/viz/plot.hpp"

namespace ebgrasp {

struct LandscapeOptions {
    std::string title = "Energy around a grasp";
    double pixels = 8;                   ///< rows and columns shown on both sides of the grasp, (0, 1000]
    double depth = 0.015;                ///< metres shown on both sides, positive and below the grasp's depth
    int samples = 61;                    ///< per axis, in [3, 500]
    std::optional<Limits> energy = {};   ///< of the colours; by default from the lowest to the 95th percentile
    std::vector<PlanarGrasp> path = {};  ///< a descent that ended in the grasp, drawn as a line; may be empty
};

/// One panel: E over two coordinates, the other two held at the grasp's. Its axes are in display units (px, mm,
/// degrees).
struct LandscapePanel {
    GridFunction energy;
    Axis x, y;  ///< labels and directions
};

/// The panels (x, y): (col, row), (col, depth), (row, depth), (col, angle), (row, angle), (depth, angle). Angles span
/// [-180, 180] degrees and are given to the model unwrapped, so that its period of 180 degrees, or the lack of it,
/// shows. One batch of samples^2 energies each. Throws Error for options out of range or a non-finite grasp.
std::array<LandscapePanel, 6> landscape_panels(const EncodedView& view, const PlanarGrasp& center,
                                               const LandscapeOptions& options = {});

/// The panels in two rows on one colour scale. A dot marks the grasp, rings the same grasp turned by 180 degrees.
Picture energy_landscape(const EncodedView& view, const PlanarGrasp& center, const LandscapeOptions& options = {});

}  // namespace ebgrasp
