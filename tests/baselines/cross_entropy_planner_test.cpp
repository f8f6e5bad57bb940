#include "ebgrasp/baselines/cross_entropy_planner.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/baselines/gqcnn_planner.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/grasp/grasp_window.hpp"
#include "gqcnn_checkpoint.hpp"
#include "synthetic_scene.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

const CameraIntrinsics camera;
constexpr double opening = 0.085;

/// Squared distance in units of 5 pixels, 5 millimetres and 0.2 radians.
double distance(const PlanarGrasp& a, const PlanarGrasp& b) {
    const double angle = wrap_angle(a.angle - b.angle) / 0.2;
    const double pixels = std::hypot(a.row - b.row, a.col - b.col) / 5, depth = (a.depth - b.depth) / 0.005;
    return pixels * pixels + depth * depth + angle * angle;
}

/// Smooth bumps, higher the nearer to a target.
GraspQuality bumps(std::vector<std::pair<PlanarGrasp, double>> targets) {
    return [=](std::span<const PlanarGrasp> grasps) {
        std::vector<double> qualities;
        for (const PlanarGrasp& grasp : grasps) {
            double quality = 0;
            for (const auto& [target, height] : targets) quality += height * std::exp(-0.02 * distance(grasp, target));
            qualities.push_back(quality);
        }
        return qualities;
    };
}

std::vector<PlanarGrasp> seeds(std::size_t count, RandomStream& random) {
    std::vector<PlanarGrasp> grasps;
    for (std::size_t i = 0; i < count; ++i)
        grasps.push_back({random.uniform(200, 280), random.uniform(280, 360), random.uniform(0.64, 0.70),
                          random.uniform(-std::numbers::pi / 2, std::numbers::pi / 2), 0});
    return grasps;
}

bool admit_all(PlanarGrasp&) { return true; }

const Candidate& best_of(const std::vector<Candidate>& candidates) {
    return *std::ranges::min_element(candidates, {}, &Candidate::energy);
}

// An angle near the wrap shows that closing axes are taken as axes.
const PlanarGrasp target{231, 325, 0.67, 1.5, 0};

TEST(CrossEntropySearch, ConvergesToTheMaximumOfAKnownQuality) {
    CrossEntropyOptions options;
    options.iterations = 20;
    options.component_fraction = 0.01;  // a single Gaussian
    for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
        RandomStream random(seed);
        const auto start = seeds(250, random);
        const auto found =
            cross_entropy_search(start, bumps({{target, 1}}), admit_all, camera, opening, options, random);
        EXPECT_LT(distance(best_of(found).grasp, target), 0.5) << seed;
    }
}

TEST(CrossEntropySearch, FindsMoreThanAsManyRandomGrasps) {
    double by_search = 0, by_chance = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        RandomStream random(seed);
        const auto start = seeds(250, random);
        const auto found = cross_entropy_search(start, bumps({{target, 1}}), admit_all, camera, opening, {}, random);
        by_search += distance(best_of(found).grasp, target) / 200;
        double nearest = INFINITY;
        for (const PlanarGrasp& grasp : seeds(400, random)) nearest = std::min(nearest, distance(grasp, target));
        by_chance += nearest / 200;
    }
    EXPECT_LT(by_search, 0.85 * by_chance);
}

TEST(CrossEntropySearch, PrefersTheHigherOfTwoMaxima) {
    const PlanarGrasp low{215, 300, 0.66, 0.3, 0}, high{265, 345, 0.68, -1.0, 0};
    RandomStream random(4);
    CrossEntropyOptions options;
    options.iterations = 8;
    const auto candidates = cross_entropy_search(seeds(250, random), bumps({{low, 1.0}, {high, 1.5}}), admit_all,
                                                 camera, opening, options, random);
    EXPECT_LT(distance(best_of(candidates).grasp, high), distance(best_of(candidates).grasp, low));
}

TEST(CrossEntropySearch, AsksAsOftenAsPublished) {
    std::vector<std::size_t> asked;
    const GraspQuality inner = bumps({{{240, 320, 0.67, 0, 0}, 1.0}});
    const GraspQuality quality = [&](std::span<const PlanarGrasp> grasps) {
        asked.push_back(grasps.size());
        return inner(grasps);
    };
    RandomStream random(5);
    const auto candidates = cross_entropy_search(seeds(250, random), quality, admit_all, camera, opening, {}, random);
    EXPECT_THAT(asked, testing::ElementsAre(250, 50, 50, 50));
    EXPECT_EQ(candidates.size(), 400u);

    asked.clear();
    EXPECT_TRUE(cross_entropy_search({}, quality, admit_all, camera, opening, {}, random).empty());
    EXPECT_TRUE(asked.empty());

    // Where nothing is admissible the seeds are all there is.
    const auto none = [](PlanarGrasp&) { return false; };
    EXPECT_EQ(cross_entropy_search(seeds(20, random), quality, none, camera, opening, {}, random).size(), 20u);
    // A single seed has no spread, and still is a start.
    EXPECT_GT(cross_entropy_search(seeds(1, random), quality, admit_all, camera, opening, {}, random).size(), 1u);
}

