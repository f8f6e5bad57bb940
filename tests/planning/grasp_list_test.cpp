#include "ebgrasp/planning/grasp_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const CameraIntrinsics camera;

/// Plans of any poses before the camera.
PlanResult random_plan(std::size_t count) {
    RandomStream random(1);
    PlanResult result;
    for (std::size_t i = 0; i < count; ++i) {
        const Eigen::Quaterniond q(random.normal(), random.normal(), random.normal(), random.normal());
        Eigen::Isometry3d X_CG = Eigen::Isometry3d::Identity();
        X_CG.linear() = q.normalized().toRotationMatrix();
        X_CG.translation() = camera.deproject(random.uniform(0, 479), random.uniform(0, 639), random.uniform(0.5, 0.9));
        const double width = random.uniform(0, 0.085);
        result.grasps.push_back({planar_grasp(X_CG, camera, width), X_CG, double(i), random.uniform()});
    }
    return result;
}

TEST(ParseGraspList, ReadsBackWhatWasWrittenInAnyConventionAndFrame) {
    const PlanResult plan = random_plan(20);
    const Gripper gripper = load_gripper("franka_hand");
    CameraPose pose;
    pose.X_BC = Eigen::Translation3d(0.4, -0.2, 0.9) * Eigen::AngleAxisd(2.8, Eigen::Vector3d(1, 0.2, 0).normalized());
    for (const Convention& convention : conventions())
        for (const auto& camera_pose : {std::optional<CameraPose>(), std::optional(pose)}) {
            const json list = grasp_list(plan, camera, {convention, gripper, "seed", camera_pose});
            EXPECT_EQ(list["frame"], camera_pose ? "base" : "camera");
            const auto grasps = parse_grasp_list(json::parse(list.dump()), camera);
            ASSERT_EQ(grasps.size(), plan.grasps.size());
            for (std::size_t i = 0; i < grasps.size(); ++i) {
                EXPECT_TRUE(grasps[i].X_CG.isApprox(plan.grasps[i].X_CG, 1e-5)) << convention.name;
                EXPECT_NEAR(grasps[i].grasp.row, plan.grasps[i].grasp.row, 4e-3);
                EXPECT_NEAR(grasps[i].grasp.width, plan.grasps[i].grasp.width, 1e-5);
                EXPECT_EQ(grasps[i].energy, plan.grasps[i].energy);
                EXPECT_NEAR(*grasps[i].success_probability, *plan.grasps[i].success_probability, 1e-4);
            }
        }
}

TEST(ParseGraspList, TakesTheGraspCentreForTheOriginUnlessTold) {
    // What external programs may have written before lists named their origin.
    const PlanResult plan = random_plan(5);
    json list = grasp_list(plan, camera, {find_convention("dex-net"), load_gripper("yumi")});
    list.erase("origin_G");
    list["convention"] = "dexnet";
    const auto grasps = parse_grasp_list(list, camera);
    for (std::size_t i = 0; i < grasps.size(); ++i) EXPECT_TRUE(grasps[i].X_CG.isApprox(plan.grasps[i].X_CG, 1e-5));
}

TEST(ParseGraspList, PlanarFieldsAndPoseAreOneGraspIfTheApproachIsTheNormal) {
    RandomStream random(2);
    for (int i = 0; i < 50; ++i) {
        // The plane's normal leans by up to half a radian; grasps approach along it.
        const Eigen::Quaterniond lean(Eigen::AngleAxisd(
            random.uniform(0, 0.5), Eigen::Vector3d(random.normal(), random.normal(), 0).normalized()));
        Eigen::Isometry3d X_CG = Eigen::Isometry3d::Identity();
        X_CG.linear() =
            (lean * Eigen::AngleAxisd(random.uniform(-1.5, 1.5), Eigen::Vector3d::UnitZ())).toRotationMatrix();
        X_CG.translation() = camera.deproject(random.uniform(0, 479), random.uniform(0, 639), 0.7);
        const PlanarGrasp y = planar_grasp(X_CG, camera, 0);
        const json list = {
            {"format", "ebgrasp-grasps/1"},
            {"approach", "support_plane_normal"},
            {"grasps", {{{"row", y.row}, {"col", y.col}, {"depth", y.depth}, {"angle", y.angle}, {"energy", 0}}}}};
        const auto read = parse_grasp_list(list, camera, -X_CG.linear().col(2)).at(0);
        EXPECT_LT((read.X_CG.translation() - X_CG.translation()).norm(), 1e-12);
        // The closing axis keeps its line, not its sense.
        EXPECT_NEAR(std::abs(read.X_CG.linear().col(0).dot(X_CG.linear().col(0))), 1, 1e-12);
        EXPECT_LT((read.X_CG.linear().col(2) - X_CG.linear().col(2)).norm(), 1e-12);
        EXPECT_NEAR(read.X_CG.linear().determinant(), 1, 1e-12);
    }
}

TEST(ParseGraspList, SortsByEnergyOrScore) {
    json list = {{"format", "ebgrasp-grasps/1"}, {"grasps", json::array()}};
    for (const double score : {0.2, 0.9, 0.5})
        list["grasps"].push_back({{"row", 1}, {"col", 2}, {"depth", 0.6}, {"angle", 3.0}, {"score", score}});
    list["grasps"].push_back({{"row", 1}, {"col", 2}, {"depth", 0.6}, {"angle", 3.0}, {"energy", -0.7}});
    std::vector<double> energies;
    for (const auto& grasp : parse_grasp_list(list, camera)) {
        energies.push_back(grasp.energy);
        EXPECT_FALSE(grasp.success_probability);
        EXPECT_EQ(grasp.grasp.width, 0);
        EXPECT_NEAR(grasp.grasp.angle, wrap_angle(3.0), 1e-12);
        EXPECT_LT((grasp.X_CG.linear().col(2) - Eigen::Vector3d::UnitZ()).norm(), 1e-12) << "the camera's axis";
    }
    EXPECT_THAT(energies, testing::ElementsAre(-0.9, -0.7, -0.5, -0.2));
}

