// Organised point clouds: the z channel of PCD and PLY files as a depth array.
#pragma once

#include <string>
#include <string_view>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// z of a PCD file (0.7; ascii or binary) with HEIGHT > 1. `name` is used in error messages. Throws Error.
DepthArray read_pcd_depth(std::string_view file, const std::string& name);

/// z of a PLY file (1.0; ascii or binary little-endian) with `obj_info num_cols` and `num_rows`, whose vertices either
/// fill the grid or are placed in it by a range_grid element (as PCL writes them). Throws Error.
DepthArray read_ply_depth(std::string_view file, const std::string& name);

}  // namespace ebgrasp
