#include "ebgrasp/image/support_plane.hpp"

#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/random.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

constexpr double degree = std::numbers::pi / 180;
const std::vector<TableBox> some_boxes = {
    {0.05, 0.02, 0.4, {0.08, 0.05, 0.06}}, {-0.1, -0.05, 1.1, {0.15, 0.1, 0.03}}, {0, 0.12, 0, {0.05, 0.05, 0.12}}};

/// The table z = 0 of the world as the camera sees it.
SupportPlane true_plane(const Eigen::Isometry3d& X_WC) {
    return {X_WC.rotation().transpose() * Eigen::Vector3d::UnitZ(), X_WC.translation().z(), 1.0};
}

void expect_plane(const std::optional<SupportPlane>& plane, const Eigen::Isometry3d& X_WC, double angle,
                  double offset) {
    ASSERT_TRUE(plane.has_value());
    const SupportPlane truth = true_plane(X_WC);
    EXPECT_LT(std::acos(std::min(1.0, plane->normal_C.dot(truth.normal_C))), angle);
    EXPECT_NEAR(plane->offset, truth.offset, offset);
    EXPECT_NEAR(plane->normal_C.norm(), 1.0, 1e-12);
}

/// Noise of 1.5 mm, 30 % missing in blobs and specks, 5 % wild depths.
void spoil(DepthImage& image, std::uint64_t seed) {
    RandomStream random(seed);
    for (int blob = 0; blob < 60; ++blob) {
        const auto row = static_cast<Eigen::Index>(random.index(440)),
                   col = static_cast<Eigen::Index>(random.index(600));
        image.depth.block(row, col, 40, 40).setZero();
    }
    for (float& z : image.depth.reshaped<Eigen::RowMajor>()) {
        if (z > 0) z += static_cast<float>(random.normal(0, 0.0015));
        if (random.bernoulli(0.05)) z = static_cast<float>(random.uniform(0.2, 2.0));
        if (random.bernoulli(0.05)) z = random.bernoulli(0.5) ? 0.0f : std::nanf("");
    }
}

TEST(FitSupportPlane, IsExactOnACleanScene) {
    for (const double tilt : {0.0, 12.0, 40.0}) {
        const auto X_WC = camera_above(0.7, tilt * degree, 0.3);
        const auto plane = fit_support_plane(synthetic_scene(some_boxes, X_WC).image);
        expect_plane(plane, X_WC, 0.05 * degree, 2e-4);
        EXPECT_NEAR(plane->tilt(), tilt * degree, 0.05 * degree);
    }
}

TEST(FitSupportPlane, BearsNoiseMissingPixelsAndOutliers) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        const auto X_WC = camera_above(0.7, 0.03 * static_cast<double>(seed), static_cast<double>(seed));
        DepthImage image = synthetic_scene(some_boxes, X_WC).image;
        spoil(image, seed);
        expect_plane(fit_support_plane(image), X_WC, 0.1 * degree, 5e-4);
    }
}

TEST(FitSupportPlane, FindsTheFloorBelowALargeFlatObject) {  // whose top has more pixels than the floor
    const auto X_WC = camera_above(0.8, 0.1);
    const auto scene = synthetic_scene({{0, 0, 0, {0.62, 0.45, 0.06}}}, X_WC);
    const double top = static_cast<double>((scene.boxes != 0).count()) / static_cast<double>(scene.boxes.size());
    ASSERT_GT(top, 0.4);
    ASSERT_LT(top, 0.6);
    expect_plane(fit_support_plane(scene.image), X_WC, 0.1 * degree, 5e-4);
}

TEST(FitSupportPlane, FindsTheFloorOfAFullBin) {  // boxes of many heights whose tops nearly share a plane
    std::vector<TableBox> boxes;
    for (int i = -2; i <= 2; ++i)
        for (int j = -2; j <= 2; ++j) boxes.push_back({0.12 * i, 0.12 * j, 0.0, {0.1, 0.1, 0.08 + 0.01 * i}});
    const auto X_WC = camera_above(0.7, 0.1);
    const auto scene = synthetic_scene(boxes, X_WC);
    ASSERT_LT((scene.boxes == 0).cast<double>().mean(), 0.35);
    expect_plane(fit_support_plane(scene.image), X_WC, 0.2 * degree, 1e-3);
}

TEST(FitSupportPlane, TakesTheTableNotTheFloorOfTheRoom) {
    const auto X_WC = camera_above(1.5, 0.1);  // the table is a box of 0.75 m
    const auto scene = synthetic_scene({{0, 0, 0, {0.8, 0.6, 0.75}}}, X_WC);
    const double table = (scene.boxes != 0).cast<double>().mean();
    ASSERT_GT(table, 0.5);
    ASSERT_LT(table, 0.9);
    const auto plane = fit_support_plane(scene.image);
    ASSERT_TRUE(plane.has_value());
    EXPECT_NEAR(plane->offset, X_WC.translation().z() - 0.75, 1e-3);
}

