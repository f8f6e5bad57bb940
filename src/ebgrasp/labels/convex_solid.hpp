// Exact queries against one convex part: does it contain a point, does it overlap a box?
#pragma once

#include <Eigen/Core>

#include "ebgrasp/geometry/mesh.hpp"

namespace ebgrasp {

/// A box whose sides are along the columns of the rotation `axes`.
struct OrientedBox {
    Eigen::Vector3d center;
    Eigen::Matrix3d axes;
    Eigen::Vector3d half_size;  ///< metres
};

/// A convex part prepared for queries in the frame of its vertices.
class ConvexSolid {
  public:
    /// Metres by which solids may overlap and still count as free of each other: rounding is no collision.
    static constexpr double tolerance = 1e-7;

    explicit ConvexSolid(const ConvexPart& part);

    /// True if `point` is more than the tolerance below the surface.
    bool contains(const Eigen::Vector3d& point) const;
    /// True if the part overlaps `box` shrunk by the tolerance on every side.
    bool overlaps(const OrientedBox& box) const;

  private:
    Eigen::Vector3d support(const Eigen::Vector3d& direction) const;

    Eigen::Matrix<double, Eigen::Dynamic, 3> vertices_;
    Eigen::Matrix<double, Eigen::Dynamic, 3> normals_;  ///< outward, of the faces
    Eigen::VectorXd offsets_;                           ///< the faces are normal.p = offset
    Eigen::Vector3d center_;                            ///< of a sphere around the vertices
    double radius_;
};

}  // namespace ebgrasp
