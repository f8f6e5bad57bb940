// What the per-pixel network learns from: a scene as it sees it, and at every pixel of the region the angles at which
// the planner's grasp there holds. No libtorch here.
//
// On disk a shard is a folder (dataset/shards.hpp) of n examples with m pixels in all, in the order of their examples:
//   grid.npy         (n, 5) int32: rows and columns of the grid, its first row and column in the view, labelled pixels
//   camera.npy       (n, 2) float64: the grid's focal length (pixels) and the plane's depth (metres)
//   example_split.npy (n) uint8: 0 train, 1 validation, 2 test
//   depth.npy        all grids one after the other, uint16, stored_depth_unit
//   pixel.npy        (m, 2) uint16: row and column in the grid
//   success.npy      (m) uint16, opening.npy (m, 12) uint8: see PixelLabels
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "ebgrasp/baselines/per_pixel_maps.hpp"
#include "ebgrasp/dataset/shards.hpp"

namespace ebgrasp {

inline constexpr int per_pixel_angles = 12;  ///< label k is of the angle k * pi / 12

/// The grasps at one pixel: for each angle the first of grasps_at that the jaws fit, as they then execute it.
struct PixelLabels {
    int row = 0, col = 0;                                     ///< of the grid
    std::uint16_t success = 0;                                ///< bit k: it holds at angle k
    std::array<std::uint8_t, per_pixel_angles> opening = {};  ///< millimetres on approach; 0: the jaws fit nowhere

    bool succeeds(int angle) const { return (success >> angle & 1) != 0; }
};

struct PerPixelExample {
    Split split = Split::train;
    ViewGrid grid;
    std::vector<PixelLabels> pixels;  ///< of the region; grasps elsewhere are dropped by the planner
};

/// Whether grasps in the scene's view hold, 0 or 1 for each; their widths are the openings on approach.
using LabelGrasps = std::function<std::vector<std::uint8_t>(std::span<const PlanarGrasp>)>;

/// Labels every pixel of the region at every angle.
PerPixelExample label_pixels(const Scene& scene, const Gripper& gripper, const LabelGrasps& label);

/// `folder` appears whole or not at all.
void write_per_pixel_shard(const std::filesystem::path& folder, std::span<const PerPixelExample> examples);
/// Throws Error naming the damaged file.
std::vector<PerPixelExample> read_per_pixel_shard(const std::filesystem::path& folder);

}  // namespace ebgrasp
