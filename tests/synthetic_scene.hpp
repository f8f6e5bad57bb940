// Depth images of boxes on a table by intersecting every pixel's ray analytically: a renderer that shares no code with
// ours.
#pragma once

#include <Eigen/Geometry>
#include <cmath>
#include <limits>
#include <vector>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// A box whose axes are the world's turned by `yaw`, standing on the table z = 0.
struct TableBox {
    double x, y, yaw;
    Eigen::Vector3d size;
};

/// A camera `distance` metres from the table's origin, tilted by `tilt` from straight down.
inline Eigen::Isometry3d camera_above(double distance, double tilt, double azimuth = 0.0) {
    const Eigen::Vector3d position(distance * std::sin(tilt) * std::cos(azimuth),
                                   distance * std::sin(tilt) * std::sin(azimuth), distance * std::cos(tilt));
    const Eigen::Vector3d z = -position.normalized();
    const Eigen::Vector3d x = Eigen::Vector3d::UnitY().cross(z).normalized();
    Eigen::Isometry3d X_WC = Eigen::Isometry3d::Identity();
    X_WC.linear() << x, z.cross(x), z;
    X_WC.translation() = position;
    return X_WC;
}

/// Distance along a ray to a box (slab method), infinity if it is missed.
inline double distance_to(const TableBox& box, const Eigen::Vector3d& origin_W, const Eigen::Vector3d& direction_W) {
    const Eigen::AngleAxisd turn(-box.yaw, Eigen::Vector3d::UnitZ());
    const Eigen::Vector3d origin = turn * (origin_W - Eigen::Vector3d(box.x, box.y, box.size.z() / 2));
    const Eigen::Vector3d direction = turn * direction_W;
    double enter = 0, leave = std::numeric_limits<double>::infinity();
    for (int axis = 0; axis < 3; ++axis) {
        const double a = (-box.size[axis] / 2 - origin[axis]) / direction[axis];
        const double b = (box.size[axis] / 2 - origin[axis]) / direction[axis];
        enter = std::max(enter, std::min(a, b));
        leave = std::min(leave, std::max(a, b));
    }
    return enter < leave ? enter : std::numeric_limits<double>::infinity();
}

struct SyntheticScene {
    DepthImage image;
    Mask boxes;  ///< 0: table, i + 1: box i
};

inline SyntheticScene synthetic_scene(const std::vector<TableBox>& boxes, const Eigen::Isometry3d& X_WC,
                                      const CameraIntrinsics& camera = {}) {
    SyntheticScene scene{{DepthArray::Zero(camera.height, camera.width), camera},
                         Mask::Zero(camera.height, camera.width)};
    for (int row = 0; row < camera.height; ++row)
        for (int col = 0; col < camera.width; ++col) {
            const Eigen::Vector3d ray_W = X_WC.rotation() * camera.deproject(row, col, 1.0);  // z = 1: length is depth
            double depth = -X_WC.translation().z() / ray_W.z();
            for (std::size_t i = 0; i < boxes.size(); ++i) {
                const double hit = distance_to(boxes[i], X_WC.translation(), ray_W);
                if (hit >= depth) continue;
                depth = hit;
                scene.boxes(row, col) = static_cast<std::uint8_t>(i + 1);
            }
            scene.image.depth(row, col) = static_cast<float>(depth);
        }
    return scene;
}

}  // namespace ebgrasp
