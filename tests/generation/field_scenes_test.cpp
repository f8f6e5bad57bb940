#include "ebgrasp/generation/field_scenes.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/labels/hold_probability.hpp"
#include "sink.hpp"

namespace ebgrasp {
namespace {

const std::vector<PreparedObject>& objects() {
    static const auto loaded = load_objects("procedural:30", 3);
    return loaded;
}

/// Single and packed scenes, so that nothing has to settle, seen without noise.
FieldSceneSampler sampler(bool graded) {
    GenerationConfig config;
    config.noise = {.gamma_shape = 0, .gp_probability = 0, .edge_missing_probability = 0};
    FieldSceneParameters parameters;
    parameters.kinds = {0.5, 0.5, 0};
    parameters.graded = graded;
    return FieldSceneSampler(objects(), {}, config, parameters, sink);
}

FieldScene scene(std::uint64_t seed, bool graded = false) {
    RandomStream random(7, seed);
    return sampler(graded).sample(random);
}

/// Height above the plane of what is straight above the plane's point at (row, col) of the grid: shot down at objects.
double true_height(const FieldScene& scene, int row, int col) {
    const FieldGrid& grid = scene.grid;
    const Eigen::Vector3d foot_V =
        scene.camera.deproject(FieldGrid::to_view(row, grid.row), FieldGrid::to_view(col, grid.col), grid.plane_depth);
    const Eigen::Vector3d start_W = scene.X_WV * (foot_V - 0.5 * Eigen::Vector3d::UnitZ()),
                          down_W = scene.X_WV.linear().col(2);
    double height = 0;
    for (const PosedLabelObject& posed : scene.oracle.scene()) {
        const Eigen::Isometry3d X_OW = posed.X_WO.inverse();
        const Ray ray{(X_OW * start_W).cast<float>(), (X_OW.linear() * down_W).cast<float>(), 1.0f};
        RayHit hit;
        posed.object->rays().cast({&ray, 1}, {&hit, 1});
        if (hit.hit()) height = std::max(height, 0.5 - double(hit.distance));
    }
    return height;
}

TEST(FieldScenes, GridsShowWhatIsStraightAboveThePlane) {
    int inside = 0, right = 0;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        const FieldScene s = scene(seed);
        ASSERT_EQ(s.grid.depth.rows(), 160);
        for (int row = 0; row < 160; row += 2)
            for (int col = 0; col < 160; col += 2) {
                const double truth = true_height(s, row, col);
                if (truth < 0.01) continue;
                ++inside;
                right += std::abs(s.grid.plane_depth - double(s.grid.depth(row, col)) - truth) < 0.003;
            }
    }
    ASSERT_GT(inside, 1000);
    EXPECT_GT(right, 0.8 * inside);  // the others lie along outlines, of 2.7 mm pixels
}

TEST(FieldScenes, LabelsAreThoseOfTheOracleWhereTheGraspsAre) {
    FieldScene graded = scene(1);  // in which something is a success
    graded.graded = true;
    ASSERT_EQ(graded.grasps.size(), graded.hold.size());
    ASSERT_GT(graded.grasps.size(), 100u);
    std::vector<Eigen::Isometry3d> X_WG;
    for (const PlanarGrasp& y : graded.grasps) X_WG.push_back(graded.X_WV * grasp_pose(y, graded.camera));
    const auto labels = graded.oracle.label_at_free_opening(X_WG, 9, LabelDetail::graded);
    const auto hold = graded.label(graded.grasps, 9);
    graded.graded = false;
    const auto success = graded.label(graded.grasps, 9);
    int successes = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        EXPECT_FLOAT_EQ(hold[i], static_cast<float>(hold_probability(labels[i].label)));
        EXPECT_EQ(success[i], labels[i].label.success() ? 1.0f : 0.0f);
        successes += labels[i].label.success();
    }
    EXPECT_GT(successes, 0);
}

TEST(FieldScenes, ExecutedGraspsFollowTheLabelledOnes) {
    Eigen::Isometry3d X_WG = Eigen::Isometry3d::Identity();
    const auto practice = [&](const DepthImage& image, const Eigen::Isometry3d& X_WC,
                              std::span<const PosedObject> scene, const Gripper& gripper) {
        EXPECT_EQ(image.height(), image.camera.height);
        EXPECT_GT(gripper.max_opening, 0.03);
        X_WG.translation() = scene.front().X_WO.translation();
        X_WG.linear() =
            (Eigen::AngleAxisd(0.4, Eigen::Vector3d::UnitZ()) * Eigen::AngleAxisd(M_PI, Eigen::Vector3d::UnitX()))
                .toRotationMatrix();
        Eigen::Isometry3d far = X_WG;
        far.translation().x() += 5;  // outside of the grid, and so left out
        return std::vector<ExecutedGrasp>{{X_WC.inverse() * X_WG, 0.06, true},
                                          {X_WC.inverse() * far, 0.06, true},
                                          {X_WC.inverse() * X_WG, 0.05, false}};
    };
    RandomStream random(7, 1);
    const FieldScene s = sampler(false).sample(random, practice), without = scene(1);
    ASSERT_EQ(s.executed, 2u);
    ASSERT_EQ(s.grasps.size(), without.grasps.size() + 2);
    ASSERT_EQ(s.hold.size(), s.grasps.size());
    EXPECT_TRUE(std::ranges::equal(without.hold, std::span(s.hold).first(without.hold.size())));
    EXPECT_EQ(s.hold[s.hold.size() - 2], 1.0f);
    EXPECT_EQ(s.hold.back(), 0.0f);
    const Eigen::Isometry3d back = s.X_WV * grasp_pose(s.grasps.back(), s.camera);
    EXPECT_LT((back.translation() - X_WG.translation()).norm(), 1e-6);
    EXPECT_GT(std::abs(back.linear().col(0).dot(X_WG.linear().col(0))), 0.99);  // V's axis is that of the fitted plane
    EXPECT_EQ(s.grasps.back().width, 0.05);
}

TEST(FieldScenes, TheSameStreamGivesTheSameScene) {
    const FieldScene a = scene(3), b = scene(3), other = scene(4);
    EXPECT_TRUE((a.grid.depth == b.grid.depth).all());
    EXPECT_FALSE((a.grid.depth == other.grid.depth).all());
    EXPECT_EQ(a.hold, b.hold);
    ASSERT_EQ(a.grasps.size(), b.grasps.size());
    for (std::size_t i = 0; i < a.grasps.size(); ++i) EXPECT_EQ(a.grasps[i].row, b.grasps[i].row);
}

TEST(FieldScenes, RefuseParametersOutOfRange) {
    FieldSceneParameters parameters;
    parameters.kinds = {0, 0, 0};
    EXPECT_THROW(parameters.validate(), Error);
    parameters = {};
    parameters.side = 100;
    EXPECT_THROW(parameters.validate(), Error);
    parameters = {};
    parameters.grippers.clear();
    EXPECT_THROW(parameters.validate(), Error);
}

}  // namespace
}  // namespace ebgrasp
