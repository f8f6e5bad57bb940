#include "ebgrasp/training/fused_linear.hpp"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/single_threaded.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Of a product: one thread's share of a batch of 512, and enough to pack the other factor for.
constexpr std::int64_t rows_at_once = 256;

// ------------------------------------------------------------------------------------------------------------ products

/// How BLAS reads a matrix: row by row, or the transpose of one.
struct Storage {
    explicit Storage(const Tensor& matrix)
        : order(matrix.stride(1) == 1 ? 'N' : 'T'),
          leading(order == 'N' ? std::max(matrix.stride(0), matrix.size(1))
                               : std::max(matrix.stride(1), matrix.size(0))) {}
    char order;
    std::int64_t leading;
};

/// c = a b + beta c. `a` and `b` may be transposed views of contiguous matrices.
void multiply(const Tensor& a, const Tensor& b, float beta, const Tensor& c) {
    const std::int64_t rows = c.size(0), cols = c.size(1);
    const Storage of_a(a), of_b(b);
    parallel_for(static_cast<std::size_t>((rows + rows_at_once - 1) / rows_at_once), [&](std::size_t piece) {
        const std::int64_t first = static_cast<std::int64_t>(piece) * rows_at_once;
        const SingleThreadedPrimitives guard;
        dnnl::sgemm(of_a.order, of_b.order, std::min(rows_at_once, rows - first), cols, a.size(1), 1,
                    a.data_ptr<float>() + first * a.stride(0), of_a.leading, b.data_ptr<float>(), of_b.leading, beta,
                    c.data_ptr<float>() + first * cols, cols);
    });
}

// -------------------------------------------------------------------------------------------------------------- sweeps

/// Calls visit(row, its first number) for all rows of a contiguous matrix.
template <typename Visit>
void for_each_row(const Tensor& matrix, const Visit& visit) {
    float* values = matrix.data_ptr<float>();
    parallel_for(
        static_cast<std::size_t>(matrix.size(0)),
        [&](std::size_t row) { visit(row, values + static_cast<std::int64_t>(row) * matrix.size(1)); }, /*grain=*/32);
}

/// 1 / (1 - dropout) with probability 1 - dropout, else 0: `count` factors, 32 random bits each.
void draw_factors(RandomStream random, double dropout, std::int64_t count, float* factors) {
    const auto dropped_below = static_cast<std::uint32_t>(dropout * 0x1p32);
    const auto kept = static_cast<float>(1 / (1 - dropout));
    for (std::int64_t i = 0; i < count; i += 2) {
        const std::uint64_t bits = random();
        factors[i] = static_cast<std::uint32_t>(bits) < dropped_below ? 0 : kept;
        if (i + 1 < count) factors[i + 1] = static_cast<std::uint32_t>(bits >> 32) < dropped_below ? 0 : kept;
    }
}

/// dropout(relu(x)), in place.
void relu_and_dropout(const Tensor& x, double dropout) {
    const std::int64_t cols = x.size(1);
    const auto seed = static_cast<std::uint64_t>(
        torch::randint(std::numeric_limits<std::int64_t>::max(), {1}, torch::kLong).item<std::int64_t>());
    for_each_row(x, [&](std::size_t row, float* values) {
        std::vector<float> factors(static_cast<std::size_t>(cols), 1.0F);
        if (dropout > 0) draw_factors(RandomStream(seed, row), dropout, cols, factors.data());
        for (std::int64_t i = 0; i < cols; ++i)
            values[i] = std::max(values[i], 0.0F) * factors[static_cast<std::size_t>(i)];
    });
}

/// The gradient before ReLU and dropout. What passed both is positive, and was divided by 1 - dropout.
Tensor relu_and_dropout_backward(const Tensor& gradient, const Tensor& output, double dropout) {
    Tensor before = torch::empty_like(output);
    const auto kept = static_cast<float>(1 / (1 - dropout));
    const std::int64_t cols = output.size(1);
    for_each_row(before, [&](std::size_t row, float* values) {
        const std::int64_t at = static_cast<std::int64_t>(row) * cols;
        const float *g = gradient.data_ptr<float>() + at, *y = output.data_ptr<float>() + at;
        for (std::int64_t i = 0; i < cols; ++i) values[i] = y[i] > 0 ? kept * g[i] : 0;
    });
    return before;
}

// ----------------------------------------------------------------------------------------------------------- the layer

class FusedLinear : public torch::autograd::Function<FusedLinear> {
  public:
    static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& addend,
                          bool activated, double dropout) {
        Tensor y = addend.expand({x.size(0), weight.size(0)}).clone(at::MemoryFormat::Contiguous);
        multiply(x, weight.t(), 1, y);
        if (activated) relu_and_dropout(y, dropout);
        context->save_for_backward({x, weight, activated ? y : Tensor()});
        context->saved_data["bias"] = addend.dim() == 1;
        context->saved_data["input_gradient"] = x.requires_grad();
        context->saved_data["dropout"] = dropout;
        return y;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const variable_list saved = context->get_saved_variables();
        const Tensor &x = saved[0], &weight = saved[1], &y = saved[2];
        Tensor gradient = gradients[0].contiguous(), of_x, of_weight = torch::empty_like(weight);
        if (y.defined()) gradient = relu_and_dropout_backward(gradient, y, context->saved_data["dropout"].toDouble());
        if (context->saved_data["input_gradient"].toBool()) {
            of_x = torch::empty_like(x);
            multiply(gradient, weight, 0, of_x);
        }
        multiply(gradient.t(), x, 0, of_weight);
        return {of_x, of_weight, context->saved_data["bias"].toBool() ? gradient.sum(0) : gradient, Tensor(), Tensor()};
    }
};

Tensor apply(const Tensor& x, const Tensor& weight, const Tensor& addend, bool activated, double dropout) {
    for (const Tensor& tensor : {x, weight, addend})
        require(tensor.is_cpu() && tensor.scalar_type() == torch::kFloat, "fused_linear: ", tensor.scalar_type(),
                " on ", tensor.device(), ", must be floats on the CPU");
    require(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(1), "fused_linear: input of ", x.sizes(),
            " for weights of ", weight.sizes());
    return FusedLinear::apply(x.contiguous(), weight.contiguous(), addend, activated, dropout);
}

}  // namespace

Tensor fused_linear(const Tensor& x, const Tensor& weight, const Tensor& addend) {
    return apply(x, weight, addend, /*activated=*/false, /*dropout=*/0);
}

Tensor fused_linear_relu_dropout(const Tensor& x, const Tensor& weight, const Tensor& addend, double dropout) {
    return apply(x, weight, addend, /*activated=*/true, dropout);
}

}  // namespace ebgrasp
