#include "ebgrasp/training/seed_network.hpp"

#include <cmath>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/training/fused_linear.hpp"

namespace ebgrasp {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

/// Windows encoded at once: bounds the memory of the largest feature map to about 64 MiB.
constexpr Eigen::Index encode_chunk = 1024;

/// Calls visit(name, tensor) for all that a checkpoint keeps.
template <typename Visit>
void for_each_tensor(const SeedNetwork& network, const Visit& visit) {
    for (const auto& item : network->named_parameters()) visit(item.key(), item.value());
    for (const auto& item : network->named_buffers())
        if (item.value().is_floating_point()) visit(item.key(), item.value());  // all but num_batches_tracked
}

std::vector<std::size_t> shape_of(const Tensor& tensor) { return {tensor.sizes().begin(), tensor.sizes().end()}; }

/// A CPU float tensor over `rows`, copied to the options of `like`.
template <typename Derived>
Tensor tensor_of(const Eigen::PlainObjectBase<Derived>& rows, const Tensor& like) {
    return torch::from_blob(const_cast<float*>(rows.data()), {rows.rows(), rows.cols()}, torch::kFloat)
        .to(like.options(), /*non_blocking=*/false, /*copy=*/true);
}

/// Whether the layers that are fused for training on a CPU take `input`.
bool takes_fused(const Tensor& input) { return input.is_cpu() && input.scalar_type() == torch::kFloat; }

Tensor row_tensor(const std::array<double, 4>& values, const Tensor& like) {
    return torch::tensor(std::vector<double>(values.begin(), values.end()), torch::kDouble).to(like.options());
}

}  // namespace

EncoderLayerImpl::EncoderLayerImpl(const ConvolutionShape& shape)
    : conv_(nn::Conv2dOptions(shape.in_channels, shape.out_channels, shape.kernel)
                .stride(shape.stride)
                .padding(shape.padding)),
      norm_(nn::BatchNorm2dOptions(shape.out_channels).eps(batch_norm_epsilon)) {
    register_module("conv", conv_);
    register_module("norm", norm_);
}

ConvReluNormParameters EncoderLayerImpl::fused_parameters() const {
    return {conv_->weight, conv_->bias, norm_->weight, norm_->bias};
}

void EncoderLayerImpl::track(const Tensor& mean, const Tensor& variance, double count) {
    const torch::NoGradGuard no_grad;
    const double momentum = norm_->options.momentum().value();
    norm_->running_mean.lerp_(mean, momentum);
    norm_->running_var.lerp_(variance * (count / (count - 1)), momentum);  // running variances are unbiased
}

SeedNetworkImpl::SeedNetworkImpl(double dropout)
    : features_(seed_features, seed_hidden1),
      grasp_(nn::LinearOptions(4, seed_hidden1).bias(false)),
      hidden_(seed_hidden1, seed_hidden2),
      output_(seed_hidden2, 1),
      dropout_(dropout) {
    for (const ConvolutionShape& shape : seed_encoder) encoder_->push_back(EncoderLayer(shape));
    register_module("encoder", encoder_);
    auto head = register_module("head", std::make_shared<nn::Module>());
    head->register_module("features", features_);
    head->register_module("grasp", grasp_);
    head->register_module("hidden", hidden_);
    head->register_module("output", output_);

    const torch::NoGradGuard no_grad;
    const nn::Linear literal(seed_features + 4 * grasp_repeats, seed_hidden1);
    features_->weight.copy_(literal->weight.slice(1, 0, seed_features));
    features_->bias.copy_(literal->bias);
    grasp_->weight.copy_(literal->weight.slice(1, seed_features).reshape({seed_hidden1, grasp_repeats, 4}).sum(1));
}

Tensor SeedNetworkImpl::encode(const Tensor& windows) {
    if (is_training() && takes_fused(windows))
        return fused_linear(encode_fused(windows).flatten(1), features_->weight, features_->bias);
    Tensor maps = windows;
    for (const auto& layer : *encoder_) maps = layer->as<EncoderLayer>()->forward(maps);
    return features_(maps.flatten(1));
}

Tensor SeedNetworkImpl::encode_fused(const Tensor& windows) {
    if (!fused_) fused_.emplace(std::vector(seed_encoder.begin(), seed_encoder.end()), window_size, batch_norm_epsilon);
    std::vector<ConvReluNormParameters> parameters;
    for (const auto& layer : *encoder_) parameters.push_back(layer->as<EncoderLayer>()->fused_parameters());
    const auto result = fused_->forward(windows.permute({0, 2, 3, 1}), parameters);
    int side = window_size;
    for (std::size_t i = 0; i < seed_encoder.size(); ++i) {
        side = seed_encoder[i].output_side(side);
        encoder_[i]->as<EncoderLayer>()->track(result.mean[i], result.variance[i],
                                               static_cast<double>(windows.size(0) * side * side));
    }
    return result.output.permute({0, 3, 1, 2});
}

