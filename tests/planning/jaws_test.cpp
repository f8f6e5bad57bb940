#include "ebgrasp/planning/jaws.hpp"

#include <gtest/gtest.h>

#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

constexpr double distance = 0.70;

Gripper test_gripper() {
    Gripper gripper;
    gripper.max_opening = 0.085;
    gripper.finger_length = 0.045;
    gripper.finger_width = 0.02;
    gripper.finger_thickness = 0.01;
    gripper.tip_offset = 0.005;
    return gripper;
}

Scene scene_of(const std::vector<TableBox>& boxes) {
    const SyntheticScene scene = synthetic_scene(boxes, camera_above(distance, 0.0));
    const SupportPlane table{{0, 0, -1}, distance, 1.0};
    return Scene(scene.image, {}, table, ViewSpec{}, 0.006);
}

/// The grasp at a point of the table plane (metres, along V's x and y) and a height.
PlanarGrasp at(const Scene& scene, double x_V, double y_V, double height, double angle) {
    const double depth = distance - height;
    const Eigen::Vector2d pixel = scene.camera().project({x_V, y_V, depth});
    return {pixel.x(), pixel.y(), depth, angle, 0};
}

const TableBox bar{0, 0, 0, {0.03, 0.10, 0.04}};  // V's x axis is parallel to the world's x or against it: symmetric

TEST(Jaws, CentreOnABarAndOpenWithMargin) {
    const Scene scene = scene_of({bar});
    PlanarGrasp grasp = at(scene, 0.006, 0.01, 0.02, 0.0);  // 6 mm off the bar's middle
    ASSERT_EQ(fit_jaws(scene, test_gripper(), grasp), JawFit::free);
    const double x = (grasp.col - scene.camera().cx) * grasp.depth / scene.camera().fx;
    EXPECT_NEAR(x, 0.0, 0.002);
    EXPECT_NEAR(grasp.width, 0.03 + 2 * 0.02, 0.003);
}

TEST(Jaws, NameWhatIsWrong) {
    const Scene scene = scene_of({bar});
    const Gripper gripper = test_gripper();
    const auto fit = [&](PlanarGrasp grasp) { return fit_jaws(scene, gripper, grasp); };
    EXPECT_EQ(fit(at(scene, 0, 0, 0.004, 0)), JawFit::below_table);
    EXPECT_EQ(fit(at(scene, 0, 0, 0.039, 0)), JawFit::above_surface);
    EXPECT_EQ(fit(at(scene, 0, 0, 0.050, 0)), JawFit::no_contact);
    EXPECT_EQ(fit(at(scene, 0.2, 0, 0.02, 0)), JawFit::no_contact);
    EXPECT_EQ(fit(at(scene, 0, 0, 0.02, 1.5707963)), JawFit::too_wide);  // along the 10 cm side
}

TEST(Jaws, FingersDoNotComeDownOnANeighbour) {
    const Gripper gripper = test_gripper();
    // Neighbours on both sides, 4 mm away: the 1 cm fingers do not fit. 20 mm away they do.
    for (const auto& [gap, expected] : {std::pair{0.004, JawFit::finger_collision}, {0.020, JawFit::free}}) {
        const Scene scene =
            scene_of({bar, {0.03 + gap, 0, 0, {0.03, 0.10, 0.04}}, {-0.03 - gap, 0, 0, {0.03, 0.10, 0.04}}});
        PlanarGrasp grasp = at(scene, 0, 0, 0.02, 0);
        const double reach = 0.5 * (0.03 + 2 * gap) + 0.002;  // jaws start in the gap
        Gripper narrow = gripper;
        narrow.max_opening = std::min(gripper.max_opening, 2 * reach - 0.006);
        EXPECT_EQ(fit_jaws(scene, narrow, grasp), expected) << gap;
    }
}

TEST(Jaws, PalmStaysAboveTallNeighbours) {
    const Gripper gripper = test_gripper();
    const Scene scene = scene_of({bar, {0.0, 0.09, 0, {0.03, 0.03, 0.15}}});
    PlanarGrasp beside = at(scene, 0, -0.03, 0.02, 0);
    EXPECT_EQ(fit_jaws(scene, gripper, beside), JawFit::free) << "12 cm from the tower";
    Gripper broad = gripper;
    broad.palm_size[1] = 0.25;
    PlanarGrasp under = at(scene, 0, 0.0, 0.02, 0);
    EXPECT_EQ(fit_jaws(scene, broad, under), JawFit::palm_collision);
}

TEST(Jaws, MeetThingsWhereTheyStandWhateverTheirHeight) {
    // Far from V's axis perspective moves the tower's top by 0.15 (0.7 / 0.6 - 0.7 / 0.68) = 21 mm outwards against
    // what is seen at the grasp's height: a finger beside the bar would seem to be free, or one far from it not.
    Gripper gripper = test_gripper();
    gripper.finger_length = 0.12;  // the palm stays above the tower
    for (const double inwards : {-1.0, 1.0}) {
        for (const auto& [gap, expected] : {std::pair{0.008, JawFit::finger_collision}, {0.030, JawFit::free}}) {
            gripper.max_opening = gap < 0.01 ? 0.036 : 0.06;  // starts between bar and tower
            const double x = 0.15, tower = x - inwards * (0.015 + gap + 0.015);
            const Scene scene = scene_of({{x, 0, 0, {0.03, 0.10, 0.04}},
                                          {tower, 0, 0, {0.03, 0.10, 0.10}},
                                          {-x, 0, 0, {0.06, 0.10, 0.04}}});  // keeps V's axis in the middle
            const Eigen::Isometry3d X_WV = camera_above(distance, 0.0) * scene.view.X_CV;
            const Eigen::Vector3d bar_V = X_WV.inverse() * Eigen::Vector3d(x, 0, 0.02);
            PlanarGrasp grasp = at(scene, bar_V.x(), bar_V.y(), 0.02, 0);
            EXPECT_EQ(fit_jaws(scene, gripper, grasp), expected) << inwards << ' ' << gap;
        }
    }
}

