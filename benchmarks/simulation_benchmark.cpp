// Grasps executed in physics, for each core: the poses are at rest, as the judge has them.
#include <benchmark/benchmark.h>
#include <numbers>

#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "ebgrasp/simulation/settle.hpp"
#include "ebgrasp/simulation/trial.hpp"

namespace ebgrasp {
namespace {

constexpr int objects = 20;

/// An object in its most stable pose, and a grasp of its middle along each of eight directions.
struct Scene {
    Object object;
    Eigen::Isometry3d X_WO;
    std::vector<Eigen::Isometry3d> X_WG;
};

std::vector<Scene> scenes() {
    std::vector<Scene> all;
    for (std::uint64_t i = 0; all.size() < objects; ++i) {
        Scene scene{procedural_object(1, i), {}, {}};
        const auto poses = stable_poses(scene.object);
        if (poses.empty()) continue;
        scene.X_WO = poses.front().X_TO;
        const Eigen::Vector3d center = scene.X_WO * scene.object.mass.center_of_mass_O;
        for (int k = 0; k < 8; ++k) {
            Eigen::Isometry3d X_WG(Eigen::Translation3d(center.x(), center.y(), std::max(center.z(), 0.01)));
            X_WG.rotate(Eigen::AngleAxisd(k * std::numbers::pi / 8, Eigen::Vector3d::UnitZ()));
            X_WG.rotate(Eigen::AngleAxisd(std::numbers::pi, Eigen::Vector3d::UnitX()));
            scene.X_WG.push_back(X_WG);
        }
        all.push_back(std::move(scene));
    }
    return all;
}

/// Single objects; a world is built for each, as in the judge. Items are trials.
void single_trials(benchmark::State& state) {
    const auto all = scenes();
    const Gripper gripper = load_gripper("robotiq_2f85");
    std::size_t trials = 0, held = 0;
    for (auto _ : state)
        for (const Scene& scene : all) {
            const PosedObject posed{&scene.object, scene.X_WO};
            TrialWorld world({&posed, 1}, gripper);
            for (const auto& X_WG : scene.X_WG) {
                held += world.run(X_WG, 0).outcome == Outcome::success;
                ++trials;
            }
        }
    state.SetItemsProcessed(static_cast<std::int64_t>(trials));
    state.counters["held"] = static_cast<double>(held) / static_cast<double>(trials);
}
BENCHMARK(single_trials)->Unit(benchmark::kMillisecond);

/// The same where every grasp has its own world, as in the judge's rounds.
void single_trials_with_their_worlds(benchmark::State& state) {
    const auto all = scenes();
    const Gripper gripper = load_gripper("robotiq_2f85");
    std::size_t trials = 0;
    for (auto _ : state)
        for (const Scene& scene : all)
            for (const auto& X_WG : scene.X_WG) {
                const PosedObject posed{&scene.object, scene.X_WO};
                TrialWorld world({&posed, 1}, gripper);
                benchmark::DoNotOptimize(world.run(X_WG, 0));
                ++trials;
            }
    state.SetItemsProcessed(static_cast<std::int64_t>(trials));
}
BENCHMARK(single_trials_with_their_worlds)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ebgrasp
