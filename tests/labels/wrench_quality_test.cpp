#include "ebgrasp/labels/wrench_quality.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;
using Wrench = Eigen::Matrix<double, 6, 1>;
using Contacts = std::array<Contact, 2>;

Vector3d random_direction(RandomStream& random) {
    return Vector3d(random.normal(), random.normal(), random.normal()).normalized();
}

/// Contacts some centimetres apart whose normals lean by up to `tilt` off the line between them.
Contacts random_contacts(RandomStream& random, double tilt) {
    const Vector3d p_1 = 0.02 * random_direction(random), p_2 = -p_1 + 0.01 * random_direction(random);
    const Vector3d d = (p_2 - p_1).normalized();
    const auto leaning = [&](const Vector3d& direction) {
        const Vector3d axis = direction.cross(random_direction(random)).normalized();
        return Vector3d(Eigen::AngleAxisd(random.uniform(0, tilt), axis) * direction);
    };
    return {Contact{p_1, leaning(d), random_direction(random)}, Contact{p_2, leaning(-d), random_direction(random)}};
}

/// The wrenches of ferrari_canny_l1's definition, one by one.
std::vector<Wrench> wrenches(const Contacts& contacts, const Vector3d& center_of_mass, const WrenchParameters& p) {
    std::vector<Wrench> all;
    const Vector3d d = (contacts[1].point - contacts[0].point).normalized();
    for (int i : {0, 1}) {
        const Contact& contact = contacts[std::size_t(i)];
        const Vector3d& n = contact.inward_normal;
        const double m = n.dot(i == 0 ? d : Vector3d(-d));
        const Vector3d t_1 = (contact.tangent - n * n.dot(contact.tangent)).normalized(), t_2 = n.cross(t_1);
        const auto add = [&](const Vector3d& force, const Vector3d& torque) {
            all.push_back((Wrench() << force, p.torque_scaling * torque).finished());
        };
        for (int j = 0; j < p.cone_faces; ++j) {
            const double angle = 2 * std::numbers::pi * j / p.cone_faces;
            const Vector3d force = m * (n + p.friction * (std::cos(angle) * t_1 + std::sin(angle) * t_2));
            add(force, (contact.point - center_of_mass).cross(force));
        }
        const Vector3d torsion = std::numbers::pi * p.finger_radius * p.finger_radius * p.friction * m * n;
        add(Vector3d::Zero(), torsion);
        add(Vector3d::Zero(), -torsion);
    }
    return all;
}

/// Least distance from the origin to a facet of the points' hull (negative: outside of it), from every hyperplane
/// through six of the points.
double brute_force_epsilon(const std::vector<Wrench>& points) {
    const std::size_t n = points.size();
    double least = std::numeric_limits<double>::infinity();
    std::vector<std::size_t> chosen = {0, 1, 2, 3, 4, 5};
    while (true) {
        Eigen::Matrix<double, 6, 5> differences;
        for (std::size_t k = 0; k < 5; ++k) differences.col(Eigen::Index(k)) = points[chosen[k]] - points[chosen[5]];
        const Eigen::HouseholderQR<Eigen::Matrix<double, 6, 5>> qr(differences);
        const bool spans = qr.matrixQR().diagonal().cwiseAbs().minCoeff() > 1e-9;
        Wrench normal = qr.householderQ() * Wrench::Unit(5);
        for (int side = 0; spans && side < 2; ++side, normal = -normal) {
            const double offset = normal.dot(points[chosen[5]]);
            const auto below = [&](const Wrench& w) { return w.dot(normal) <= offset + 1e-10; };
            if (std::ranges::all_of(points, below)) least = std::min(least, offset);
        }

        std::size_t k = 6;
        while (k > 0 && chosen[k - 1] == n - 7 + k) --k;
        if (k == 0) return least;
        ++chosen[k - 1];
        for (; k < 6; ++k) chosen[k] = chosen[k - 1] + 1;
    }
}

TEST(FerrariCanny, EqualsTheReferenceOfDexNetsCode) {
    const auto file = nlohmann::json::parse(
        read_file(std::filesystem::path(EBGRASP_SOURCE_DIR) / "tests/labels/ferrari_canny_reference.json"));
    ASSERT_EQ(file["rows"].size(), 140u);
    for (const auto& row : file["rows"]) {
        const auto vector = [&](int i) { return Vector3d(row[i][0], row[i][1], row[i][2]); };
        const Contacts contacts = {Contact{vector(0), vector(2), vector(4)}, Contact{vector(1), vector(3), vector(5)}};
        const WrenchParameters parameters{row[7], row[8], row[9], row[10]};
        const double expected = row[11];
        EXPECT_NEAR(ferrari_canny_l1(contacts, vector(6), parameters), expected, 1e-12 + 1e-9 * expected) << row;
    }
}

// Normals lean up to the friction cone, so that the line also leaves the linearised cones; epsilon may be 0 then.
TEST(FerrariCanny, EqualsBruteForceOverAllHyperplanes) {
    RandomStream random(1);
    int zeros = 0;
    for (int trial = 0; trial < 120; ++trial) {
        const WrenchParameters parameters{0.5, 3 + trial % 3, trial % 2 == 0 ? 1000.0 : 60.0, 0.005};
        const Contacts contacts = random_contacts(random, std::atan(parameters.friction));
        const Vector3d center = 0.01 * random_direction(random);
        const double expected = brute_force_epsilon(wrenches(contacts, center, parameters));
        EXPECT_NEAR(ferrari_canny_l1(contacts, center, parameters), expected, 1e-10 + 1e-7 * expected);
        zeros += expected < 1e-10;
    }
    EXPECT_GT(zeros, 10);
    EXPECT_LT(zeros, 60);
}

