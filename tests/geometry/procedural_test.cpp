#include "ebgrasp/geometry/procedural.hpp"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "geometry_checks.hpp"

namespace ebgrasp {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Primitives, VolumesApproachTheirClosedForms) {
    const auto volume = [](const ConvexPart& part) { return mass_properties({&part, 1}).volume; };
    const double pi = std::acos(-1);
    EXPECT_NEAR(volume(make_box({0.1, 0.2, 0.3})), 0.006, 1e-15);
    EXPECT_NEAR(volume(make_cylinder(0.1, 0.3, 512)) / (pi * 0.003), 1, 1e-3);
    EXPECT_NEAR(volume(make_capsule(0.1, 0.5, 256)) / (pi * 0.003 + 4 * pi / 3 * 0.001), 1, 1e-3);
    EXPECT_NEAR(volume(make_superquadric({0.1, 0.2, 0.3}, 1, 1, 256)) / (4 * pi / 3 * 0.006), 1, 1e-3);  // ellipsoid
    EXPECT_NEAR(volume(make_superquadric({0.1, 0.2, 0.3}, 2, 2, 64)), 8 * 0.006 / 6, 1e-9);              // octahedron
    EXPECT_NEAR(volume(make_superquadric({0.1, 0.2, 0.3}, 0.01, 0.01, 64)) / 0.048, 1, 0.02);            // box
}

TEST(Primitives, VerticesOfASuperquadricSatisfyItsEquation) {
    const Eigen::Vector3d half(0.03, 0.05, 0.02);
    for (const double e1 : {0.1, 0.7, 2.0}) {
        for (const double e2 : {0.2, 1.0, 1.7}) {
            for (const auto& vertex : make_superquadric(half, e1, e2, 24).vertices) {
                const Eigen::Array3d u = vertex.cwiseQuotient(half).cwiseAbs();
                const double around = std::pow(u.x(), 2 / e2) + std::pow(u.y(), 2 / e2);
                EXPECT_NEAR(std::pow(around, e2 / e1) + std::pow(u.z(), 2 / e1), 1, 1e-9);
            }
        }
    }
}

TEST(Primitives, RefuseImpossibleSizes) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(make_box({0.1, 0, 0.1}), Error);
    EXPECT_THROW(make_box({0.1, nan, 0.1}), Error);
    EXPECT_THROW(make_cylinder(-1, 1), Error);
    EXPECT_THROW(make_cylinder(1, 1, 2), Error);
    EXPECT_THROW(make_cylinder(1, 1, 2'000'000'000), Error);
    EXPECT_THROW(make_capsule(0.1, 0.1), Error);
    EXPECT_THROW(make_superquadric({1, 1, 1}, 0, 1), Error);
    EXPECT_THROW(make_superquadric({1, 1, 1}, 1, 2.1), Error);
}

/// Parts i and j overlap if a point is inside both: searched by alternating projections, here simply among samples.
bool overlap(const ConvexPart& a, const ConvexPart& b, RandomStream& random) {
    Eigen::AlignedBox3d box_a, box_b;
    for (const auto& vertex : a.vertices) box_a.extend(vertex);
    for (const auto& vertex : b.vertices) box_b.extend(vertex);
    const Eigen::AlignedBox3d common = box_a.intersection(box_b);
    if (common.isEmpty()) return false;
    for (int i = 0; i < 20000; ++i) {
        Eigen::Vector3d p;
        for (int k = 0; k < 3; ++k) p[k] = random.uniform(common.min()[k], common.max()[k]);
        if (a.contains(p) && b.contains(p)) return true;
    }
    return false;
}

TEST(ProceduralObject, IsValidConnectedAndWithinItsParameters) {
    const ProceduralParameters parameters;
    int singles = 0;
    for (std::uint64_t index = 0; index < 100; ++index) {
        const Object object = procedural_object(5, index, parameters);
        const auto box = object.bounds();
        EXPECT_LE(box.sizes().maxCoeff(), parameters.max_size * (1 + 1e-9));
        EXPECT_GE(box.sizes().maxCoeff(), parameters.min_size * (1 - 1e-9));
        EXPECT_LT(box.center().norm(), 1e-12);
        EXPECT_GT(object.mass.volume, 0);
        EXPECT_LE(object.parts.size(), 6u);
        singles += object.parts.size() == 1;

        RandomStream random(6, index);
        std::vector<bool> reached(object.parts.size(), false);
        std::vector<std::size_t> stack = {0};
        reached[0] = true;
        while (!stack.empty()) {
            const std::size_t i = stack.back();
            stack.pop_back();
            for (std::size_t j = 0; j < object.parts.size(); ++j) {
                if (reached[j] || !overlap(object.parts[i], object.parts[j], random)) continue;
                reached[j] = true;
                stack.push_back(j);
            }
        }
        EXPECT_EQ(std::ranges::count(reached, true), static_cast<long>(object.parts.size())) << index;
        for (const auto& part : object.parts) {
            EXPECT_EQ(unmatched_edges(part), 0);
            Eigen::AlignedBox3d extent;
            for (const auto& vertex : part.vertices) extent.extend(vertex);
            // A part can't be thinner than its box unless it is rotated, and never larger than its box.
            EXPECT_GE(extent.sizes().minCoeff(), 0.9 * parameters.min_thickness);
        }
    }
    EXPECT_NEAR(singles, 40, 15);
}

TEST(ProceduralObject, IsAPureFunctionOfItsArguments) {
    std::vector<Object> objects(16);
    parallel_for(objects.size(), [&](std::size_t i) { objects[i] = procedural_object(5, i); });
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const Object again = procedural_object(5, i);
        ASSERT_EQ(again.parts.size(), objects[i].parts.size());
        for (std::size_t k = 0; k < again.parts.size(); ++k) {
            EXPECT_EQ(again.parts[k].vertices, objects[i].parts[k].vertices);
            EXPECT_EQ(again.parts[k].triangles, objects[i].parts[k].triangles);
        }
    }
    EXPECT_NE(procedural_object(5, 0).mass.volume, procedural_object(6, 0).mass.volume);
}

TEST(ProceduralObject, RefusesContradictoryParameters) {
    const auto make = [](auto change) {
        ProceduralParameters parameters;
        change(parameters);
        return [parameters] { procedural_object(1, 1, parameters); };
    };
    EXPECT_THAT(make([](auto& p) { p.min_size = 0.2; }), ThrowsMessage<Error>(HasSubstr("min_size <= max_size")));
    EXPECT_THAT(make([](auto& p) { p.min_thickness = 0; }), ThrowsMessage<Error>(HasSubstr("min_thickness")));
    EXPECT_THAT(make([](auto& p) { p.max_aspect = 0.5; }), ThrowsMessage<Error>(HasSubstr("max_aspect")));
    EXPECT_THAT(make([](auto& p) { p.max_parts = 0; }), ThrowsMessage<Error>(HasSubstr("max_parts")));
    EXPECT_THAT(make([](auto& p) { p.min_thickness = p.min_size = p.max_size; }),
                ThrowsMessage<Error>(HasSubstr("lower min_thickness")));
}

}  // namespace
}  // namespace ebgrasp
