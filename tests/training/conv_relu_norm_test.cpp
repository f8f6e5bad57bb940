#include "ebgrasp/training/conv_relu_norm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

constexpr double epsilon = 1e-5;

/// Largest difference, as a share of the largest number expected.
double difference(const Tensor& a, const Tensor& expected) {
    return ((a.to(torch::kDouble) - expected).abs().max() / (1e-3 + expected.abs().max())).item<double>();
}

/// A stack's tensors in double. Some biases keep their channel off or on throughout.
struct Tensors {
    Tensors(const std::vector<ConvolutionShape>& shapes, int samples, int side) {
        torch::manual_seed(7);
        const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes, torch::kDouble); };
        input = random({samples, shapes[0].in_channels, side, side});
        for (const ConvolutionShape& shape : shapes) {
            layers.push_back({random({shape.out_channels, shape.in_channels, shape.kernel, shape.kernel}),
                              random({shape.out_channels}), random({shape.out_channels}),
                              random({shape.out_channels})});
            layers.back().bias[0] = -1e3;
            layers.back().bias[1] = 10;
            side = shape.output_side(side);
        }
        output_gradient = random({samples, shapes.back().out_channels, side, side});
    }

    std::vector<Tensor> parameters() const {
        std::vector<Tensor> flat;
        for (const auto& layer : layers) flat.insert(flat.end(), {layer.weight, layer.bias, layer.scale, layer.offset});
        return flat;
    }

    Tensor input, output_gradient;
    std::vector<ConvReluNormParameters> layers;
};

/// Output, statistics and gradients of the parameters.
struct Outcome {
    Tensor output;
    std::vector<Tensor> mean, variance, gradients;

    std::vector<Tensor> all() const {
        std::vector<Tensor> all = {output};
        for (const auto* list : {&mean, &variance, &gradients}) all.insert(all.end(), list->begin(), list->end());
        return all;
    }
};

Outcome stock(Tensors t, const std::vector<ConvolutionShape>& shapes) {
    for (Tensor parameter : t.parameters()) parameter.requires_grad_();
    Outcome outcome;
    Tensor maps = t.input;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const auto& layer = t.layers[i];
        maps = torch::relu(torch::conv2d(maps, layer.weight, layer.bias, shapes[i].stride, shapes[i].padding));
        outcome.mean.push_back(maps.mean({0, 2, 3}));
        outcome.variance.push_back(maps.var(at::IntArrayRef{0, 2, 3}, /*unbiased=*/false));
        maps = torch::batch_norm(maps, layer.scale, layer.offset, {}, {}, /*training=*/true, /*momentum=*/0, epsilon,
                                 /*cudnn=*/false);
    }
    outcome.output = maps;
    outcome.gradients = torch::autograd::grad({maps}, t.parameters(), {t.output_gradient});
    return outcome;
}

/// Ours, in float, with PyTorch's order of axes outside.
Outcome fused(const Tensors& t, ConvReluNormStack& stack) {
    const auto leaf = [](const Tensor& tensor) { return tensor.to(torch::kFloat).requires_grad_(); };
    std::vector<ConvReluNormParameters> layers;
    std::vector<Tensor> parameters;
    for (const auto& layer : t.layers) {
        layers.push_back({leaf(layer.weight), leaf(layer.bias), leaf(layer.scale), leaf(layer.offset)});
        parameters.insert(parameters.end(),
                          {layers.back().weight, layers.back().bias, layers.back().scale, layers.back().offset});
    }
    const auto result = stack.forward(t.input.to(torch::kFloat).permute({0, 2, 3, 1}), layers);
    const Tensor output = result.output.permute({0, 3, 1, 2});
    return {output, result.mean, result.variance,
            torch::autograd::grad({output}, parameters, {t.output_gradient.to(torch::kFloat)})};
}

struct Stack {
    std::vector<ConvolutionShape> shapes;
    int side;
};

class ConvReluNormTest : public testing::TestWithParam<Stack> {};
INSTANTIATE_TEST_SUITE_P(
    Stacks, ConvReluNormTest,
    testing::Values(Stack{{{1, 16, 5, 1, 2}}, 9}, Stack{{{3, 5, 3, 1, 0}}, 8}, Stack{{{2, 7, 4, 3, 1}}, 11},
                    Stack{{{1, 16, 5, 1, 2}, {16, 32, 3, 2, 1}, {32, 64, 3, 2, 1}, {64, 64, 3, 2, 1}}, 32},
                    Stack{{{2, 20, 3, 1, 1}, {20, 18, 2, 2, 0}}, 10}));

TEST_P(ConvReluNormTest, EqualsTheStockOperatorsInDouble) {
    const auto& [shapes, side] = GetParam();
    ConvReluNormStack stack(shapes, side, epsilon);
    for (const int samples : {2, 8, 21, 8}) {  // less than a chunk, one chunk, and a chunk cut short
        const Tensors t(shapes, samples, side);
        const auto expected = stock(t, shapes).all(), results = fused(t, stack).all();
        ASSERT_EQ(results.size(), expected.size());
        for (std::size_t i = 0; i < results.size(); ++i)
            EXPECT_LE(difference(results[i], expected[i]), 2e-4) << samples << " samples, tensor " << i;
    }
}
}  // namespace
}  // namespace ebgrasp
