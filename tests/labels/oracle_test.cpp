#include "ebgrasp/labels/oracle.hpp"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <optional>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "ebgrasp/labels/candidates.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

PosedLabelObject box_at(const Vector3d& extents, const Vector3d& center) {
    Isometry3d X_WO = Isometry3d::Identity();
    X_WO.translation() = center;
    return {std::make_shared<LabelObject>(make_object("box", {make_box(extents)})), X_WO};
}

/// Sizes that the scenes below are made for, whatever the presets are.
Gripper test_gripper() {
    Gripper gripper;
    gripper.max_opening = 0.085;
    gripper.min_opening = 0.0;
    gripper.finger_length = 0.045;
    gripper.finger_width = 0.022;
    gripper.finger_thickness = 0.012;
    gripper.tip_offset = 0.010;
    gripper.palm_size = {0.150, 0.075, 0.080};
    return gripper;
}

/// A grasp from straight above with the closing axis at `angle` from the world's x.
Isometry3d from_above(const Vector3d& center, double angle = 0) {
    Isometry3d X_WG = Isometry3d::Identity();
    X_WG.linear().col(0) = Vector3d(std::cos(angle), std::sin(angle), 0);
    X_WG.linear().col(2) = -Vector3d::UnitZ();
    X_WG.linear().col(1) = X_WG.linear().col(2).cross(X_WG.linear().col(0));
    X_WG.translation() = center;
    return X_WG;
}

GraspLabel label_one(const std::vector<PosedLabelObject>& scene, const Isometry3d& X_WG, double opening = 0,
                     const Gripper& gripper = test_gripper(), const LabelParameters& parameters = {}) {
    return LabelOracle(scene, gripper, parameters).label({{X_WG}}, {{opening}}, 1).front();
}

/// Procedural objects on the table and grasps of them of every quality.
struct Workload {
    PosedLabelObject target;
    std::vector<Isometry3d> X_WG;
};
std::vector<Workload> workloads(std::uint64_t count) {
    std::vector<Workload> all;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto object = std::make_shared<LabelObject>(procedural_object(5, i));
        const PosedLabelObject target{object, stable_poses(object->object()).front().X_TO};
        RandomStream random(6, i);
        auto X_WG = antipodal_candidates(target, -Vector3d::UnitZ(), 0.5, test_gripper(), 20, random);
        const auto uniform = uniform_candidates(target, -Vector3d::UnitZ(), 20, random);
        X_WG.insert(X_WG.end(), uniform.begin(), uniform.end());
        all.push_back({target, std::move(X_WG)});
    }
    return all;
}

std::vector<GraspLabel> label_all(const PosedLabelObject& target, const std::vector<Isometry3d>& X_WG) {
    return LabelOracle({target}, test_gripper()).label(X_WG, std::vector<double>(X_WG.size()), 7);
}

// --- each verdict, by hand

TEST(LabelOracle, FingersHaveAnArea) {
    // A slab 20 mm wide under a narrow bar that sticks out by another 10 mm on both sides: the centre rays meet the
    // slab, the fingers the bar.
    const auto shifted = [](ConvexPart part, double z) {
        for (auto& v : part.vertices) v.z() += z;
        return part;
    };
    const auto object = std::make_shared<LabelObject>(make_object(
        "T", {shifted(make_box({0.02, 0.06, 0.03}), 0.015), shifted(make_box({0.04, 0.006, 0.01}), 0.035)}));
    const std::vector<PosedLabelObject> scene = {{object, Isometry3d::Identity()}};
    const Isometry3d X_WG = from_above({0, 0, 0.015});
    EXPECT_EQ(label_one(scene, X_WG).verdict, Verdict::uneven_contact);
    EXPECT_EQ(to_string(Verdict::uneven_contact), "uneven_contact");
    LabelParameters tolerant;
    tolerant.pad_tolerance = 0.0101;
    EXPECT_EQ(label_one(scene, X_WG, 0, test_gripper(), tolerant).verdict, Verdict::success);
    tolerant.pad_tolerance = 0.0099;
    EXPECT_EQ(label_one(scene, X_WG, 0, test_gripper(), tolerant).verdict, Verdict::uneven_contact);
    // Fingers too short to reach the bar, or beside it, meet only the slab.
    Gripper narrow = test_gripper();
    narrow.finger_width = 0.01;
    EXPECT_EQ(label_one(scene, from_above({0, 0.02, 0.015}), 0, narrow).verdict, Verdict::success);
}

