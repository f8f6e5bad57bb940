// Symmetries of the square: what may be done to a scene before a field sees it, since neither the gripper nor gravity
// knows the difference.
#pragma once

#include <array>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/field.hpp"

namespace ebgrasp {

/// Done in this order.
struct FieldSymmetry {
    bool mirror_rows = false, mirror_cols = false, transpose = false;

    /// One of the eight of a square grid, or of the four of another.
    static FieldSymmetry draw(const FieldGrid& grid, RandomStream& random);

    DepthArray of(DepthArray map) const;

    /// A grasp of the scene on the changed grid, as networks read it: (row, col) of its foot in grid pixels, depth
    /// (metres), angle (radians).
    std::array<float, 4> row_of(const PlanarGrasp& y, const FieldGrid& grid) const;
    /// And back; `row` points at four numbers.
    PlanarGrasp grasp_of(const float* row, const FieldGrid& grid) const;
};

}  // namespace ebgrasp
