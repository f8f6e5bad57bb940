#include "ebgrasp/geometry/stable_poses.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/geometry/procedural.hpp"
#include "geometry_checks.hpp"

namespace ebgrasp {
namespace {

constexpr double pi = std::numbers::pi;

double height(const Object& object, const Eigen::Isometry3d& X_TO) { return (X_TO * object.mass.center_of_mass_O).z(); }

/// The share of the sphere that an a x b rectangle fills, seen from distance d above its centre.
double rectangle_share(double a, double b, double d) {
    return std::atan(a * b / (2 * d * std::sqrt(4 * d * d + a * a + b * b))) / pi;
}

TEST(StablePoses, CubeLandsOnEachFaceAlike) {
    const auto poses = stable_poses(make_object("cube", {make_box({0.05, 0.05, 0.05})}));
    ASSERT_EQ(poses.size(), 6u);
    for (const auto& pose : poses) {
        EXPECT_NEAR(pose.probability, 1.0 / 6, 1e-12);
        EXPECT_LT((pose.X_TO.translation() - Eigen::Vector3d(0, 0, 0.025)).norm(), 1e-12);
    }
}

TEST(StablePoses, BoxMatchesItsSolidAngles) {
    const Eigen::Vector3d extents(0.10, 0.06, 0.03);
    const Object box = make_object("box", {make_box(extents)});
    const auto poses = stable_poses(box, 0);
    ASSERT_EQ(poses.size(), 6u);
    for (const auto& pose : poses) {
        Eigen::Index up;
        pose.X_TO.linear().row(2).cwiseAbs().maxCoeff(&up);
        const double share = rectangle_share(extents[(up + 1) % 3], extents[(up + 2) % 3], extents[up] / 2);
        EXPECT_NEAR(pose.probability, share, 1e-12);
        EXPECT_NEAR(height(box, pose.X_TO), extents[up] / 2, 1e-12);
    }
    EXPECT_TRUE(std::ranges::is_sorted(poses, std::greater{}, &StablePose::probability));
}

TEST(StablePoses, PartsShareOneHull) {
    // A cross of two bars rests on the bars' tips as its hull does, never on a bar's inner side.
    const Object cross = make_object("cross", {make_box({0.1, 0.01, 0.01}), make_box({0.01, 0.1, 0.01})});
    for (const auto& pose : stable_poses(cross)) {
        const double up = std::abs(pose.X_TO.linear()(2, 2));
        EXPECT_TRUE(up > 1 - 1e-9 || up < 1e-9);
    }
    EXPECT_GT(stable_poses(cross).front().probability, 0.4);
}

TEST(StablePoses, ObliquePrismRollsOffItsEnds) {
    // Sheared by more than its base is wide: the centre of mass lies outside both ends, which are therefore unstable;
    // the prism rolls over the edge to the side that hangs over.
    ConvexPart prism = make_box({0.02, 0.04, 0.06});
    for (auto& vertex : prism.vertices) vertex.x() += vertex.z();
    const Object object = make_object("prism", {prism});
    const auto poses = stable_poses(object, 0);
    ASSERT_EQ(poses.size(), 4u);

    // Truth by casting random directions from the centre of mass, ends counted for the overhanging sides.
    RandomStream random(2);
    int on_slant = 0;
    const int samples = 200000;
    for (int i = 0; i < samples; ++i) {
        Eigen::Vector3d d;
        for (double& x : d) x = random.normal();
        const double to_end = 0.03 / std::abs(d.z()), to_slant = 0.01 / std::abs(d.x() - d.z());
        const double to_side = 0.02 / std::abs(d.y());
        on_slant += std::min(to_end, to_slant) < to_side;
    }
    double slant = 0;
    for (const auto& pose : poses) {
        const bool on_side = std::abs(pose.X_TO.linear()(2, 1)) > 0.999;
        EXPECT_NEAR(height(object, pose.X_TO), on_side ? 0.02 : 0.01 / std::sqrt(2), 1e-12);
        if (!on_side) slant += pose.probability;
    }
    EXPECT_NEAR(slant, static_cast<double>(on_slant) / samples, 0.005);
}

TEST(StablePoses, EveryPoseOfEveryObjectIsAtRest) {
    for (std::uint64_t index = 0; index < 60; ++index) {
        const Object object = procedural_object(8, index);
        const auto poses = stable_poses(object);
        ASSERT_FALSE(poses.empty());
        double total = 0;
        for (const auto& pose : poses) {
            total += pose.probability;
            const Eigen::Vector3d center = pose.X_TO * object.mass.center_of_mass_O;
            EXPECT_LT(center.head<2>().norm(), 1e-12);
            EXPECT_NEAR(pose.X_TO.linear().determinant(), 1, 1e-9);
            // Small tilts about any horizontal axis raise the centre of mass over the lowest vertex.
            const auto height_when_tilted = [&](double direction, double angle) {
                const Eigen::AngleAxisd tilt(angle, Eigen::Vector3d(std::cos(direction), std::sin(direction), 0));
                double lowest = 1;
                for (const auto& part : object.parts) {
                    for (const auto& v : part.vertices) lowest = std::min(lowest, (tilt * (pose.X_TO * v)).z());
                }
                return (tilt * center).z() - lowest;
            };
            const double at_rest = height_when_tilted(0, 0);
            EXPECT_NEAR(at_rest, center.z(), 1e-9) << "must touch z = 0";
            // Facets within 1 degree are merged to one pose, which may then be off its deepest rest by so small a tilt.
            const double merged = 0.12 * 0.01745 * 0.01745;
            for (int k = 0; k < 16; ++k) EXPECT_GT(height_when_tilted(k * pi / 8, 0.02), at_rest - merged) << index;
        }
        EXPECT_NEAR(total, 1, 1e-12);
    }
}

TEST(StablePoses, RarePosesAreDroppedButNeverAll) {
    const Object box = make_object("plate", {make_box({0.1, 0.1, 0.01})});
    const auto poses = stable_poses(box, 0.2);
    ASSERT_EQ(poses.size(), 2u);
    EXPECT_NEAR(poses[0].probability + poses[1].probability, 1, 1e-12);
    const Object ball = make_object("ball", {make_superquadric({0.03, 0.03, 0.03}, 1, 1, 64)});
    EXPECT_EQ(stable_poses(ball, 0.5).size(), 1u);
}

TEST(StablePoses, FinelyTessellatedFacesAreMerged) {
    // A cylinder's caps are fans of triangles; its 24 sides differ by 15 degrees.
    const auto poses = stable_poses(make_object("cylinder", {make_cylinder(0.03, 0.05)}), 0);
    EXPECT_EQ(poses.size(), 26u);
}

}  // namespace
}  // namespace ebgrasp
