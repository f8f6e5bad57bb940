#include "ebgrasp/planning/energy_terms.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/distance_map.hpp"
#include "ebgrasp/planning/planner.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;

/// E = 0 everywhere: what is left are the terms.
class FlatModel : public EnergyModel {
  public:
    std::string name() const override { return "flat"; }
    ViewSpec view() const override { return {}; }
    bool calibrated() const override { return false; }
    std::unique_ptr<EncodedView> encode(const DepthImage&, const Mask&, const Gripper&) const override {
        return std::make_unique<View>();
    }

  private:
    struct View : EncodedView {
        void evaluate(std::span<const PlanarGrasp>, std::span<double> energies,
                      std::span<GraspGradient> gradients) const override {
            std::ranges::fill(energies, 0.0);
            std::ranges::fill(gradients, GraspGradient::Zero());
        }
    };
};

const Gripper gripper = load_gripper("robotiq_2f85");
const std::vector<TableBox> two_boxes = {{0.05, 0.02, 0.5, {0.04, 0.12, 0.05}}, {-0.12, 0.0, 0.0, {0.05, 0.05, 0.03}}};

/// A tilted camera's image of the boxes, and the scene that the planner makes of it.
struct Fixture {
    Eigen::Isometry3d X_WC = camera_above(0.7, 0.2);
    SyntheticScene image = synthetic_scene(two_boxes, X_WC);
    Scene scene{image.image, {}, *fit_support_plane(image.image), {}, 0.006};

    /// The grasp in V whose centre is p_W.
    PlanarGrasp grasp_at(const Eigen::Vector3d& p_W, double angle = 0) const {
        const Eigen::Vector3d p_V = scene.view.X_CV.inverse() * X_WC.inverse() * p_W;
        const Eigen::Vector2d pixel = scene.camera().project(p_V);
        return {pixel.x(), pixel.y(), p_V.z(), angle, 0};
    }
    Mask box(std::uint8_t number) const { return (image.boxes == number).cast<std::uint8_t>(); }
    double cost(const EnergyTerm& term, const PlanarGrasp& y) const { return term.bind(scene)(y); }

    PlanResult plan(std::vector<EnergyTerm> terms, int count = 5) const {
        return Planner(std::make_shared<FlatModel>(), gripper)
            .plan({.image = image.image, .mask = {}, .count = count, .terms = std::move(terms)});
    }
};

TEST(SignedDistance, IsTheBruteForceOne) {
    Mask mask = Mask::Zero(23, 31);
    mask.block(4, 6, 7, 9).setOnes();
    mask(18, 25) = 1;
    const DepthArray distance = signed_distance(mask);
    for (int row = 0; row < mask.rows(); ++row)
        for (int col = 0; col < mask.cols(); ++col) {
            double nearest = 1e9;
            for (int i = 0; i < mask.rows(); ++i)
                for (int j = 0; j < mask.cols(); ++j)
                    if (mask(i, j) != mask(row, col)) nearest = std::min(nearest, std::hypot(i - row, j - col));
            EXPECT_NEAR(distance(row, col), mask(row, col) ? -nearest : nearest, 1e-3);
        }
    EXPECT_GT(signed_distance(Mask::Zero(5, 5)).minCoeff(), 5);
}

TEST(EnergyTerms, WorkspaceIsTheDistanceFromTheBox) {
    const Fixture f;
    // In the world's frame: the right half above the table.
    const EnergyTerm term = workspace_box({Eigen::Vector3d(0, -1, 0.01), Eigen::Vector3d(1, 1, 0.5)}, f.X_WC.inverse());
    EXPECT_NEAR(f.cost(term, f.grasp_at({0.05, 0.02, 0.03})), 0, 0.05);
    EXPECT_NEAR(f.cost(term, f.grasp_at({-0.10, 0.02, 0.03})), 10, 0.1);
    EXPECT_NEAR(f.cost(term, f.grasp_at({-0.03, 0.02, -0.03})), 5, 0.1);  // 3 cm and 4 cm off
}

TEST(EnergyTerms, MasksAreMeasuredInCentimetresOnTheTable) {
    const Fixture f;
    const EnergyTerm target = target_mask(f.box(2));
    EXPECT_EQ(f.cost(target, f.grasp_at({-0.12, 0, 0.03})), 0);
    EXPECT_NEAR(f.cost(target, f.grasp_at({-0.02, 0, 0.0})), 7.5, 0.5);
    const EnergyTerm away = keep_out(f.box(2), gripper, 0.01);
    EXPECT_EQ(f.cost(away, f.grasp_at({0.2, 0, 0.0})), 0);
    EXPECT_GT(f.cost(away, f.grasp_at({-0.12, 0, 0.03})), 2);  // in the middle, 2.5 cm deep
    // The outer side of an open finger is 54.5 mm from the centre.
    EXPECT_EQ(f.cost(away, f.grasp_at({-0.12 + 0.025 + 0.0545 + 0.015, 0, 0.0})), 0);
    EXPECT_GT(f.cost(away, f.grasp_at({-0.12 + 0.025 + 0.0545 + 0.002, 0, 0.0})), 0.3);
}

TEST(EnergyTerms, AngleIsThatInTheImagePlane) {
    const Fixture f;
    const PlanarGrasp y = f.grasp_at({0, 0, 0.02}, 0.6);
    const Eigen::Isometry3d X_CG = f.scene.view.X_CV * grasp_pose(y, f.scene.camera());
    const double seen = planar_grasp(X_CG, f.image.image.camera, 0).angle;
    EXPECT_NEAR(f.cost(preferred_angle(seen), y), 0, 1e-9);
    EXPECT_NEAR(f.cost(preferred_angle(seen + std::numbers::pi), y), 0, 1e-9);
    EXPECT_NEAR(f.cost(preferred_angle(seen + std::numbers::pi / 2), y), 1, 1e-9);
}

