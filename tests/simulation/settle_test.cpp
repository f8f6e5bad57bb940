#include "ebgrasp/simulation/settle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

Isometry3d pose(const Vector3d& position, const Eigen::Quaterniond& rotation = Eigen::Quaterniond::Identity()) {
    return Eigen::Translation3d(position) * rotation;
}

Object box(const Vector3d& extents) { return make_object("box", {make_box(extents)}); }

Eigen::Quaterniond random_rotation(RandomStream& random) {
    const double w = random.normal(), x = random.normal(), y = random.normal(), z = random.normal();
    return Eigen::Quaterniond(w, x, y, z).normalized();
}

std::vector<Vector3d> vertices_in_world(const PosedObject& posed) {
    std::vector<Vector3d> vertices;
    for (const ConvexPart& part : posed.object->parts)
        for (const Vector3d& v : part.vertices) vertices.push_back(posed.X_WO * v);
    return vertices;
}

double lowest_z(const PosedObject& posed) {
    double lowest = std::numeric_limits<double>::infinity();
    for (const Vector3d& v : vertices_in_world(posed)) lowest = std::min(lowest, v.z());
    return lowest;
}

/// The object in a random rotation at `position`, its lowest point `height` above the table.
PosedObject dropped(const Object& object, double x, double y, double height, RandomStream& random) {
    PosedObject posed{&object, pose({x, y, 0}, random_rotation(random))};
    posed.X_WO.pretranslate(Vector3d(0, 0, height - lowest_z(posed)));
    return posed;
}

Vector3d center_of_mass(const PosedObject& posed) { return posed.X_WO * posed.object->mass.center_of_mass_O; }

TEST(Settle, ABoxDroppedFlatStandsWhereItFell) {
    const Object object = box({0.04, 0.06, 0.08});
    const PosedObject start{&object, pose({0.1, -0.2, 0.06})};
    const auto rest = settle({&start, 1});
    ASSERT_TRUE(rest);
    EXPECT_TRUE(rest->front().isApprox(pose({0.1, -0.2, 0.04}), 1e-3)) << rest->front().matrix();
    EXPECT_NEAR(rest->front().translation().z(), 0.04, 1e-4);
}

TEST(Settle, ATumblingBoxEndsOnOneOfItsFaces) {
    const Vector3d extents(0.04, 0.06, 0.08);
    const Object object = box(extents);
    RandomStream random(1);
    for (int i = 0; i < 10; ++i) {
        const PosedObject start = dropped(object, 0, 0, 0.2, random);
        const auto rest = settle({&start, 1});
        ASSERT_TRUE(rest);
        const Vector3d up_O = rest->front().linear().row(2);
        Eigen::Index face;
        EXPECT_NEAR(up_O.cwiseAbs().maxCoeff(&face), 1.0, 1e-4);
        EXPECT_NEAR(rest->front().translation().z(), extents[face] / 2, 2e-4);
    }
}

TEST(Settle, ObjectsEndInOneOfTheirStablePoses) {
    // The quasi-static poses come from the hull's geometry alone. An object at rest has its centre of mass at the
    // height that one of them gives it, and above the polygon of its lowest points.
    RandomStream random(2);
    for (std::uint64_t i = 0; i < 12; ++i) {
        const Object object = procedural_object(5, i);
        const PosedObject start = dropped(object, 0, 0, 0.05, random);
        const auto rest = settle({&start, 1});
        if (!rest) continue;  // a roller
        const PosedObject posed{&object, rest->front()};
        EXPECT_NEAR(lowest_z(posed), 0, 5e-4);
        EXPECT_LT(center_of_mass(posed).z(), center_of_mass(start).z());
        double nearest = 1;
        for (const StablePose& stable : stable_poses(object, 0.0)) {
            const double height = (stable.X_TO * object.mass.center_of_mass_O).z();
            nearest = std::min(nearest, std::abs(height - center_of_mass(posed).z()));
        }
        EXPECT_LT(nearest, 1e-3) << object.name;
        // Support: in every horizontal direction some touching point lies at least as far out as the centre of mass.
        const Vector3d center = center_of_mass(posed);
        for (double angle = 0; angle < 6.28; angle += 0.05) {
            const Vector3d direction(std::cos(angle), std::sin(angle), 0);
            double reach = -1;
            for (const Vector3d& v : vertices_in_world(posed))
                if (v.z() < 1e-3) reach = std::max(reach, direction.dot(v - center));
            EXPECT_GT(reach, -1e-3) << object.name;
        }
    }
}

TEST(Settle, AStackStandsAndALeaningTowerFalls) {
    const Object brick = box({0.08, 0.06, 0.04});
    const auto top_height = [&](double shift) {
        const std::vector<PosedObject> start = {{&brick, pose({0, 0, 0.021})}, {&brick, pose({shift, 0, 0.065})}};
        const auto rest = settle(start);
        return rest ? (*rest)[1].translation().z() : 0.0;
    };
    EXPECT_NEAR(top_height(0.0), 0.06, 5e-4);
    EXPECT_NEAR(top_height(0.03), 0.06, 5e-4);  // the upper centre of mass is 1 cm inside the lower brick's edge
    EXPECT_LT(top_height(0.05), 0.055);         // and 1 cm outside
}

