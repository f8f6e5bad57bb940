#include "ebgrasp/energy/seed_runtime.hpp"

#include <algorithm>
#include <cmath>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

constexpr Eigen::Index grasp_block = 64;  ///< grasps evaluated together: their activations stay in the cache

WindowBatch matrix(const Checkpoint& checkpoint, const std::string& name, int rows, int cols) {
    const auto& values =
        checkpoint.tensor(name, {static_cast<std::size_t>(rows), static_cast<std::size_t>(cols)}).values;
    return Eigen::Map<const WindowBatch>(values.data(), rows, cols);
}

Eigen::RowVectorXf vector(const Checkpoint& checkpoint, const std::string& name, int size) {
    const auto& values = checkpoint.tensor(name, {static_cast<std::size_t>(size)}).values;
    return Eigen::Map<const Eigen::RowVectorXf>(values.data(), size);
}

}  // namespace

void to_json(json& json, const WindowNormalization& normalization) {
    json = {{"depth_mean", normalization.depth_mean},
            {"depth_std", normalization.depth_std},
            {"grasp_mean", normalization.grasp_mean},
            {"grasp_std", normalization.grasp_std}};
}

WindowNormalization normalization_of(const Checkpoint& checkpoint) {
    WindowNormalization normalization;
    try {
        const json& given = checkpoint.info.at("normalization");
        given.at("depth_mean").get_to(normalization.depth_mean);
        given.at("depth_std").get_to(normalization.depth_std);
        given.at("grasp_mean").get_to(normalization.grasp_mean);
        given.at("grasp_std").get_to(normalization.grasp_std);
    } catch (const json::exception& error) {
        fail("checkpoint: info 'normalization' is missing or damaged: ", error.what());
    }
    const auto check = [](double mean, double deviation) {
        require(std::isfinite(mean) && std::isfinite(deviation) && deviation > 0, "checkpoint: normalization by mean ",
                mean, " and deviation ", deviation, "; the deviation must be above 0 and both finite");
    };
    check(normalization.depth_mean, normalization.depth_std);
    for (std::size_t i = 0; i < 4; ++i) check(normalization.grasp_mean[i], normalization.grasp_std[i]);
    return normalization;
}

SeedRuntime::SeedRuntime(const Checkpoint& checkpoint) {
    const WindowNormalization normalization = normalization_of(checkpoint);
    depth_mean_ = static_cast<float>(normalization.depth_mean);
    depth_scale_ = static_cast<float>(1.0 / normalization.depth_std);
    grasp_mean_ = Eigen::Map<const Eigen::Array<double, 1, 4>>(normalization.grasp_mean.data()).cast<float>();
    grasp_scale_ = Eigen::Map<const Eigen::Array<double, 1, 4>>(normalization.grasp_std.data()).inverse().cast<float>();
    for (std::size_t layer = 0; layer < seed_encoder.size(); ++layer)
        encoder_.push_back(load_convolution(checkpoint, layer));

    // The checkpoint's features are ordered (channel, row, col), ours (row, col, channel).
    const int channels = seed_encoder.back().out_channels, pixels = seed_features / channels;
    const WindowBatch weight = matrix(checkpoint, "head.features.weight", seed_hidden1, seed_features);
    features_weight_.resize(seed_features, seed_hidden1);
    for (int pixel = 0; pixel < pixels; ++pixel)
        for (int channel = 0; channel < channels; ++channel)
            features_weight_.row(pixel * channels + channel) = weight.col(channel * pixels + pixel).transpose();
    features_bias_ = vector(checkpoint, "head.features.bias", seed_hidden1);
    grasp_weight_ = matrix(checkpoint, "head.grasp.weight", seed_hidden1, 4);
    hidden_weight_ = matrix(checkpoint, "head.hidden.weight", seed_hidden2, seed_hidden1);
    hidden_bias_ = vector(checkpoint, "head.hidden.bias", seed_hidden2);
    output_weight_ = matrix(checkpoint, "head.output.weight", 1, seed_hidden2);
    output_bias_ = vector(checkpoint, "head.output.bias", 1)(0);
}

SeedRuntime::Convolution SeedRuntime::load_convolution(const Checkpoint& checkpoint, std::size_t layer) const {
    const ConvolutionShape& shape = seed_encoder[layer];
    const std::string prefix = "encoder." + std::to_string(layer);
    const auto k = static_cast<std::size_t>(shape.kernel), in = static_cast<std::size_t>(shape.in_channels),
               out = static_cast<std::size_t>(shape.out_channels);
    const auto& weight = checkpoint.tensor(prefix + ".conv.weight", {out, in, k, k}).values;

    Convolution convolution{
        shape, WindowBatch(k * k * in, out), vector(checkpoint, prefix + ".conv.bias", shape.out_channels), {}, {}};
    for (std::size_t o = 0; o < out; ++o)
        for (std::size_t i = 0; i < in; ++i)
            for (std::size_t tap = 0; tap < k * k; ++tap)
                convolution.weight(tap * in + i, o) = weight[(o * in + i) * k * k + tap];

    const auto norm = [&](const char* name) {
        return vector(checkpoint, prefix + ".norm." + name, shape.out_channels);
    };
    const Eigen::RowVectorXf variance = norm("running_var");
    require(variance.minCoeff() >= 0, "checkpoint: tensor '", prefix, ".norm.running_var' holds a negative variance");
    convolution.scale = norm("weight").array() * (variance.array() + static_cast<float>(batch_norm_epsilon)).rsqrt();
    convolution.shift = norm("bias").array() - norm("running_mean").array() * convolution.scale.array();
    return convolution;
}

