#include "ebgrasp/geometry/ray_scene.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "geometry_checks.hpp"

namespace ebgrasp {
namespace {

/// From a sphere of radius 0.3 m towards a point near the origin.
std::vector<Ray> random_rays(std::uint64_t key, std::size_t count) {
    RandomStream random(21, key);
    std::vector<Ray> rays;
    while (rays.size() < count) {
        Eigen::Vector3d origin, target;
        for (double& x : origin) x = random.normal();
        for (double& x : target) x = random.uniform(-0.06, 0.06);
        origin = 0.3 * origin.normalized();
        rays.push_back({origin.cast<float>(), (target - origin).normalized().cast<float>(), 1.0f});
    }
    return rays;
}

std::vector<RayHit> cast(const Object& object, const std::vector<Ray>& rays) {
    std::vector<RayHit> hits(rays.size());
    RayScene(object).cast(rays, hits);
    return hits;
}

TEST(RayScene, BoxMatchesTheSlabTest) {
    const Eigen::Vector3d half(0.05, 0.03, 0.02);
    const auto rays = random_rays(1, 2003);  // not a multiple of the packet
    const auto hits = cast(make_object("box", {make_box(2 * half)}), rays);
    int hit_count = 0;
    for (std::size_t i = 0; i < rays.size(); ++i) {
        const Eigen::Array3d origin = rays[i].origin.cast<double>(), direction = rays[i].direction.cast<double>();
        const Eigen::Array3d t1 = (-half.array() - origin) / direction, t2 = (half.array() - origin) / direction;
        Eigen::Index axis;
        const double enter = t1.min(t2).maxCoeff(&axis), leave = t1.max(t2).minCoeff();
        if (std::abs(enter - leave) < 1e-6) continue;  // grazes an edge
        ASSERT_EQ(hits[i].hit(), enter < leave) << i;
        if (!hits[i].hit()) continue;
        ++hit_count;
        EXPECT_NEAR(hits[i].distance, enter, 1e-6);
        const Eigen::Vector3f normal = -std::copysign(1.0f, rays[i].direction[axis]) * Eigen::Vector3f::Unit(axis);
        EXPECT_LT((hits[i].normal - normal).norm(), 1e-6f);
    }
    EXPECT_GT(hit_count, 300);
}

TEST(RayScene, FineSphereMatchesTheQuadratic) {
    const double radius = 0.05;
    const auto rays = random_rays(2, 1000);
    const auto hits = cast(make_object("sphere", {make_superquadric({radius, radius, radius}, 1, 1, 128)}), rays);
    for (std::size_t i = 0; i < rays.size(); ++i) {
        const Eigen::Vector3d o = rays[i].origin.cast<double>(), d = rays[i].direction.cast<double>();
        const double along = -o.dot(d), miss2 = (o + along * d).squaredNorm();
        if (std::abs(std::sqrt(miss2) - radius) < 0.005) continue;  // the tessellation decides at the rim
        ASSERT_EQ(hits[i].hit(), miss2 < radius * radius);
        if (!hits[i].hit()) continue;
        const double distance = along - std::sqrt(radius * radius - miss2);
        EXPECT_NEAR(hits[i].distance, distance, 2e-4);
        EXPECT_GT(hits[i].normal.cast<double>().dot((o + distance * d).normalized()), std::cos(0.04));
    }
}

TEST(RayScene, MatchesBruteForceOnCompositions) {
    for (std::uint64_t key = 0; key < 10; ++key) {
        const Object object = procedural_object(4, key);
        const auto rays = random_rays(100 + key, 200);
        const auto hits = cast(object, rays);
        for (std::size_t i = 0; i < rays.size(); ++i) {
            // The first entry into any convex part, by clipping the ray with its half-spaces.
            const Eigen::Vector3d o = rays[i].origin.cast<double>(), d = rays[i].direction.cast<double>();
            double first = std::numeric_limits<double>::infinity();
            bool grazes = false;
            for (const auto& part : object.parts) {
                double enter = 0, leave = 1;
                for (const auto& triangle : part.triangles) {
                    const Eigen::Vector3d a = part.vertices[triangle[0]];
                    const Eigen::Vector3d normal =
                        (part.vertices[triangle[1]] - a).cross(part.vertices[triangle[2]] - a).normalized();
                    const double t = normal.dot(a - o) / normal.dot(d);
                    if (normal.dot(d) < 0) enter = std::max(enter, t);
                    if (normal.dot(d) > 0) leave = std::min(leave, t);
                }
                grazes |= std::abs(leave - enter) < 1e-5;
                if (enter < leave) first = std::min(first, enter);
            }
            if (grazes) continue;
            ASSERT_EQ(hits[i].hit(), std::isfinite(first));
            if (!hits[i].hit()) continue;
            EXPECT_NEAR(hits[i].distance, first, 2e-6);
            EXPECT_NEAR(hits[i].normal.norm(), 1, 1e-6);
            EXPECT_LT(hits[i].normal.dot(rays[i].direction), 0);
        }
    }
}

TEST(RayScene, StopsAtTheMaximumDistance) {
    const Object object = make_object("box", {make_box({0.1, 0.1, 0.1})});
    const auto shoot = [&](float max_distance) {
        return cast(object, {{{0, 0, 1}, {0, 0, -1}, max_distance}}).front();
    };
    EXPECT_FALSE(shoot(0.94f).hit());
    EXPECT_NEAR(shoot(0.96f).distance, 0.95, 1e-6);
    EXPECT_FALSE(cast(object, {{{0, 0, 1}, {0, 0, 1}, 10}}).front().hit());
    EXPECT_NEAR(cast(object, {{{0, 0, 0}, {0, 0, 1}, 10}}).front().distance, 0.05, 1e-6) << "from inside";
}

TEST(RayScene, ManyThreadsGiveTheSameHits) {
    const Object object = procedural_object(4, 3);
    const RayScene scene(object);
    const auto rays = random_rays(9, 1000);
    const auto expected = cast(object, rays);
    std::vector<std::vector<RayHit>> hits(8, std::vector<RayHit>(rays.size()));
    parallel_for(hits.size(), [&](std::size_t i) { scene.cast(rays, hits[i]); });
    for (const auto& batch : hits) {
        for (std::size_t i = 0; i < rays.size(); ++i) {
            EXPECT_EQ(batch[i].distance, expected[i].distance);
            EXPECT_EQ(batch[i].normal, expected[i].normal);
        }
    }
}

}  // namespace
}  // namespace ebgrasp
