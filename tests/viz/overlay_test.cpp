#include "ebgrasp/viz/overlay.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

DepthImage flat_image(int height, int width, float depth = 0.7f) {
    DepthImage image{DepthArray::Constant(height, width, depth), {}};
    image.camera = {height, width, 525.0, 500.0, (width - 1) / 2.0, (height - 1) / 2.0};
    return image;
}

TEST(GraspGlyph, PadsAreTheProjectedPadsOfThePose) {
    RandomStream random(1);
    const CameraIntrinsics camera = flat_image(480, 640).camera;
    for (int trial = 0; trial < 50; ++trial) {
        const PlanarGrasp grasp{random.uniform(100, 400), random.uniform(100, 500), random.uniform(0.4, 1.2),
                                random.uniform(-1.5, 1.5), random.uniform(0.01, 0.1)};
        const double finger_width = random.uniform(0.005, 0.03);
        const GraspGlyph glyph = grasp_glyph(grasp, camera, 0.085, finger_width);
        const Eigen::Isometry3d X_CG = grasp_pose(grasp, camera);
        const auto seen = [&](double x, double y) { return camera.project(X_CG * Eigen::Vector3d(x, y, 0)); };
        EXPECT_LT((glyph.left - seen(-grasp.width / 2, 0)).norm(), 1e-9);
        EXPECT_LT((glyph.right - seen(grasp.width / 2, 0)).norm(), 1e-9);
        const Eigen::Vector2d end = seen(grasp.width / 2, finger_width / 2) - glyph.right;
        EXPECT_LT(std::min((glyph.half_pad - end).norm(), (glyph.half_pad + end).norm()), 1e-9);
    }
}

TEST(GraspGlyph, ColoredPixelsLieOnTheClosedForm) {
    RandomStream random(2);
    const DepthImage image = flat_image(240, 320);
    constexpr Color kColor{0, 255, 0};
    for (int trial = 0; trial < 10; ++trial) {
        const PlanarGrasp grasp{random.uniform(80, 160), random.uniform(100, 220), 0.68, random.uniform(-1.5, 1.5), 0};
        const GlyphStyle style{.opening = 0.06, .finger_width = 0.03, .color = kColor, .line_width = 3};
        const ImageView view{.area = {10, 20, 640, 480}, .zoom = 2};
        Canvas canvas(520, 660);
        draw_depth(canvas, view, image, {0.6, 0.8});
        draw_grasp(canvas, view, grasp, image.camera, style);
        const Picture picture = canvas.picture();

        // In picture pixels: the closing axis and the pads' direction, from the pinhole model.
        const Eigen::Vector2d focal(image.camera.fx, image.camera.fy);
        const Eigen::Vector2d center(10 + 2 * (grasp.col + 0.5), 20 + 2 * (grasp.row + 0.5));
        const Eigen::Vector2d half_opening =
            2 * 0.03 / 0.68 * focal.cwiseProduct(Eigen::Vector2d(std::cos(grasp.angle), std::sin(grasp.angle)));
        const Eigen::Vector2d half_pad =
            2 * 0.015 / 0.68 * focal.cwiseProduct(Eigen::Vector2d(-std::sin(grasp.angle), std::cos(grasp.angle)));
        for (const double s : {-1.0, -0.5, 0.0, 0.5, 1.0}) {
            const auto color_at = [&](const Eigen::Vector2d& p) { return picture.at(int(p.y()), int(p.x())); };
            EXPECT_TRUE(close_to(color_at(center + s * half_opening), kColor, 100)) << "closing axis " << s;
            EXPECT_TRUE(close_to(color_at(center + half_opening + 0.9 * s * half_pad), kColor, 60))
                << "right pad " << s;
            EXPECT_TRUE(close_to(color_at(center - half_opening + 0.9 * s * half_pad), kColor, 60)) << "left pad " << s;
        }
        const auto distance = [](const Eigen::Vector2d& p, const Eigen::Vector2d& a, const Eigen::Vector2d& b) {
            const double s = std::clamp((p - a).dot(b - a) / (b - a).squaredNorm(), 0.0, 1.0);
            return (p - a - s * (b - a)).norm();
        };
        for (const auto& pixel : pixels_of(picture, kColor, 60)) {
            double nearest = distance(pixel, center - half_opening, center + half_opening);
            for (const double side : {-1.0, 1.0}) {
                const Eigen::Vector2d pad = center + side * half_opening;
                nearest = std::min(nearest, distance(pixel, pad - half_pad, pad + half_pad));
            }
            EXPECT_LT(nearest, 3.7);
        }
    }
}

TEST(Depth, ContrastSpansTheSceneWithoutOutliers) {
    DepthImage image = flat_image(100, 100);
    image.depth.block(40, 40, 20, 20) = 0.62f;
    image.depth(0, 0) = 0.1f;   // a flying pixel
    image.depth(1, 1) = 30.0f;  // another
    image.depth.row(99).setConstant(std::numeric_limits<float>::quiet_NaN());
    const Limits limits = depth_contrast(image);
    EXPECT_NEAR(limits.low, 0.62, 1e-6);
    EXPECT_NEAR(limits.high, 0.7, 1e-6);
    Mask mask = Mask::Zero(100, 100);
    mask.block(80, 10, 10, 10) = 1;
    EXPECT_NEAR(depth_contrast(image, mask).low, 0.7, 1e-6);
    image.depth.setZero();
    EXPECT_LT(depth_contrast(image).low, depth_contrast(image).high);
}

