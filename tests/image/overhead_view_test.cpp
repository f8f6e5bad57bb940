#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/image/support_plane.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

const std::vector<TableBox> boxes = {
    {0.05, 0.02, 0.4, {0.08, 0.05, 0.06}}, {-0.1, -0.05, 1.1, {0.12, 0.1, 0.03}}, {0, 0.12, 0.2, {0.05, 0.05, 0.1}}};
const Mask everything(0, 0);
constexpr double distance = 0.7, focal_length = distance / 0.0025;  // 2.5 mm per pixel on the table

SupportPlane table(const Eigen::Isometry3d& X_WC) {
    return {X_WC.rotation().transpose() * Eigen::Vector3d::UnitZ(), X_WC.translation().z(), 1.0};
}

/// The scene as the real camera sees it, its overhead view, and what a camera at V truly sees.
struct Views {
    SyntheticScene seen;
    OverheadView view;
    SyntheticScene truth;
    Mask visible;  ///< pixels of V whose surface the real camera sees too
};

Views views(const Eigen::Isometry3d& X_WC, const CameraIntrinsics& camera = {}, bool masked = true) {
    Views v{synthetic_scene(boxes, X_WC, camera), {}, {}, {}};
    const Mask mask = masked ? Mask((v.seen.boxes != 0).cast<std::uint8_t>()) : everything;
    v.view = overhead_view(v.seen.image, table(X_WC), mask, focal_length, distance);
    const DepthImage& image = v.view.image;
    v.truth = synthetic_scene(boxes, X_WC * v.view.X_CV, image.camera);
    v.visible = Mask::Zero(image.height(), image.width());
    for (int row = 0; row < image.height(); ++row)
        for (int col = 0; col < image.width(); ++col) {
            const double z = v.truth.image.depth(row, col);
            const Eigen::Vector3d p_C = v.view.X_CV * image.camera.deproject(row, col, z);
            const Eigen::Vector2d pixel = camera.project(p_C);
            const auto r = static_cast<Eigen::Index>(std::lround(pixel(0))),
                       c = static_cast<Eigen::Index>(std::lround(pixel(1)));
            if (r < 0 || c < 0 || r >= camera.height || c >= camera.width) continue;
            v.visible(row, col) = std::abs(v.seen.image.depth(r, c) - p_C.z()) < 0.003;
        }
    return v;
}

TEST(OverheadView, EqualsTheDirectlyRenderedView) {
    for (const double tilt : {0.0, 0.2, 0.4, 0.7}) {
        for (const double azimuth : {0.0, 2.1, 4.0}) {
            const Views v = views(camera_above(0.75, tilt, azimuth));
            std::vector<float> errors;
            int same = 0;
            for (int i = 0; i < v.visible.size(); ++i) {
                if (!v.visible.data()[i]) continue;
                errors.push_back(std::abs(v.view.image.depth.data()[i] - v.truth.image.depth.data()[i]));
                same += (v.view.mask.data()[i] != 0) == (v.truth.boxes.data()[i] != 0);
            }
            ASSERT_GT(errors.size(), 0.8 * static_cast<double>(v.visible.size()));
            std::sort(errors.begin(), errors.end());
            EXPECT_LT(errors[errors.size() / 2], 1e-4f) << tilt;
            EXPECT_LT(errors[errors.size() * 97 / 100], 1.5e-3f) << tilt;
            EXPECT_GT(same, 0.985 * static_cast<double>(errors.size())) << tilt;
        }
    }
}

TEST(OverheadView, ThinsOutAFinerSourceWithoutLoss) {
    const Views v = views(camera_above(0.75, 0.3), {1440, 1920, 1575, 1575, 959.5, 719.5});
    std::vector<float> errors;
    for (int i = 0; i < v.visible.size(); ++i)
        if (v.visible.data()[i])
            errors.push_back(std::abs(v.view.image.depth.data()[i] - v.truth.image.depth.data()[i]));
    std::sort(errors.begin(), errors.end());
    EXPECT_LT(errors[errors.size() / 2], 1e-4f);
    EXPECT_LT(errors[errors.size() * 97 / 100], 1.5e-3f);
}

