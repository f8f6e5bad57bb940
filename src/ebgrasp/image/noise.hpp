// Depth-sensor noise as in Dex-Net 2.0 (Mahler et al. 2017, section III), plus missing pixels at depth edges.
#pragma once

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

struct NoiseParameters {
    double gamma_shape = 1000.0;            ///< gain ~ Gamma(shape, 1 / shape); 0 turns it off
    double gp_probability = 0.5;            ///< chance that the image has correlated noise
    double gp_sigma = 0.005;                ///< metres
    double gp_scale = 4.0;                  ///< pixels per node of the coarse grid that is interpolated bicubically
    double edge_missing_probability = 0.3;  ///< chance that a pixel at a depth edge is missing (0)
    double edge_threshold = 0.02;           ///< metres between neighbours that make an edge
};

/// Adds noise in place; missing pixels stay missing. Table pixels get it like all others (zero depth stays zero).
void add_noise(DepthImage& image, const NoiseParameters& parameters, RandomStream& random);

}  // namespace ebgrasp
