// Ray casting against one object (Embree), in the object's own frame.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <span>

#include "ebgrasp/geometry/mesh.hpp"

namespace ebgrasp {

struct Ray {
    Eigen::Vector3f origin, direction;  ///< metres; unit direction
    float max_distance;                 ///< metres
};

struct RayHit {
    float distance = -1;                               ///< metres along the ray; negative: no hit
    Eigen::Vector3f normal = Eigen::Vector3f::Zero();  ///< unit, outward
    bool hit() const { return distance >= 0; }
};

/// Immutable after construction; casting is thread-safe.
class RayScene {
  public:
    explicit RayScene(const Object& object);
    ~RayScene();
    RayScene(RayScene&&) noexcept;
    RayScene& operator=(RayScene&&) noexcept;

    /// First hits of `rays` (packets of 16). hits.size() must equal rays.size().
    /// Faces of one part that lie inside another are hit too only if the ray starts inside the object.
    void cast(std::span<const Ray> rays, std::span<RayHit> hits) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ebgrasp