TEST(CrossEntropySearch, KeepsWhatIsAdmitted) {
    RandomStream random(6);
    const auto left_half = [](PlanarGrasp& grasp) {
        grasp.depth = std::min(grasp.depth, 0.66);
        return grasp.col < 320;
    };
    auto start = seeds(100, random);
    for (auto& grasp : start) left_half(grasp), grasp.col = std::min(grasp.col, 319.0);
    const auto candidates =
        cross_entropy_search(start, bumps({{{240, 330, 0.68, 0, 0}, 1.0}}), left_half, camera, opening, {}, random);
    for (const Candidate& candidate : candidates) {
        EXPECT_LT(candidate.grasp.col, 320);
        EXPECT_LE(candidate.grasp.depth, 0.66);
    }
}

const std::vector<TableBox> boxes = {{0.0, 0.02, 0.4, {0.04, 0.10, 0.05}}};

/// Likes grasps near the view's column 0, and high ones a little.
std::vector<double> leftmost(const DepthArray&, std::span<const PlanarGrasp> grasps) {
    std::vector<double> qualities;
    for (const PlanarGrasp& grasp : grasps) qualities.push_back(-grasp.col - 10 * grasp.depth);
    return qualities;
}

TEST(CrossEntropyPlanner, PlansExecutableGraspsRankedByTheirOwnQuality) {
    const SyntheticScene scene = synthetic_scene(boxes, camera_above(0.7, 0.1));
    const CrossEntropyPlanner planner("left", leftmost, Gripper{});
    const PlanResult result = planner.plan({.image = scene.image, .mask = {}, .seed = 3});
    ASSERT_FALSE(result.grasps.empty()) << result.reason;
    const PlanarGrasp& best = result.grasps.front().grasp;
    EXPECT_EQ(scene.boxes(std::lround(best.row), std::lround(best.col)), 1);
    EXPECT_GT(best.width, 0);
    for (std::size_t i = 1; i < result.grasps.size(); ++i)
        EXPECT_LE(result.grasps[i - 1].energy, result.grasps[i].energy);
    // In the camera's image too, the best grasps are left of the box's middle.
    double middle = 0, pixels = 0;
    for (int row = 0; row < scene.boxes.rows(); ++row)
        for (int col = 0; col < scene.boxes.cols(); ++col)
            if (scene.boxes(row, col)) middle += col, ++pixels;
    EXPECT_LT(best.col, middle / pixels);
    const auto again = planner.plan({.image = scene.image, .mask = {}, .seed = 3});
    ASSERT_EQ(again.grasps.size(), result.grasps.size());
    EXPECT_EQ(again.grasps.front().X_CG.matrix(), result.grasps.front().X_CG.matrix());
}

TEST(CrossEntropyPlanner, SaysWhyThereIsNoGrasp) {
    const SyntheticScene empty = synthetic_scene({}, camera_above(0.7, 0.1));
    const PlanResult result = CrossEntropyPlanner("left", leftmost, Gripper{}).plan({.image = empty.image, .mask = {}});
    EXPECT_TRUE(result.grasps.empty());
    EXPECT_EQ(result.reason, "proposals: nothing_on_the_plane");
}

TEST(GqcnnPlanner, RanksByTheLogitOfTheGraspsOwnWindow) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "gqcnn.safetensors").string();
    const Checkpoint checkpoint = random_gqcnn_checkpoint(1);
    write_checkpoint(checkpoint, path);
    // A camera that is the overhead view already, so that its image is what the network sees.
    const SyntheticScene scene = synthetic_scene({{0, 0, 0.4, {0.04, 0.10, 0.05}}}, camera_above(0.7, 0.0));
    const auto planner = load_gqcnn_planner(path, Gripper{});
    EXPECT_EQ(planner->name(), "gqcnn-cem");
    const PlanResult result = planner->plan({.image = scene.image, .mask = {}, .count = 5});
    ASSERT_FALSE(result.grasps.empty()) << result.reason;
    const GqcnnRuntime network(checkpoint);
    for (const auto& planned : result.grasps) {
        std::vector<float> window(window_pixels);
        grasp_window(scene.image.depth, planned.grasp, window);
        const auto depth = static_cast<float>(planned.grasp.depth);
        EXPECT_NEAR(planned.energy, -network.logits(window, {&depth, 1}).at(0), 0.05 * (1 + std::abs(planned.energy)));
    }
}

TEST(GqcnnPlanner, RefusesOtherModels) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "seed.safetensors").string();
    write_checkpoint({"seed", nlohmann::json::object(), {{"weight", {{1}, {0.5f}}}}}, path);
    try {
        load_gqcnn_planner(path, Gripper{});
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("seed"));
    }
    EXPECT_THROW(load_gqcnn_planner((folder.path() / "missing").string(), Gripper{}), Error);
}

}  // namespace
}  // namespace ebgrasp
