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
    // The height field sees the bar's top edge magnified by perspective: at most by (distance - 0.02) / (distance -
    // 0.04).
    EXPECT_GE(grasp.width, 0.03 + 2 * 0.019);
    EXPECT_LE(grasp.width, 0.03 * 1.03 + 2 * 0.023);
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
