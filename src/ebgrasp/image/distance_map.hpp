// How far every pixel is from a mask.
#pragma once

#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// Pixels to the nearest non-zero pixel of `mask`; inside the mask minus the pixels to the nearest zero one (Euclidean,
/// between pixel centres; OpenCV's distance transform). Where there is no such pixel, the mask's diagonal.
DepthArray signed_distance(const Mask& mask);

}  // namespace ebgrasp
