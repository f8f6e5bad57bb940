#include "ebgrasp/training/per_pixel_network.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;
namespace nn = torch::nn;

Tensor doubled(const Tensor& maps) {
    const std::vector<std::int64_t> size = {2 * maps.size(2), 2 * maps.size(3)};
    return nn::functional::interpolate(
        maps, nn::functional::InterpolateFuncOptions().size(size).mode(torch::kBilinear).align_corners(false));
}

}  // namespace

PerPixelNetworkImpl::PerPixelNetworkImpl() {
    for (const PerPixelLayer& layer : per_pixel_layers) {
        nn::Conv2d convolution(nn::Conv2dOptions(layer.in_channels, layer.out_channels, layer.kernel)
                                   .padding(layer.padding())
                                   .dilation(layer.dilation));
        nn::init::xavier_uniform_(convolution->weight);
        layers_.push_back(register_module(layer.name, convolution));
    }
}

Tensor PerPixelNetworkImpl::forward(const Tensor& heights) {
    Tensor maps = heights;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
        maps = layers_[i]->forward(maps);
        if (i + 1 < layers_.size()) maps = torch::relu(maps);
        if (per_pixel_layers[i].then == PerPixelLayer::Then::halve) maps = torch::max_pool2d(maps, 2);
        if (per_pixel_layers[i].then == PerPixelLayer::Then::double_up) maps = doubled(maps);
    }
    return maps;
}

GraspMaps TorchGraspMapper::maps(const ViewGrid& grid) const {
    const torch::NoGradGuard no_grad;
    const int height = static_cast<int>(grid.depth.rows()), width = static_cast<int>(grid.depth.cols());
    std::vector<float> input = per_pixel_input(grid);
    const Tensor heights = torch::from_blob(input.data(), {1, 1, height, width}, torch::kFloat).to(device_);
    const Tensor output = network_->forward(heights).to(torch::kCPU).contiguous();
    return per_pixel_maps({output.data_ptr<float>(), static_cast<std::size_t>(output.numel())}, height, width);
}

}  // namespace ebgrasp