TEST(LabelOracle, GradesAreOfTheSameVerdicts) {
    std::array<int, 3> unevennesses = {};
    for (const Workload& work : workloads(12)) {
        const std::vector<double> openings(work.X_WG.size());
        const auto of_tolerance = [&](double tolerance, LabelDetail detail) {
            LabelParameters parameters;
            parameters.pad_tolerance = tolerance;
            return LabelOracle({work.target}, test_gripper(), parameters).label(work.X_WG, openings, 7, detail);
        };
        const auto plain = of_tolerance(0.003, LabelDetail::verdict), graded = of_tolerance(0.003, LabelDetail::graded);
        const auto strict = of_tolerance(0.001, LabelDetail::verdict),
                   looser = of_tolerance(0.002, LabelDetail::verdict), blind = of_tolerance(1, LabelDetail::verdict);
        for (std::size_t i = 0; i < plain.size(); ++i) {
            EXPECT_EQ(graded[i].verdict, plain[i].verdict);
            // Without regard to where else a finger touches, plain labels know the same epsilon.
            EXPECT_EQ(graded[i].epsilon, blind[i].epsilon);
            EXPECT_EQ(graded[i].robust_epsilon, blind[i].robust_epsilon);
            const bool one = strict[i].verdict == Verdict::uneven_contact,
                       two = looser[i].verdict == Verdict::uneven_contact;
            EXPECT_EQ(graded[i].unevenness, two ? 0.002 : one ? 0.001 : 0.0);
            ++unevennesses[std::size_t(one) + std::size_t(two)];
        }
    }
    for (const int count : unevennesses) EXPECT_GT(count, 0);
}

TEST(LabelOracle, KnowsWhatLiesOnWhat) {
    const auto box = [](double x, double z) { return box_at({0.03, 0.06, 0.04}, {x, 0, z}); };
    const std::vector<PosedLabelObject> stack = {box(0, 0.02), box(0.005, 0.06), box(0.2, 0.02)};
    const LabelOracle oracle(stack, test_gripper());
    EXPECT_TRUE(oracle.covered(0));
    EXPECT_FALSE(oracle.covered(1));
    EXPECT_FALSE(oracle.covered(2));
    Gripper slim = test_gripper();  // whose palm stays above the stack
    slim.finger_length = 0.08;
    EXPECT_EQ(label_one(stack, from_above({0, 0, 0.02}), 0, slim).verdict, Verdict::covered);
    EXPECT_EQ(label_one({stack[0]}, from_above({0, 0, 0.02}), 0, slim).verdict, Verdict::success);
    EXPECT_EQ(to_string(Verdict::covered), "covered");
    // Side by side, touching or not, nothing covers anything.
    const LabelOracle beside({box(0, 0.02), box(0.03, 0.02)}, test_gripper());
    EXPECT_FALSE(beside.covered(0) || beside.covered(1));
}

TEST(LabelOracle, HoldsABoxByItsMiddle) {
    const GraspLabel label = label_one({box_at({0.04, 0.06, 0.05}, {0.1, 0.2, 0.025})}, from_above({0.1, 0.2, 0.025}));
    EXPECT_EQ(label.verdict, Verdict::success);
    EXPECT_TRUE(label.success());
    EXPECT_EQ(label.object, 0);
    EXPECT_NEAR(label.opening, 0.04, 1e-6);
    EXPECT_NEAR(label.epsilon, 0.0390985, 1e-6);
    EXPECT_GT(label.robust_epsilon, 0.002);
    EXPECT_LT(label.robust_epsilon, label.epsilon);
}

