#include "ebgrasp/grasp/grasp_window.hpp"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numbers>
#include <vector>

namespace ebgrasp {
namespace {

/// Depth at (row, col), in any scene.
using DepthFunction = std::function<double(double, double)>;

DepthArray image_of(const DepthFunction& depth) {
    DepthArray image(240, 320);
    for (int row = 0; row < image.rows(); ++row)
        for (int col = 0; col < image.cols(); ++col) image(row, col) = static_cast<float>(depth(row, col));
    return image;
}

std::vector<float> window_of(const DepthArray& image, const PlanarGrasp& grasp) {
    std::vector<float> window(window_pixels);
    grasp_window(image, grasp, window);
    return window;
}

/// The convention in words: window pixel (i, j) averages the scene, under the weights 1 2 3 2 1 in both directions,
/// around the point 3 (i - 15.5) pixels from the grasp centre across the closing axis and 3 (j - 15.5) along it; what
/// lies more than 48 pixels from the centre is not seen. The scene is evaluated at the very points, without any image.
double window_pixel(const DepthFunction& depth, const PlanarGrasp& grasp, int i, int j) {
    const Eigen::Rotation2Dd turn(grasp.angle);  // acts on (col, row)
    double sum = 0, weights = 0;
    for (int down = -2; down <= 2; ++down)
        for (int right = -2; right <= 2; ++right) {
            const Eigen::Vector2d offset(3 * (j - 15.5) + right, 3 * (i - 15.5) + down);
            if (offset.cwiseAbs().maxCoeff() > 48) continue;
            const Eigen::Vector2d point = Eigen::Vector2d(grasp.col, grasp.row) + turn * offset;
            const double weight = (3 - std::abs(down)) * (3 - std::abs(right));
            sum += weight * depth(point.y(), point.x());
            weights += weight;
        }
    return sum / weights;
}

void expect_window(const DepthFunction& depth, const PlanarGrasp& grasp, double tolerance) {
    const auto window = window_of(image_of(depth), grasp);
    for (int i = 0; i < window_size; ++i)
        for (int j = 0; j < window_size; ++j)
            ASSERT_NEAR(window[static_cast<std::size_t>(window_size * i + j)], window_pixel(depth, grasp, i, j),
                        tolerance)
                << "pixel " << i << ", " << j << " at angle " << grasp.angle;
}

TEST(GraspWindow, IsTheSceneSampledAtTheTurnedPositions) {
    const auto plane = [](double row, double col) { return 0.6 + 4e-4 * row - 7e-4 * col; };
    const auto waves = [](double row, double col) { return 0.7 + 0.02 * std::sin(row / 25) * std::cos(col / 30 + 1); };
    for (const double angle : {0.0, 0.3, -1.2, std::numbers::pi / 2, 2.5})
        for (const auto& [row, col] : {std::pair{120.0, 160.0}, {117.3, 171.8}}) {
            expect_window(plane, {row, col, 0.6, angle, 0}, 1e-6);  // bilinear interpolation is exact
            expect_window(waves, {row, col, 0.6, angle, 0}, 1e-5);
        }
}

TEST(GraspWindow, TurnsTheClosingAxisToHorizontal) {
    // A ridge along the closing axis, 10 pixels wide.
    for (const double angle : {0.4, -0.9, 1.3}) {
        const auto ridge = [&](double row, double col) {
            const double across = -std::sin(angle) * (col - 150) + std::cos(angle) * (row - 110);
            return std::abs(across) < 5 ? 0.65 : 0.7;
        };
        const auto window = window_of(image_of(ridge), {110, 150, 0.65, angle, 0});
        for (std::size_t j = 0; j < window_size; ++j) {
            EXPECT_NEAR(window[15 * window_size + j], 0.65, 1e-6);
            EXPECT_NEAR(window[16 * window_size + j], 0.65, 1e-6);
            EXPECT_NEAR(window[12 * window_size + j], 0.7, 1e-6);
            EXPECT_NEAR(window[19 * window_size + j], 0.7, 1e-6);
        }
    }
}

TEST(GraspWindow, OfTheGraspTurnedByPiIsTheWindowTurnedByPi) {
    const auto image = image_of([](double row, double col) { return 0.7 + 0.05 * std::sin(row * col / 900); });
    for (const double angle : {0.0, 0.7, -1.1}) {
        const auto window = window_of(image, {118.6, 150.2, 0.7, angle, 0});
        const auto turned = window_of(image, {118.6, 150.2, 0.7, angle + std::numbers::pi, 0});
        for (std::size_t k = 0; k < window.size(); ++k) EXPECT_NEAR(turned[window.size() - 1 - k], window[k], 1e-6);
    }
}

TEST(GraspWindow, RepeatsTheBorderOutsideOfTheImage) {
    const auto image = image_of([](double row, double col) { return 0.5 + 1e-3 * row + 1e-4 * col; });
    const auto window = window_of(image, {0, 0, 0.5, 0, 0});
    EXPECT_NEAR(window.front(), 0.5, 1e-6);                             // far beyond the first pixel
    EXPECT_NEAR(window[20 * window_size], 0.5 + 1e-3 * 3 * 4.5, 1e-6);  // left of the image: its first column
    EXPECT_NEAR(window[20], 0.5 + 1e-4 * 3 * 4.5, 1e-6);                // above: its first row
    const auto outside = window_of(image, {1e7, -1e7, 0.5, 0.3, 0});
    EXPECT_NEAR(outside.front(), image(image.rows() - 1, 0), 1e-6);
}

}  // namespace
}  // namespace ebgrasp
