// The overhead view as a map: what is straight above each point of the plane.
#pragma once

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// Pixel (row, col) is the point of the plane that the view shows there.
struct ElevationMap {
    DepthArray height;  ///< metres above the plane of the highest surface; 0 where nothing is known
    Mask seen;          ///< 1 where something is
};

/// Of a view straight down at a plane `plane_depth` metres away. `observed` tells the view's pixels that were seen, all
/// of them if it is empty (0 x 0); what rises above the plane counts as seen in any case.
ElevationMap elevation_map(const DepthImage& view, double plane_depth, const Mask& observed = {});

}  // namespace ebgrasp