TEST(FitSupportPlane, FacesTheCamera) {
    for (const double azimuth : {0.0, 2.0, 4.0}) {
        const auto plane = fit_support_plane(synthetic_scene(some_boxes, camera_above(0.7, 0.3, azimuth)).image);
        ASSERT_TRUE(plane.has_value());
        EXPECT_LT(plane->normal_C.z(), 0);
        EXPECT_GT(plane->offset, 0);
        EXPECT_NEAR(plane->height(Eigen::Vector3d::Zero()), plane->offset, 0);
    }
}

TEST(FitSupportPlane, SteepPlanesAreWalls) {
    const auto image = synthetic_scene({}, camera_above(0.7, 50 * degree)).image;
    EXPECT_FALSE(fit_support_plane(image).has_value());
    expect_plane(fit_support_plane(image, {.max_tilt = 60 * degree}), camera_above(0.7, 50 * degree), 1e-3, 5e-4);
}

TEST(FitSupportPlane, ThereMayBeNone) {
    const CameraIntrinsics camera;
    EXPECT_FALSE(fit_support_plane({DepthArray::Zero(480, 640), camera}).has_value());
    EXPECT_FALSE(fit_support_plane({DepthArray::Constant(480, 640, std::nanf("")), camera}).has_value());
    DepthImage few{DepthArray::Zero(480, 640), camera};
    few.depth.block(100, 100, 3, 3) = 0.7f;
    EXPECT_FALSE(fit_support_plane(few).has_value());
    EXPECT_FALSE(fit_support_plane({DepthArray::Constant(1, 640, 0.7f), {1, 640, 525, 525, 320, 0}}).has_value());
    DepthImage chaos{DepthArray(480, 640), camera};
    RandomStream random(1);
    for (float& z : chaos.depth.reshaped<Eigen::RowMajor>()) z = static_cast<float>(random.uniform(0.3, 1.5));
    EXPECT_FALSE(fit_support_plane(chaos).has_value());
}

TEST(FitSupportPlane, AsksForTheMinimumShare) {
    const auto image = synthetic_scene(some_boxes, camera_above(0.7, 0.1)).image;
    const auto plane = fit_support_plane(image);
    ASSERT_TRUE(plane.has_value());
    EXPECT_GT(plane->inlier_share, 0.7);
    EXPECT_LT(plane->inlier_share, 1.0);
    EXPECT_FALSE(fit_support_plane(image, {.min_inlier_share = plane->inlier_share + 0.01}).has_value());
}

TEST(FitSupportPlane, IsDeterministic) {
    DepthImage image = synthetic_scene(some_boxes, camera_above(0.7, 0.2)).image;
    spoil(image, 1);
    const auto a = fit_support_plane(image), b = fit_support_plane(image);
    EXPECT_EQ(a->normal_C, b->normal_C);
    EXPECT_EQ(a->offset, b->offset);
}

TEST(FitSupportPlane, WorksAtOtherResolutions) {
    const auto X_WC = camera_above(0.6, 0.2);
    expect_plane(fit_support_plane(synthetic_scene(some_boxes, X_WC, {60, 80, 65, 65, 40, 30}).image), X_WC,
                 0.2 * degree, 1e-3);
    expect_plane(fit_support_plane(synthetic_scene(some_boxes, X_WC, {720, 1280, 900, 900, 640, 360}).image), X_WC,
                 0.1 * degree, 5e-4);
}

TEST(HeightMap, IsTheHeightAboveTheTable) {
    const auto X_WC = camera_above(0.7, 0.25, 1.0);
    auto scene = synthetic_scene(some_boxes, X_WC);
    scene.image.depth(3, 4) = 0;
    scene.image.depth(5, 6) = std::nanf("");
    const DepthArray height = height_map(scene.image, true_plane(X_WC));
    EXPECT_TRUE(std::isnan(height(3, 4)) && std::isnan(height(5, 6)));
    for (int row = 0; row < 480; row += 7)
        for (int col = 0; col < 640; col += 7) {
            if (!is_depth(scene.image.depth(row, col))) continue;
            const Eigen::Vector3d p_W = X_WC * scene.image.camera.deproject(row, col, scene.image.depth(row, col));
            ASSERT_NEAR(height(row, col), p_W.z(), 1e-6);
        }
}

}  // namespace
}  // namespace ebgrasp
