#include "ebgrasp/training/field_network.hpp"

namespace ebgrasp {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

nn::Sequential convolution(int in, int out, int kernel, int stride) {
    return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false)),
                          nn::BatchNorm2d(out), nn::ReLU(nn::ReLUOptions(true)));
}

Tensor twice(const Tensor& maps) {
    return nn::functional::interpolate(
        maps, nn::functional::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
}

/// maps (B x C x height x width) at pixels (col, row) = at (B x N x K x 2), bilinear, the border repeated: B x C x N x
/// K. `twice_differentiable`: with gathers, since the gradient of grid_sample has none of its own.
Tensor sample(const Tensor& maps, const Tensor& at, bool twice_differentiable) {
    const Tensor last = torch::tensor({double(maps.size(3) - 1), double(maps.size(2) - 1)}, at.options());
    if (!twice_differentiable)
        return nn::functional::grid_sample(maps, 2 * at / last - 1,
                                           nn::functional::GridSampleFuncOptions()
                                               .mode(torch::kBilinear)
                                               .padding_mode(torch::kBorder)
                                               .align_corners(true));
    const Tensor inside = torch::minimum(at.clamp_min(0), last);
    const Tensor low = torch::minimum(inside.detach().floor(), last - 1), share = inside - low;
    const Tensor corner = low.select(3, 1) * maps.size(3) + low.select(3, 0);  // B x N x K
    const Tensor flat = maps.flatten(2);
    const auto corners = [&](std::int64_t right, std::int64_t down) {
        const Tensor index = (corner + double(right + down * maps.size(3))).to(torch::kLong).flatten(1).unsqueeze(1);
        return flat.gather(2, index.expand({-1, flat.size(1), -1})).unflatten(2, {at.size(1), at.size(2)});
    };
    const Tensor u = share.select(3, 0).unsqueeze(1), v = share.select(3, 1).unsqueeze(1);
    return (1 - v) * ((1 - u) * corners(0, 0) + u * corners(1, 0)) + v * ((1 - u) * corners(0, 1) + u * corners(1, 1));
}

}  // namespace

FieldNetworkImpl::FieldNetworkImpl()
    : stem_(convolution(1, 16, 5, 2)),
      down2_(convolution(16, 32, 3, 2)),
      down3_(convolution(32, 64, 3, 2)),
      middle_(convolution(64, 64, 3, 1)),
      narrow3_(convolution(64, 16, 1, 1)),
      up2_(convolution(48, 32, 3, 1)),
      narrow2_(convolution(32, 8, 1, 1)),
      up1_(convolution(24, 16, 3, 1)),
      features_(nn::Conv2dOptions(16, field_features, 1)),
      hidden1_(field_inputs, field_hidden1),
      hidden2_(field_hidden1, field_hidden2),
      output_(field_hidden2, 2) {
    register_module("stem", stem_);
    register_module("down2", down2_);
    register_module("down3", down3_);
    register_module("middle", middle_);
    register_module("narrow3", narrow3_);
    register_module("up2", up2_);
    register_module("narrow2", narrow2_);
    register_module("up1", up1_);
    register_module("features", features_);
    register_module("hidden1", hidden1_);
    register_module("hidden2", hidden2_);
    register_module("output", output_);
}

Tensor FieldNetworkImpl::encode(const FieldBatch& batch) {
    const Tensor height = (batch.plane_depth - batch.depth) / field_height_scale;
    const Tensor one = stem_->forward(height), two = down2_->forward(one);
    const Tensor three = middle_->forward(down3_->forward(two));
    const Tensor up2 = up2_->forward(torch::cat({twice(narrow3_->forward(three)), two}, 1));
    return features_(up1_->forward(torch::cat({twice(narrow2_->forward(up2)), one}, 1)));
}

FieldNetworkImpl::Reading FieldNetworkImpl::read(const Tensor& features, const FieldBatch& batch, const Tensor& grasps,
                                                 bool twice_differentiable) {
    const auto scenes = grasps.size(0), count = grasps.size(1);
    const Tensor depth = grasps.select(2, 2), angle = grasps.select(2, 3);
    const double scale = batch.focal_length / batch.plane_depth;  // pixels per metre
    const Tensor cosine = angle.cos().unsqueeze(2), sine = angle.sin().unsqueeze(2);
    const Tensor x = batch.points.select(2, 0).unsqueeze(1), y = batch.points.select(2, 1).unsqueeze(1);
    const Tensor col = grasps.select(2, 1).unsqueeze(2) + scale * (x * cosine - y * sine);
    const Tensor row = grasps.select(2, 0).unsqueeze(2) + scale * (x * sine + y * cosine);
    const Tensor at = torch::stack({col, row}, 3);  // B x N x K x 2

    const Tensor local = sample(features, at / field_feature_step, twice_differentiable);  // B x F x N x K
    const Tensor surface = sample(batch.depth, at, twice_differentiable);
    const Tensor clearance = (surface - depth.view({scenes, 1, count, 1})) / field_clearance_scale;
    const Tensor points = torch::cat({local, clearance}, 1).permute({0, 2, 3, 1});  // B x N x K x (F + 1)
    Tensor gripper = batch.gripper.unsqueeze(1).expand({-1, count, -1}).clone();
    gripper.select(2, field_gripper_inputs - 1).copy_((batch.plane_depth - depth) / field_height_scale);
    const Tensor both = torch::stack(
        {torch::cat({points.flatten(2), gripper}, 2), torch::cat({points.flip(2).flatten(2), gripper}, 2)});
    const Tensor out = output_(torch::silu(hidden2_(torch::silu(hidden1_(both))))).mean(0);
    return {out.select(2, 0), out.select(2, 1)};
}

Checkpoint to_checkpoint(FieldNetwork& network) {
    const torch::NoGradGuard no_grad;
    Checkpoint checkpoint{"field", {{"view", field_view}}, {}};
    const auto store = [&](const std::string& name, const Tensor& tensor) {
        const Tensor values = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
        const float* data = values.data_ptr<float>();
        checkpoint.tensors[name] = StoredTensor{{tensor.sizes().begin(), tensor.sizes().end()},
                                                std::vector<float>(data, data + values.numel())};
    };
    for (const auto& child : network->named_children()) {
        if (auto* layer = child.value()->as<nn::SequentialImpl>()) {
            const auto& norm = *layer->ptr(1)->as<nn::BatchNorm2dImpl>();
            const Tensor factor = norm.weight / (norm.running_var + norm.options.eps()).sqrt();
            store(child.key() + ".weight", layer->ptr(0)->as<nn::Conv2dImpl>()->weight * factor.view({-1, 1, 1, 1}));
            store(child.key() + ".bias", norm.bias - norm.running_mean * factor);
        } else {
            for (const auto& item : child.value()->named_parameters())
                store(child.key() + "." + item.key(), item.value());
        }
    }
    return checkpoint;
}

}  // namespace ebgrasp
