#include "ebgrasp/training/gqcnn_network.hpp"

namespace ebgrasp {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

}  // namespace

GqcnnNetworkImpl::GqcnnNetworkImpl()
    : fc3_(gqcnn_features, gqcnn_image),
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
    Tensor maps = windows;
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
        maps = torch::relu(convolutions_[i](maps));
        if (gqcnn_convolutions[i].pool) maps = torch::max_pool2d(maps, 2);
    }
    const Tensor image = torch::relu(fc3_(maps.flatten(1)));
    const Tensor pose = torch::relu(pc1_(depths.unsqueeze(1)));
    return fc5_(torch::relu(fc4_(torch::cat({image, pose}, 1)))).squeeze(1);
}

}  // namespace ebgrasp