TEST(OverheadView, LooksStraightDownWithXAlongTheCameras) {
    const auto X_WC = camera_above(0.75, 0.35, 0.8);
    const Views v = views(X_WC);
    const Eigen::Isometry3d X_WV = X_WC * v.view.X_CV;
    EXPECT_TRUE(X_WV.linear().col(2).isApprox(-Eigen::Vector3d::UnitZ(), 1e-9));
    EXPECT_NEAR(X_WV.translation().z(), distance, 1e-9);
    EXPECT_NEAR(v.view.X_CV.linear().determinant(), 1.0, 1e-9);
    EXPECT_GT(v.view.X_CV.linear()(0, 0), 0.9);
    EXPECT_NEAR(v.view.X_CV.linear()(0, 1), 0.0, 1e-9);  // no other direction in the table is closer to the camera's x
    EXPECT_EQ(v.view.image.camera.fx, focal_length);
    EXPECT_EQ(v.view.image.camera.height, v.view.image.height());
    EXPECT_NO_THROW(v.view.image.camera.validate("view"));
}

TEST(OverheadView, ItsPoseTakesPointsBackIntoTheRealImage) {
    const Views v = views(camera_above(0.75, 0.3, 1.0));
    int agreeing = 0, checked = 0;
    for (int row = 0; row < v.view.image.height(); ++row)
        for (int col = 0; col < v.view.image.width(); ++col) {
            if (!v.view.observed(row, col)) continue;
            const Eigen::Vector3d p_C =
                v.view.X_CV * v.view.image.camera.deproject(row, col, v.view.image.depth(row, col));
            const Eigen::Vector2d pixel = v.seen.image.camera.project(p_C);
            ASSERT_GE(pixel.minCoeff(), -0.1);
            ++checked;
            const float z = v.seen.image.depth(std::lround(pixel(0)), std::lround(pixel(1)));
            agreeing += std::abs(z - p_C.z()) < 0.0015;
        }
    EXPECT_GT(agreeing, 0.95 * checked);
}

TEST(OverheadView, SpansTheMaskPlusItsMargin) {
    const auto X_WC = camera_above(0.75, 0.2);
    const auto scene = synthetic_scene({{0.1, 0.05, 0, {0.1, 0.06, 0.001}}}, X_WC);  // flat: no parallax
    for (const double margin : {0.0, 0.05, 0.1}) {
        const auto view = overhead_view(scene.image, table(X_WC), scene.boxes, focal_length, distance, margin);
        EXPECT_NEAR(view.image.width() + view.image.height(), (0.1 + 0.06 + 4 * margin) / 0.0025, 8);
        EXPECT_NEAR(static_cast<double>((view.mask != 0).count()), 0.1 * 0.06 / (0.0025 * 0.0025), 60);
        // the axis stands over the mask's centroid
        const Eigen::Vector3d foot_W = X_WC * view.X_CV * Eigen::Vector3d(0, 0, distance);
        EXPECT_NEAR((foot_W - Eigen::Vector3d(0.1, 0.05, 0)).norm(), 0, 0.004);
    }
}

TEST(OverheadView, WithoutAMaskSpansTheImageUpToItsBound) {
    const auto X_WC = camera_above(0.75, 0.2);
    const Views v = views(X_WC, {}, false);
    EXPECT_TRUE((v.view.mask == 1).all());
    EXPECT_NEAR(v.view.image.width(), (640.0 / 525 * 0.78 + 0.16) / 0.0025, 40);
    // from far above, 1.5 m and the margins remain
    const auto high = camera_above(3.0, 0.1);
    const auto view =
        overhead_view(synthetic_scene(boxes, high).image, table(high), everything, focal_length, distance);
    EXPECT_NEAR(view.image.width(), 1.66 / 0.0025, 3);
    EXPECT_NEAR(view.image.height(), 1.66 / 0.0025, 3);
}

TEST(OverheadView, UnseenGroundIsThePlane) {
    // behind a tall box, as the tilted camera sees it, lies ground that it cannot see
    const auto X_WC = camera_above(0.75, 0.5);
    const auto scene = synthetic_scene({{0, 0, 0, {0.06, 0.1, 0.12}}}, X_WC);
    const auto view = overhead_view(scene.image, table(X_WC), scene.boxes, focal_length, distance);
    const auto pixel = [&](double x, double y) {
        const Eigen::Vector3d p_V = (X_WC * view.X_CV).inverse() * Eigen::Vector3d(x, y, 0);
        const Eigen::Vector2d at = view.image.camera.project(p_V);
        return std::array{static_cast<Eigen::Index>(std::lround(at(0))), static_cast<Eigen::Index>(std::lround(at(1)))};
    };
    const auto [row, col] = pixel(-0.06, 0);
    EXPECT_EQ(view.observed(row, col), 0);
    EXPECT_EQ(view.mask(row, col), 0);
    EXPECT_FLOAT_EQ(view.image.depth(row, col), static_cast<float>(distance));
    EXPECT_TRUE((view.image.depth > 0.5f).all());
    EXPECT_LE(view.image.depth.maxCoeff(), distance + 1e-4);
}

