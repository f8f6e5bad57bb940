#include "ebgrasp/geometry/ray_scene.hpp"

#include <algorithm>
#include <cassert>
#include <embree3/rtcore.h>
#include <limits>
#include <vector>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

/// Embree's handles are reference-counted C pointers.
struct Release {
    void operator()(RTCDevice device) const { rtcReleaseDevice(device); }
    void operator()(RTCScene scene) const { rtcReleaseScene(scene); }
};
using DeviceHandle = std::unique_ptr<RTCDeviceTy, Release>;
using SceneHandle = std::unique_ptr<RTCSceneTy, Release>;

/// One device serves the process.
RTCDevice device() {
    static const DeviceHandle handle(rtcNewDevice(nullptr));
    require(handle != nullptr, "Embree cannot start (error ", rtcGetDeviceError(nullptr), ")");
    return handle.get();
}

}  // namespace

struct RayScene::State {
    SceneHandle scene;
    std::vector<Eigen::Vector3f> normals;  ///< by triangle, computed in double precision from the object
};

RayScene::RayScene(const Object& object) : state_(std::make_unique<State>()) {
    std::size_t vertex_count = 0;
    for (const ConvexPart& part : object.parts) vertex_count += part.vertices.size();

    RTCGeometry geometry = rtcNewGeometry(device(), RTC_GEOMETRY_TYPE_TRIANGLE);
    auto* vertices = static_cast<float*>(rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3,
                                                                 3 * sizeof(float), vertex_count));
    auto* indices = static_cast<unsigned*>(rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3,
                                                                   3 * sizeof(unsigned), object.triangle_count()));
    unsigned first = 0;
    for (const ConvexPart& part : object.parts) {
        for (const Eigen::Vector3d& vertex : part.vertices) {
            vertices = std::ranges::copy(vertex.cast<float>(), vertices).out;
        }
        for (const Eigen::Vector3i& triangle : part.triangles) {
            indices = std::ranges::transform(triangle, indices, [&](int i) { return first + unsigned(i); }).out;
            const auto corner = [&](int i) { return part.vertices[static_cast<std::size_t>(triangle[i])]; };
            const Eigen::Vector3d normal = (corner(1) - corner(0)).cross(corner(2) - corner(0)).normalized();
            state_->normals.push_back(normal.cast<float>());
        }
        first += static_cast<unsigned>(part.vertices.size());
    }
    rtcCommitGeometry(geometry);
    state_->scene.reset(rtcNewScene(device()));
    rtcSetSceneFlags(state_->scene.get(), RTC_SCENE_FLAG_ROBUST);
    rtcAttachGeometry(state_->scene.get(), geometry);
    rtcReleaseGeometry(geometry);
    rtcCommitScene(state_->scene.get());
}

RayScene::~RayScene() = default;
RayScene::RayScene(RayScene&&) noexcept = default;
RayScene& RayScene::operator=(RayScene&&) noexcept = default;

void RayScene::cast(std::span<const Ray> rays, std::span<RayHit> hits) const {
    assert(rays.size() == hits.size());
    constexpr std::size_t packet_size = 16;
    RTCIntersectContext context;
    rtcInitIntersectContext(&context);
    for (std::size_t start = 0; start < rays.size(); start += packet_size) {
        const std::size_t count = std::min(packet_size, rays.size() - start);
        alignas(64) int valid[packet_size] = {};
        RTCRayHit16 packet;
        for (std::size_t i = 0; i < count; ++i) {
            const Ray& ray = rays[start + i];
            valid[i] = -1;
            packet.ray.org_x[i] = ray.origin.x();
            packet.ray.org_y[i] = ray.origin.y();
            packet.ray.org_z[i] = ray.origin.z();
            packet.ray.dir_x[i] = ray.direction.x();
            packet.ray.dir_y[i] = ray.direction.y();
            packet.ray.dir_z[i] = ray.direction.z();
            packet.ray.tnear[i] = 0;
            packet.ray.tfar[i] = ray.max_distance;
            packet.ray.time[i] = 0;
            packet.ray.mask[i] = ~0u;
            packet.ray.flags[i] = 0;
            packet.hit.geomID[i] = RTC_INVALID_GEOMETRY_ID;
            packet.hit.instID[0][i] = RTC_INVALID_GEOMETRY_ID;
        }
        rtcIntersect16(valid, state_->scene.get(), &context, &packet);
        for (std::size_t i = 0; i < count; ++i) {
            const bool hit = packet.hit.geomID[i] != RTC_INVALID_GEOMETRY_ID;
            hits[start + i] = hit ? RayHit{packet.ray.tfar[i], state_->normals[packet.hit.primID[i]]} : RayHit{};
        }
    }
}

}  // namespace ebgrasp