TEST(EnergyTerms, ClearanceCountsWhatStandsBesideTheFingers) {
    const Fixture f;
    const EnergyTerm term = minimum_clearance(0.01, gripper);
    EXPECT_EQ(f.cost(term, f.grasp_at({0.25, 0.15, 0.02})), 0);  // nothing there
    // Across the long box, 4 cm wide: free. Along it, 12 cm long: both fingers stand in it.
    EXPECT_NEAR(f.cost(term, f.grasp_at({0.05, 0.02, 0.03}, 0.5)) * f.cost(term, f.grasp_at({0.05, 0.02, 0.03}, -0.5)),
                0, 1e-9);
    EXPECT_GT(f.cost(term, f.grasp_at({0.05, 0.02, 0.03}, 0.5 + std::numbers::pi / 2)) +
                  f.cost(term, f.grasp_at({0.05, 0.02, 0.03}, -0.5 + std::numbers::pi / 2)),
              0.5);
}

TEST(EnergyTerms, AddUpInEnergiesAndGradients) {
    const Fixture f;
    const std::vector<EnergyTerm> terms = {
        near_point(f.X_WC.inverse() * Eigen::Vector3d(0.05, 0.02, 0.05)),
        {"square", 0.5, [](const Scene&) { return [](const PlanarGrasp& y) { return y.row * y.row; }; }}};
    const auto view = with_terms(FlatModel().encode({}, {}, gripper), f.scene, terms);
    const std::array grasps = {f.grasp_at({0.0, 0.1, 0.04}, 0.3)};
    std::array<double, 1> energy;
    std::array<GraspGradient, 1> gradient;
    view->evaluate(grasps, energy, gradient);
    const PlanarGrasp& y = grasps[0];
    const double distance = std::hypot(0.05, 0.08, 0.01);
    EXPECT_NEAR(energy[0], 100 * distance + 0.5 * y.row * y.row, 0.1);
    // d|p - p0| / d row = (p - p0) . dp/drow / |p - p0|, with |dp/drow| = depth / f.
    const Eigen::Vector3d offset =
        f.scene.view.X_CV.linear().transpose() * f.X_WC.linear().transpose() * Eigen::Vector3d(-0.05, 0.08, -0.01);
    EXPECT_NEAR(gradient[0][0], y.row + 100 * offset.y() / distance * y.depth / 525, 1e-2);
    EXPECT_NEAR(gradient[0][1], 100 * offset.x() / distance * y.depth / 525, 1e-2);
    EXPECT_NEAR(gradient[0][3], 0, 1e-9);
}

TEST(EnergyTerms, SteerThePlan) {
    const Fixture f;
    const auto box_of = [&](const PlannedGrasp& g) {
        return int(f.image.boxes(std::lround(g.grasp.row), std::lround(g.grasp.col)));
    };
    for (const auto wanted : {std::uint8_t{1}, std::uint8_t{2}}) {
        const auto on_target = f.plan({target_mask(f.box(wanted))});
        ASSERT_FALSE(on_target.grasps.empty());
        for (const auto& g : on_target.grasps) EXPECT_EQ(box_of(g), wanted);
        const auto avoiding = f.plan({keep_out(f.box(wanted), gripper)}, 1);
        ASSERT_FALSE(avoiding.grasps.empty());
        EXPECT_EQ(box_of(avoiding.grasps[0]), 3 - wanted);
    }
    // The small box can be held across either pair of its faces.
    for (const double angle : {0.0, std::numbers::pi / 2}) {
        const auto result = f.plan({target_mask(f.box(2)), preferred_angle(angle, 50)}, 1);
        ASSERT_FALSE(result.grasps.empty());
        EXPECT_LT(std::abs(wrap_angle(result.grasps[0].grasp.angle - angle)), 0.2);
    }
}

TEST(EnergyTerms, AreReadFromLists) {
    const auto no_mask = [](const std::string&) -> Mask { return Mask::Ones(4, 4); };
    const auto parse = [&](const char* text) {
        return parse_energy_terms(nlohmann::json::parse(text), gripper, no_mask);
    };
    const auto terms =
        parse(R"([{"type": "target", "mask": "m.png"}, {"type": "keep_out", "mask": "k.png", "margin": 0.02},
        {"type": "workspace", "min": [0, 0, 0], "max": [1, 1, 1], "weight": 3}, {"type": "angle", "angle": 0.5},
        {"type": "near", "point": [0, 0, 0.7]}, {"type": "clearance", "metres": 0.01}])");
    ASSERT_EQ(terms.size(), 6u);
    EXPECT_EQ(terms[2].weight, 3);
    const auto complaint = [&](const char* text) -> std::string {
        try {
            parse(text);
        } catch (const Error& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_THAT(complaint(R"([{"type": "magnet"}])"), HasSubstr("type 'magnet'; known are"));
    EXPECT_THAT(complaint(R"([{"type": "angle"}])"), HasSubstr("term 0: 'angle' is missing"));
    EXPECT_THAT(complaint(R"([{"type": "near", "point": [1, 2]}])"), HasSubstr("has 2 numbers"));
    EXPECT_THAT(complaint(R"([{"type": "angle", "angle": "left"}])"), HasSubstr("wrong type"));
    EXPECT_THAT(complaint(R"([{"type": "workspace", "min": [1, 0, 0], "max": [0, 1, 1]}])"), HasSubstr("empty"));
    EXPECT_THAT(complaint(R"([{"type": "angle", "angle": 0, "weight": -1}])"), HasSubstr("weight is -1"));
    EXPECT_THAT(complaint("{}"), HasSubstr("no list"));
}

}  // namespace
}  // namespace ebgrasp