TEST(FerrariCanny, IsNeverAboveTheSupportInAnyDirection) {
    RandomStream random(2);
    WrenchParameters parameters;
    for (int trial = 0; trial < 500; ++trial) {
        parameters.cone_faces = 3 + int(random.index(14));
        const Contacts contacts = random_contacts(random, std::atan(parameters.friction));
        const Vector3d center = 0.01 * random_direction(random);
        const auto all = wrenches(contacts, center, parameters);
        const double epsilon = ferrari_canny_l1(contacts, center, parameters);
        ASSERT_TRUE(epsilon >= 0 && std::isfinite(epsilon));
        for (int k = 0; k < 200; ++k) {
            Wrench u;
            u << random_direction(random) * random.uniform(), random_direction(random) * random.uniform();
            u.normalize();
            double support = 0;
            for (const Wrench& w : all) support = std::max(support, w.dot(u));
            EXPECT_LE(epsilon, support + 1e-12);
        }
    }
}

// Parallel faces and a centre of mass midway: the farthest vertex of the polar has one contact at its apex, the other
// on a ray, and the spin that the torsion allows, which are three orthogonal parts.
TEST(FerrariCanny, HasTheClosedFormOfParallelFaces) {
    for (const double length : {0.01, 0.04}) {
        const Contacts contacts = {Contact{{-length / 2, 0, 0}, {1, 0, 0}}, Contact{{length / 2, 0, 0}, {-1, 0, 0}}};
        for (const WrenchParameters& p : {WrenchParameters{}, WrenchParameters{0.3, 6, 60, 0.01}}) {
            const double slope = p.friction * std::cos(std::numbers::pi / p.cone_faces);
            const double spin =
                1 / (p.torque_scaling * std::numbers::pi * p.finger_radius * p.finger_radius * p.friction);
            const double force = std::hypot(1.0, 1 / slope);
            const double torque = 2 / (slope * length * p.torque_scaling);
            EXPECT_NEAR(ferrari_canny_l1(contacts, Vector3d::Zero(), p), 1 / std::hypot(spin, force, torque), 1e-12);
        }
    }
}

TEST(FerrariCanny, IsUnchangedByRigidMotionsAndBySwappingTheContacts) {
    RandomStream random(3);
    const WrenchParameters parameters;
    for (int trial = 0; trial < 200; ++trial) {
        const Contacts contacts = random_contacts(random, 0.4);
        const Vector3d center = 0.01 * random_direction(random);
        const double epsilon = ferrari_canny_l1(contacts, center, parameters);
        const Eigen::Matrix3d R = Eigen::AngleAxisd(random.uniform(0, 3), random_direction(random)).toRotationMatrix();
        const Vector3d t = random_direction(random);
        const auto moved = [&](const Contact& c) {
            return Contact{R * c.point + t, R * c.inward_normal, R * c.tangent};
        };
        const double tolerance = 1e-9 * epsilon + 1e-13;
        EXPECT_NEAR(ferrari_canny_l1({moved(contacts[0]), moved(contacts[1])}, R * center + t, parameters), epsilon,
                    tolerance);
        EXPECT_NEAR(ferrari_canny_l1({contacts[1], contacts[0]}, center, parameters), epsilon, tolerance);
    }
}

TEST(FerrariCanny, IsZeroForSlippingOrCoincidingContacts) {
    const Vector3d slipping = Vector3d(1, 0.51, 0).normalized();
    const Contact left{{-0.02, 0, 0}, {1, 0, 0}}, right{{0.02, 0, 0}, {-1, 0, 0}};
    EXPECT_GT(ferrari_canny_l1({left, right}, Vector3d::Zero(), {}), 0);
    EXPECT_EQ(ferrari_canny_l1({Contact{left.point, slipping}, right}, Vector3d::Zero(), {}), 0);
    EXPECT_EQ(ferrari_canny_l1({left, Contact{right.point, -slipping}}, Vector3d::Zero(), {}), 0);
    EXPECT_EQ(ferrari_canny_l1({left, left}, Vector3d::Zero(), {}), 0);
    const Contact outward{left.point, -left.inward_normal};
    EXPECT_EQ(ferrari_canny_l1({outward, right}, Vector3d::Zero(), {}), 0);
}

TEST(ForceClosure, IsTheFrictionConeTest) {
    for (double friction : {0.1, 0.5, 1.0}) {
        const double angle = std::atan(friction);
        const auto leaning = [&](double lean) { return Vector3d(std::cos(lean), std::sin(lean), 0); };
        const Contact right{{0.03, 0, 0}, {-1, 0, 0}};
        EXPECT_TRUE(is_force_closure({Contact{{0, 0, 0}, leaning(angle - 1e-6)}, right}, friction));
        EXPECT_FALSE(is_force_closure({Contact{{0, 0, 0}, leaning(angle + 1e-6)}, right}, friction));
        EXPECT_FALSE(is_force_closure({right, right}, friction));
    }
}

TEST(WrenchParameters, AreValidated) {
    EXPECT_NO_THROW(WrenchParameters{}.validate());
    EXPECT_THROW((WrenchParameters{0.0, 8, 1000, 0.005}.validate()), Error);
    EXPECT_THROW((WrenchParameters{0.5, 2, 1000, 0.005}.validate()), Error);
    EXPECT_THROW((WrenchParameters{0.5, 33, 1000, 0.005}.validate()), Error);
    EXPECT_THROW((WrenchParameters{0.5, 8, 0, 0.005}.validate()), Error);
    EXPECT_THROW((WrenchParameters{0.5, 8, 1000, std::nan("")}.validate()), Error);
}

}  // namespace
}  // namespace ebgrasp