TEST(OverheadView, SpecksOfMissingDepthAreBridged) {
    const auto X_WC = camera_above(0.75, 0.2);
    auto scene = synthetic_scene(boxes, X_WC);
    const Mask mask = (scene.boxes != 0).cast<std::uint8_t>();
    const auto whole = overhead_view(scene.image, table(X_WC), mask, focal_length, distance);
    RandomStream random(1);
    for (float& z : scene.image.depth.reshaped<Eigen::RowMajor>())
        if (random.bernoulli(0.3)) z = 0;
    const auto view = overhead_view(scene.image, table(X_WC), mask, focal_length, distance);
    ASSERT_NEAR(view.image.height(), whole.image.height(), 2);
    // compare through the world, as the two views may differ by a pixel of offset
    int close = 0, total = 0;
    for (int row = 2; row < view.image.height() - 2; ++row)
        for (int col = 2; col < view.image.width() - 2; ++col) {
            const Eigen::Vector3d p =
                whole.X_CV.inverse() * view.X_CV * view.image.camera.deproject(row, col, view.image.depth(row, col));
            const Eigen::Vector2d at = whole.image.camera.project(p);
            const auto r = std::lround(at(0)), c = std::lround(at(1));
            if (r < 0 || c < 0 || r >= whole.image.height() || c >= whole.image.width()) continue;
            ++total;
            close += std::abs(whole.image.depth(r, c) - p.z()) < 0.002;
        }
    EXPECT_GT(close, 0.97 * total);
}

TEST(OverheadView, AMaskWithoutDepthStillGivesAView) {
    const auto X_WC = camera_above(0.75, 0.2);
    auto scene = synthetic_scene({{0.05, 0.05, 0, {0.08, 0.08, 0.03}}}, X_WC);
    scene.image.depth = (scene.boxes != 0).select(0.0f, scene.image.depth);  // a glass
    const auto view = overhead_view(scene.image, table(X_WC), scene.boxes, focal_length, distance);
    EXPECT_GT(view.image.width(), (0.08 + 0.15) / 0.0025);
    EXPECT_TRUE(((view.image.depth - static_cast<float>(distance)).abs() < 1e-3f).all());
}

TEST(OverheadView, HostileDepthsStayBounded) {
    const auto X_WC = camera_above(0.75, 0.2);
    auto image = synthetic_scene(boxes, X_WC).image;
    RandomStream random(2);
    for (float& z : image.depth.reshaped<Eigen::RowMajor>()) {
        if (random.bernoulli(0.1)) z = static_cast<float>(std::exp(random.uniform(-80, 80)));
        if (random.bernoulli(0.1)) z = random.bernoulli(0.5) ? std::nanf("") : -1.0f;
    }
    const auto view = overhead_view(image, table(X_WC), everything, focal_length, distance);
    EXPECT_LE(view.image.width(), 1.66 / 0.0025 + 3);
    EXPECT_TRUE((view.image.depth > 0).all());
    EXPECT_TRUE(view.image.depth.isFinite().all());
}

TEST(OverheadView, ChecksItsArguments) {
    const auto X_WC = camera_above(0.75, 0.2);
    const auto image = synthetic_scene(boxes, X_WC).image;
    EXPECT_THROW(overhead_view(image, table(X_WC), Mask::Ones(3, 3), focal_length, distance), Error);
    EXPECT_THROW(overhead_view(image, table(X_WC), everything, 0, distance), Error);
    EXPECT_THROW(overhead_view(image, table(X_WC), everything, focal_length, -1), Error);
    EXPECT_THROW(overhead_view(image, table(X_WC), everything, 1e7, distance), Error);
    const SupportPlane behind{Eigen::Vector3d(0, 0, 1), 0.7, 1.0};
    EXPECT_THROW(overhead_view(image, behind, everything, focal_length, distance), Error);
}

TEST(OverheadView, IsDeterministic) {
    const Views a = views(camera_above(0.75, 0.3)), b = views(camera_above(0.75, 0.3));
    EXPECT_TRUE((a.view.image.depth == b.view.image.depth).all());
    EXPECT_TRUE((a.view.mask == b.view.mask).all());
}

}  // namespace
}  // namespace ebgrasp
