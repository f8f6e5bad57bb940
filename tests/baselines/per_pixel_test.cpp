#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/baselines/per_pixel_planner.hpp"
#include "ebgrasp/baselines/per_pixel_runtime.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

constexpr double pi = std::numbers::pi;

/// Maps of one angle and quality everywhere.
GraspMaps flat_maps(int rows, int cols, double angle) {
    const auto filled = [&](double value) {
        return DepthArray(DepthArray::Constant(rows, cols, static_cast<float>(value)));
    };
    return {filled(0), filled(std::cos(2 * angle)), filled(std::sin(2 * angle)), filled(0.05)};
}

bool everywhere(int, int) { return true; }

Scene scene_of(const SyntheticScene& scene, const Eigen::Isometry3d& X_WC) {
    const SupportPlane plane{X_WC.linear().transpose() * Eigen::Vector3d::UnitZ(), X_WC.translation().z(), 1.0};
    return Scene(scene.image, {}, plane, {}, 0.006);
}

TEST(QualityPeaks, AreTheLocalMaximaBestFirst) {
    GraspMaps maps = flat_maps(24, 40, 0.3);
    maps.quality(5, 6) = 1;
    maps.quality(15, 30) = 2;
    const auto peaks = quality_peaks(maps, everywhere);
    ASSERT_GE(peaks.size(), 2u);
    EXPECT_EQ(std::pair(peaks[0].row, peaks[0].col), std::pair(15, 30));
    EXPECT_EQ(std::pair(peaks[1].row, peaks[1].col), std::pair(5, 6));
    EXPECT_NEAR(peaks[0].quality, 2 * peaks[1].quality, 1e-6);
    EXPECT_NEAR(peaks[0].angle, 0.3, 1e-6);

    const auto wanted = quality_peaks(maps, [](int row, int col) { return row == 5 && col == 6; });
    ASSERT_EQ(wanted.size(), 1u);
    EXPECT_EQ(wanted[0].row, 5);
}

TEST(QualityPeaks, AnAngleAndItsHalfTurnAreOne) {
    // Neighbours that say pi/2 - 0.1 and -pi/2 + 0.1 agree on pi/2, not on 0.
    GraspMaps maps = flat_maps(9, 9, pi / 2 - 0.1);
    const GraspMaps other = flat_maps(9, 9, -pi / 2 + 0.1);
    for (int col = 0; col < 9; ++col)
        if (col % 2) maps.cos2.col(col) = other.cos2.col(col), maps.sin2.col(col) = other.sin2.col(col);
    maps.quality(4, 4) = 1;
    EXPECT_NEAR(std::abs(quality_peaks(maps, everywhere)[0].angle), pi / 2, 0.02);
}

TEST(QualityPeaks, SmoothingIsAGaussianOfOnePixel) {
    GraspMaps maps = flat_maps(16, 16, 0);
    maps.quality(8, 8) = 1;
    double sum = 0;
    for (int k = -3; k <= 3; ++k) sum += std::exp(-0.5 * k * k);
    EXPECT_NEAR(quality_peaks(maps, everywhere)[0].quality, 1 / (sum * sum), 1e-6);
}

TEST(GraspsAt, TryTheSharedRuleFirstAndStayAboveTheTable) {
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0);
    const Gripper gripper;
    for (const double height : {0.012, 0.04, 0.12}) {
        const Scene scene = scene_of(synthetic_scene({{0, 0, 0, {0.05, 0.05, height}}}, X_WC), X_WC);
        const Eigen::Vector2d middle(scene.camera().cy, scene.camera().cx);
        const auto grasps = grasps_at(scene, gripper, middle, 2.0);
        EXPECT_EQ(grasps[0].depth, fixed_rule_depth(scene, gripper, middle.x(), middle.y()));
        const double top = scene.height_at(middle.x(), middle.y());
        EXPECT_NEAR(top, height, 1e-3);
        EXPECT_NEAR(scene.plane_depth - grasps[1].depth, std::max(lowest_center(gripper), top - 0.02), 1e-9);
        EXPECT_NEAR(scene.plane_depth - grasps[2].depth, std::max(lowest_center(gripper), top - 0.01), 1e-9);
        for (const PlanarGrasp& grasp : grasps) {
            EXPECT_EQ(grasp.row, middle.x());
            EXPECT_EQ(grasp.col, middle.y());
            EXPECT_NEAR(grasp.angle, 2.0 - pi, 1e-12);
        }
    }
}

/// Likes the middle of the highest surface, and closes along one angle.
class OneAngle : public GraspMapper {
  public:
    explicit OneAngle(double angle) : angle_(angle) {}
    GraspMaps maps(const ViewGrid& grid) const override {
        GraspMaps maps = flat_maps(static_cast<int>(grid.depth.rows()), static_cast<int>(grid.depth.cols()), angle_);
        const auto raised = (grid.depth < static_cast<float>(grid.plane_depth - 0.02)).cast<float>();
        double rows = 0, cols = 0;
        for (int row = 0; row < raised.rows(); ++row)
            for (int col = 0; col < raised.cols(); ++col)
                rows += static_cast<float>(row) * raised(row, col), cols += static_cast<float>(col) * raised(row, col);
        const double row = rows / raised.sum(), col = cols / raised.sum();
        for (int r = 0; r < raised.rows(); ++r)
            for (int c = 0; c < raised.cols(); ++c)
                maps.quality(r, c) =
                    static_cast<float>(std::exp(-0.01 * (std::pow(r - row, 2) + std::pow(c - col, 2))));
        return maps;
    }

