// Stable resting poses of an object on a horizontal table.
#pragma once

#include <Eigen/Geometry>
#include <vector>

#include "ebgrasp/geometry/mesh.hpp"

namespace ebgrasp {

struct StablePose {
    Eigen::Isometry3d X_TO;  ///< object in the table frame T: z up, table at z = 0, centre of mass above the origin
    double probability;      ///< in (0, 1], the poses of one object sum to 1
};

/// The poses in which the centre of mass projects inside a facet of the convex hull, by falling probability. The
/// probability of landing on each facet is the solid angle from which it is reached, following unstable facets over
/// their edges (Goldberg et al., "Part pose statistics", 1999). Facets closer than 1 degree in normal are merged;
/// poses rarer than `min_probability` are dropped and the rest renormalised.
std::vector<StablePose> stable_poses(const Object& object, double min_probability = 0.01);

}  // namespace ebgrasp