TEST(Settle, FrictionHoldsOrLetsSlide) {
    // A brick leans on a fixed slope made of a heavy wedge: it stays if tan(slope) < friction.
    const double slope = 0.35;  // tan = 0.365
    ConvexPart wedge;
    for (const double y : {-0.2, 0.2})
        for (const auto& [x, z] : {std::pair{-0.3, 0.0}, {0.3, 0.0}, {0.3, 0.6 * std::tan(slope)}})
            wedge.vertices.emplace_back(x, y, z);
    const Object ramp = make_object("ramp", {wedge}), brick = box({0.06, 0.06, 0.02});
    const auto slides = [&](double friction) {
        const Eigen::Quaterniond tilt(Eigen::AngleAxisd(-slope, Vector3d::UnitY()));
        const Vector3d on_ramp = Vector3d(0.1, 0, 0.4 * std::tan(slope)) + tilt * Vector3d(0, 0, 0.0102);
        const std::vector<PosedObject> start = {{&ramp, pose({0, 0, 0})}, {&brick, pose(on_ramp, tilt)}};
        const auto rest = settle(start, {.friction = friction});
        return !rest || ((*rest)[1].translation() - on_ramp).norm() > 0.01;
    };
    EXPECT_FALSE(slides(0.45));
    EXPECT_TRUE(slides(0.28));
}

TEST(Settle, WallsHoldDuringTheFallOnly) {
    // A plate that leans on a wall falls flat once the wall is gone.
    const Object plate = box({0.10, 0.10, 0.01});
    const Eigen::Quaterniond steep(Eigen::AngleAxisd(-1.3, Vector3d::UnitY()));
    const PosedObject start{&plate, pose({0.04, 0, 0.06}, steep)};
    const auto rest = settle({&start, 1}, {.walls = 0.06});
    ASSERT_TRUE(rest);
    EXPECT_NEAR(rest->front().translation().z(), 0.005, 2e-4);
    EXPECT_NEAR(std::abs(rest->front().linear()(2, 2)), 1.0, 1e-4);
}

/// Six procedural objects, one after the other, between walls.
std::optional<std::vector<Isometry3d>> pile(std::uint64_t seed) {
    RandomStream random(seed);
    std::vector<Object> objects;
    std::vector<PosedObject> start;
    for (std::uint64_t i = 0; i < 6; ++i) objects.push_back(procedural_object(seed, i));
    for (const Object& object : objects) {
        const double x = random.uniform(-0.05, 0.05), y = random.uniform(-0.05, 0.05);
        start.push_back(dropped(object, x, y, 0.2, random));
    }
    return settle(start, {.walls = 0.15, .release_interval = 0.25});
}

TEST(Settle, TheSameBitsEveryTimeOnAnyThread) {
    const auto first = pile(3);
    ASSERT_TRUE(first);
    std::vector<std::optional<std::vector<Isometry3d>>> again(4);
    parallel_for(again.size(), [&](std::size_t i) { again[i] = pile(3); });
    for (const auto& poses : again) {
        ASSERT_TRUE(poses);
        for (std::size_t i = 0; i < poses->size(); ++i) EXPECT_TRUE((*poses)[i].matrix() == (*first)[i].matrix());
    }
}

TEST(Settle, PilesLieOnTheTable) {
    int settled = 0;
    for (std::uint64_t seed = 10; seed < 16; ++seed) {
        const auto rest = pile(seed);
        if (!rest) continue;
        ++settled;
        for (std::uint64_t i = 0; i < rest->size(); ++i) {
            const Object object = procedural_object(seed, i);
            EXPECT_GT(lowest_z({&object, (*rest)[i]}), -0.001);
            EXPECT_LT((*rest)[i].translation().z(), 0.2);
        }
    }
    EXPECT_GE(settled, 4);
}

TEST(Settle, ReportsThatThereWasNoTime) {
    const Object object = box({0.04, 0.04, 0.04});
    const PosedObject start{&object, pose({0, 0, 1.0})};
    EXPECT_FALSE(settle({&start, 1}, {.max_time = 0.25}));
    EXPECT_TRUE(settle({}).value().empty());
}

TEST(Settle, RefusesWhatItCannotSimulate) {
    const Object object = box({0.04, 0.04, 0.04});
    PosedObject start{&object, pose({0, 0, 0.1})};
    EXPECT_THROW(settle({&start, 1}, {.friction = -1}), Error);
    EXPECT_THROW(settle({&start, 1}, {.density = std::nan("")}), Error);
    start.X_WO.translation().x() = std::nan("");
    EXPECT_THROW(settle({&start, 1}), Error);
    const Object nothing{"nothing", {}, {}};
    start = {&nothing, pose({0, 0, 0.1})};
    EXPECT_THROW(settle({&start, 1}), Error);
}

}  // namespace
}  // namespace ebgrasp
