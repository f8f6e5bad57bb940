#include "ebgrasp/grasp/grasp_window.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdlib>

namespace ebgrasp {
namespace {

using Crop = Eigen::Matrix<float, window_span, window_span, Eigen::RowMajor>;
using Reduction = Eigen::Matrix<float, window_size, window_span, Eigen::RowMajor>;
using Window = Eigen::Matrix<float, window_size, window_size, Eigen::RowMajor>;

/// The image at (row, col), between its pixels; its border repeats.
float sample_bilinear(const DepthArray& depth, double row, double col) {
    row = std::clamp(row, 0.0, static_cast<double>(depth.rows() - 1));
    col = std::clamp(col, 0.0, static_cast<double>(depth.cols() - 1));
    const auto r0 = static_cast<Eigen::Index>(row), c0 = static_cast<Eigen::Index>(col);
    const Eigen::Index r1 = std::min(r0 + 1, depth.rows() - 1), c1 = std::min(c0 + 1, depth.cols() - 1);
    const auto v = static_cast<float>(row - static_cast<double>(r0));
    const auto u = static_cast<float>(col - static_cast<double>(c0));
    return (1 - v) * ((1 - u) * depth(r0, c0) + u * depth(r0, c1)) + v * ((1 - u) * depth(r1, c0) + u * depth(r1, c1));
}

/// Row i holds the weights with which the crop's pixels enter window pixel i; they sum to 1.
Reduction triangle_filter() {
    Reduction weights = Reduction::Zero();
    for (int i = 0; i < window_size; ++i) {
        const int center = window_stride * i + window_stride / 2;
        for (int k = 0; k < window_span; ++k)
            weights(i, k) = static_cast<float>(std::max(0, window_stride - std::abs(k - center)));
        weights.row(i) /= weights.row(i).sum();
    }
    return weights;
}

}  // namespace

void grasp_window(const DepthArray& depth, const PlanarGrasp& grasp, std::span<float> window) {
    assert(depth.size() > 0 && window.size() == static_cast<std::size_t>(window_pixels));
    static const Reduction reduce = triangle_filter();
    const double cosine = std::cos(grasp.angle), sine = std::sin(grasp.angle), middle = (window_span - 1) / 2.0;
    Crop crop;
    for (int r = 0; r < window_span; ++r)
        for (int c = 0; c < window_span; ++c) {
            const double along = c - middle, across = r - middle;
            crop(r, c) = sample_bilinear(depth, grasp.row + sine * along + cosine * across,
                                         grasp.col + cosine * along - sine * across);
        }
    Eigen::Map<Window>(window.data()).noalias() = (reduce * crop).eval() * reduce.transpose();
}

}  // namespace ebgrasp
