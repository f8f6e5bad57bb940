// Depth images of objects on a table, and the distribution of cameras that sees them.
#pragma once

#include <Eigen/Geometry>
#include <span>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/mesh.hpp"
#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

struct PosedObject {
    const Object* object;
    Eigen::Isometry3d X_WO;
};

/// The z-depth image of `objects` on the table plane z = 0 of the world W, seen from X_WC, with the instance mask:
/// 0 for the table, i + 1 for objects[i]. Exact at pixel centres; pixels that see neither object nor table are 0.
struct RenderedScene {
    DepthImage image;
    Mask instances;
};
RenderedScene render_depth(std::span<const PosedObject> objects, const Eigen::Isometry3d& X_WC,
                           const CameraIntrinsics& camera);

/// Camera poses around a table point (Dex-Net 2.0, Mahler et al. 2017, section III: spherical coordinates).
struct CameraDistribution {
    CameraIntrinsics intrinsics;
    double min_distance = 0.65, max_distance = 0.75;                         ///< metres from the table point
    double min_elevation = 0.0, max_elevation = 5.0 * 0.017453292519943295;  ///< radians from the vertical
    double max_roll = 0.0;           ///< radians about the optical axis, uniform in [-max, max]
    double max_target_offset = 0.0;  ///< metres by which the looked-at point moves in x and y
};

/// A camera pose X_WC looking at the (offset) origin of the table.
Eigen::Isometry3d sample_camera(const CameraDistribution& distribution, RandomStream& random);

}  // namespace ebgrasp
