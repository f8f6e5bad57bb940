// Grasp candidates to label: antipodal pairs on the object's surface, and uniform grasps that know nothing of it.
#pragma once

#include <Eigen/Geometry>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {

/// Up to `count` grasp poses X_WG on `target` whose approach is `approach_W` (unit): a surface point by area, a
/// closing axis inside its friction cone and perpendicular to the approach, the opposite contact by ray casting, kept
/// if the axis also lies in that cone and the jaws open wide enough (Mahler et al. 2016, Dex-Net 1.0, antipodal
/// sampling). The centre is midway between the contacts, moved along the approach by a uniform -10 .. +10 mm. May
/// return fewer.
std::vector<Eigen::Isometry3d> antipodal_candidates(const PosedLabelObject& target, const Eigen::Vector3d& approach_W,
                                                    double friction, const Gripper& gripper, std::size_t count,
                                                    RandomStream& random);

/// `count` poses uniform over the target's bounding box (centre; enlarged by 1 cm sideways) and over angles.
std::vector<Eigen::Isometry3d> uniform_candidates(const PosedLabelObject& target, const Eigen::Vector3d& approach_W,
                                                  std::size_t count, RandomStream& random);

}  // namespace ebgrasp
