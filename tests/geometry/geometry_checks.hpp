// What several geometry tests ask of meshes.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/mesh.hpp"

namespace ebgrasp {

/// The number of directed edges that are not matched by exactly one opposite edge: 0 for a closed, oriented surface.
inline int unmatched_edges(const ConvexPart& part) {
    std::map<std::pair<int, int>, int> count;
    for (const auto& triangle : part.triangles) {
        for (int i = 0; i < 3; ++i) ++count[{triangle[i], triangle[(i + 1) % 3]}];
    }
    int unmatched = 0;
    for (const auto& [edge, n] : count) {
        const auto opposite = count.find({edge.second, edge.first});
        unmatched += n != 1 || opposite == count.end() || opposite->second != 1;
    }
    return unmatched;
}

inline std::vector<Eigen::Vector3d> random_points(std::uint64_t key, int count, double scale) {
    RandomStream random(11, key);
    std::vector<Eigen::Vector3d> points;
    for (int i = 0; i < count; ++i) {
        const double x = random.normal(), y = random.normal(), z = random.normal();
        points.emplace_back(scale * Eigen::Vector3d(x, y, z));
    }
    return points;
}

inline Eigen::Isometry3d random_pose(RandomStream& random, double max_translation) {
    const double angle = random.uniform(0, 6.28), x = random.normal(), y = random.normal(), z = random.normal();
    Eigen::Isometry3d pose(Eigen::AngleAxisd(angle, Eigen::Vector3d(x, y, z).normalized()));
    for (double& t : pose.translation()) t = random.uniform(-max_translation, max_translation);
    return pose;
}

}  // namespace ebgrasp
