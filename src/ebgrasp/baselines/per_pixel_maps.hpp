// What a generative network says of every pixel of a view: how good the grasp there is, and which one it is (Morrison,
// Corke and Leitner, "Learning robust, real-time, reactive robotic grasping", IJRR 2020). The grid has 2.7 mm per
// pixel and is cropped to the region (image/view_grid.hpp).
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "ebgrasp/image/view_grid.hpp"
#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp {

/// A map for each output of the network, of the grid's size.
struct GraspMaps {
    DepthArray quality;     ///< higher is better
    DepthArray cos2, sin2;  ///< of twice the angle, which is the same for an axis turned by pi; of any length
    DepthArray width;       ///< jaw opening, metres
};

class GraspMapper {
  public:
    virtual ~GraspMapper() = default;

    /// Safe to call from several threads.
    virtual GraspMaps maps(const ViewGrid& grid) const = 0;
    /// Multiplications with addition for these maps; 0 if not known.
    virtual double multiply_adds(const ViewGrid&) const { return 0; }
};

/// Where the centre of the grid's pixel (row, col) lies in the view, (row, col).
Eigen::Vector2d view_pixel(const ViewGrid& grid, int row, int col);

/// A local maximum of the quality.
struct PixelPeak {
    int row, col;  ///< of the grid
    double quality, angle;
};

/// The peaks at pixels for which `wanted(row, col)`, best first, after quality and angle have been smoothed by a
/// Gaussian of one pixel, as published.
std::vector<PixelPeak> quality_peaks(const GraspMaps& maps, const std::function<bool(int, int)>& wanted);

/// The grasps that a pixel of the view and an angle stand for, the preferred one first: no map tells the depth. It is
/// fixed_rule_depth, and where the jaws cannot be there, 2 cm and 1 cm below the surface, as far as the table allows.
std::array<PlanarGrasp, 3> grasps_at(const Scene& scene, const Gripper& gripper, const Eigen::Vector2d& pixel,
                                     double angle);

}  // namespace ebgrasp