  private:
    double angle_;
};

TEST(PerPixelPlanner, GraspsABoxAcross) {
    const double yaw = 0.4;
    const TableBox box{0.03, -0.02, yaw, {0.03, 0.12, 0.05}};
    for (const double tilt : {0.0, 0.1}) {
        const Eigen::Isometry3d X_WC = camera_above(0.7, tilt, 0.5);
        const SyntheticScene scene = synthetic_scene({box}, X_WC);
        const Eigen::Vector3d across_W(std::cos(yaw), std::sin(yaw), 0),
            across_C = X_WC.linear().transpose() * across_W;
        const PerPixelPlanner planner(std::make_shared<OneAngle>(std::atan2(across_C.y(), across_C.x())), Gripper{});
        const PlanResult result = planner.plan({.image = scene.image, .mask = {}});
        ASSERT_FALSE(result.grasps.empty()) << result.reason;
        const PlannedGrasp& best = result.grasps[0];
        const Eigen::Isometry3d X_WG = X_WC * best.X_CG;
        EXPECT_NEAR(X_WG.translation().x(), 0.03, 0.005);
        EXPECT_NEAR(X_WG.translation().y(), -0.02, 0.005);
        EXPECT_NEAR(X_WG.translation().z(), 0.025, 0.003);  // half-way down
        EXPECT_GT(std::abs(X_WG.linear().col(0).dot(across_W)), 0.99);
        EXPECT_GT(best.grasp.width, 0.03);
        EXPECT_LE(best.grasp.width, 0.085);
    }
}

TEST(PerPixelPlanner, SaysWhyThereIsNothing) {
    const Eigen::Isometry3d X_WC = camera_above(0.7, 0);
    const PerPixelPlanner planner(std::make_shared<OneAngle>(0), Gripper{});
    const PlanResult empty = planner.plan({.image = synthetic_scene({}, X_WC).image, .mask = {}});
    EXPECT_TRUE(empty.grasps.empty());
    EXPECT_EQ(empty.reason, "proposals: nothing_on_the_plane");
    // Along its length the box is wider than the gripper opens.
    const SyntheticScene scene = synthetic_scene({{0, 0, 0, {0.03, 0.15, 0.05}}}, X_WC);
    const Eigen::Vector3d along_C = X_WC.linear().transpose() * Eigen::Vector3d::UnitY();
    const double along = std::atan2(along_C.y(), along_C.x());
    const PlanResult wide =
        PerPixelPlanner(std::make_shared<OneAngle>(along), Gripper{}).plan({.image = scene.image, .mask = {}});
    EXPECT_TRUE(wide.grasps.empty());
    EXPECT_EQ(wide.reason, "jaws: too_wide");
}

Checkpoint zero_checkpoint() {
    Checkpoint checkpoint{"percnn", nlohmann::json::object(), {}};
    for (const PerPixelLayer& layer : per_pixel_layers) {
        const auto out = static_cast<std::size_t>(layer.out_channels), in = static_cast<std::size_t>(layer.in_channels),
                   kernel = static_cast<std::size_t>(layer.kernel);
        const std::string name = layer.name;
        checkpoint.tensors[name + ".weight"] = {{out, in, kernel, kernel},
                                                std::vector<float>(out * in * kernel * kernel)};
        checkpoint.tensors[name + ".bias"] = {{out}, std::vector<float>(out)};
    }
    return checkpoint;
}

TEST(PerPixelRuntime, HasTheWeightsOfThePublishedNetwork) {
    std::size_t weights = 0;
    for (const auto& [name, tensor] : zero_checkpoint().tensors) weights += tensor.values.size();
    EXPECT_EQ(weights, 66'676u);
}

TEST(PerPixelRuntime, PutsOutFourMapsInTheirUnits) {
    Checkpoint checkpoint = zero_checkpoint();
    checkpoint.tensors["output.bias"].values = {1, 2, 3, 0.5};
    const ViewGrid grid{DepthArray::Constant(16, 24, 0.68F), 0, 0, 262.5, 0.7};
    const GraspMaps maps = PerPixelRuntime(checkpoint).maps(grid);
    EXPECT_EQ(maps.quality.rows(), 16);
    EXPECT_EQ(maps.quality.cols(), 24);
    EXPECT_EQ(maps.cos2(3, 4), 2);
    EXPECT_EQ(maps.sin2(3, 4), 3);
    EXPECT_FLOAT_EQ(maps.width(15, 23), 0.05F);
    EXPECT_NEAR(per_pixel_input(grid)[7], 0.02 / per_pixel_height_scale, 1e-5);
}

TEST(PerPixelRuntime, NamesWhatDoesNotFit) {
    const auto message = [](const Checkpoint& checkpoint) -> std::string {
        try {
            PerPixelRuntime runtime(checkpoint);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    };
    Checkpoint checkpoint = zero_checkpoint();
    checkpoint.model = "seed";
    EXPECT_THAT(message(checkpoint), testing::HasSubstr("'seed'"));
    checkpoint = zero_checkpoint();
    checkpoint.tensors.erase("conv5.bias");
    EXPECT_THAT(message(checkpoint), testing::HasSubstr("conv5.bias"));
    checkpoint = zero_checkpoint();
    checkpoint.tensors["conv2.weight"].shape = {16, 16, 25, 1};
    EXPECT_THAT(message(checkpoint), testing::HasSubstr("conv2.weight"));
}

}  // namespace
}  // namespace ebgrasp
