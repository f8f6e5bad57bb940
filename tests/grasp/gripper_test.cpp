#include "ebgrasp/grasp/gripper.hpp"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

Gripper from_yaml(const std::string& text) {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "gripper.yaml", text);
    return load_gripper((folder.path() / "gripper.yaml").string());
}

TEST(Gripper, PresetsAreValidAndKeepTheirPublishedStroke) {
    EXPECT_THAT(gripper_presets(), testing::ElementsAre("robotiq_2f85", "franka_hand", "yumi"));
    for (const auto& name : gripper_presets()) {
        EXPECT_EQ(load_gripper(name).name, name);
        EXPECT_NO_THROW(load_gripper(name).validate(name));
    }
    EXPECT_EQ(load_gripper("robotiq_2f85").max_opening, 0.085);
    EXPECT_EQ(load_gripper("franka_hand").max_opening, 0.080);
    EXPECT_EQ(load_gripper("yumi").max_opening, 0.050);
    Gripper robotiq;  // the defaults, but that only the preset knows where its flange is
    robotiq.base_distance = load_gripper("robotiq_2f85").base_distance;
    EXPECT_EQ(to_yaml(robotiq), to_yaml(load_gripper("robotiq_2f85")));
}

TEST(Gripper, BoxesAreTheDocumentedOnes) {
    const Gripper gripper = load_gripper("franka_hand");
    for (const double opening : {0.0, 0.03, 0.08}) {
        const auto [left, right, palm] = gripper.boxes(opening);
        EXPECT_NEAR(right.center_G.x() - right.half_size.x(), opening / 2, 1e-12);
        EXPECT_NEAR(right.center_G.x() + right.half_size.x(), opening / 2 + gripper.finger_thickness, 1e-12);
        EXPECT_NEAR(left.center_G.x() + left.half_size.x(), -opening / 2, 1e-12);
        for (const auto& finger : {left, right}) {
            EXPECT_EQ(finger.center_G.y(), 0);
            EXPECT_NEAR(2 * finger.half_size.y(), gripper.finger_width, 1e-12);
            EXPECT_NEAR(finger.center_G.z() + finger.half_size.z(), gripper.tip_offset, 1e-12);
            EXPECT_NEAR(2 * finger.half_size.z(), gripper.finger_length, 1e-12);
        }
        EXPECT_EQ(palm.center_G.x(), 0);
        EXPECT_EQ(palm.center_G.y(), 0);
        EXPECT_NEAR(palm.center_G.z() + palm.half_size.z(), gripper.tip_offset - gripper.finger_length, 1e-12);
        EXPECT_TRUE((2 * palm.half_size).isApprox(Eigen::Vector3d(0.204, 0.063, 0.066)));
    }
}

TEST(Gripper, BaseIsThePalmsBackUnlessTheFileSays) {
    Gripper gripper = load_gripper("yumi");
    const auto palm = gripper.boxes(0.02)[2];
    EXPECT_NEAR(palm.center_G.z() - palm.half_size.z(), -gripper.to_base(), 1e-12);
    EXPECT_NEAR(palm.center_G.z() + palm.half_size.z(), -gripper.to_palm(), 1e-12);
    gripper.base_distance = 0.2;
    EXPECT_EQ(gripper.to_base(), 0.2);
}

TEST(Gripper, YamlRoundTripIsExact) {
    Gripper gripper{.name = "my \"own\": gripper\n#1", .max_opening = 0.1 + 1e-17 * 7, .min_opening = 1.0 / 300};
    gripper.finger_length = 0.05123456789012345;
    gripper.palm_size = {0.1, 0.2, 1.0 / 3};
    gripper.tcp_offset = {0, -0.01, 0.02};
    gripper.max_force = 12.5;
    const std::string text = to_yaml(gripper);
    const Gripper back = from_yaml(text);
    EXPECT_EQ(back.name, gripper.name);
    EXPECT_EQ(back.min_opening, gripper.min_opening);
    EXPECT_EQ(back.finger_length, gripper.finger_length);
    EXPECT_EQ(back.palm_size, gripper.palm_size);
    EXPECT_EQ(back.tcp_offset, gripper.tcp_offset);
    EXPECT_EQ(to_yaml(back), text);
}