TEST(Jaws, KeepAwayFromTheHiddenFlankOfWhatIsNearlyTooWide) {
    // 7.5 of 8.5 cm: 5 mm remain on each side. Far from the camera's axis the outer side of the box hides 1.9 cm of
    // ground.
    Gripper gripper = test_gripper();
    gripper.finger_length = 0.12;
    for (const auto& [x, width, expected] :
         {std::tuple{0.0, 0.075, JawFit::free}, {0.15, 0.075, JawFit::unseen}, {0.15, 0.050, JawFit::free}}) {
        const Scene scene = scene_of({{x, 0, 0, {width, 0.12, 0.08}}, {-x, 0.2, 0, {0.04, 0.04, 0.04}}});
        const Eigen::Isometry3d X_WV = camera_above(distance, 0.0) * scene.view.X_CV;
        const Eigen::Vector3d box_V = X_WV.inverse() * Eigen::Vector3d(x, 0, 0.04);
        PlanarGrasp grasp = at(scene, box_V.x(), box_V.y(), 0.04, 0);
        EXPECT_EQ(fit_jaws(scene, gripper, grasp), expected) << x << ' ' << width;
    }
}

TEST(Jaws, ElevationIsWhatStandsStraightAboveThePlane) {
    const std::vector<TableBox> boxes = {{0.15, 0.08, 0.0, {0.04, 0.06, 0.10}},
                                         {-0.12, -0.02, 0.5, {0.05, 0.03, 0.05}}};
    const Scene scene = scene_of(boxes);
    int wrong = 0, inside = 0;
    for (int i = 0; i < scene.elevation.size(); ++i) {
        const auto row = static_cast<double>(i / scene.elevation.cols()),
                   col = static_cast<double>(i % scene.elevation.cols());
        const Eigen::Vector3d p_V = scene.camera().deproject(row, col, scene.plane_depth);
        const Eigen::Vector3d p_W = camera_above(distance, 0.0) * scene.view.X_CV * p_V;
        double top = 0.0;  // shot straight down
        for (const TableBox& box : boxes)
            if (distance_to(box, {p_W.x(), p_W.y(), 1.0}, -Eigen::Vector3d::UnitZ()) < 1.0) top = box.size.z();
        inside += top > 0;
        wrong += std::abs(scene.elevation.data()[i] - top) > 0.001;
    }
    ASSERT_GT(inside, 2000);
    EXPECT_LT(wrong, 0.1 * inside);  // a pixel along the outlines
}

TEST(Jaws, AreLiftedUntilThePalmIsFree) {
    const Scene scene = scene_of({{0, 0, 0, {0.03, 0.10, 0.08}}});
    const Gripper gripper = test_gripper();
    PlanarGrasp grasp = at(scene, 0.002, 0.01, 0.02, 0);  // the palm would be 2 cm inside the bar
    ASSERT_EQ(fit_jaws(scene, gripper, grasp), JawFit::free);
    const double palm = distance - grasp.depth + gripper.to_palm();
    EXPECT_GE(palm, 0.08 + 0.002);
    EXPECT_LE(palm, 0.08 + 0.005);
    EXPECT_NEAR((grasp.col - scene.camera().cx) * grasp.depth / scene.camera().fx, 0.0, 0.002);
}

TEST(Jaws, SlipOnFacesOutsideTheFrictionCone) {
    const Gripper gripper = test_gripper();  // friction 0.5: 26.6 degrees
    for (const auto& [degrees, expected] :
         {std::pair{8.0, JawFit::free}, {18.0, JawFit::free}, {38.0, JawFit::slips}, {-38.0, JawFit::slips}}) {
        const Scene scene = scene_of({{0, 0, degrees / 57.29578, {0.03, 0.10, 0.04}}});
        PlanarGrasp grasp = at(scene, 0, 0, 0.02, 0);
        EXPECT_EQ(fit_jaws(scene, gripper, grasp), expected) << degrees;
    }
}

TEST(Jaws, ATurnByPiChangesNothing) {
    const Scene scene = scene_of({{0.005, 0.01, 0.3, {0.04, 0.10, 0.03}}});
    PlanarGrasp a = at(scene, 0.0, 0.0, 0.015, 0.25), b = a;
    b.angle += 3.14159265358979;
    ASSERT_EQ(fit_jaws(scene, test_gripper(), a), fit_jaws(scene, test_gripper(), b));
    EXPECT_NEAR(a.row, b.row, 1.1);
    EXPECT_NEAR(a.col, b.col, 1.1);
    EXPECT_NEAR(a.width, b.width, 0.002);
}

}  // namespace
}  // namespace ebgrasp
