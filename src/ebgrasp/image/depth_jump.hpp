// Where a depth image tears: between two pixels that show different surfaces.
#pragma once

#include <algorithm>

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

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
