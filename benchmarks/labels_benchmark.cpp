// Speed of the label oracle and of its stages, one thread, on a realistic mix: half antipodal, half uniform candidates,
// straight down, on procedural objects in their stable poses.
#include <benchmark/benchmark.h>
#include <memory>
#include <vector>

#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "ebgrasp/labels/candidates.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {
namespace {

constexpr std::size_t candidates_per_kind = 64;

/// An object on the table and grasps of it.
struct Workload {
    PosedLabelObject posed;
    std::vector<Eigen::Isometry3d> X_WG;
};

const std::vector<Workload>& workloads() {
    static const std::vector<Workload> all = [] {
        std::vector<Workload> made;
        for (std::uint64_t i = 0; i < 100; ++i) {
            const auto object = std::make_shared<LabelObject>(procedural_object(1, i));
            const PosedLabelObject posed{object, stable_poses(object->object()).front().X_TO};
            RandomStream random(2, i);
            const Eigen::Vector3d down = -Eigen::Vector3d::UnitZ();
            auto X_WG = antipodal_candidates(posed, down, 0.5, Gripper{}, candidates_per_kind, random);
            const auto uniform = uniform_candidates(posed, down, candidates_per_kind, random);
            X_WG.insert(X_WG.end(), uniform.begin(), uniform.end());
            made.push_back({posed, std::move(X_WG)});
        }
        return made;
    }();
    return all;
}

/// Labels every workload over and over; counts grasps, and the share of them with each verdict.
void label_all(benchmark::State& state, const LabelParameters& parameters) {
    const ThreadLimit one_thread(1);
    std::vector<LabelOracle> oracles;
    for (const Workload& work : workloads()) oracles.push_back(LabelOracle({work.posed}, Gripper{}, parameters));
    std::array<std::size_t, 9> verdicts{};
    std::size_t labelled = 0;
    for (auto _ : state) {
        for (std::size_t i = 0; i < oracles.size(); ++i) {
            const auto& X_WG = workloads()[i].X_WG;
            const auto labels = oracles[i].label(X_WG, std::vector<double>(X_WG.size()), 3);
            for (const GraspLabel& label : labels) ++verdicts[std::size_t(label.verdict)];
            labelled += labels.size();
        }
    }
    state.SetItemsProcessed(std::int64_t(labelled));
    for (std::size_t verdict = 0; verdict < verdicts.size(); ++verdict) {
        state.counters[std::string(to_string(Verdict(verdict)))] = double(verdicts[verdict]) / double(labelled);
    }
}

void label_25_samples(benchmark::State& state) { label_all(state, {}); }
BENCHMARK(label_25_samples)->Unit(benchmark::kMillisecond);

/// Every stage but the perturbations (one sample): collision, closing, one epsilon.
void label_1_sample(benchmark::State& state) {
    LabelParameters parameters;
    parameters.uncertainty.samples = 1;
    label_all(state, parameters);
}
BENCHMARK(label_1_sample)->Unit(benchmark::kMillisecond);

/// Contacts of a 40 mm wide grasp with normals up to `tilt` radians off the closing axis and an off-centre mass.
std::array<Contact, 2> random_contacts(RandomStream& random, double tilt) {
    std::array<Contact, 2> contacts;
    for (int i : {0, 1}) {
        const Eigen::Vector3d axis = (i == 0 ? 1.0 : -1.0) * Eigen::Vector3d::UnitX();
        const Eigen::Vector3d side(0, random.normal(), random.normal());
        const Eigen::Vector3d normal = (axis + std::tan(random.uniform(0, tilt)) * side.normalized()).normalized();
        contacts[std::size_t(i)] = {-0.02 * axis, normal, Eigen::Vector3d::UnitZ()};
    }
    return contacts;
}

void epsilon(benchmark::State& state) {
    RandomStream random(4);
    std::vector<std::array<Contact, 2>> grasps;
    for (int i = 0; i < 1000; ++i) grasps.push_back(random_contacts(random, 0.4));
    WrenchParameters parameters;
    parameters.cone_faces = int(state.range(0));
    for (auto _ : state) {
        for (const auto& contacts : grasps) {
            benchmark::DoNotOptimize(ferrari_canny_l1(contacts, {0.001, 0.004, -0.006}, parameters));
        }
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t(grasps.size()));
}
BENCHMARK(epsilon)->Arg(4)->Arg(8)->Arg(16);

/// Closing rays alone, as RayScene casts them.
void closing_rays(benchmark::State& state) {
    std::int64_t count = 0;
    for (auto _ : state) {
        for (const Workload& work : workloads()) {
            std::vector<Ray> rays;
            for (const auto& X_WG : work.X_WG) {
                const Eigen::Isometry3f X_OG = (work.posed.X_WO.inverse() * X_WG).cast<float>();
                const Eigen::Vector3f axis = X_OG.linear().col(0);
                rays.push_back({X_OG.translation() - 0.0425f * axis, axis, 0.085f});
                rays.push_back({X_OG.translation() + 0.0425f * axis, -axis, 0.085f});
            }
            std::vector<RayHit> hits(rays.size());
            work.posed.object->rays().cast(rays, hits);
            count += std::int64_t(rays.size());
        }
    }
    state.SetItemsProcessed(count);
}
BENCHMARK(closing_rays)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ebgrasp