TEST(ParseGraspList, NamesWhatIsWrong) {
    const json grasp = {{"row", 20}, {"col", 30}, {"depth", 0.6}, {"angle", 0.5}, {"energy", 1}};
    const json good = {{"format", "ebgrasp-grasps/1"}, {"grasps", {grasp}}};
    ASSERT_EQ(parse_grasp_list(good, camera).size(), 1u);
    const auto error_of = [](const json& list, const std::optional<Eigen::Vector3d>& normal_C = {}) -> std::string {
        try {
            parse_grasp_list(list, camera, normal_C);
        } catch (const Error& error) {
            return error.what();
        }
        return "none";
    };
    const auto list_with = [&](const json& changes) {
        json list = good;
        list.update(changes);
        return error_of(list);
    };
    EXPECT_THAT(error_of(json::array()), HasSubstr("no JSON object"));
    EXPECT_THAT(error_of({{"grasps", json::array()}}), HasSubstr("format is missing"));
    EXPECT_THAT(list_with({{"format", 1}}), HasSubstr("format is no string"));
    EXPECT_THAT(list_with({{"format", "ebgrasp-grasps/9"}}), HasSubstr("format is ebgrasp-grasps/9"));
    EXPECT_THAT(list_with({{"frame", "world"}}), HasSubstr("frame is world"));
    EXPECT_THAT(list_with({{"frame", "base"}}), HasSubstr("camera_pose is no object"));
    EXPECT_THAT(list_with({{"origin_G", {0, 1}}}), HasSubstr("origin_G is missing or no list of 3 numbers"));
    EXPECT_THAT(list_with({{"convention", "mine"}}), HasSubstr("unknown convention 'mine'"));
    EXPECT_THAT(list_with({{"approach", "sideways"}}), HasSubstr("approach is sideways"));
    EXPECT_THAT(list_with({{"approach", "support_plane_normal"}}), HasSubstr("grasp 0: has no pose"));
    EXPECT_THAT(list_with({{"grasps", "none"}}), HasSubstr("grasps is missing or no list"));
    EXPECT_THAT(list_with({{"grasps", {grasp, 7}}}), HasSubstr("grasp 1: is no JSON object"));
    EXPECT_THAT(list_with({{"grasps", std::vector<json>(10'001, grasp)}}), HasSubstr("at most 10000"));
    json above = good;
    above["approach"] = "support_plane_normal";
    EXPECT_THAT(error_of(above, Eigen::Vector3d(0, 0, 1)), HasSubstr("does not look at the support plane"));

    const auto grasp_with = [&](const json& changes) {
        json changed = grasp;
        changed.update(changes);
        return list_with({{"grasps", {changed}}});
    };
    const auto pose = [](const json& position, const json& quaternion) {
        return json{{"pose", {{"position", position}, {"quaternion_wxyz", quaternion}}}};
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THAT(grasp_with({{"energy", nullptr}}), HasSubstr("energy or score is missing"));
    EXPECT_THAT(grasp_with({{"energy", nan}}), HasSubstr("energy"));
    EXPECT_THAT(grasp_with({{"depth", nullptr}}), HasSubstr("depth is missing"));
    EXPECT_THAT(grasp_with({{"row", "20"}}), HasSubstr("row is missing or no finite number"));
    EXPECT_THAT(grasp_with({{"angle", nan}}), HasSubstr("angle"));
    EXPECT_THAT(grasp_with({{"row", 480}}), HasSubstr("row 480, col 30 lies outside the image of 480 x 640"));
    EXPECT_THAT(grasp_with({{"col", -1}}), HasSubstr("outside"));
    EXPECT_THAT(grasp_with({{"col", 1e300}}), HasSubstr("outside"));
    EXPECT_THAT(grasp_with({{"depth", -0.6}}), HasSubstr("not in front of the camera"));
    EXPECT_THAT(grasp_with({{"width", -0.01}}), HasSubstr("width is -0.01 m, below 0"));
    EXPECT_THAT(grasp_with({{"success_probability", 1.5}}), HasSubstr("success_probability is 1.5"));
    EXPECT_THAT(grasp_with({{"pose", {1, 2}}}), HasSubstr("pose is no object"));
    EXPECT_THAT(grasp_with(pose({0, 0, 0.6}, {1, 1, 0, 0})), HasSubstr("length 1.41"));
    EXPECT_THAT(grasp_with(pose({0, 0, 0.6}, {0, 0, 0, 0})), HasSubstr("length 0"));
    EXPECT_THAT(grasp_with(pose({0, 0, 0.6}, {nan, 0, 0, 0})), HasSubstr("quaternion"));
    EXPECT_THAT(grasp_with(pose({0, 0, 0.6}, {1, 0, 0})), HasSubstr("4 numbers"));
    EXPECT_THAT(grasp_with(pose({9, 0, 0.6}, {1, 0, 0, 0})), HasSubstr("outside"));
    EXPECT_THAT(grasp_with(pose({0, 0}, {1, 0, 0, 0})), HasSubstr("position"));
}

}  // namespace
}  // namespace ebgrasp
