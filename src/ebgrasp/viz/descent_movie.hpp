// Grasps that descend an energy, frame by frame.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ebgrasp/viz/overlay.hpp"

namespace ebgrasp {

/// The way of one grasp: grasps[t] had energies[t] after t steps.
struct DescentPath {
    std::vector<PlanarGrasp> grasps;
    std::vector<double> energies;
};

/// One image with the grasps that descend in it.
struct DescentPanel {
    DepthImage image;
    Limits contrast;                 ///< depths drawn brightest and darkest
    double row = -0.5, col = -0.5;   ///< the part of the image that is shown: its corner,
    double side = 0;                 ///< and its side in image pixels
    std::vector<DescentPath> paths;  ///< of equal length, at least one step
};

struct DescentMovieOptions {
    std::string title = {};
    double opening = 0.085, finger_width = 0.022;  ///< metres, as in GlyphStyle
    double trail = 0.6;                            ///< opacity of the line that a grasp's centre has drawn, [0, 1]
    int size = 640;                                ///< pixels of the images' side, and of the plot's
};

/// The panels after `step` steps, side by side in a square, and beside them the energies so far, with their median.
/// Glyphs are coloured by energy on a common scale, which is drawn along the energy axis; the lowest lie on top. Throws
/// Error: no panels or paths, paths of different lengths, or a step beyond them.
Picture descent_frame(std::span<const DescentPanel> panels, std::size_t step, const DescentMovieOptions& options = {});

}  // namespace ebgrasp
