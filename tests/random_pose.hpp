// Poses before a camera, for tests.
#pragma once

#include <Eigen/Geometry>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {

inline Eigen::Isometry3d random_pose(RandomStream& random) {
    Eigen::Isometry3d X = Eigen::Isometry3d::Identity();
    X.linear() = Eigen::Quaterniond(random.normal(), random.normal(), random.normal(), random.normal())
                     .normalized()
                     .toRotationMatrix();
    X.translation() << random.uniform(-0.3, 0.3), random.uniform(-0.3, 0.3), random.uniform(0.3, 1.0);
    return X;
}

}  // namespace ebgrasp
