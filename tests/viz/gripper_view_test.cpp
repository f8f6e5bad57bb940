#include "ebgrasp/viz/gripper_view.hpp"

#include <gtest/gtest.h>

#include "pictures.hpp"

namespace ebgrasp {
namespace {

constexpr Color kRed{200, 40, 40}, kBlue{30, 80, 210};

TEST(GripperDrawing, IsToScale) {
    // The palm's box is the only surface of its colour in the front view; its aspect is the file's.
    for (const auto& name : gripper_presets()) {
        const Gripper gripper = load_gripper(name);
        const Picture picture = gripper_drawing(gripper);
        auto palm = pixels_of(picture, {148, 158, 170});
        const double middle = picture.width * 0.55;
        std::erase_if(palm, [&](const Eigen::Vector2d& p) { return p.x() > middle; });
        const Rect box = box_of(palm);
        const double aspect = gripper.palm_size[0] / gripper.palm_size[2];
        EXPECT_NEAR(box.width / box.height / aspect, 1, 0.03) << name;
    }
}

TEST(ConventionPicture, ShowsTheAxesThatApproach) {
    // Approach is drawn downwards: blue (z) below the origin where z approaches, red (x) where x does.
    const Gripper gripper = load_gripper("franka_hand");
    const auto lowest = [](const Picture& picture, Color color) { return box_of(pixels_of(picture, color)).bottom(); };
    const Picture z_approach = convention_picture(gripper, find_convention("franka"));
    EXPECT_GT(lowest(z_approach, kBlue), lowest(z_approach, kRed) + 20);
    const Picture x_approach = convention_picture(gripper, find_convention("dex-net"));
    EXPECT_GT(lowest(x_approach, kRed), lowest(x_approach, kBlue) + 20);
    // The base frame's origin lies higher than the grasp centre's.
    const Picture base = convention_picture(gripper, find_convention("graspgen"));
    EXPECT_LT(lowest(base, kBlue), lowest(z_approach, kBlue) - 50);
}

}  // namespace
}  // namespace ebgrasp
