#include "ebgrasp/training/gqcnn_network.hpp"

namespace ebgrasp {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

constexpr auto channels_innermost = at::MemoryFormat::ChannelsLast;  ///< inside, which is faster

}  // namespace

GqcnnNetworkImpl::GqcnnNetworkImpl(torch::ScalarType training_type)
    : training_type_(training_type),
      fc3_(gqcnn_features, gqcnn_image),
      pc1_(1, gqcnn_pose),
      fc4_(gqcnn_image + gqcnn_pose, gqcnn_merged),
      fc5_(gqcnn_merged, 1) {
    for (const GqcnnConvolution& layer : gqcnn_convolutions) {
        const auto options =
            nn::Conv2dOptions(layer.in_channels, layer.out_channels, layer.kernel).padding(layer.kernel / 2);
        convolutions_.push_back(register_module(layer.name, nn::Conv2d(options)));
    }
    register_module("fc3", fc3_);
    register_module("pc1", pc1_);
    register_module("fc4", fc4_);
    register_module("fc5", fc5_);
    for (const auto& item : named_parameters()) {
        Tensor values = item.value();
        if (values.dim() == 1)
            nn::init::zeros_(values);
        else
            nn::init::kaiming_normal_(values);  // fan_in, ReLU
    }
}

Tensor GqcnnNetworkImpl::forward(const Tensor& windows, const Tensor& depths) {
    const auto type = is_training() ? training_type_ : torch::kFloat;
    const auto convert = [&](const Tensor& tensor) { return tensor.to(type).contiguous(channels_innermost); };
    Tensor maps = convert(windows);
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
        const auto& [name, in, out, kernel, pool] = gqcnn_convolutions[i];
        const auto& [weight, bias] = std::tie(convolutions_[i]->weight, convolutions_[i]->bias);
        maps = torch::relu(torch::conv2d(maps, convert(weight), bias.to(type), /*stride=*/1, /*padding=*/kernel / 2));
        if (pool) maps = torch::max_pool2d(maps, 2);
    }
    const Tensor image = torch::relu(fc3_(maps.to(torch::kFloat).contiguous().flatten(1)));
    const Tensor pose = torch::relu(pc1_(depths.unsqueeze(1)));
    return fc5_(torch::relu(fc4_(torch::cat({image, pose}, 1)))).squeeze(1);
}

}  // namespace ebgrasp