TEST(LabelOracle, FindsThatAnObjectIsTooWide) {
    const auto box = box_at({0.10, 0.06, 0.05}, {0, 0, 0.025});
    EXPECT_EQ(label_one({box}, from_above({0, 0, 0.025})).verdict, Verdict::too_wide);
    const auto narrower = box_at({0.05, 0.06, 0.05}, {0, 0, 0.025});
    EXPECT_EQ(label_one({narrower}, from_above({0, 0, 0.025})).verdict, Verdict::success);
    EXPECT_EQ(label_one({narrower}, from_above({0, 0, 0.025}), 0.04).verdict, Verdict::too_wide);
}

TEST(LabelOracle, FindsCollisionsWithTableObjectsAndPalm) {
    const auto box = box_at({0.04, 0.06, 0.05}, {0, 0, 0.025});
    const auto low = box_at({0.04, 0.06, 0.04}, {0, 0, 0.02});
    EXPECT_EQ(label_one({low}, from_above({0, 0, 0.005})).verdict, Verdict::gripper_collision) << "tips in the table";
    EXPECT_EQ(label_one({low}, from_above({0, 0, 0.010})).verdict, Verdict::success) << "tips on the table";
    LabelParameters above_table;
    above_table.table_clearance = 0.005;
    EXPECT_EQ(label_one({low}, from_above({0, 0, 0.010}), 0, test_gripper(), above_table).verdict,
              Verdict::gripper_collision);

    const auto neighbour = box_at({0.02, 0.02, 0.05}, {0.055, 0, 0.025});
    EXPECT_EQ(label_one({box, neighbour}, from_above({0, 0, 0.025})).verdict, Verdict::gripper_collision);
    EXPECT_EQ(label_one({box, neighbour}, from_above({0, 0, 0.025}), 0.05).verdict, Verdict::success);

    const auto tall = box_at({0.04, 0.06, 0.10}, {0, 0, 0.05});
    EXPECT_EQ(label_one({tall}, from_above({0, 0, 0.040})).verdict, Verdict::gripper_collision) << "palm";
    EXPECT_EQ(label_one({tall}, from_above({0, 0, 0.066})).object, 0);
    const auto shelf = box_at({0.04, 0.06, 0.02}, {0.06, 0, 0.12});
    EXPECT_EQ(label_one({box, shelf}, from_above({0, 0, 0.025})).verdict, Verdict::gripper_collision) << "on the way";
}

TEST(LabelOracle, FindsThatAJawTouchesNothing) {
    const auto box = box_at({0.04, 0.06, 0.05}, {0, 0, 0.025});
    EXPECT_EQ(label_one({box}, from_above({0, 0, 0.060})).verdict, Verdict::no_contact);
    EXPECT_EQ(label_one({box}, from_above({0, 0.2, 0.025})).verdict, Verdict::no_contact);
    EXPECT_EQ(label_one({}, from_above({0, 0, 0.025})).verdict, Verdict::no_contact);
}

TEST(LabelOracle, FindsThatTheJawsTouchDifferentObjects) {
    const auto left = box_at({0.01, 0.06, 0.05}, {-0.02, 0, 0.025});
    const auto right = box_at({0.01, 0.06, 0.05}, {0.02, 0, 0.025});
    const GraspLabel label = label_one({left, right}, from_above({0, 0, 0.025}));
    EXPECT_EQ(label.verdict, Verdict::different_objects);
    EXPECT_NEAR(label.opening, 0.05, 1e-6);
}

TEST(LabelOracle, FindsThatAnObjectIsTooNarrow) {
    Gripper gripper = test_gripper();
    gripper.min_opening = 0.03;
    const auto box = box_at({0.02, 0.06, 0.05}, {0, 0, 0.025});
    EXPECT_EQ(label_one({box}, from_above({0, 0, 0.025}), 0, gripper).verdict, Verdict::too_narrow);
    EXPECT_EQ(label_one({box}, from_above({0, 0, 0.025}), 0).verdict, Verdict::success);
}

