#include "ebgrasp/baselines/per_pixel_runtime.hpp"

#include <algorithm>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

std::vector<NetworkLayer> network_layers(const Checkpoint& checkpoint) {
    require(checkpoint.model == "percnn", "the checkpoint holds a model '", checkpoint.model,
            "', must be 'percnn': train one with `ebgrasp train --model percnn`");
    std::vector<NetworkLayer> layers;
    for (const PerPixelLayer& layer : per_pixel_layers) {
        const auto size = [](int n) { return static_cast<std::size_t>(n); };
        const std::string name = layer.name;
        const auto& weight = checkpoint.tensor(name + ".weight", {size(layer.out_channels), size(layer.in_channels),
                                                                  size(layer.kernel), size(layer.kernel)});
        const auto& bias = checkpoint.tensor(name + ".bias", {size(layer.out_channels)});
        const auto last = [&] { return static_cast<int>(layers.size()); };  // the value made by the last layer so far
        layers.push_back(ConvolutionLayer{.input = last(),
                                          .in_channels = layer.in_channels,
                                          .out_channels = layer.out_channels,
                                          .kernel = layer.kernel,
                                          .padding = layer.padding(),
                                          .dilation = layer.dilation,
                                          .weight = weight.values,
                                          .bias = bias.values,
                                          .relu = &layer != &per_pixel_layers.back()});
        if (layer.then == PerPixelLayer::Then::halve) layers.push_back(MaxPoolLayer{.input = last()});
        if (layer.then == PerPixelLayer::Then::double_up)
            layers.push_back(UpsampleLayer{.input = last(), .bilinear = true});
    }
    return layers;
}

}  // namespace

std::vector<float> per_pixel_input(const ViewGrid& grid) {
    std::vector<float> input(static_cast<std::size_t>(grid.depth.size()));
    std::transform(grid.depth.data(), grid.depth.data() + grid.depth.size(), input.begin(), [&](float depth) {
        return static_cast<float>((grid.plane_depth - depth) / per_pixel_height_scale);
    });
    return input;
}

GraspMaps per_pixel_maps(std::span<const float> output, int height, int width) {
    const auto channel = [&](int c) {
        return Eigen::Map<const DepthArray>(&output[c * height * width], height, width);
    };
    return {channel(0), channel(1), channel(2), channel(3) * static_cast<float>(per_pixel_width_scale)};
}

PerPixelRuntime::PerPixelRuntime(const Checkpoint& checkpoint) : network_(network_layers(checkpoint)) {}

GraspMaps PerPixelRuntime::maps(const ViewGrid& grid) const {
    const MapSize size{1, static_cast<int>(grid.depth.rows()), static_cast<int>(grid.depth.cols())};
    std::vector<float> output(4 * static_cast<std::size_t>(grid.depth.size()));
    ConvolutionWorkspace workspace(network_);
    workspace.forward(per_pixel_input(grid), size, output);
    return per_pixel_maps(output, size.height, size.width);
}

}  // namespace ebgrasp
