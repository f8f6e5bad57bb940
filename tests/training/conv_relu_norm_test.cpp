#include "ebgrasp/training/conv_relu_norm.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/training/seed_network.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

constexpr double epsilon = 1e-5;

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

/// A layer's tensors, channels outermost as PyTorch has them. Some biases keep their channel off or on throughout.
struct Tensors {
    Tensors(const ConvolutionShape& shape, int samples, int side) {
        torch::manual_seed(7);
        const auto options = torch::TensorOptions(torch::kDouble);
        input = torch::randn({samples, shape.in_channels, side, side}, options);
        weight = torch::randn({shape.out_channels, shape.in_channels, shape.kernel, shape.kernel}, options);
        bias = torch::randn({shape.out_channels}, options);
        bias[0] = -1e3;
        bias[1] = 1e3;
        scale = torch::randn({shape.out_channels}, options);
        offset = torch::randn({shape.out_channels}, options);
        const int out = shape.output_side(side);
        output_gradient = torch::randn({samples, shape.out_channels, out, out}, options);
        for (Tensor* tensor : {&input, &weight, &bias, &scale, &offset}) tensor->requires_grad_();
    }

    std::vector<Tensor> inputs() const { return {input, weight, bias, scale, offset}; }

    Tensor input, weight, bias, scale, offset, output_gradient;
};

/// Ours, with PyTorch's order of axes outside.
ConvReluNormResult fused(const Tensors& t, const ConvolutionShape& shape) {
    const Tensor weight = t.weight.permute({2, 3, 1, 0}).reshape({shape.patch_size(), shape.out_channels});
    auto result = conv_relu_norm(t.input.permute({0, 2, 3, 1}), weight, t.bias, t.scale, t.offset, shape, epsilon);
    result.output = result.output.permute({0, 3, 1, 2});
    return result;
}

class ConvReluNormTest : public testing::TestWithParam<ConvolutionShape> {};
INSTANTIATE_TEST_SUITE_P(Shapes, ConvReluNormTest,
                         testing::Values(ConvolutionShape{1, 16, 5, 1, 2}, ConvolutionShape{16, 32, 3, 2, 1},
                                         ConvolutionShape{3, 5, 3, 1, 0}, ConvolutionShape{2, 7, 4, 3, 1}));

TEST_P(ConvReluNormTest, EqualsTheStockOperators) {
    const ConvolutionShape& shape = GetParam();
    for (const int samples : {2, 8, 21}) {  // less than a chunk, one chunk, and a chunk cut short
        const Tensors t(shape, samples, 9);
        const Tensor activation = torch::relu(torch::conv2d(t.input, t.weight, t.bias, shape.stride, shape.padding));
        Tensor running_mean = torch::zeros_like(t.bias).detach(), running_variance = torch::ones_like(t.bias).detach();
        const Tensor expected = torch::batch_norm(activation, t.scale, t.offset, running_mean, running_variance,
                                                  /*training=*/true, /*momentum=*/1.0, epsilon, /*cudnn=*/false);
        const auto [output, mean, variance] = fused(t, shape);
        EXPECT_LE(difference(output, expected), 1e-10);
        const double count = static_cast<double>(activation.numel()) / shape.out_channels;
        EXPECT_LE(difference(mean, running_mean), 1e-10);
        EXPECT_LE(difference(variance * (count / (count - 1)), running_variance), 1e-9);

        const auto gradients = torch::autograd::grad({output}, t.inputs(), {t.output_gradient});
        const auto expected_gradients = torch::autograd::grad({expected}, t.inputs(), {t.output_gradient});
        const char* names[] = {"input", "weight", "bias", "scale", "offset"};
        for (std::size_t i = 0; i < gradients.size(); ++i) {
            const double size = 1 + expected_gradients[i].abs().max().item<double>();
            EXPECT_LE(difference(gradients[i], expected_gradients[i]) / size, 1e-9) << names[i];
        }
    }
}

TEST(ConvReluNorm, DoesNotDependOnThreads) {
    const ConvolutionShape shape{3, 8, 3, 2, 1};
    const auto all = [&] {
        const Tensors t(shape, 67, 12);
        const auto [output, mean, variance] = fused(t, shape);
        auto results = torch::autograd::grad({output}, t.inputs(), {t.output_gradient});
        results.insert(results.end(), {output, mean, variance});
        return results;
    };
    const ThreadLimit many(4);
    const auto expected = all();
    const ThreadLimit one(1);
    const auto results = all();
    for (std::size_t i = 0; i < results.size(); ++i) EXPECT_TRUE(torch::equal(results[i], expected[i])) << i;
}

TEST(EncoderLayer, FusedInTrainingIsTheStockOne) {
    torch::manual_seed(3);
    const ConvolutionShape shape{16, 32, 3, 2, 1};
    EncoderLayer fused(shape), stock(shape);
    fused->to(torch::kDouble);
    stock->to(torch::kDouble);
    torch::NoGradGuard no_grad;
    for (const auto& item : fused->named_parameters()) stock->named_parameters()[item.key()].copy_(item.value());
    for (int step = 0; step < 3; ++step) {  // running statistics are carried on
        const Tensor maps = torch::randn({5, 16, 8, 8}, torch::kDouble);
        EXPECT_LE(difference(fused->forward_fused(maps.permute({0, 2, 3, 1})).permute({0, 3, 1, 2}), stock(maps)),
                  1e-10);
        for (const char* name : {"norm.running_mean", "norm.running_var"})
            EXPECT_LE(difference(fused->named_buffers()[name], stock->named_buffers()[name]), 1e-12) << name;
    }
}

}  // namespace
}  // namespace ebgrasp