/// The encoder's 1024 outputs for one window, ordered (row, col, channel).
void SeedRuntime::features(const float* window, float* out) const {
    int side = window_size;
    WindowBatch map = (Eigen::Map<const Eigen::ArrayXf>(window, window_pixels) - depth_mean_) * depth_scale_;
    for (const Convolution& convolution : encoder_) {
        PaddedMap<float> padded(side, convolution.shape);
        for (int row = 0; row < side; ++row) padded.row(row) = map.middleRows(row * side, side);
        side = convolution.shape.output_side(side);
        WindowBatch patches(side * side, convolution.shape.patch_size());
        padded.copy_patches(patches.data());
        map = patches * convolution.weight;
        map = (map.rowwise() + convolution.bias).cwiseMax(0.0f) * convolution.scale.asDiagonal();
        map.rowwise() += convolution.shift;
    }
    std::copy_n(map.data(), map.size(), out);
}

WindowBatch SeedRuntime::encode(const WindowBatch& windows) const {
    require(windows.cols() == window_pixels, "a window has ", window_pixels, " depths, not ", windows.cols());
    WindowBatch encoded(windows.rows(), seed_features);
    parallel_for(static_cast<std::size_t>(windows.rows()), [&](std::size_t i) {
        const auto row = static_cast<Eigen::Index>(i);
        features(windows.row(row).data(), encoded.row(row).data());
    });
    return (encoded * features_weight_).rowwise() + features_bias_;
}

void SeedRuntime::evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                           std::span<float> energies, GraspBatch* gradients) const {
    const Eigen::Index count = grasps.rows();
    require(
        static_cast<Eigen::Index>(code_index.size()) == count && static_cast<Eigen::Index>(energies.size()) == count,
        count, " grasps with ", code_index.size(), " code indices and ", energies.size(), " energies");
    if (gradients) gradients->resize(count, 4);
    parallel_for(static_cast<std::size_t>((count + grasp_block - 1) / grasp_block), [&](std::size_t block) {
        const Eigen::Index begin = static_cast<Eigen::Index>(block) * grasp_block;
        evaluate_block(codes, code_index, grasps, energies, gradients, begin, std::min(begin + grasp_block, count));
    });
}

void SeedRuntime::evaluate_block(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                                 std::span<float> energies, GraspBatch* gradients, Eigen::Index begin,
                                 Eigen::Index end) const {
    const Eigen::Index count = end - begin;
    const GraspBatch y =
        ((grasps.middleRows(begin, count).array().rowwise() - grasp_mean_).rowwise() * grasp_scale_).matrix();
    WindowBatch first = y * grasp_weight_.transpose();
    for (Eigen::Index i = 0; i < count; ++i) first.row(i) += codes.row(code_index[static_cast<std::size_t>(begin + i)]);
    first = first.cwiseMax(0.0f);
    WindowBatch second = first * hidden_weight_.transpose();
    second = (second.rowwise() + hidden_bias_).cwiseMax(0.0f);
    Eigen::Map<Eigen::VectorXf>(energies.data() + begin, count) =
        (second * output_weight_.transpose()).array() + output_bias_;
    if (!gradients) return;

    // Backwards through the three layers; a ReLU passes the gradient where its output is positive.
    const auto gate = [](float gradient, float activation) { return activation > 0 ? gradient : 0.0f; };
    second = output_weight_.replicate(count, 1).binaryExpr(second, gate).eval();
    first = (second * hidden_weight_).eval().binaryExpr(first, gate).eval();
    gradients->middleRows(begin, count) = ((first * grasp_weight_).array().rowwise() * grasp_scale_).matrix();
}

EncodedView::Cost SeedRuntime::multiply_adds() const {
    int encoding = seed_features * seed_hidden1, side = window_size;
    for (const ConvolutionShape& shape : seed_encoder) {
        side = shape.output_side(side);
        encoding += side * side * shape.patch_size() * shape.out_channels;
    }
    return {double(encoding), 4.0 * seed_hidden1 + seed_hidden1 * seed_hidden2 + seed_hidden2};
}

}  // namespace ebgrasp