Tensor SeedNetworkImpl::energies(const Tensor& codes, const Tensor& grasps) {
    if (is_training() && takes_fused(codes)) {
        const Tensor x = fused_linear_relu_dropout(grasps, grasp_->weight, codes, dropout_);
        const Tensor z = fused_linear_relu_dropout(x, hidden_->weight, hidden_->bias, dropout_);
        return fused_linear(z, output_->weight, output_->bias).squeeze(1);
    }
    Tensor x = torch::dropout(torch::relu(codes + grasp_(grasps)), dropout_, is_training());
    x = torch::dropout(torch::relu(hidden_(x)), dropout_, is_training());
    return output_(x).squeeze(1);
}

Checkpoint to_checkpoint(const SeedNetwork& network) {
    Checkpoint checkpoint{"seed", nlohmann::json::object(), {}};
    for_each_tensor(network, [&](const std::string& name, const Tensor& tensor) {
        const Tensor values = tensor.detach().to(torch::kCPU, torch::kFloat).contiguous();
        const float* data = values.data_ptr<float>();
        checkpoint.tensors[name] = StoredTensor{shape_of(tensor), std::vector<float>(data, data + values.numel())};
    });
    return checkpoint;
}

void load_checkpoint(SeedNetwork& network, const Checkpoint& checkpoint) {
    require(checkpoint.model == "seed", "the checkpoint holds a model '", checkpoint.model, "', not 'seed'");
    const torch::NoGradGuard no_grad;
    for_each_tensor(network, [&](const std::string& name, Tensor tensor) {
        const auto& values = checkpoint.tensor(name, shape_of(tensor)).values;
        tensor.copy_(torch::from_blob(const_cast<float*>(values.data()), tensor.sizes(), torch::kFloat));
    });
}

TorchWindowNetwork::TorchWindowNetwork(SeedNetwork network, const WindowNormalization& normalization)
    : network_(std::move(network)), normalization_(normalization) {}

WindowBatch TorchWindowNetwork::encode(const WindowBatch& windows) const {
    const torch::NoGradGuard no_grad;
    network_->eval();
    WindowBatch codes(windows.rows(), seed_hidden1);
    for (Eigen::Index begin = 0; begin < windows.rows(); begin += encode_chunk) {
        const WindowBatch chunk = windows.middleRows(begin, std::min(encode_chunk, windows.rows() - begin));
        const Tensor x =
            (tensor_of(chunk, network_->grasp_weight()) - normalization_.depth_mean) / normalization_.depth_std;
        const Tensor code = network_->encode(x.view({-1, 1, window_size, window_size})).to(torch::kCPU, torch::kFloat);
        std::copy_n(code.contiguous().data_ptr<float>(), code.numel(), codes.row(begin).data());
    }
    return codes;
}

void TorchWindowNetwork::evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                                  std::span<float> energies, GraspBatch* gradients) const {
    const Eigen::Index count = grasps.rows();
    require(
        static_cast<Eigen::Index>(code_index.size()) == count && static_cast<Eigen::Index>(energies.size()) == count,
        count, " grasps with ", code_index.size(), " code indices and ", energies.size(), " energies");
    const torch::AutoGradMode gradient_mode(gradients != nullptr);
    network_->eval();
    const Tensor& like = network_->grasp_weight();
    const Tensor index = torch::from_blob(const_cast<int*>(code_index.data()), {count}, torch::kInt).to(like.device());
    Tensor y = tensor_of(grasps, like).requires_grad_(gradients != nullptr);
    const Tensor normalized =
        (y - row_tensor(normalization_.grasp_mean, like)) / row_tensor(normalization_.grasp_std, like);
    const Tensor e = network_->energies(tensor_of(codes, like).index_select(0, index), normalized);
    const Tensor values = e.detach().to(torch::kCPU, torch::kFloat).contiguous();
    std::copy_n(values.data_ptr<float>(), count, energies.data());
    if (!gradients) return;
    const Tensor slopes = torch::autograd::grad({e.sum()}, {y})[0].to(torch::kCPU, torch::kFloat).contiguous();
    gradients->resize(count, 4);
    std::copy_n(slopes.data_ptr<float>(), slopes.numel(), gradients->data());
}

}  // namespace ebgrasp
