// What the tests of pictures share: looking for colours.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

inline bool close_to(Color a, Color b, int tolerance) {
    return std::abs(a.r - b.r) <= tolerance && std::abs(a.g - b.g) <= tolerance && std::abs(a.b - b.b) <= tolerance;
}

/// Centres (x, y) of the pixels within `tolerance` of `color` in every channel.
inline std::vector<Eigen::Vector2d> pixels_of(const Picture& picture, Color color, int tolerance = 0) {
    std::vector<Eigen::Vector2d> found;
    for (int row = 0; row < picture.height; ++row)
        for (int col = 0; col < picture.width; ++col)
            if (close_to(picture.at(row, col), color, tolerance)) found.emplace_back(col + 0.5, row + 0.5);
    return found;
}

inline Eigen::Vector2d mean_of(const std::vector<Eigen::Vector2d>& points) {
    Eigen::Vector2d sum = Eigen::Vector2d::Zero();
    for (const auto& point : points) sum += point;
    return sum / static_cast<double>(std::max<std::size_t>(points.size(), 1));
}

inline Rect box_of(const std::vector<Eigen::Vector2d>& points) {
    Eigen::Vector2d low = Eigen::Vector2d::Constant(1e9), high = -low;
    for (const auto& point : points) low = low.cwiseMin(point), high = high.cwiseMax(point);
    return {low.x() - 0.5, low.y() - 0.5, high.x() - low.x() + 1, high.y() - low.y() + 1};
}

/// The box of all that is clearly darker than white.
inline Rect ink_box(const Picture& picture) {
    std::vector<Eigen::Vector2d> points;
    for (int row = 0; row < picture.height; ++row)
        for (int col = 0; col < picture.width; ++col)
            if (picture.at(row, col).g < 160) points.emplace_back(col + 0.5, row + 0.5);
    return box_of(points);
}

}  // namespace ebgrasp