TEST(Gripper, UnnamedFieldsKeepTheirDefaults) {
    const Gripper gripper = from_yaml("max_opening: 0.06  # metres\npalm_size: [0.1, 0.1, 0.1]\n");
    EXPECT_EQ(gripper.max_opening, 0.06);
    EXPECT_EQ(gripper.palm_size[0], 0.1);
    EXPECT_EQ(gripper.finger_width, Gripper{}.finger_width);
    EXPECT_THAT(gripper.name, HasSubstr("gripper.yaml"));
}

TEST(Gripper, FilesAreReadStrictly) {
    const auto expect_error = [](const std::string& text, const std::string& message) {
        EXPECT_THAT([&] { from_yaml(text); },
                    ThrowsMessage<Error>(AllOf(HasSubstr("gripper.yaml"), HasSubstr(message))));
    };
    expect_error("max_opening: 0.06\nfinger_lenght: 0.05\n", "finger_lenght");
    expect_error("finger_length: 0.05\n", "max_opening is missing");
    expect_error("", "max_opening is missing");
    expect_error("[1, 2]", "max_opening is missing");
    expect_error("max_opening: wide\n", "number");
    expect_error("max_opening: .nan\n", "max_opening is nan");
    expect_error("max_opening: 85\n", "max_opening is 85; it must be above 0 and at most 0.5 m");
    expect_error("max_opening: 0.08\npalm_size: [0.1, 0.1]\n", "palm_size must be three numbers");
    expect_error("max_opening: 0.08\ntcp_offset: 0.1\n", "tcp_offset must be three numbers");
    expect_error("max_opening: 0.08\npalm_size: [0.1, x, 0.1]\n", "number");
    expect_error("max_opening: [0.08\n", "");
    EXPECT_THAT([] { load_gripper("robotic_2f85"); },
                ThrowsMessage<Error>(AllOf(HasSubstr("'robotic_2f85'"), HasSubstr("robotiq_2f85, franka_hand, yumi"))));
}

TEST(Gripper, ValidateNamesTheFieldOutOfRange) {
    const auto expect_error = [](const std::string& message, const std::function<void(Gripper&)>& spoil) {
        Gripper gripper;
        spoil(gripper);
        EXPECT_THAT([&] { gripper.validate("here"); }, ThrowsMessage<Error>(HasSubstr("here: " + message)));
    };
    expect_error("name is empty", [](Gripper& g) { g.name = ""; });
    expect_error("max_opening is 0;", [](Gripper& g) { g.max_opening = 0; });
    expect_error("min_opening is 0.085; it must be in [0, max_opening)", [](Gripper& g) { g.min_opening = 0.085; });
    expect_error("min_opening is -0.01", [](Gripper& g) { g.min_opening = -0.01; });
    expect_error("finger_length is inf", [](Gripper& g) { g.finger_length = std::numeric_limits<double>::infinity(); });
    expect_error("finger_width is 0.3", [](Gripper& g) { g.finger_width = 0.3; });
    expect_error("finger_thickness is 0", [](Gripper& g) { g.finger_thickness = 0; });
    expect_error("tip_offset is 0.1; it must be in [0, finger_length]", [](Gripper& g) { g.tip_offset = 0.1; });
    expect_error("palm_size is -1", [](Gripper& g) { g.palm_size[2] = -1; });
    expect_error("pad_friction is 2.5", [](Gripper& g) { g.pad_friction = 2.5; });
    expect_error("max_force is nan", [](Gripper& g) { g.max_force = std::numeric_limits<double>::quiet_NaN(); });
    expect_error("base_distance is -0.1; it must be in [0, 1] m", [](Gripper& g) { g.base_distance = -0.1; });
    expect_error("tcp_offset is 3", [](Gripper& g) { g.tcp_offset[1] = 3; });
}

}  // namespace
}  // namespace ebgrasp
