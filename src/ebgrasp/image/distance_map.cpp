#include "ebgrasp/image/distance_map.hpp"

#include <opencv2/imgproc.hpp>

namespace ebgrasp {
namespace {

/// Pixels to the nearest zero of `values`, at most `most`.
DepthArray distance_to_zero(const Mask& values, float most) {
    DepthArray distance(values.rows(), values.cols());
    const int rows = static_cast<int>(values.rows()), cols = static_cast<int>(values.cols());
    cv::Mat out(rows, cols, CV_32F, distance.data());
    cv::distanceTransform(cv::Mat(rows, cols, CV_8U, const_cast<std::uint8_t*>(values.data())), out, cv::DIST_L2,
                          cv::DIST_MASK_PRECISE);
    return distance.min(most);
}

}  // namespace

DepthArray signed_distance(const Mask& mask) {
    const auto diagonal = static_cast<float>(std::hypot(mask.rows(), mask.cols()));
    const Mask inside = (mask != 0).cast<std::uint8_t>(), outside = (mask == 0).cast<std::uint8_t>();
    if (mask.size() == 0) return {};
    return distance_to_zero(outside, diagonal) - distance_to_zero(inside, diagonal);
}

}  // namespace ebgrasp
