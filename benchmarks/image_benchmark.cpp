#include <benchmark/benchmark.h>

#include "ebgrasp/image/noise.hpp"
#include "ebgrasp/image/support_plane.hpp"

namespace ebgrasp {
namespace {

/// A table 0.7 m away, seen from 12 degrees off, with a 10 x 10 cm block in the middle, all in image space.
DepthImage tilted_table() {
    const CameraIntrinsics camera;
    const Eigen::Vector3d normal(0, -0.208, -0.978);
    DepthImage image{DepthArray(camera.height, camera.width), camera};
    for (int row = 0; row < camera.height; ++row)
        for (int col = 0; col < camera.width; ++col)
            image.depth(row, col) = static_cast<float>(0.7 / -normal.dot(camera.deproject(row, col, 1)));
    image.depth.block(200, 280, 80, 80) -= 0.05f;
    RandomStream random(1);
    for (float& z : image.depth.reshaped()) z += static_cast<float>(random.normal(0, 0.001));
    return image;
}

void fit_plane(benchmark::State& state) {
    const DepthImage image = tilted_table();
    for (auto _ : state) benchmark::DoNotOptimize(fit_support_plane(image));
}
BENCHMARK(fit_plane)->Unit(benchmark::kMillisecond);

void view_from_above(benchmark::State& state) {
    const DepthImage image = tilted_table();
    const auto plane = fit_support_plane(image);
    Mask mask = Mask::Zero(image.height(), image.width());
    mask.block(140, 180, 200, 280) = 1;
    for (auto _ : state) benchmark::DoNotOptimize(overhead_view(image, *plane, mask, 280, 0.7));
}
BENCHMARK(view_from_above)->Unit(benchmark::kMillisecond);

void sensor_noise(benchmark::State& state) {
    const DepthImage image = tilted_table();
    RandomStream random(1);
    for (auto _ : state) {
        DepthImage copy = image;
        add_noise(copy, {.gp_probability = 1}, random);
        benchmark::DoNotOptimize(copy);
    }
}
BENCHMARK(sensor_noise)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ebgrasp