TEST(LabelOracle, FindsThatAGraspIsNotRobust) {
    const auto bar = box_at({0.02, 0.20, 0.05}, {0, 0, 0.025});
    const GraspLabel far_off = label_one({bar}, from_above({0, 0.08, 0.025}));
    EXPECT_EQ(far_off.verdict, Verdict::not_robust) << "a bar held 8 cm off its centre";
    EXPECT_GT(far_off.epsilon, 0);
    EXPECT_EQ(label_one({bar}, from_above({0, 0, 0.025}, 0.6)).verdict, Verdict::uneven_contact) << "corners first";
    LabelParameters centres_only;
    centres_only.pad_tolerance = 0.1;
    const GraspLabel slipping = label_one({bar}, from_above({0, 0, 0.025}, 0.6), 0, test_gripper(), centres_only);
    EXPECT_EQ(slipping.verdict, Verdict::not_robust) << "34 degrees off the normal at friction 0.5";
    EXPECT_EQ(slipping.epsilon, 0);
}

TEST(LabelOracle, GivesEveryVerdictItsName) {
    EXPECT_EQ(to_string(Verdict::success), "success");
    EXPECT_EQ(to_string(Verdict::not_robust), "not_robust");
    EXPECT_THROW(to_string(Verdict(200)), Error);
}

// --- invariances

void expect_same(const GraspLabel& a, const GraspLabel& b) {
    EXPECT_EQ(a.verdict, b.verdict);
    EXPECT_EQ(a.object, b.object);
    EXPECT_NEAR(a.opening, b.opening, 1e-6);
    EXPECT_NEAR(a.epsilon, b.epsilon, 1e-6);
    EXPECT_NEAR(a.robust_epsilon, b.robust_epsilon, 1e-6);
}

TEST(LabelOracle, IsUnchangedByMovingObjectAndGraspTogether) {
    const Isometry3d X_WV = Eigen::Translation3d(0.3, -0.2, 0) * Eigen::AngleAxisd(1.1, Vector3d::UnitZ());
    for (const Workload& work : workloads(20)) {
        std::vector<Isometry3d> moved;
        for (const Isometry3d& X : work.X_WG) moved.push_back(X_WV * X);
        const auto before = label_all(work.target, work.X_WG);
        const auto after = label_all({work.target.object, X_WV * work.target.X_WO}, moved);
        for (std::size_t i = 0; i < before.size(); ++i) expect_same(before[i], after[i]);
    }
}

TEST(LabelOracle, IsUnchangedByTurningTheGripperByPi) {
    Isometry3d X_GT = Isometry3d::Identity();
    X_GT.linear().diagonal() << -1, -1, 1;
    for (const Workload& work : workloads(20)) {
        std::vector<Isometry3d> turned;
        for (const Isometry3d& X : work.X_WG) turned.push_back(X * X_GT);
        const auto before = label_all(work.target, work.X_WG);
        const auto after = label_all(work.target, turned);
        for (std::size_t i = 0; i < before.size(); ++i) expect_same(before[i], after[i]);
    }
}

TEST(LabelOracle, DoesNotDependOnTheNumberOfThreads) {
    const Workload work = workloads(3).back();
    std::optional<std::vector<GraspLabel>> first;
    for (int threads : {1, 2, 7}) {
        const ThreadLimit limit(threads);
        const auto labels = label_all(work.target, work.X_WG);
        if (!first) first = labels;
        for (std::size_t i = 0; i < labels.size(); ++i) {
            EXPECT_EQ(labels[i].verdict, (*first)[i].verdict);
            EXPECT_EQ(labels[i].epsilon, (*first)[i].epsilon);
            EXPECT_EQ(labels[i].robust_epsilon, (*first)[i].robust_epsilon);
        }
    }
}