TEST(Depth, NearIsBrightAndMissingIsNotGray) {
    DepthImage image = flat_image(60, 60);
    image.depth.block(10, 10, 20, 20) = 0.6f;
    image.depth.block(40, 40, 10, 10) = 0;
    image.depth.block(40, 10, 10, 10) = std::numeric_limits<float>::infinity();
    Canvas canvas(240, 300);
    draw_depth(canvas, {.area = {0, 0, 300, 240}, .zoom = 4}, image, depth_contrast(image));
    const Picture picture = canvas.picture();
    const auto is_gray = [](Color c) { return c.r == c.g && c.g == c.b; };
    for (int row = 0; row < 240; ++row)
        for (int col = 0; col < 300; ++col) {
            const int r = row / 4, c = col / 4;
            const bool missing = r >= 40 && r < 50 && ((c >= 40 && c < 50) || (c >= 10 && c < 20));
            EXPECT_EQ(is_gray(picture.at(row, col)), !missing) << row << ' ' << col;
        }
    EXPECT_GT(picture.at(80, 80).r, 200);   // near
    EXPECT_LT(picture.at(140, 140).r, 80);  // far
}

TEST(GraspOverlay, BestGraspIsDrawnInTheColorOfItsScore) {
    const DepthImage image = flat_image(240, 320);
    const std::vector<RankedGrasp> grasps = {{{120, 160, 0.68, 0.3, 0.05}, 0.9, "label"},
                                             {{60, 80, 0.68, -1.0, 0.03}, 0.2, ""}};
    const Picture high = grasp_overlay(image, grasps, {.title = "Title", .score_limits = Limits{0, 1}});
    EXPECT_GT(pixels_of(high, map_color(ColorMap::score, 0.9)).size(), 100u);
    const Picture low = grasp_overlay(image, grasps, {.low_is_good = true, .score_limits = Limits{0, 1}});
    EXPECT_GT(pixels_of(low, map_color(ColorMap::score, 0.1)).size(), 100u);
}

TEST(GraspOverlay, MaskOutlineSurroundsTheMask) {
    const DepthImage image = flat_image(100, 100);
    OverlayOptions options{.mask = Mask::Zero(100, 100), .zoom = false, .size = 1000};
    options.mask.block(30, 20, 40, 50) = 1;
    const auto outline = pixels_of(grasp_overlay(image, {}, options), {86, 180, 233}, 40);
    const Rect box = box_of(outline);
    EXPECT_NEAR(box.width, 500, 4);
    EXPECT_NEAR(box.height, 400, 4);
}

TEST(GraspOverlay, HostileInputIsDrawnOrRefused) {
    const double inf = std::numeric_limits<double>::infinity();
    DepthImage image = flat_image(40, 50);
    std::vector<RankedGrasp> grasps;
    for (const double wild : {inf - inf, inf, -inf, 0.0, -1.0, 1e300, 1e-300}) {
        grasps.push_back({{10, 10, wild, 0.1, 0.05}, wild, ""});
        grasps.push_back({{wild, wild, 0.5, wild, wild}, 1, std::string(1000, 'x')});
    }
    for (std::size_t first = 0; first < grasps.size(); ++first)
        EXPECT_NO_THROW(grasp_overlay(image, std::span(grasps).subspan(first), {.size = 128})) << first;
    image.depth.setConstant(NAN);
    EXPECT_NO_THROW(grasp_overlay(image, {}, {}));
    EXPECT_NO_THROW(grasp_overlay(flat_image(1, 1), {}, {.size = 64}));
    EXPECT_NO_THROW(grasp_overlay(flat_image(1, 300), grasps, {.mask = Mask::Ones(1, 300), .size = 64}));
    EXPECT_THROW(grasp_overlay({}, {}, {}), Error);
    EXPECT_THROW(grasp_overlay(image, {}, {.mask = Mask::Ones(3, 3)}), Error);
    EXPECT_THROW(grasp_overlay(image, {}, {.size = 1 << 20}), Error);
}

TEST(ContactSheet, FramesEveryTileByItsLabel) {
    std::vector<ContactTile> tiles;
    for (int i = 0; i < 7; ++i)
        tiles.push_back({flat_image(32, 32), {16, 16, 0.69, 0.2 * i, 0}, "E = 1.5\nsecond line", i % 2 == 0});
    const Picture labelled = contact_sheet(tiles, {.title = "Title", .columns = 4, .zoom = 4});
    const auto green = pixels_of(labelled, {0, 158, 115}, 30), orange = pixels_of(labelled, {213, 94, 0}, 30);
    EXPECT_GT(orange.size(), 3u * 4 * 128);
    EXPECT_NEAR(static_cast<double>(green.size()) / static_cast<double>(orange.size()), 4.0 / 3.0, 0.05);
    for (auto& tile : tiles) tile.success.reset();
    EXPECT_LT(contact_sheet(tiles, {.title = "Title", .columns = 4, .zoom = 4}).height, labelled.height);

    tiles[3].window = flat_image(32, 31);
    EXPECT_THROW(contact_sheet(tiles, {}), Error);
    EXPECT_THROW(contact_sheet({}, {}), Error);
    tiles.resize(1);
    EXPECT_THROW(contact_sheet(tiles, {.zoom = 0}), Error);
}

}  // namespace
}  // namespace ebgrasp
