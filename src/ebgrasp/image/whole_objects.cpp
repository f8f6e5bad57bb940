#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "ebgrasp/image/depth_jump.hpp"
#include "ebgrasp/image/support_plane.hpp"

namespace ebgrasp {
namespace {

constexpr double grid_step = 0.003;         // metres between the pixels that are joined to objects, at most
constexpr double min_object_area = 1.8e-4;  // m^2, about 13 mm square; what is smaller is sensor noise
constexpr double max_object_extent = 0.40;  // metres; larger ones are walls, bins and robot arms

/// Every `stride`-th pixel: 1 where it is higher than `min_height` and not right behind a depth jump, so that what only
/// lies in front of something else is apart from it.
cv::Mat raised_pieces(const DepthImage& image, const DepthArray& height, float min_height, int stride) {
    cv::Mat pieces((image.height() - 1) / stride + 1, (image.width() - 1) / stride + 1, CV_8U);
    const DepthJump torn(image.camera);
    const auto behind = [&](float z, float neighbour) { return neighbour > 0 && torn(neighbour, z); };
    for (int i = 0; i < pieces.rows; ++i) {
        const int row = i * stride, last_col = pieces.cols - 1;
        auto* const out = pieces.ptr<std::uint8_t>(i);
        const float *const depth = &image.depth(row, 0), *const above = &image.depth(std::max(row - stride, 0), 0),
                           *const below = &image.depth(std::min(row + stride, (pieces.rows - 1) * stride), 0);
        for (int j = 0; j < pieces.cols; ++j) {
            const int col = j * stride;
            const float z = depth[col];
            out[j] = height(row, col) > min_height && !behind(z, depth[std::max(j - 1, 0) * stride]) &&
                     !behind(z, depth[std::min(j + 1, last_col) * stride]) && !behind(z, above[col]) &&
                     !behind(z, below[col]);
        }
    }
    return pieces;
}

}  // namespace

Mask whole_objects(const DepthImage& image, const SupportPlane& plane, double min_height) {
    const CameraIntrinsics& camera = image.camera;
    const double center_depth = plane.depth(camera, 0.5 * image.height(), 0.5 * image.width());
    const int stride = pixel_stride(camera, center_depth, 1 / grid_step);
    const DepthArray height = height_map(image, plane);
    const auto floor = static_cast<float>(min_height);
    const cv::Mat pieces = raised_pieces(image, height, floor, stride);
    cv::Mat piece, stats, centers;
    const int count = cv::connectedComponentsWithStats(pieces, piece, stats, centers, 4, CV_32S);

    std::vector<std::uint8_t> is_object(static_cast<std::size_t>(count), 0);
    for (int i = 1; i < count; ++i) {  // 0 is what is not raised
        const int left = stats.at<int>(i, cv::CC_STAT_LEFT), top = stats.at<int>(i, cv::CC_STAT_TOP);
        const int width = stats.at<int>(i, cv::CC_STAT_WIDTH), height = stats.at<int>(i, cv::CC_STAT_HEIGHT);
        const bool whole = left > 0 && top > 0 && left + width < pieces.cols && top + height < pieces.rows;
        const double z =
            stride * plane.depth(camera, stride * centers.at<double>(i, 1), stride * centers.at<double>(i, 0));
        const double area = stats.at<int>(i, cv::CC_STAT_AREA) * z * z / (camera.fx * camera.fy);
        const double extent = std::max(width / camera.fx, height / camera.fy) * z;
        is_object[static_cast<std::size_t>(i)] = whole && area >= min_object_area && extent <= max_object_extent;
    }
    cv::Mat objects(pieces.size(), CV_8U);
    for (int i = 0; i < objects.rows; ++i) {
        const int* const from = piece.ptr<int>(i);
        auto* const to = objects.ptr<std::uint8_t>(i);
        for (int j = 0; j < objects.cols; ++j) to[j] = is_object[static_cast<std::size_t>(from[j])];
    }
    cv::dilate(objects, objects, cv::Mat());  // what was cut off behind jumps, or lies between the pixels joined

    Mask mask(image.height(), image.width());
    std::vector<std::uint8_t> near(static_cast<std::size_t>(image.width()));
    for (int row = 0; row < image.height(); ++row) {
        if (row % stride == 0)
            for (int col = 0; col < image.width(); col += stride)
                std::fill_n(near.begin() + col, std::min(stride, image.width() - col),
                            objects.at<std::uint8_t>(row / stride, col / stride));
        const float* const above = &height(row, 0);
        std::uint8_t *const out = &mask(row, 0), *const around = near.data();
        for (int col = 0; col < image.width(); ++col)  // no branches, so that the compiler vectorises
            out[col] = static_cast<std::uint8_t>((above[col] > floor) & (around[col] != 0));
    }
    return mask;
}

}  // namespace ebgrasp
