#include "ebgrasp/planning/scene.hpp"

#include <algorithm>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

Scene::Scene(const DepthImage& image, const Mask& mask, const SupportPlane& plane, const ViewSpec& spec,
             double min_height)
    : view(overhead_view(image, plane, mask.size() > 0 ? mask : whole_objects(image, plane, min_height),
                         spec.focal_length, spec.distance)),
      plane_depth(spec.distance),
      source(image.camera) {
    height = static_cast<float>(plane_depth) - view.image.depth;
    fill_elevation();
    region = ((height > static_cast<float>(min_height)) && (view.mask > 0) && (view.observed > 0)).cast<std::uint8_t>();
}

void Scene::fill_elevation() {
    elevation.setZero(height.rows(), height.cols());
    seen.setZero(height.rows(), height.cols());
    for (int row = 0; row < height.rows(); ++row)
        for (int col = 0; col < height.cols(); ++col) {
            // What rises is nearer and seen farther from V's axis than it stands. Shrinking leaves no holes.
            const float top = height(row, col);
            const double shrink = 1 - top / plane_depth;
            const double foot_row = camera().cy + shrink * (row - camera().cy),
                         foot_col = camera().cx + shrink * (col - camera().cx);
            if (!contains(foot_row, foot_col)) continue;
            float& highest = elevation(nearest(foot_row), nearest(foot_col));
            highest = std::max(highest, top);
            if (view.observed(row, col) || top != 0) seen(nearest(foot_row), nearest(foot_col)) = 1;  // or bridged
        }
    tallest = elevation.maxCoeff();
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
