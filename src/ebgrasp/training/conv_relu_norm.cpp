#include "ebgrasp/training/conv_relu_norm.hpp"

#include <vector>

#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr std::int64_t chunk_samples = 8;  ///< a chunk's patches stay in the second-level cache

template <typename Scalar>
using Channels = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;
template <typename Scalar>
using ConstMap = Eigen::Map<const RowMatrix<Scalar>>;
template <typename Scalar>
using MutableMap = Eigen::Map<RowMatrix<Scalar>>;

template <typename Scalar>
Eigen::Map<const Channels<Scalar>> channels(const Tensor& tensor) {
    return {tensor.data_ptr<Scalar>(), tensor.numel()};
}

/// The batch cut into chunks that threads work through; each leaves its sums behind, added up in order afterwards.
struct Layer {
    Layer(const Tensor& input, const ConvolutionShape& shape)
        : shape(shape),
          samples(input.size(0)),
          side(static_cast<int>(input.size(1))),
          out_side(shape.output_side(side)),
          chunks((samples + chunk_samples - 1) / chunk_samples) {}

    std::int64_t pixels() const { return static_cast<std::int64_t>(side) * side; }
    std::int64_t out_pixels() const { return static_cast<std::int64_t>(out_side) * out_side; }
    std::int64_t first(std::int64_t chunk) const { return chunk * chunk_samples; }
    std::int64_t count(std::int64_t chunk) const { return std::min(chunk_samples, samples - first(chunk)); }

    /// The rows (pixels) of a chunk in an n x side x side x channels output.
    template <typename Scalar>
    MutableMap<Scalar> out_rows(const Tensor& tensor, std::int64_t chunk) const {
        return {tensor.data_ptr<Scalar>() + first(chunk) * out_pixels() * shape.out_channels,
                count(chunk) * out_pixels(), shape.out_channels};
    }

    /// The patches of a chunk's samples, one below the other.
    template <typename Scalar>
    void copy_patches(const Tensor& input, std::int64_t chunk, PaddedMap<Scalar>& map,
                      RowMatrix<Scalar>& patches) const {
        patches.resize(count(chunk) * out_pixels(), shape.patch_size());
        const Scalar* sample = input.data_ptr<Scalar>() + first(chunk) * pixels() * shape.in_channels;
        for (std::int64_t i = 0; i < count(chunk); ++i, sample += pixels() * shape.in_channels) {
            for (int row = 0; row < side; ++row)
                map.row(row) = ConstMap<Scalar>(sample + static_cast<std::int64_t>(row) * side * shape.in_channels,
                                                side, shape.in_channels);
            map.copy_patches(patches.data() + i * out_pixels() * shape.patch_size());
        }
    }

    /// The adjoint: input gradients of a chunk from those of its patches.
    template <typename Scalar>
    void add_patches(const RowMatrix<Scalar>& patches, std::int64_t chunk, PaddedMap<Scalar>& map,
                     const Tensor& out) const {
        Scalar* sample = out.data_ptr<Scalar>() + first(chunk) * pixels() * shape.in_channels;
        for (std::int64_t i = 0; i < count(chunk); ++i, sample += pixels() * shape.in_channels) {
            map.set_zero();
            map.add_patches(patches.data() + i * out_pixels() * shape.patch_size());
            for (int row = 0; row < side; ++row)
                MutableMap<Scalar>(sample + static_cast<std::int64_t>(row) * side * shape.in_channels, side,
                                   shape.in_channels) = map.row(row);
        }
    }

    ConvolutionShape shape;
    std::int64_t samples;
    int side, out_side;
    std::int64_t chunks;
};

template <typename Body>
void for_each_chunk(std::int64_t chunks, const Body& body) {
    tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, chunks),
                      [&](const auto& range) { body(range.begin(), range.end()); });
}

