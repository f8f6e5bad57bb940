// Rays and depth images per second, on one thread. The raw rate is Embree's own for packets of 16 prepared beforehand.
#include <benchmark/benchmark.h>
#include <embree3/rtcore.h>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/ray_scene.hpp"
#include "ebgrasp/geometry/render.hpp"

namespace {

using namespace ebgrasp;

constexpr std::size_t ray_count = 1 << 14;

const Object& object() {
    static const Object composed = procedural_object(23, 3);
    return composed;
}

/// Rays from a sphere around the object towards points near its centre: the closing rays of the label oracle.
std::vector<Ray> closing_rays() {
    RandomStream random(1);
    const auto normal = [&] { return static_cast<float>(random.normal()); };
    std::vector<Ray> rays(ray_count);
    for (Ray& ray : rays) {
        const Eigen::Vector3f from = Eigen::Vector3f(normal(), normal(), normal()).normalized() * 0.2f;
        const Eigen::Vector3f to = Eigen::Vector3f(normal(), normal(), normal()) * 0.01f;
        ray = {from, (to - from).normalized(), 0.4f};
    }
    return rays;
}

void closing_rays_through_ray_scene(benchmark::State& state) {
    const RayScene scene(object());
    const std::vector<Ray> rays = closing_rays();
    std::vector<RayHit> hits(rays.size());
    for (auto _ : state) {
        scene.cast(rays, hits);
        benchmark::DoNotOptimize(hits.data());
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ray_count));
}
BENCHMARK(closing_rays_through_ray_scene);

void closing_rays_raw_embree(benchmark::State& state) {
    RTCDevice device = rtcNewDevice("threads=1");
    RTCScene scene = rtcNewScene(device);
    for (const ConvexPart& part : object().parts) {
        RTCGeometry mesh = rtcNewGeometry(device, RTC_GEOMETRY_TYPE_TRIANGLE);
        auto* vertices = static_cast<float*>(
            rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, 12, part.vertices.size()));
        for (const auto& v : part.vertices)
            for (int axis = 0; axis < 3; ++axis) *vertices++ = static_cast<float>(v[axis]);
        auto* triangles = static_cast<unsigned*>(
            rtcSetNewGeometryBuffer(mesh, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3, 12, part.triangles.size()));
        for (const auto& t : part.triangles)
            for (int corner = 0; corner < 3; ++corner) *triangles++ = static_cast<unsigned>(t[corner]);
        rtcCommitGeometry(mesh);
        rtcAttachGeometry(scene, mesh);
        rtcReleaseGeometry(mesh);
    }
    rtcCommitScene(scene);

    const std::vector<Ray> rays = closing_rays();
    std::vector<RTCRayHit16> prepared(rays.size() / 16);
    for (std::size_t i = 0; i < rays.size(); ++i) {
        RTCRayHit16& packet = prepared[i / 16];
        const std::size_t k = i % 16;
        packet.ray.org_x[k] = rays[i].origin.x(), packet.ray.dir_x[k] = rays[i].direction.x();
        packet.ray.org_y[k] = rays[i].origin.y(), packet.ray.dir_y[k] = rays[i].direction.y();
        packet.ray.org_z[k] = rays[i].origin.z(), packet.ray.dir_z[k] = rays[i].direction.z();
        packet.ray.tnear[k] = 0, packet.ray.tfar[k] = rays[i].max_distance;
        packet.ray.mask[k] = ~0u, packet.ray.flags[k] = 0;
        packet.hit.geomID[k] = RTC_INVALID_GEOMETRY_ID;
    }
    alignas(64) int valid[16];
    std::fill(std::begin(valid), std::end(valid), -1);
    for (auto _ : state) {
        for (const RTCRayHit16& packet : prepared) {
            RTCRayHit16 work = packet;
            RTCIntersectContext context;
            rtcInitIntersectContext(&context);
            rtcIntersect16(valid, scene, &context, &work);
            benchmark::DoNotOptimize(work);
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ray_count));
    rtcReleaseScene(scene);
    rtcReleaseDevice(device);
}
BENCHMARK(closing_rays_raw_embree);

/// A square crop of `side` pixels around the object, as the data engine renders; 640: the whole image.
void depth_image(benchmark::State& state) {
    const int side = static_cast<int>(state.range(0));
    CameraIntrinsics camera;
    if (side < camera.width) {
        camera.cx -= 0.5 * (camera.width - side);
        camera.cy -= 0.5 * (camera.height - side);
        camera.width = camera.height = side;
    }
    RandomStream random(1);
    const Eigen::Isometry3d X_WC = sample_camera({}, random);
    const PosedObject posed{&object(), Eigen::Isometry3d(Eigen::Translation3d(0, 0, 0.03))};
    for (auto _ : state) benchmark::DoNotOptimize(render_depth({&posed, 1}, X_WC, camera));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(depth_image)->Arg(96)->Arg(640);

}  // namespace
