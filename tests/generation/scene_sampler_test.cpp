#include "ebgrasp/generation/scene_sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "sink.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

const std::vector<PreparedObject>& objects() {
    static const auto loaded = load_objects("procedural:30", 3);
    return loaded;
}

const Object& object_of(const PlacedObject& placed) { return objects()[placed.index].label->object(); }

SceneParameters clutter(const std::string& kind) {
    SceneParameters parameters;
    parameters.kind = kind;
    parameters.objects = {2, 6};
    return parameters;
}

std::vector<Split> alternating_splits() {
    std::vector<Split> splits(objects().size(), Split::train);
    for (std::size_t i = 0; i < splits.size(); i += 2) splits[i] = Split::test;
    return splits;
}

TEST(SceneSampler, ASingleObjectStandsInAStablePose) {
    const SceneSampler sampler(objects(), {}, {});
    for (int i = 0; i < 20; ++i) {
        RandomStream random(1, i);
        const auto scene = sampler.sample(random);
        ASSERT_EQ(scene.size(), 1u);
        EXPECT_NEAR(box_in_world(object_of(scene[0]), scene[0].X_WO).min().z(), 0, 1e-9);
    }
}

TEST(SceneSampler, PackedObjectsStandUprightInTheWorkspaceWithoutMeeting) {
    const auto splits = alternating_splits();
    const SceneSampler sampler(objects(), splits, clutter("packed"));
    std::set<std::size_t> sizes;
    for (int i = 0; i < 30; ++i) {
        RandomStream random(2, i);
        const auto scene = sampler.sample(random);
        sizes.insert(scene.size());
        for (std::size_t a = 0; a < scene.size(); ++a) {
            const Object& object = object_of(scene[a]);
            const auto box = box_in_world(object, scene[a].X_WO);
            EXPECT_NEAR(box.min().z(), 0, 1e-9);
            EXPECT_LE(box.max().head<2>().maxCoeff(), 0.15);
            EXPECT_GE(box.min().head<2>().minCoeff(), -0.15);
            EXPECT_GE(object.mass.volume, 20e-6);
            EXPECT_EQ(splits[scene[a].index], splits[scene[0].index]);
            for (const StablePose& pose : objects()[scene[a].index].poses)
                EXPECT_LE(box_in_world(object, pose.X_TO).max().z(), box.max().z() + 1e-9);
            // Points inside this object are not inside another one.
            for (int k = 0; k < 300; ++k) {
                const double x = random.uniform(), y = random.uniform(), z = random.uniform();
                const Vector3d p_W = box.min() + Vector3d(x, y, z).cwiseProduct(box.sizes());
                if (!object.contains(scene[a].X_WO.inverse() * p_W)) continue;
                for (std::size_t b = 0; b < a; ++b)
                    EXPECT_FALSE(object_of(scene[b]).contains(scene[b].X_WO.inverse() * p_W));
            }
        }
    }
    EXPECT_GE(sizes.size(), 3u);
    EXPECT_LE(*sizes.rbegin(), 6u);
}

TEST(SceneSampler, PilesFallFromTheDropHeightInRandomRotationsWithinTheWalls) {
    double mean_up = 0;
    int count = 0;
    const Settle check = [&](std::span<const PosedObject> start, double walls) {
        EXPECT_EQ(walls, 0.15);
        for (const PosedObject& posed : start) {
            const auto box = box_in_world(*posed.object, posed.X_WO);
            EXPECT_NEAR(box.min().z(), 0.2, 1e-9);
            EXPECT_LE(std::max(box.max().head<2>().maxCoeff(), -box.min().head<2>().minCoeff()), 0.15 + 1e-9);
            mean_up += posed.X_WO.linear()(2, 2);
            ++count;
        }
        return sink(start, walls);
    };
    const SceneSampler sampler(objects(), alternating_splits(), clutter("pile"), check);
    for (int i = 0; i < 100; ++i) {
        RandomStream random(3, i);
        const auto scene = sampler.sample(random);
        EXPECT_THAT(scene.size(), testing::AllOf(testing::Ge(2u), testing::Le(6u)));
        EXPECT_NEAR(box_in_world(object_of(scene[0]), scene[0].X_WO).min().z(), 0, 1e-9);
    }
    // z of a uniformly random unit vector has mean 0 and variance 1/3: 4 standard errors.
    EXPECT_LT(std::abs(mean_up / count), 4 / std::sqrt(3.0 * count));
}

TEST(SceneSampler, PilesThatDoNotRestOrStayAreDrawnAgain) {
    int calls = 0;
    const Settle third_time = [&](std::span<const PosedObject> start, double walls) {
        auto rest = sink(start, walls);
        if (++calls == 1) return std::optional<std::vector<Isometry3d>>{};
        if (calls == 2) rest->back().pretranslate(Vector3d(0.4, 0, 0));
        return rest;
    };
    const SceneSampler sampler(objects(), {}, clutter("pile"), third_time);
    RandomStream random(4);
    EXPECT_GE(sampler.sample(random).size(), 2u);
    EXPECT_EQ(calls, 3);

    const SceneSampler never(objects(), {}, clutter("pile"),
                             [](auto, double) { return std::optional<std::vector<Isometry3d>>{}; });
    EXPECT_THROW(never.sample(random), Error);
}

TEST(SceneSampler, SaysWhatItLacks) {
    const auto message = [](const SceneParameters& parameters) -> std::string {
        try {
            SceneSampler sampler(objects(), {}, parameters);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_THAT(message(clutter("pile")), testing::HasSubstr("EBGRASP_SIMULATION"));
    SceneParameters tiny = clutter("packed");
    tiny.workspace = 0.01;
    EXPECT_THAT(message(tiny), testing::HasSubstr("fits the workspace of 0.01 m"));
}

}  // namespace
}  // namespace ebgrasp