/// ReLU outputs `activation` (n x out_side x out_side x out), their mean and biased variance.
template <typename Scalar>
void forward(const Layer& layer, const Tensor& input, const Tensor& weight, const Tensor& bias,
             const Tensor& activation, const Tensor& mean, const Tensor& variance) {
    const int out = layer.shape.out_channels;
    RowMatrix<Scalar> means(layer.chunks, out), squares(layer.chunks, out);
    for_each_chunk(layer.chunks, [&](std::int64_t begin, std::int64_t end) {
        PaddedMap<Scalar> map(layer.side, layer.shape);
        RowMatrix<Scalar> patches;
        for (std::int64_t chunk = begin; chunk < end; ++chunk) {
            layer.copy_patches(input, chunk, map, patches);
            auto rows = layer.out_rows<Scalar>(activation, chunk);
            rows.noalias() = patches * ConstMap<Scalar>(weight.data_ptr<Scalar>(), patches.cols(), out);
            rows = (rows.rowwise() + channels<Scalar>(bias)).cwiseMax(Scalar(0));
            means.row(chunk) = rows.colwise().mean();
            squares.row(chunk) = (rows.rowwise() - means.row(chunk)).colwise().squaredNorm();
        }
    });
    // Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    Eigen::RowVectorXd total_mean = Eigen::RowVectorXd::Zero(out), total_squares = Eigen::RowVectorXd::Zero(out);
    double seen = 0;
    for (std::int64_t chunk = 0; chunk < layer.chunks; ++chunk) {
        const auto count = static_cast<double>(layer.count(chunk) * layer.out_pixels());
        const Eigen::RowVectorXd difference = means.row(chunk).template cast<double>() - total_mean;
        total_mean += difference * (count / (seen + count));
        total_squares +=
            squares.row(chunk).template cast<double>() + difference.cwiseAbs2() * (seen * count / (seen + count));
        seen += count;
    }
    MutableMap<Scalar>(mean.data_ptr<Scalar>(), 1, out) = total_mean.cast<Scalar>();
    MutableMap<Scalar>(variance.data_ptr<Scalar>(), 1, out) = (total_squares / seen).cast<Scalar>();
}

struct Gradients {
    Tensor input, weight, bias, scale, offset;
};

/// Batch norm's backward (Ioffe and Szegedy, "Batch normalization", 2015) needs the sums of g and g * x over the batch
/// before any input gradient, so it takes two sweeps: sums, then everything else.
template <typename Scalar>
void backward(const Layer& layer, const Tensor& input, const Tensor& weight, const Tensor& activation,
              const Tensor& mean, const Tensor& inverse_deviation, const Tensor& scale, const Tensor& gradient,
              const Gradients& out) {
    using Row = Channels<Scalar>;
    const int channel_count = layer.shape.out_channels;
    const auto mu = channels<Scalar>(mean), inverse = channels<Scalar>(inverse_deviation);

    RowMatrix<Scalar> sums(layer.chunks, channel_count), products(layer.chunks, channel_count);
    for_each_chunk(layer.chunks, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t chunk = begin; chunk < end; ++chunk) {
            const auto g = layer.out_rows<Scalar>(gradient, chunk);
            sums.row(chunk) = g.colwise().sum();
            products.row(chunk) =
                g.cwiseProduct(layer.out_rows<Scalar>(activation, chunk).rowwise() - mu).colwise().sum();
        }
    });
    const Row offset_gradient = sums.colwise().sum();
    const Row scale_gradient = products.colwise().sum().cwiseProduct(inverse);
    MutableMap<Scalar>(out.offset.data_ptr<Scalar>(), 1, channel_count) = offset_gradient;
    MutableMap<Scalar>(out.scale.data_ptr<Scalar>(), 1, channel_count) = scale_gradient;

    // d/dx = scale / deviation * (g - mean(g) - xhat * mean(g * xhat)) = a g + b x + c, with a, b, c per channel
    const auto total = static_cast<Scalar>(layer.samples * layer.out_pixels());
    const Row a = channels<Scalar>(scale).cwiseProduct(inverse);
    const Row b = -a.cwiseProduct(inverse).cwiseProduct(scale_gradient) / total;
    const Row c = -a.cwiseProduct(offset_gradient) / total - b.cwiseProduct(mu);

    const int patch_size = layer.shape.patch_size();
    RowMatrix<Scalar> weight_gradients(layer.chunks, patch_size * channel_count),
        bias_gradients(layer.chunks, channel_count);
    for_each_chunk(layer.chunks, [&](std::int64_t begin, std::int64_t end) {
        PaddedMap<Scalar> map(layer.side, layer.shape), gradient_map(layer.side, layer.shape);
        RowMatrix<Scalar> patches, g;
        for (std::int64_t chunk = begin; chunk < end; ++chunk) {
            const auto x = layer.out_rows<Scalar>(activation, chunk);
            g = layer.out_rows<Scalar>(gradient, chunk) * a.asDiagonal();
            g += x * b.asDiagonal();
            g.rowwise() += c;
            g = (x.array() > Scalar(0)).select(g, Scalar(0));
            layer.copy_patches(input, chunk, map, patches);
            MutableMap<Scalar>(weight_gradients.row(chunk).data(), patch_size, channel_count).noalias() =
                patches.transpose() * g;
            bias_gradients.row(chunk) = g.colwise().sum();
            if (!out.input.defined()) continue;
            patches.noalias() = g * ConstMap<Scalar>(weight.data_ptr<Scalar>(), patch_size, channel_count).transpose();
            layer.add_patches(patches, chunk, gradient_map, out.input);
        }
    });
    MutableMap<Scalar>(out.weight.data_ptr<Scalar>(), 1, patch_size * channel_count) = weight_gradients.colwise().sum();
    MutableMap<Scalar>(out.bias.data_ptr<Scalar>(), 1, channel_count) = bias_gradients.colwise().sum();
}

