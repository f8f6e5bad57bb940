#include "ebgrasp/planning/scene.hpp"

#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/elevation.hpp"

namespace ebgrasp {

Scene::Scene(const DepthImage& image, const Mask& mask, const SupportPlane& plane, const ViewSpec& spec,
             double min_height)
    : view(overhead_view(image, plane, mask.size() > 0 ? mask : whole_objects(image, plane, min_height),
                         spec.focal_length, spec.distance)),
      plane_depth(spec.distance),
      source(image.camera) {
    height = static_cast<float>(plane_depth) - view.image.depth;
    ElevationMap map = elevation_map(view.image, plane_depth, view.observed);
    elevation = std::move(map.height);
    seen = std::move(map.seen);
    tallest = elevation.maxCoeff();
    region = ((height > static_cast<float>(min_height)) && (view.mask > 0) && (view.observed > 0)).cast<std::uint8_t>();
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
