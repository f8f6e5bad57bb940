#include "ebgrasp/planning/scene.hpp"

#include <algorithm>
#include <vector>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr int min_component_pixels = 100;   // smaller ones (about 13 mm square) are sensor noise
constexpr double max_object_extent = 0.40;  // metres; larger ones are walls, bins and robot arms

/// Without a user's mask: connected components that stand out of the plane, are of an object's size and lie whole in
/// the view, since what reaches in from the border is furniture or the robot itself.
Mask whole_objects(const Mask& raised, double pixels_per_metre) {
    const int rows = static_cast<int>(raised.rows()), cols = static_cast<int>(raised.cols());
    Mask objects = Mask::Zero(rows, cols), seen = Mask::Zero(rows, cols);
    std::vector<int> component;
    for (int start = 0; start < rows * cols; ++start) {
        if (!raised.data()[start] || seen.data()[start]) continue;
        component.assign(1, start);
        seen.data()[start] = 1;
        int top = rows, bottom = -1, left = cols, right = -1;
        for (std::size_t next = 0; next < component.size(); ++next) {
            const int row = component[next] / cols, col = component[next] % cols;
            top = std::min(top, row), bottom = std::max(bottom, row);
            left = std::min(left, col), right = std::max(right, col);
            for (int r = std::max(0, row - 1); r <= std::min(rows - 1, row + 1); ++r)
                for (int c = std::max(0, col - 1); c <= std::min(cols - 1, col + 1); ++c)
                    if (raised(r, c) && !seen(r, c)) seen(r, c) = 1, component.push_back(r * cols + c);
        }
        const bool whole = top > 0 && left > 0 && bottom < rows - 1 && right < cols - 1;
        const double extent = std::max(bottom - top, right - left) / pixels_per_metre;
        if (whole && static_cast<int>(component.size()) >= min_component_pixels && extent <= max_object_extent)
            for (const int pixel : component) objects.data()[pixel] = 1;
    }
    return objects;
}

}  // namespace

Scene::Scene(const DepthImage& image, const Mask& mask, const SupportPlane& plane, const ViewSpec& spec,
             double min_height)
    : view(overhead_view(image, plane, mask, spec.focal_length, spec.distance)),
      plane_depth(spec.distance),
      source(image.camera) {
    height = static_cast<float>(plane_depth) - view.image.depth;
    region = ((height > static_cast<float>(min_height)) && (view.mask > 0) && (view.observed > 0)).cast<std::uint8_t>();
    if (mask.size() == 0) region = whole_objects(region, pixels_per_metre(plane_depth));
}

Mask Scene::in_view(const Mask& mask_C) const {
    require(mask_C.rows() == source.height && mask_C.cols() == source.width, "a mask is ", mask_C.cols(), "x",
            mask_C.rows(), " but the image is ", source.width, "x", source.height);
    Mask mask_V = Mask::Zero(height.rows(), height.cols());
    for (int row = 0; row < mask_V.rows(); ++row)
        for (int col = 0; col < mask_V.cols(); ++col) {
            const Eigen::Vector3d p_C = view.X_CV * camera().deproject(row, col, view.image.depth(row, col));
            if (!(p_C.z() > 0)) continue;
            const Eigen::Vector2d pixel = source.project(p_C);  // row, col
            const auto r = std::lround(pixel.x()), c = std::lround(pixel.y());
            if (r >= 0 && c >= 0 && r < mask_C.rows() && c < mask_C.cols()) mask_V(row, col) = mask_C(r, c);
        }
    return mask_V;
}

}  // namespace ebgrasp