class ConvReluNorm : public torch::autograd::Function<ConvReluNorm> {
  public:
    static variable_list forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                                 const Tensor& bias, const Tensor& scale, const Tensor& offset,
                                 const ConvolutionShape& shape, double epsilon) {
        const Layer layer(input, shape);
        const Tensor x = input.contiguous(), w = weight.contiguous();
        const Tensor activation =
            torch::empty({layer.samples, layer.out_side, layer.out_side, shape.out_channels}, x.options());
        const Tensor mean = torch::empty({shape.out_channels}, x.options()), variance = torch::empty_like(mean);
        AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "conv_relu_norm",
                                   [&] { ebgrasp::forward<scalar_t>(layer, x, w, bias, activation, mean, variance); });
        const Tensor inverse_deviation = (variance + epsilon).rsqrt();
        const Tensor factor = scale * inverse_deviation;
        const Tensor output = torch::addcmul(offset - mean * factor, activation, factor);

        context->save_for_backward({x, w, activation, mean, inverse_deviation, scale});
        const auto& s = shape;
        context->saved_data["shape"] =
            std::vector<std::int64_t>{s.in_channels, s.out_channels, s.kernel, s.stride, s.padding};
        context->mark_non_differentiable({mean, variance});
        return {output, mean, variance};
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto s = context->saved_data["shape"].toIntVector();
        const auto extent = [&](std::size_t i) { return static_cast<int>(s[i]); };
        const Tensor &input = saved[0], &weight = saved[1];
        const Layer layer(input, {extent(0), extent(1), extent(2), extent(3), extent(4)});
        Gradients out{context->needs_input_grad(0) ? torch::empty_like(input) : Tensor(), torch::empty_like(weight),
                      torch::empty_like(saved[3]), torch::empty_like(saved[3]), torch::empty_like(saved[3])};
        const Tensor gradient = gradients[0].contiguous();
        AT_DISPATCH_FLOATING_TYPES(input.scalar_type(), "conv_relu_norm_backward", [&] {
            ebgrasp::backward<scalar_t>(layer, input, weight, saved[2], saved[3], saved[4], saved[5], gradient, out);
        });
        return {out.input, out.weight, out.bias, out.scale, out.offset, Variable(), Variable()};
    }
};

}  // namespace

ConvReluNormResult conv_relu_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, const Tensor& scale,
                                  const Tensor& offset, const ConvolutionShape& shape, double epsilon) {
    auto results = ConvReluNorm::apply(input, weight, bias, scale, offset, shape, epsilon);
    return {results[0], results[1], results[2]};
}

}  // namespace ebgrasp