TEST(LabelOracle, LabelsPlanarGraspsAsTheirPoses) {
    const auto box = box_at({0.04, 0.06, 0.05}, {0, 0, 0.025});
    Isometry3d X_WC = from_above({0.02, -0.01, 0.7}, 0.4);
    CameraIntrinsics camera;
    std::vector<PlanarGrasp> planar;
    std::vector<Isometry3d> poses;
    std::vector<double> openings;
    for (double angle : {-0.4, 0.0, 1.0}) {
        const Isometry3d X_WG = from_above({0, 0, 0.025}, angle);
        planar.push_back(planar_grasp(X_WC.inverse() * X_WG, camera, 0.07));
        poses.push_back(X_WG);
        openings.push_back(0.07);
    }
    const LabelOracle oracle({box}, test_gripper());
    const auto from_planar = oracle.label(planar, camera, X_WC, 3), from_poses = oracle.label(poses, openings, 3);
    for (std::size_t i = 0; i < planar.size(); ++i) expect_same(from_planar[i], from_poses[i]);
}

// --- against brute force

// The sampled gripper boxes, moved step by step along the approach, meet the object only where the oracle says so.
TEST(LabelOracle, FindsTheCollisionsThatDenseSamplingFinds) {
    int collisions = 0, free = 0;
    const LabelParameters parameters;
    for (const Workload& work : workloads(15)) {
        const Object& object = work.target.object->object();
        const auto labels = label_all(work.target, work.X_WG);
        for (std::size_t g = 0; g < labels.size(); ++g) {
            if (labels[g].verdict == Verdict::too_wide) continue;
            double deepest = 0;  // steps of a grid: a hit proves a collision, a miss leaves thin overlaps open
            constexpr int steps = 10, approach_steps = 20;
            for (const Gripper::Box& box : test_gripper().boxes(test_gripper().max_opening)) {
                for (int i = 0; i < steps * steps * approach_steps; ++i) {
                    const Vector3d cell(i % steps + 0.5, i / steps % steps + 0.5, i / (steps * steps) + 0.5);
                    const Vector3d unit =
                        2 * cell.cwiseQuotient(Vector3d(steps, steps, approach_steps)) - Vector3d::Ones();
                    Vector3d p_G = box.center_G + box.half_size.cwiseProduct(unit);
                    p_G.z() -= parameters.approach_distance * (0.5 - 0.5 * unit.z());
                    const Vector3d p_W = work.X_WG[g] * p_G;
                    if (p_W.z() < -1e-6 || object.contains(work.target.X_WO.inverse() * p_W)) deepest += 1;
                }
            }
            if (deepest > 0) {
                EXPECT_EQ(labels[g].verdict, Verdict::gripper_collision);
                ++collisions;
            } else {
                free += labels[g].verdict != Verdict::gripper_collision;
            }
        }
    }
    EXPECT_GT(collisions, 100);
    EXPECT_GT(free, 50);
}

/// First contact with the box [-half, half] of a ray from outside it, by slabs.
std::optional<Contact> box_contact(const Vector3d& half, const Vector3d& origin, const Vector3d& direction) {
    double enter = 0, leave = std::numeric_limits<double>::infinity();
    Vector3d normal = Vector3d::Zero();
    for (int k = 0; k < 3; ++k) {
        const double sign = direction[k] > 0 ? 1 : -1;
        const double near = (-sign * half[k] - origin[k]) / direction[k],
                     far = (sign * half[k] - origin[k]) / direction[k];
        if (near > enter) {
            enter = near;
            normal = sign * Vector3d::Unit(k);
        }
        leave = std::min(leave, far);
    }
    if (enter > leave || normal.isZero()) return std::nullopt;
    return Contact{origin + enter * direction, normal, Vector3d::UnitZ()};
}

