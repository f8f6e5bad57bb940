// Scenes as a person would see them: depth and instance images, lit by a lamp.
#pragma once

#include <Eigen/Geometry>
#include <span>

#include "ebgrasp/image/depth_image.hpp"
#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

/// A point light. What it does not see lies in shadow.
struct Lamp {
    DepthImage view;         ///< depth of the scene as seen by a camera L at the lamp; beyond its borders is light
    Eigen::Isometry3d X_CL;  ///< pose of L in the camera whose image is lit
};

/// A picture of the size of `image`: every pixel has the colour of its instance (`colors[instance]`), shaded by
/// Lambert's law with normals from neighbouring depths, darker in shadow; white where depth is missing. Throws Error if
/// the sizes of `image` and `instances` differ or an instance has no colour.
Picture shaded_view(const DepthImage& image, const Mask& instances, std::span<const Color> colors, const Lamp& lamp);

}  // namespace ebgrasp
