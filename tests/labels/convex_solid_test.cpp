#include "ebgrasp/labels/convex_solid.hpp"

#include <Eigen/Geometry>
#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/procedural.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;

Vector3d random_vector(RandomStream& random, double scale) {
    return scale * Vector3d(random.normal(), random.normal(), random.normal());
}

ConvexPart random_hull(RandomStream& random) {
    std::vector<Vector3d> points(4 + random.index(30));
    for (Vector3d& point : points) point = random_vector(random, 0.02);
    return convex_hull(points);
}

OrientedBox random_box(RandomStream& random) {
    const Vector3d axis = random_vector(random, 1).normalized();
    const Vector3d half(random.uniform(0.002, 0.03), random.uniform(0.002, 0.03), random.uniform(0.002, 0.03));
    return {random_vector(random, 0.03), Eigen::AngleAxisd(random.uniform(0, 3), axis).toRotationMatrix(), half};
}

/// How far p is above the part's face planes: the most of them, negative inside. Changes by at most |dp|.
double height_above(const ConvexPart& part, const Vector3d& p) {
    double most = -std::numeric_limits<double>::infinity();
    for (const Eigen::Vector3i& triangle : part.triangles) {
        const auto corner = [&](int i) { return part.vertices[std::size_t(triangle[i])]; };
        const Vector3d normal = (corner(1) - corner(0)).cross(corner(2) - corner(0)).normalized();
        most = std::max(most, normal.dot(p - corner(0)));
    }
    return most;
}

// A grid of the box bounds the least height over it from both sides.
TEST(ConvexSolid, OverlapsABoxAsDenseSamplingSays) {
    RandomStream random(1);
    int overlapping = 0, apart = 0, undecided = 0;
    for (int trial = 0; trial < 400; ++trial) {
        const ConvexPart part = random_hull(random);
        const OrientedBox box = random_box(random);
        constexpr int steps = 12;
        double least = std::numeric_limits<double>::infinity();
        for (int i = 0; i < steps * steps * steps; ++i) {
            const Vector3d cell(i % steps, i / steps % steps, i / (steps * steps));
            const Vector3d local =
                box.half_size.cwiseProduct((2 * cell.array() + 1).matrix() / steps - Vector3d::Ones());
            least = std::min(least, height_above(part, box.center + box.axes * local));
        }
        const double reach = box.half_size.norm() / steps;  // of a cell's centre
        const bool overlaps = ConvexSolid(part).overlaps(box);
        if (least < -1e-6) {
            EXPECT_TRUE(overlaps) << "trial " << trial;
            ++overlapping;
        } else if (least - reach > 0) {
            EXPECT_FALSE(overlaps) << "trial " << trial;
            ++apart;
        } else {
            ++undecided;
        }
    }
    EXPECT_GT(overlapping, 50);
    EXPECT_GT(apart, 50);
    EXPECT_LT(undecided, 120);
}

TEST(ConvexSolid, TouchingIsFreeAndAMicrometreDeeperIsNot) {
    const ConvexSolid cube(make_box(Vector3d::Constant(0.04)));
    const Eigen::Matrix3d diagonal = Eigen::AngleAxisd(std::numbers::pi / 4, Vector3d::UnitZ()).toRotationMatrix();
    const auto overlaps = [&](const Vector3d& center, const Eigen::Matrix3d& axes) {
        return cube.overlaps({center, axes, Vector3d::Constant(0.01)});
    };
    const Eigen::Matrix3d upright = Eigen::Matrix3d::Identity();
    for (double deeper : {0.0, 1e-6}) {
        const bool expected = deeper > 0;
        EXPECT_EQ(overlaps({0.03 - deeper, 0, 0}, upright), expected) << "face on face";
        EXPECT_EQ(overlaps({0.03 - deeper, 0.03 - deeper, 0.03 - deeper}, upright), expected) << "corner on corner";
        EXPECT_EQ(overlaps({0.02 + 0.01 * std::sqrt(2.0) - deeper, 0.005, 0.001}, diagonal), expected)
            << "edge on face";
    }
    EXPECT_TRUE(overlaps(Vector3d::Zero(), upright)) << "a box inside";
    EXPECT_TRUE(cube.overlaps({Vector3d::Zero(), upright, Vector3d::Constant(0.1)})) << "a box around";
    EXPECT_TRUE(cube.overlaps({Vector3d::Zero(), upright, {0.5, 0.001, 0.001}})) << "a rod through";
}

TEST(ConvexSolid, ContainsWhatIsBelowEveryFace) {
    RandomStream random(2);
    for (int trial = 0; trial < 50; ++trial) {
        const ConvexPart part = random_hull(random);
        const ConvexSolid solid(part);
        for (int k = 0; k < 50; ++k) {
            const Vector3d p = random_vector(random, 0.02);
            const double height = height_above(part, p);
            ASSERT_GT(std::abs(height + ConvexSolid::tolerance), 1e-9);
            EXPECT_EQ(solid.contains(p), height < -ConvexSolid::tolerance);
        }
    }
}

}  // namespace
}  // namespace ebgrasp
