#include "ebgrasp/geometry/mesh.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <limits>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "geometry_checks.hpp"

namespace ebgrasp {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr double pi = std::numbers::pi;

TEST(ConvexHull, ContainsItsPointsAndIsClosed) {
    for (std::uint64_t key = 0; key < 50; ++key) {
        const auto points = random_points(key, 4 + 7 * static_cast<int>(key), 0.05);
        const ConvexPart hull = convex_hull(points);
        EXPECT_EQ(unmatched_edges(hull), 0);
        // Euler: a closed triangle mesh of a sphere has 2 V - 4 faces.
        EXPECT_EQ(hull.triangles.size(), 2 * hull.vertices.size() - 4);
        for (const auto& triangle : hull.triangles) {
            const Eigen::Vector3d a = hull.vertices[triangle[0]], b = hull.vertices[triangle[1]];
            const Eigen::Vector3d normal = (b - a).cross(hull.vertices[triangle[2]] - a).normalized();
            for (const auto& point : points) EXPECT_LE(normal.dot(point - a), 1e-12);
        }
    }
}

TEST(ConvexHull, ManyCoplanarPointsGiveAClosedBox) {
    std::vector<Eigen::Vector3d> grid;
    const Eigen::AngleAxisd tilt(0.3, Eigen::Vector3d(1, 2, 3).normalized());
    for (int i = 0; i < 1000; ++i) {
        grid.emplace_back(tilt * Eigen::Vector3d(0.01 * (i % 10), 0.01 * (i / 10 % 10), 0.01 * (i / 100)));
    }
    const ConvexPart hull = convex_hull(grid);
    EXPECT_EQ(unmatched_edges(hull), 0);
    EXPECT_NEAR(mass_properties({&hull, 1}).volume, 0.09 * 0.09 * 0.09, 1e-12);
}

TEST(ConvexHull, RefusesPointsWithoutVolume) {
    const std::vector<Eigen::Vector3d> three = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
    const std::vector<Eigen::Vector3d> flat = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0.3, 0.4, 0}};
    const std::vector<Eigen::Vector3d> same(10, Eigen::Vector3d(1, 1, 1));
    std::vector<Eigen::Vector3d> nan = random_points(1, 10, 1);
    nan[5].y() = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT([&] { convex_hull(three); }, ThrowsMessage<Error>(HasSubstr("at least 4 points, not 3")));
    EXPECT_THAT([&] { convex_hull(flat); }, ThrowsMessage<Error>(HasSubstr("no volume")));
    EXPECT_THAT([&] { convex_hull(same); }, ThrowsMessage<Error>(HasSubstr("no volume")));
    EXPECT_THAT([&] { convex_hull(nan); }, ThrowsMessage<Error>(HasSubstr("not finite")));
}

TEST(MassProperties, BoxInClosedForm) {
    ConvexPart box = make_box({0.1, 0.04, 0.02});
    const Eigen::Vector3d shift(0.3, -0.2, 0.5);
    for (auto& vertex : box.vertices) vertex += shift;
    const MassProperties mass = mass_properties({&box, 1});
    EXPECT_NEAR(mass.volume, 8e-5, 1e-16);
    EXPECT_TRUE(mass.center_of_mass_O.isApprox(shift, 1e-12));
    const Eigen::Vector3d expected(0.04 * 0.04 + 0.02 * 0.02, 0.1 * 0.1 + 0.02 * 0.02, 0.1 * 0.1 + 0.04 * 0.04);
    EXPECT_TRUE(mass.inertia.isApprox(Eigen::Matrix3d((expected / 12).asDiagonal()), 1e-9)) << mass.inertia;
}

