// Where a search starts: antipodal pairs of depth edges, and uniform grasps on the region.
#pragma once

#include <Eigen/Core>
#include <functional>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp {

/// Two facing depth edges: surface between them, and a fall outside of both.
struct EdgePair {
    Eigen::Vector2d start, end;  ///< the edges as (row, col)
    double angle;                ///< closing axis from start to end, as PlanarGrasp::angle but not wrapped

    Eigen::Vector2d center() const { return 0.5 * (start + end); }
};

/// Calls `use` with up to `count` pairs of facing edges, out of at most 20 times as many attempts (Mahler et al. 2017,
/// appendix: antipodal sampling on depth images): an edge pixel of the region, a closing axis inside its friction cone,
/// the opposite edge found by marching along the axis, kept if the axis lies in that cone too and the gripper opens so
/// far. `use` may draw from `random`, too.
void sample_edge_pairs(const Scene& scene, const Gripper& gripper, std::size_t count, RandomStream& random,
                       const std::function<void(const EdgePair&)>& use);

/// Radians between the closing axis and the normal of the edge that leans more against it, each normal the mean
/// gradient within 3 pixels of the edge. (That of a single pixel, which pairs are drawn by, is a multiple of 45 degrees
/// where the edge is sharp.)
double largest_lean(const Scene& scene, const EdgePair& pair);

/// Up to `count` grasps on such pairs. The height of the centre is uniform between the lowest that the gripper reaches
/// and just below the surface.
std::vector<PlanarGrasp> antipodal_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                             RandomStream& random);

/// `count` grasps centred on uniform pixels of the region, at uniform angles, and heights as above.
std::vector<PlanarGrasp> uniform_proposals(const Scene& scene, const Gripper& gripper, std::size_t count,
                                           RandomStream& random);

/// The depth at which planners grasp that predict none: half-way down from the surface at (row, col) to the plane, but
/// no deeper than the palm leaves 1 cm free above that surface, and no deeper than the fingertips stay above the plane.
double fixed_rule_depth(const Scene& scene, const Gripper& gripper, double row, double col);

}  // namespace ebgrasp
