#include "ebgrasp/training/fused_linear.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;

/// Largest difference, as a share of the largest number expected.
double difference(const Tensor& a, const Tensor& expected) {
    return ((a.to(torch::kDouble) - expected).abs().max() / (1e-3 + expected.abs().max())).item<double>();
}

struct Layer {
    int samples, inputs, outputs;
    bool bias;  ///< or an addend of its own for every sample
};

/// A layer's tensors in double.
struct Tensors {
    explicit Tensors(const Layer& layer)
        : x(random({layer.samples, layer.inputs})),
          weight(random({layer.outputs, layer.inputs})),
          addend(layer.bias ? random({layer.outputs}) : random({layer.samples, layer.outputs})),
          gradient(random({layer.samples, layer.outputs})) {}
    static Tensor random(at::IntArrayRef sizes) { return torch::randn(sizes, torch::kDouble); }

    Tensor x, weight, addend, gradient;
};

/// The output and the gradients of x, weight and addend of layer(x, weight, addend) in one precision.
template <typename Function>
std::vector<Tensor> outcome(const Tensors& t, torch::ScalarType type, const Function& layer) {
    std::vector<Tensor> inputs;
    for (const Tensor& tensor : {t.x, t.weight, t.addend})
        inputs.push_back(tensor.to(type, /*non_blocking=*/false, /*copy=*/true).requires_grad_());
    const Tensor output = layer(inputs[0], inputs[1], inputs[2]);
    std::vector<Tensor> all = torch::autograd::grad({output}, inputs, {t.gradient.to(type)});
    all.push_back(output.detach());
    return all;
}

void expect_equal(const std::vector<Tensor>& results, const std::vector<Tensor>& expected) {
    ASSERT_EQ(results.size(), expected.size());
    for (std::size_t i = 0; i < results.size(); ++i) EXPECT_LE(difference(results[i], expected[i]), 2e-6) << i;
}

class FusedLinear : public testing::TestWithParam<Layer> {
  protected:
    void SetUp() override { torch::manual_seed(3); }
};
INSTANTIATE_TEST_SUITE_P(Layers, FusedLinear,
                         testing::Values(Layer{512, 1024, 512, true}, Layer{512, 4, 512, false},
                                         Layer{300, 40, 1, true}, Layer{1, 7, 5, true}, Layer{3, 1, 1, false}));

TEST_P(FusedLinear, EqualsTheStockOperatorsInDouble) {
    const Tensors t(GetParam());
    expect_equal(outcome(t, torch::kFloat, fused_linear),
                 outcome(t, torch::kDouble, [](const auto& x, const auto& weight, const auto& addend) {
                     return torch::matmul(x, weight.t()) + addend;
                 }));
}

TEST_P(FusedLinear, WithReluAndDropoutEqualsTheStockOperatorsUnderTheSameMask) {
    const Tensors t(GetParam());
    for (const double dropout : {0.0, 0.3}) {
        const auto results = outcome(t, torch::kFloat, [&](const auto& x, const auto& weight, const auto& addend) {
            return fused_linear_relu_dropout(x, weight, addend, dropout);
        });
        // Where the ReLU is zero, the mask has no effect and is not known.
        const Tensor mask = (results.back() > 0).to(torch::kDouble) / (1 - dropout);
        const auto expected = outcome(t, torch::kDouble, [&](const auto& x, const auto& weight, const auto& addend) {
            const Tensor positive = torch::relu(torch::matmul(x, weight.t()) + addend);
            return dropout > 0 ? positive * mask : positive;
        });
        expect_equal(results, expected);
    }
}

TEST(FusedLinearDropout, DropsTheShareAskedForAnewInEveryCall) {
    torch::manual_seed(4);
    const Tensor x = torch::ones({400, 1}), weight = torch::zeros({301, 1}), bias = torch::ones({301});
    const auto kept = [&] { return fused_linear_relu_dropout(x, weight, bias, 0.3) > 0; };
    const Tensor first = kept(), second = kept();
    const auto share = [](const Tensor& is) { return is.to(torch::kDouble).mean().item<double>(); };
    EXPECT_NEAR(share(first), 0.7, 0.006);  // four standard deviations
    EXPECT_NEAR(share(second), 0.7, 0.006);
    EXPECT_NEAR(share(first & second), 0.49, 0.006);
    EXPECT_NEAR(share(first.slice(0, 1) & first.slice(0, 0, -1)), 0.49, 0.006);  // of neighbours
    EXPECT_NEAR(share(first.slice(1, 1) & first.slice(1, 0, -1)), 0.49, 0.006);
    torch::manual_seed(4);
    EXPECT_TRUE(torch::equal(first, kept()));
}

TEST(FusedLinearThreads, DoNotChangeABit) {
    const Tensors t({700, 300, 290, true});
    const auto all = [&](int threads) {
        const ThreadLimit limit(threads);
        torch::manual_seed(5);
        return outcome(t, torch::kFloat, [](const auto& x, const auto& weight, const auto& addend) {
            return fused_linear_relu_dropout(x, weight, addend, 0.3);
        });
    };
    const auto one = all(1), two = all(2);
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], two[i])) << i;
}

TEST(FusedLinearErrors, NameShapesAndTypes) {
    const Tensor x = torch::zeros({2, 3}), weight = torch::zeros({5, 3}), bias = torch::zeros({5});
    EXPECT_THROW(fused_linear(x.to(torch::kDouble), weight, bias), Error);
    EXPECT_THROW(fused_linear(x.t(), weight, bias), Error);
}

}  // namespace
}  // namespace ebgrasp
