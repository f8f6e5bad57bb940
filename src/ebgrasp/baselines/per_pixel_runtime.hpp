// GG-CNN2 without libtorch (Morrison, Corke and Leitner, IJRR 2020, section 4): 66 676 weights, of which four maps come
// out. What training/per_pixel_network.hpp trains.
//
//   input    height above the plane in units of per_pixel_height_scale: 1 x height x width, multiples of 4
//   layers   per_pixel_layers, zero-padded, each followed by a ReLU but the last one, and by what its `then` says
//   output   4 x height x width: quality, cos2, sin2, and the opening in units of per_pixel_width_scale
//
// Differences from the publication: the input (it takes the depth less its mean), and bilinear upsampling that keeps
// pixel centres in place (PyTorch's align_corners = false).
//
// Tensors of its checkpoint (model "percnn"), shapes as in PyTorch: <layer>.weight (out, in, kernel, kernel),
// <layer>.bias.
#pragma once

#include <array>

#include "ebgrasp/baselines/per_pixel_maps.hpp"
#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/convolution_network.hpp"

namespace ebgrasp {

struct PerPixelLayer {
    enum class Then { nothing, halve, double_up };  ///< max pooling of 2 x 2; bilinear upsampling by 2
    const char* name;
    int in_channels, out_channels, kernel, dilation;
    Then then;
    int padding() const { return dilation * (kernel / 2); }
};

inline constexpr std::array<PerPixelLayer, 9> per_pixel_layers = {{
    {"conv1", 1, 16, 11, 1, PerPixelLayer::Then::nothing},
    {"conv2", 16, 16, 5, 1, PerPixelLayer::Then::halve},
    {"conv3", 16, 16, 5, 1, PerPixelLayer::Then::nothing},
    {"conv4", 16, 16, 5, 1, PerPixelLayer::Then::halve},
    {"conv5", 16, 32, 5, 2, PerPixelLayer::Then::nothing},
    {"conv6", 32, 32, 5, 4, PerPixelLayer::Then::double_up},
    {"conv7", 32, 16, 3, 1, PerPixelLayer::Then::double_up},
    {"conv8", 16, 16, 3, 1, PerPixelLayer::Then::nothing},
    {"output", 16, 4, 1, 1, PerPixelLayer::Then::nothing},
}};
inline constexpr double per_pixel_height_scale = 0.05;  ///< metres
inline constexpr double per_pixel_width_scale = 0.1;    ///< metres

/// The network's input for a grid, row by row.
std::vector<float> per_pixel_input(const ViewGrid& grid);
/// The maps of its output for one image, channel by channel.
GraspMaps per_pixel_maps(std::span<const float> output, int height, int width);

class PerPixelRuntime : public GraspMapper {
  public:
    /// Throws Error: another model, or naming the tensor that is missing or has another shape.
    explicit PerPixelRuntime(const Checkpoint& checkpoint);

    GraspMaps maps(const ViewGrid& grid) const override;
    double multiply_adds(const ViewGrid& grid) const override {
        return network_.multiply_adds(static_cast<int>(grid.depth.rows()), static_cast<int>(grid.depth.cols()));
    }

  private:
    ConvolutionNetwork network_;
};

}  // namespace ebgrasp
