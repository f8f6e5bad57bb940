// Pixels of a depth image side by side: how close they need be, and when they show different surfaces.
#pragma once

#include <algorithm>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// Every how-manieth pixel leaves `px_per_metre` or more of them at a depth (metres); at least 1.
inline int pixel_stride(const CameraIntrinsics& camera, double depth, double px_per_metre) {
    constexpr double most = 16384;  // as wide as an image may be
    return static_cast<int>(std::clamp(std::min(camera.fx, camera.fy) / depth / px_per_metre, 1.0, most));
}

/// Tells whether two surfaces lie at two depths of pixels `stride` apart: they differ by more than 1 cm, and by more
/// than a surface 83 degrees steep would.
class DepthJump {
  public:
    explicit DepthJump(const CameraIntrinsics& camera, int stride = 1)
        : per_depth_(max_slope * static_cast<float>(stride / std::min(camera.fx, camera.fy))) {}

    /// Depths in metres, near <= far.
    bool operator()(float near, float far) const { return far - near > std::max(least, per_depth_ * near); }

  private:
    static constexpr float least = 0.01f;     // metres
    static constexpr float max_slope = 8.0f;  // tangent
    float per_depth_;
};

}  // namespace ebgrasp
