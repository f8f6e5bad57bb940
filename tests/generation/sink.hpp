// What stands in for physics where scenes of many objects are drawn in tests.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ebgrasp/geometry/render.hpp"

namespace ebgrasp {

inline Eigen::AlignedBox3d box_in_world(const Object& object, const Eigen::Isometry3d& X_WO) {
    Eigen::AlignedBox3d box;
    for (const ConvexPart& part : object.parts)
        for (const Eigen::Vector3d& v : part.vertices) box.extend(X_WO * v);
    return box;
}

/// No physics: objects sink straight down to the table.
inline std::optional<std::vector<Eigen::Isometry3d>> sink(std::span<const PosedObject> posed, double) {
    std::vector<Eigen::Isometry3d> X_WO;
    for (const PosedObject& p : posed) {
        X_WO.push_back(p.X_WO);
        X_WO.back().pretranslate(Eigen::Vector3d(0, 0, -box_in_world(*p.object, p.X_WO).min().z()));
    }
    return X_WO;
}

}  // namespace ebgrasp