// Object and grasp perturbed one by one in the world, contacts by slabs, a hundred times the usual samples.
TEST(LabelOracle, RobustEpsilonIsTheMeanOfABruteForceMonteCarlo) {
    const Vector3d extents(0.03, 0.04, 0.05);
    const double opening = 0.085;
    LabelParameters parameters;
    parameters.uncertainty = {0.003, 0.02, 0.004, 0.05, 0.1, 2500};
    parameters.pad_tolerance = 0.1;  // the contacts of the centres are what is compared
    for (const Vector3d& offset : {Vector3d(0, 0, 0), Vector3d(0.004, 0.012, 0.015), Vector3d(0, -0.019, -0.01)}) {
        const Isometry3d X_WG = from_above(Vector3d(0, 0, 0.5) + offset, 0.2);
        const GraspLabel label = label_one({box_at(extents, {0, 0, 0.5})}, X_WG, opening, test_gripper(), parameters);

        RandomStream random(8);
        const auto normal_vector = [&](double sigma) {
            return Vector3d(random.normal(0, sigma), random.normal(0, sigma), random.normal(0, sigma));
        };
        const auto rotation = [&](double sigma) {
            const Vector3d v = normal_vector(sigma);
            return Eigen::AngleAxisd(v.norm(), v.normalized()).toRotationMatrix();
        };
        double sum = 0, sum_of_squares = 0;
        const int samples = 25'000;
        for (int i = 0; i < samples; ++i) {
            const Uncertainty& sigma = parameters.uncertainty;
            Isometry3d X_WO = Isometry3d::Identity(), X_WH = X_WG;
            X_WO.translation() = Vector3d(0, 0, 0.5) + normal_vector(sigma.object_translation);
            X_WO.linear() = rotation(sigma.object_rotation);
            X_WH.translation() += normal_vector(sigma.grasp_translation);
            X_WH.linear() = rotation(sigma.grasp_rotation) * X_WG.linear();
            const Isometry3d X_OH = X_WO.inverse() * X_WH;
            const Vector3d axis = X_OH.linear().col(0);
            const auto left = box_contact(extents / 2, X_OH.translation() - opening / 2 * axis, axis);
            const auto right = box_contact(extents / 2, X_OH.translation() + opening / 2 * axis, -axis);
            WrenchParameters wrench;
            wrench.friction = std::max(0.05, random.normal(0.5, sigma.friction));
            const double epsilon = left && right ? ferrari_canny_l1({*left, *right}, Vector3d::Zero(), wrench) : 0.0;
            sum += epsilon;
            sum_of_squares += epsilon * epsilon;
        }
        const double mean = sum / samples;
        const double deviation = std::sqrt(sum_of_squares / samples - mean * mean);
        const double standard_error = deviation * std::sqrt(1.0 / samples + 1.0 / parameters.uncertainty.samples);
        EXPECT_NEAR(label.robust_epsilon, mean, 3 * standard_error) << offset.transpose();
        EXPECT_LT(standard_error, 0.05 * mean);
    }
}

TEST(LabelOracle, WithoutUncertaintyIsTheEpsilonOfTheGraspItself) {
    LabelParameters parameters;
    parameters.uncertainty = {0, 0, 0, 0, 0, 3};
    const GraspLabel label = label_one({box_at({0.04, 0.06, 0.05}, {0, 0, 0.025})}, from_above({0, 0.01, 0.03}, 0.2), 0,
                                       test_gripper(), parameters);
    EXPECT_GT(label.epsilon, 0);
    EXPECT_NEAR(label.robust_epsilon, label.epsilon, 1e-6 * label.epsilon);
}

// --- bad input

TEST(LabelOracle, RejectsBadInput) {
    const auto box = box_at({0.04, 0.06, 0.05}, {0, 0, 0.025});
    const LabelOracle oracle({box}, test_gripper());
    const std::vector<Isometry3d> one = {from_above({0, 0, 0.025})};
    EXPECT_THROW(oracle.label(one, std::vector<double>{}, 1), Error);
    EXPECT_THROW(oracle.label(one, std::vector<double>{-0.01}, 1), Error);
    EXPECT_THROW(oracle.label(one, std::vector<double>{std::nan("")}, 1), Error);
    const std::vector<Isometry3d> nowhere = {from_above({0, std::nan(""), 0.025})};
    EXPECT_THROW(oracle.label(nowhere, std::vector<double>{0.0}, 1), Error);
    EXPECT_THROW(LabelOracle({PosedLabelObject{nullptr, Isometry3d::Identity()}}, test_gripper()), Error);
    LabelParameters none;
    none.uncertainty.samples = 0;
    EXPECT_THROW(LabelOracle({box}, test_gripper(), none), Error);
    EXPECT_TRUE(oracle.label(std::vector<Isometry3d>{}, std::vector<double>{}, 1).empty());
}

}  // namespace
}  // namespace ebgrasp
