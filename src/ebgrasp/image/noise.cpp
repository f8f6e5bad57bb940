#include "ebgrasp/image/noise.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

/// Independent normal values on a coarse grid, interpolated bicubically to the image's size.
cv::Mat correlated_noise(int height, int width, const NoiseParameters& parameters, RandomStream& random) {
    require(parameters.gp_scale >= 1, "gp_scale is ", parameters.gp_scale, "; it must be at least 1");
    const auto coarse = [&](int size) { return static_cast<int>(std::ceil(size / parameters.gp_scale)); };
    cv::Mat nodes(coarse(height), coarse(width), CV_32F);
    for (auto it = nodes.begin<float>(); it != nodes.end<float>(); ++it)
        *it = static_cast<float>(random.normal(0.0, parameters.gp_sigma));
    cv::Mat field;
    cv::resize(nodes, field, {width, height}, 0, 0, cv::INTER_CUBIC);
    return field;
}

/// Whether a neighbour above, below, left or right differs by more than `threshold` (metres).
bool at_depth_edge(const DepthArray& depth, Eigen::Index row, Eigen::Index col, double threshold) {
    const auto jump = [&](Eigen::Index r, Eigen::Index c) {
        return r >= 0 && c >= 0 && r < depth.rows() && c < depth.cols() && is_depth(depth(r, c)) &&
               std::abs(depth(r, c) - depth(row, col)) > threshold;
    };
    return jump(row - 1, col) || jump(row + 1, col) || jump(row, col - 1) || jump(row, col + 1);
}

}  // namespace

void add_noise(DepthImage& image, const NoiseParameters& parameters, RandomStream& random) {
    const DepthArray clean = image.depth;
    const double gain =
        parameters.gamma_shape > 0 ? random.gamma(parameters.gamma_shape, 1 / parameters.gamma_shape) : 1;
    cv::Mat field;
    if (random.bernoulli(parameters.gp_probability))
        field = correlated_noise(image.height(), image.width(), parameters, random);

    for (int row = 0; row < image.height(); ++row) {
        for (int col = 0; col < image.width(); ++col) {
            float& z = image.depth(row, col);
            if (!is_depth(z)) continue;
            z = static_cast<float>(gain * z) + (field.empty() ? 0.0f : field.at<float>(row, col));
            if (at_depth_edge(clean, row, col, parameters.edge_threshold) &&
                random.bernoulli(parameters.edge_missing_probability))
                z = 0.0f;
        }
    }
}

}  // namespace ebgrasp
