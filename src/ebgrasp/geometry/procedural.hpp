// Procedural objects: convex primitives and compositions of them.
#pragma once

#include <cstdint>

#include "ebgrasp/geometry/mesh.hpp"

namespace ebgrasp {

// Convex primitives about the origin, metres; round ones have z as their axis and their vertices on the true surface.
// They throw Error unless lengths are positive, exponents in (0, 2] and segments in [3, 1024].
ConvexPart make_box(const Eigen::Vector3d& extents);
ConvexPart make_cylinder(double radius, double height, int segments = 24);
/// `height` is from tip to tip, at least 2 * radius.
ConvexPart make_capsule(double radius, double height, int segments = 16);
/// (|x/a|^(2/e2) + |y/b|^(2/e2))^(e2/e1) + |z/c|^(2/e1) = 1 for half extents a, b, c and exponents e1 (along z), e2
/// (around z): Barr, "Superquadrics and angle-preserving transformations", 1981.
ConvexPart make_superquadric(const Eigen::Vector3d& half_extents, double e1, double e2, int segments = 16);

struct ProceduralParameters {
    double min_size = 0.02, max_size = 0.12;  ///< metres, longest extent of the whole object
    double min_thickness = 0.008;             ///< metres, thinnest extent of a part
    double max_aspect = 6.0;                  ///< longest over shortest extent of a part
    int max_parts = 6;                        ///< 1 part with probability 0.4, else uniform in 2 .. max_parts
};

/// The object number `index` of the family `seed`: one primitive, or a composition of two to max_parts whose parts
/// overlap so that the whole is connected. Origin at the bounding box's centre. A pure function of its arguments.
/// Throws Error if the parameters contradict each other.
Object procedural_object(std::uint64_t seed, std::uint64_t index, const ProceduralParameters& parameters = {});

}  // namespace ebgrasp