TEST(MassProperties, CylinderInClosedForm) {
    // A prism over a regular n-gon: area n/2 r^2 sin(2 pi / n), mean x^2 = r^2 / 12 (2 + cos(2 pi / n)).
    const double r = 0.03, h = 0.1;
    const int n = 24;
    const ConvexPart cylinder = make_cylinder(r, h, n);
    const MassProperties mass = mass_properties({&cylinder, 1});
    const double x2 = r * r / 12 * (2 + std::cos(2 * pi / n)), z2 = h * h / 12;
    EXPECT_NEAR(mass.volume / (n / 2.0 * r * r * std::sin(2 * pi / n) * h), 1, 1e-12);
    EXPECT_LT(mass.center_of_mass_O.norm(), 1e-14);
    const Eigen::Vector3d expected(x2 + z2, x2 + z2, 2 * x2);
    EXPECT_TRUE(mass.inertia.isApprox(Eigen::Matrix3d(expected.asDiagonal()), 1e-10)) << mass.inertia;
    // and the limit of many segments
    const ConvexPart round = make_cylinder(r, h, 1024);
    EXPECT_NEAR(mass_properties({&round, 1}).volume / (pi * r * r * h), 1, 1e-5);
}

TEST(MassProperties, MatchesMonteCarloForARotatedUnion) {
    RandomStream random(3);
    const Eigen::Isometry3d pose = random_pose(random, 0.1);
    std::vector<ConvexPart> parts = {make_box({0.06, 0.03, 0.02}), make_box({0.02, 0.02, 0.08})};
    for (auto& vertex : parts[1].vertices) vertex.x() += 0.04;  // disjoint up to a face
    for (auto& part : parts) {
        for (auto& vertex : part.vertices) vertex = pose * vertex;
    }
    const Object object = make_object("union", parts);
    const MassProperties mass = object.mass;

    Eigen::Vector3d mean = Eigen::Vector3d::Zero();
    Eigen::Matrix3d second = Eigen::Matrix3d::Zero();
    const auto box = object.bounds();
    const int samples = 400000;
    int inside = 0;
    for (int i = 0; i < samples; ++i) {
        Eigen::Vector3d p;
        for (int k = 0; k < 3; ++k) p[k] = random.uniform(box.min()[k], box.max()[k]);
        if (!object.contains(p)) continue;
        ++inside;
        mean += p;
        second += p * p.transpose();
    }
    mean /= inside;
    const Eigen::Matrix3d covariance = second / inside - mean * mean.transpose();
    const Eigen::Matrix3d inertia = covariance.trace() * Eigen::Matrix3d::Identity() - covariance;
    EXPECT_NEAR(mass.volume / (box.volume() * inside / samples), 1, 0.02);
    EXPECT_LT((mass.center_of_mass_O - mean).norm(), 3e-4);
    EXPECT_LT((mass.inertia - inertia).norm() / inertia.norm(), 0.02);
}

TEST(Object, ContainsAgreesWithABox) {
    const Object object = make_object("box", {make_box({0.1, 0.06, 0.04})});
    RandomStream random(5);
    for (int i = 0; i < 1000; ++i) {
        const double x = random.uniform(-0.08, 0.08), y = random.uniform(-0.05, 0.05), z = random.uniform(-0.03, 0.03);
        const bool inside = std::abs(x) <= 0.05 && std::abs(y) <= 0.03 && std::abs(z) <= 0.02;
        EXPECT_EQ(object.contains({x, y, z}), inside);
    }
    EXPECT_TRUE(object.contains({0.05, 0.03, 0.02}));
}

TEST(Object, DropsFlatPartsAndRefusesNothingElse) {
    ConvexPart flat = make_box({1, 1, 1});
    for (auto& vertex : flat.vertices) vertex.z() = 0;
    const Object object = make_object("half flat", {flat, make_box({0.1, 0.2, 0.3})});
    EXPECT_EQ(object.parts.size(), 1u);
    EXPECT_EQ(object.triangle_count(), 12u);
    EXPECT_NEAR(object.bounds().sizes().z(), 0.3, 1e-15);
    EXPECT_THAT([&] { make_object("flat", {flat}); }, ThrowsMessage<Error>(HasSubstr("flat: no part has a volume")));
    EXPECT_THAT([&] { make_object("empty", {}); }, ThrowsMessage<Error>(HasSubstr("it has no parts")));
}

}  // namespace
}  // namespace ebgrasp
