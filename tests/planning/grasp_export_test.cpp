#include "ebgrasp/planning/grasp_export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/npy.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Two grasps, each approached from another side.
PlanResult two_grasps(bool calibrated) {
    PlanResult result;
    for (const double angle : {0.4, -1.1}) {
        const Eigen::Isometry3d X_CG = Eigen::Translation3d(0.03, -0.05, 0.65 + 0.02 * angle) *
                                       Eigen::AngleAxisd(angle, Eigen::Vector3d(0.1, 0.2, 1).normalized());
        result.grasps.push_back({planar_grasp(X_CG, {}, 0.05), X_CG, -angle, {}});
        if (calibrated) result.grasps.back().success_probability = 0.5 + angle / 4;
    }
    return result;
}

GraspListOptions options_for(const char* convention) {
    return {.convention = find_convention(convention), .gripper = load_gripper("franka_hand")};
}

Eigen::Isometry3d pose_from(const Eigen::Vector3d& p, double w, double x, double y, double z) {
    return Eigen::Translation3d(p) * Eigen::Quaterniond(w, x, y, z).normalized();
}

TEST(GraspnetRows, DrawTheGripperWhereItIs) {
    const auto options = options_for("graspnetapi");
    const PlanResult plan = two_grasps(true);
    const auto rows = graspnet_rows(plan, options);
    ASSERT_EQ(rows.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& [grasp, X_CG, energy, probability] = plan.grasps[i];
        // As graspnetAPI reads them: score, width, height, depth, rotation row by row, translation, object id.
        const GraspnetRow& row = rows[i];
        EXPECT_FLOAT_EQ(row[0], static_cast<float>(*probability));
        EXPECT_FLOAT_EQ(row[1], 0.05f);
        EXPECT_FLOAT_EQ(row[2], 0.0175f);
        EXPECT_EQ(row[16], -1);
        Eigen::Matrix3d R;
        for (int k = 0; k < 9; ++k) R(k / 3, k % 3) = row[static_cast<std::size_t>(4 + k)];
        const Eigen::Vector3d t(row[13], row[14], row[15]);
        // Its gripper's tips are drawn at translation + depth * approach +- width / 2 * closing.
        const Eigen::Vector3d tip = t + row[3] * R.col(0) + row[1] / 2 * R.col(1);
        EXPECT_LT((tip - X_CG * Eigen::Vector3d(0.025, 0, options.gripper.tip_offset)).norm(), 1e-6);
    }
    EXPECT_FLOAT_EQ(graspnet_rows(two_grasps(false), options)[0][0], 0.4f) << "-energy without calibration";
}

TEST(GraspExport, WritesWhatTheConventionAndTheNameAskFor) {
    const TemporaryFolder folder;
    const PlanResult plan = two_grasps(true);
    const auto path = [&](const char* name) { return folder.path() / name; };

    write_grasps(path("g.npy"), plan, {}, options_for("graspnetapi"));
    EXPECT_THAT(read_npy(path("g.npy")).shape, testing::ElementsAre(2, 17));
    EXPECT_EQ(read_npy(path("g.npy")).dtype, "f4");
    write_grasps(path("none.npy"), {}, {}, options_for("graspnetapi"));
    EXPECT_THAT(read_npy(path("none.npy")).shape, testing::ElementsAre(0, 17));
    write_grasps(path("g.json"), plan, {}, options_for("graspnetapi"));
    EXPECT_EQ(read_yaml(path("g.json"))["format"], "ebgrasp-grasps/1");
    write_grasps(path("r.json"), plan, {}, options_for("ros"), "wrist_camera");
    EXPECT_EQ(read_yaml(path("r.json"))["pose_array"]["header"]["frame_id"], "wrist_camera");

    EXPECT_THAT([&] { write_grasps(path("g.npy"), plan, {}, options_for("franka")); },
                ThrowsMessage<Error>(HasSubstr("with franka write .json")));
    EXPECT_THAT([&] { write_grasps(path("g.yaml"), plan, {}, options_for("gpd")); },
                ThrowsMessage<Error>(HasSubstr("acronym, graspgen")));
}

TEST(IsaacGrasp, IsReadBackByTheSpecification) {
    const TemporaryFolder folder;
    for (const bool calibrated : {true, false}) {
        const PlanResult plan = two_grasps(calibrated);
        const auto options = options_for("graspgen");
        write_grasps(folder.path() / "g.yaml", plan, {}, options);
        const json file = read_yaml(folder.path() / "g.yaml");
        EXPECT_EQ(file["format"], "isaac_grasp");
        EXPECT_EQ(file["format_version"], 1.0);
        ASSERT_EQ(file["grasps"].size(), 2u);
        for (std::size_t i = 0; i < 2; ++i) {
            const json grasp = file["grasps"]["grasp_" + std::to_string(i)];
            EXPECT_NEAR(grasp["confidence"].get<double>(),
                        calibrated ? *plan.grasps[i].success_probability : 1 - 0.5 * double(i), 1e-4);
            const auto p = grasp["position"].get<std::array<double, 3>>();
            const auto xyz = grasp["orientation"]["xyz"].get<std::array<double, 3>>();
            const Eigen::Isometry3d X_CH =
                pose_from(Eigen::Vector3d(p[0], p[1], p[2]), grasp["orientation"]["w"], xyz[0], xyz[1], xyz[2]);
            EXPECT_TRUE(from_convention(X_CH, options.convention, options.gripper).isApprox(plan.grasps[i].X_CG, 1e-5));
            EXPECT_EQ(grasp["pregrasp_cspace_position"]["opening"], 0.05);
        }
    }
    write_grasps(folder.path() / "none.yaml", {}, {}, options_for("acronym"));
    EXPECT_EQ(read_yaml(folder.path() / "none.yaml")["grasps"], json::object());
}

TEST(RosPoses, AreMessagesInTheNamedFrame) {
    const PlanResult plan = two_grasps(false);
    GraspListOptions options = options_for("ros");
    EXPECT_EQ(ros_poses(plan, options)["pose_array"]["header"]["frame_id"], "camera_optical_frame");
    // The camera hangs 0.8 m over the base and looks straight down.
    options.camera_pose = CameraPose{};
    options.camera_pose->X_BC.linear() << 1, 0, 0, 0, -1, 0, 0, 0, -1;
    options.camera_pose->X_BC.translation() << 0.5, 0, 0.8;
    const json message = ros_poses(plan, options)["pose_array"];
    EXPECT_EQ(message["header"]["frame_id"], "base_link");
    for (std::size_t i = 0; i < 2; ++i) {
        const json p = message["poses"][i]["position"], q = message["poses"][i]["orientation"];
        const Eigen::Vector3d p_CG = plan.grasps[i].X_CG.translation();
        EXPECT_NEAR(p["x"].get<double>(), 0.5 + p_CG.x(), 1e-12);
        EXPECT_NEAR(p["y"].get<double>(), -p_CG.y(), 1e-12);
        EXPECT_NEAR(p["z"].get<double>(), 0.8 - p_CG.z(), 1e-12);
        const Eigen::Isometry3d X_BG =
            pose_from(Eigen::Vector3d(p["x"].get<double>(), p["y"].get<double>(), p["z"].get<double>()), q["w"], q["x"],
                      q["y"], q["z"]);
        EXPECT_TRUE(X_BG.isApprox(options.camera_pose->X_BC * plan.grasps[i].X_CG, 1e-9));
    }
}

}  // namespace
}  // namespace ebgrasp
