#include "ebgrasp/training/conv_relu_norm.hpp"

#ifdef __AVX__
#include <immintrin.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <tbb/cache_aligned_allocator.h>
#include <tbb/enumerable_thread_specific.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/energy/single_threaded.hpp"

namespace ebgrasp {
namespace {

using dnnl::memory;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Buffer = std::vector<float, tbb::cache_aligned_allocator<float>>;

/// Of the larger of a layer's two maps: both, and what is computed from them, stay in the second-level cache.
constexpr std::int64_t chunk_bytes = 1 << 19;

const dnnl::engine& cpu() {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

memory::desc floats(const memory::dims& dims, memory::format_tag tag) { return {dims, memory::data_type::f32, tag}; }

memory view(const memory::desc& shape, const float* values) { return memory(shape, cpu(), const_cast<float*>(values)); }

const float* values_of(const Tensor& tensor) { return tensor.data_ptr<float>(); }

// ----------------------------------------------------------------------------------------------------------- sweeps

/// Pixels of a map with channels innermost.
struct Pixels {
    std::int64_t count;
    int channels;
    std::int64_t size() const { return count * channels; }
};

/// `width` values of neighbouring channels, in registers.
template <int width>
using Block = Eigen::Array<float, width, 1>;

template <int width>
Eigen::Map<const Block<width>> load(const float* values) {
    return Eigen::Map<const Block<width>>(values);
}

/// Calls sweep(width, channel, begin, end) for tiles of pixels (offsets of the first and behind the last) and, in a
/// tile, for blocks of channels of a width that the compiler knows: the tile stays in the first-level cache, and a
/// block's constants and sums in registers.
template <typename Sweep>
void for_each_tile(const Pixels& pixels, const Sweep& sweep) {
    constexpr int block = 16, tile_floats = 2048;
    const std::int64_t step = std::max(1, tile_floats / pixels.channels) * pixels.channels;
    for (std::int64_t begin = 0; begin < pixels.size(); begin += step) {
        const std::int64_t end = std::min(begin + step, pixels.size());
        int channel = 0;
        for (; channel + block <= pixels.channels; channel += block)
            sweep(std::integral_constant<int, block>(), channel, begin, end);
        for (; channel < pixels.channels; ++channel) sweep(std::integral_constant<int, 1>(), channel, begin, end);
    }
}

/// factor[c] x + shift[c] for every pixel and channel.
void scale_and_shift(const float* x, const Pixels& pixels, const float* factor, const float* shift, float* out) {
    for_each_tile(pixels, [&](auto width, int channel, std::int64_t begin, std::int64_t end) {
        const Block<width> a = load<width>(factor + channel), b = load<width>(shift + channel);
        for (std::int64_t at = begin + channel; at < end; at += pixels.channels)
            Eigen::Map<Block<width>>(out + at) = a * load<width>(x + at) + b;
    });
}

/// Number, mean and sum of squared differences from it, of each channel.
struct Moments {
    explicit Moments(int channels) : mean(Eigen::ArrayXd::Zero(channels)), squares(mean) {}

    Moments(const float* x, const Pixels& pixels) : Moments(pixels.channels) {
        for_each_tile(pixels, [&](auto width, int channel, std::int64_t begin, std::int64_t end) {
            const auto size = static_cast<double>((end - begin) / pixels.channels);
            Block<width> sum = Block<width>::Zero(), differences = sum;
            for (std::int64_t at = begin + channel; at < end; at += pixels.channels) sum += load<width>(x + at);
            const Block<width> center = sum / static_cast<float>(size);
            for (std::int64_t at = begin + channel; at < end; at += pixels.channels)
                differences += (load<width>(x + at) - center).square();
            count = static_cast<double>(begin / pixels.channels);
            merge(channel, size, center.template cast<double>().eval(), differences.template cast<double>().eval());
        });
        count = static_cast<double>(pixels.count);
    }

    void add(const Moments& other) {
        merge(0, other.count, other.mean, other.squares);
        count += other.count;
    }

    double count = 0;
    Eigen::ArrayXd mean, squares;

  private:
    /// Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
    template <typename Values>
    void merge(int channel, double other_count, const Values& other_mean, const Values& other_squares) {
        auto means = mean.segment(channel, other_mean.size());
        const Values difference = other_mean - means;
        const double share = other_count / (count + other_count);
        means += difference * share;
        squares.segment(channel, other_mean.size()) += other_squares + difference.square() * (count * share);
    }
};

/// Sums of g and of g (x - mean), of each channel: all that batch norm's backward pass needs of the batch.
struct GradientSums {
    explicit GradientSums(int channels) : gradient(Eigen::ArrayXd::Zero(channels)), product(gradient) {}

    GradientSums(const float* g, const float* x, const float* mean, const Pixels& pixels)
        : GradientSums(pixels.channels) {
        for_each_tile(pixels, [&](auto width, int channel, std::int64_t begin, std::int64_t end) {
            const Block<width> center = load<width>(mean + channel);
            Block<width> sum = Block<width>::Zero(), products = sum;
            for (std::int64_t at = begin + channel; at < end; at += pixels.channels) {
                sum += load<width>(g + at);
                products += load<width>(g + at) * (load<width>(x + at) - center);
            }
            gradient.segment<width>(channel) += sum.template cast<double>();
            product.segment<width>(channel) += products.template cast<double>();
        });
    }
    void add(const GradientSums& other) {
        gradient += other.gradient;
        product += other.product;
    }

    Eigen::ArrayXd gradient, product;
};

/// Batch norm backwards, d = a g + b x + c, and ReLU backwards: where x, its output, is not positive nothing passes.
struct NormAndReluBackward {
    Eigen::ArrayXf a, b, c;

    void operator()(const float* g, const float* x, const Pixels& pixels, float* out) const {
        for_each_tile(pixels, [&](auto width, int channel, std::int64_t begin, std::int64_t end) {
            const Block<width> u = a.segment<width>(channel), v = b.segment<width>(channel),
                               w = c.segment<width>(channel);
            for (std::int64_t at = begin + channel; at < end; at += pixels.channels) {
                const Block<width> activation = load<width>(x + at);
                const Block<width> passed = u * load<width>(g + at) + v * activation + w;
                for (int k = 0; k < width; ++k) out[at + k] = activation[k] > 0 ? passed[k] : 0.0F;
            }
        });
    }
};

/// An uninitialised tensor in huge pages where Linux has them to give: with small ones, sweeps over tens of megabytes wait
/// for address translation.
Tensor empty_map(at::IntArrayRef sizes) {
    Tensor map = torch::empty(sizes);
#ifdef __linux__
    constexpr std::uintptr_t page = 1 << 21;
    const auto begin = reinterpret_cast<std::uintptr_t>(map.data_ptr()), end = begin + map.nbytes();
    const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
    return map;
}

/// Copies what will not be read soon past the caches, which saves reading the lines that are overwritten.
void stream(const float* from, std::int64_t size, float* to) {
#ifdef __AVX__
    if (reinterpret_cast<std::uintptr_t>(to) % 32 == 0) {
        std::int64_t i = 0;
        for (; i + 8 <= size; i += 8) _mm256_stream_ps(to + i, _mm256_loadu_ps(from + i));
        std::copy(from + i, from + size, to + i);
        _mm_sfence();
        return;
    }
#endif
    std::copy_n(from, size, to);
}

// ------------------------------------------------------------------------------------------------------- convolutions

/// What a thread needs for the chunk that it works on.
struct Scratch {
    Buffer input, output, gradient, primitive;
};

float* sized(Buffer& buffer, std::size_t size) {
    if (buffer.size() < size) buffer.resize(size);
    return buffer.data();
}

float* sized(Buffer& buffer, std::int64_t size) { return sized(buffer, static_cast<std::size_t>(size)); }

/// A convolution forwards (with ReLU) and backwards, for a number of samples.
struct ConvolutionPrimitives {
    memory::desc input, output;
    dnnl::convolution_forward::primitive_desc forward_description;
    dnnl::convolution_backward_data::primitive_desc input_description;
    dnnl::convolution_backward_weights::primitive_desc weight_description;
    dnnl::convolution_forward forward;
    dnnl::convolution_backward_data input_gradient;
    dnnl::convolution_backward_weights weight_gradient;
};

/// The orders of the weights that a layer's three primitives ask for.
struct WeightOrders {
    memory::desc forward, input_gradient, weight_gradient;
};

ConvolutionPrimitives make_primitives(const ConvolutionShape& shape, int side, std::int64_t samples,
                                      const WeightOrders& orders) {
    const int out_side = shape.output_side(side);
    const memory::dims strides(2, shape.stride), padding(2, shape.padding);
    const auto direct = dnnl::algorithm::convolution_direct;
    dnnl::primitive_attr plain, with_relu;
    plain.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    with_relu.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::post_ops relu;
    relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    with_relu.set_post_ops(relu);

    ConvolutionPrimitives made;
    made.input = floats({samples, shape.in_channels, side, side}, memory::format_tag::nhwc);
    made.output = floats({samples, shape.out_channels, out_side, out_side}, memory::format_tag::nhwc);
    const memory::desc bias = floats({shape.out_channels}, memory::format_tag::x);
    made.forward_description = {{dnnl::prop_kind::forward_training, direct, made.input, orders.forward, bias,
                                 made.output, strides, padding, padding},
                                with_relu,
                                cpu()};
    made.input_description = {{direct, made.input, orders.input_gradient, made.output, strides, padding, padding},
                              plain,
                              cpu(),
                              made.forward_description};
    made.weight_description = {
        {direct, made.input, orders.weight_gradient, bias, made.output, strides, padding, padding},
        plain,
        cpu(),
        made.forward_description};
    made.forward = dnnl::convolution_forward(made.forward_description);
    made.input_gradient = dnnl::convolution_backward_data(made.input_description);
    made.weight_gradient = dnnl::convolution_backward_weights(made.weight_description);
    return made;
}

/// One layer's convolution on chunks of the batch.
class Convolution {
  public:
    Convolution(const ConvolutionShape& shape, int side)
        : shape_(shape),
          side_(side),
          in_(pixels(side, shape.in_channels)),
          out_(pixels(shape.output_side(side), shape.out_channels)),
          chunk_(std::max<std::int64_t>(
              1, chunk_bytes / (std::max(in_.size(), out_.size()) * static_cast<std::int64_t>(sizeof(float))))) {
        const auto any =
            floats({shape.out_channels, shape.in_channels, shape.kernel, shape.kernel}, memory::format_tag::any);
        const SingleThreadedPrimitives guard;
        const auto chosen = make_primitives(shape, side, chunk_, {any, any, any});
        orders_ = {chosen.forward_description.weights_desc(), chosen.input_description.weights_desc(),
                   chosen.weight_description.diff_weights_desc()};
        plain_ = floats(any.dims(), memory::format_tag::oihw);
        forward_weight_ = memory(orders_.forward, cpu());
        backward_weight_ = memory(orders_.input_gradient, cpu());
        bias_ = floats({shape.out_channels}, memory::format_tag::x);
    }

    const Pixels& in() const { return in_; }  ///< of one sample
    const Pixels& out() const { return out_; }
    int side() const { return side_; }
    int out_side() const { return shape_.output_side(side_); }
    std::int64_t chunk() const { return chunk_; }  ///< samples
    /// Numbers in a gradient of the weights, in the order of their primitive.
    std::int64_t weight_gradient_size() const {
        return static_cast<std::int64_t>(orders_.weight_gradient.get_size() / sizeof(float));
    }

    /// To be called before chunks of so many samples are worked on in parallel.
    void prepare(std::int64_t samples) {
        const SingleThreadedPrimitives guard;
        if (!primitives_.contains(samples)) primitives_[samples] = make_primitives(shape_, side_, samples, orders_);
    }
    void pack_for_forward(const Tensor& weight) { reorder(view(plain_, values_of(weight)), forward_weight_); }
    void pack_for_backward(const Tensor& weight) { reorder(view(plain_, values_of(weight)), backward_weight_); }
    void unpack_gradient(const float* packed, const Tensor& weight) const {
        reorder(view(orders_.weight_gradient, packed), view(plain_, values_of(weight)));
    }

    void forward(std::int64_t samples, const float* input, const float* bias, float* output, Scratch& scratch) const {
        const auto& made = primitives_.at(samples);
        run(made.forward, made.forward_description.scratchpad_desc(), scratch,
            {{DNNL_ARG_SRC, view(made.input, input)},
             {DNNL_ARG_WEIGHTS, forward_weight_},
             {DNNL_ARG_BIAS, view(bias_, bias)},
             {DNNL_ARG_DST, view(made.output, output)}});
    }
    void input_gradient(std::int64_t samples, const float* gradient, float* input, Scratch& scratch) const {
        const auto& made = primitives_.at(samples);
        run(made.input_gradient, made.input_description.scratchpad_desc(), scratch,
            {{DNNL_ARG_DIFF_DST, view(made.output, gradient)},
             {DNNL_ARG_WEIGHTS, backward_weight_},
             {DNNL_ARG_DIFF_SRC, view(made.input, input)}});
    }
    void weight_gradient(std::int64_t samples, const float* input, const float* gradient, float* weight, float* bias,
                         Scratch& scratch) const {
        const auto& made = primitives_.at(samples);
        run(made.weight_gradient, made.weight_description.scratchpad_desc(), scratch,
            {{DNNL_ARG_SRC, view(made.input, input)},
             {DNNL_ARG_DIFF_DST, view(made.output, gradient)},
             {DNNL_ARG_DIFF_WEIGHTS, view(orders_.weight_gradient, weight)},
             {DNNL_ARG_DIFF_BIAS, view(bias_, bias)}});
    }

  private:
    static Pixels pixels(int side, int channels) { return {static_cast<std::int64_t>(side) * side, channels}; }

    static void reorder(memory from, memory to) {
        const SingleThreadedPrimitives guard;
        dnnl::stream stream(cpu());
        dnnl::reorder(from, to).execute(stream, from, to);
    }

    static void run(const dnnl::primitive& primitive, const memory::desc& scratchpad, Scratch& scratch,
                    std::unordered_map<int, memory> arguments) {
        arguments[DNNL_ARG_SCRATCHPAD] =
            view(scratchpad, sized(scratch.primitive, scratchpad.get_size() / sizeof(float) + 1));
        const dnnl::stream stream(cpu());
        primitive.execute(stream, arguments);
    }

    ConvolutionShape shape_;
    int side_;
    Pixels in_, out_;
    std::int64_t chunk_;
    WeightOrders orders_;
    memory::desc plain_, bias_;
    memory forward_weight_, backward_weight_;
    std::map<std::int64_t, ConvolutionPrimitives> primitives_;  ///< by number of samples
};

/// What backward needs of a layer. The layer's output is factor x activation + shift, computed where it is read.
struct LayerState {
    Tensor weight, activation, mean, inverse_deviation, factor, shift;

    static constexpr std::size_t tensors = 6;
    void append_to(variable_list& list) const {
        list.insert(list.end(), {weight, activation, mean, inverse_deviation, factor, shift});
    }
    static LayerState from(const Tensor* list) { return {list[0], list[1], list[2], list[3], list[4], list[5]}; }
};

Tensor tensor_of(const Eigen::ArrayXd& values) {
    return torch::from_blob(const_cast<double*>(values.data()), {values.size()}, torch::kDouble).to(torch::kFloat);
}

Eigen::ArrayXd array_of(const Tensor& tensor) {
    return Eigen::Map<const Eigen::ArrayXf>(values_of(tensor), tensor.numel()).cast<double>();
}

}  // namespace

struct ConvReluNormStack::Body {
    /// A part of the batch.
    struct Chunk {
        std::int64_t index, first, samples;
    };

    /// Calls body(chunk, scratch) for all chunks of the batch that a layer works in; returns their number.
    template <typename Work>
    void for_each_chunk(Convolution& layer, std::int64_t samples, const Work& work) {
        layer.prepare(std::min(samples, layer.chunk()));
        if (samples % layer.chunk()) layer.prepare(samples % layer.chunk());
        parallel_for(static_cast<std::size_t>(chunks(layer, samples)), [&](std::size_t i) {
            const SingleThreadedPrimitives guard;
            const auto index = static_cast<std::int64_t>(i), first = index * layer.chunk();
            work(Chunk{index, first, std::min(layer.chunk(), samples - first)}, scratch.local());
        });
    }
    static std::int64_t chunks(const Convolution& layer, std::int64_t samples) {
        return (samples + layer.chunk() - 1) / layer.chunk();
    }

    /// The input of layer `l` for a chunk: the batch, or the normalised output of the layer before, made in `scratch`.
    const float* input_of(std::size_t l, const Chunk& chunk, const Tensor& batch, const std::vector<LayerState>& states,
                          Scratch& scratch) const {
        const Pixels& in = layers[l].in();
        if (l == 0) return values_of(batch) + chunk.first * in.size();
        const LayerState& before = states[l - 1];
        float* input = sized(scratch.input, chunk.samples * in.size());
        scale_and_shift(values_of(before.activation) + chunk.first * in.size(), {chunk.samples * in.count, in.channels},
                        values_of(before.factor), values_of(before.shift), input);
        return input;
    }

    /// Activation and statistics of layer l; `states` holds the layers before.
    LayerState forward(std::size_t l, const Tensor& batch, const ConvReluNormParameters& parameters,
                       const std::vector<LayerState>& states, Tensor& variance) {
        Convolution& layer = layers[l];
        const Pixels& out = layer.out();
        const std::int64_t samples = batch.size(0);
        LayerState state{parameters.weight.contiguous(),
                         empty_map({samples, layer.out_side(), layer.out_side(), out.channels}),
                         {},
                         {},
                         {},
                         {}};
        layer.pack_for_forward(state.weight);
        std::vector<Moments> moments(static_cast<std::size_t>(chunks(layer, samples)), Moments(out.channels));
        for_each_chunk(layer, samples, [&](const Chunk& chunk, Scratch& scratch) {
            const std::int64_t size = chunk.samples * out.size();
            float* activation = sized(scratch.output, size);
            layer.forward(chunk.samples, input_of(l, chunk, batch, states, scratch), values_of(parameters.bias),
                          activation, scratch);
            moments[static_cast<std::size_t>(chunk.index)] = {activation, {chunk.samples * out.count, out.channels}};
            stream(activation, size, state.activation.data_ptr<float>() + chunk.first * out.size());
        });
        Moments total(out.channels);
        for (const Moments& part : moments) total.add(part);
        const Eigen::ArrayXd var = total.squares / total.count, inverse = (var + epsilon).rsqrt();
        const Eigen::ArrayXd factor = array_of(parameters.scale) * inverse;
        state.mean = tensor_of(total.mean);
        state.inverse_deviation = tensor_of(inverse);
        state.factor = tensor_of(factor);
        state.shift = tensor_of(array_of(parameters.offset) - total.mean * factor);
        variance = tensor_of(var);
        return state;
    }

    /// The last layer's output.
    Tensor output(const LayerState& last) {
        Tensor output = torch::empty_like(last.activation);
        const Pixels& out = layers.back().out();
        parallel_for(
            static_cast<std::size_t>(output.size(0)),
            [&](std::size_t i) {
                const std::int64_t at = static_cast<std::int64_t>(i) * out.size();
                scale_and_shift(values_of(last.activation) + at, out, values_of(last.factor), values_of(last.shift),
                                output.data_ptr<float>() + at);
            },
            /*grain=*/32);
        return output;
    }

    /// Sums over the last layer's output for its norm's backward pass.
    GradientSums output_sums(const Tensor& gradient, const LayerState& last) {
        Convolution& layer = layers.back();
        const Pixels& out = layer.out();
        std::vector<GradientSums> parts(static_cast<std::size_t>(chunks(layer, gradient.size(0))),
                                        GradientSums(out.channels));
        for_each_chunk(layer, gradient.size(0), [&](const Chunk& chunk, Scratch&) {
            parts[static_cast<std::size_t>(chunk.index)] = {values_of(gradient) + chunk.first * out.size(),
                                                            values_of(last.activation) + chunk.first * out.size(),
                                                            values_of(last.mean),
                                                            {chunk.samples * out.count, out.channels}};
        });
        return added(parts);
    }

    static GradientSums added(const std::vector<GradientSums>& parts) {
        GradientSums sums = parts.front();
        for (std::size_t i = 1; i < parts.size(); ++i) sums.add(parts[i]);
        return sums;
    }

    /// Turns the gradient of layer l's output, and its sums, into those of the layer before; the gradients of its
    /// parameters go to `out`.
    void backward(std::size_t l, const Tensor& batch, const std::vector<LayerState>& states, Tensor& gradient,
                  GradientSums& sums, const ConvReluNormParameters& out) {
        Convolution& layer = layers[l];
        const LayerState& state = states[l];
        const std::int64_t samples = batch.size(0), count = chunks(layer, samples),
                           weight_size = layer.weight_gradient_size();
        const Pixels &in = layer.in(), &map = layer.out();

        // Ioffe and Szegedy, "Batch normalization", 2015: d/dx = factor (g - mean(g) - xhat mean(g xhat))
        const Eigen::ArrayXd inverse = array_of(state.inverse_deviation), factor = array_of(state.factor);
        const Eigen::ArrayXd scale_gradient = sums.product * inverse;
        const double total = static_cast<double>(samples * map.count);
        const Eigen::ArrayXd b = -factor * inverse * scale_gradient / total,
                             c = -factor * sums.gradient / total - b * array_of(state.mean);
        const NormAndReluBackward through{factor.cast<float>(), b.cast<float>(), c.cast<float>()};
        out.scale.copy_(tensor_of(scale_gradient));
        out.offset.copy_(tensor_of(sums.gradient));

        layer.pack_for_backward(state.weight);
        float* weights = sized(weight_gradients, count * weight_size);
        float* biases = sized(bias_gradients, count * map.channels);
        const Tensor input_gradient = l > 0 ? empty_map(states[l - 1].activation.sizes()) : Tensor();
        std::vector<GradientSums> parts(static_cast<std::size_t>(count), GradientSums(in.channels));
        for_each_chunk(layer, samples, [&](const Chunk& chunk, Scratch& scratch) {
            const std::int64_t at = chunk.first * map.size();
            float* g = sized(scratch.gradient, chunk.samples * map.size());
            through(values_of(gradient) + at, values_of(state.activation) + at,
                    {chunk.samples * map.count, map.channels}, g);
            layer.weight_gradient(chunk.samples, input_of(l, chunk, batch, states, scratch), g,
                                  weights + chunk.index * weight_size, biases + chunk.index * map.channels, scratch);
            if (l == 0) return;
            const std::int64_t size = chunk.samples * in.size();
            float* of_input = sized(scratch.output, size);
            layer.input_gradient(chunk.samples, g, of_input, scratch);
            const LayerState& before = states[l - 1];
            parts[static_cast<std::size_t>(chunk.index)] = {of_input,
                                                            values_of(before.activation) + chunk.first * in.size(),
                                                            values_of(before.mean),
                                                            {chunk.samples * in.count, in.channels}};
            stream(of_input, size, input_gradient.data_ptr<float>() + chunk.first * in.size());
        });
        add_rows(weights, count, weight_size);
        layer.unpack_gradient(weights, out.weight);
        add_rows(biases, count, map.channels);
        std::copy_n(biases, map.channels, out.bias.data_ptr<float>());
        gradient = input_gradient;
        sums = added(parts);
    }

    /// Adds all rows to the first.
    static void add_rows(float* rows, std::int64_t count, std::int64_t size) {
        for (std::int64_t i = 1; i < count; ++i)
            for (std::int64_t k = 0; k < size; ++k) rows[k] += rows[i * size + k];
    }

    std::vector<Convolution> layers;
    double epsilon;
    tbb::enumerable_thread_specific<Scratch> scratch;
    Buffer weight_gradients, bias_gradients;  ///< of all chunks of a layer
};

namespace {

using Body = ConvReluNormStack::Body;

/// Keeps the body alive for backward.
struct BodyHolder : torch::CustomClassHolder {
    explicit BodyHolder(std::shared_ptr<Body> body) : body(std::move(body)) {}
    std::shared_ptr<Body> body;
};

class ConvReluNormFunction : public torch::autograd::Function<ConvReluNormFunction> {
  public:
    /// `parameters` holds weight, bias, scale and offset of every layer. Returns the output, then means, then
    /// variances.
    static variable_list forward(AutogradContext* context, const std::shared_ptr<Body>& body, const Tensor& input,
                                 at::TensorList parameters) {
        std::vector<LayerState> states;
        variable_list results(1), variances(body->layers.size());
        for (std::size_t l = 0; l < body->layers.size(); ++l) {
            const auto p = parameters.slice(4 * l, 4);
            states.push_back(body->forward(l, input, {p[0], p[1], p[2], p[3]}, states, variances[l]));
            results.push_back(states.back().mean);
        }
        results[0] = body->output(states.back());
        results.insert(results.end(), variances.begin(), variances.end());
        context->mark_non_differentiable({results.begin() + 1, results.end()});

        variable_list saved = {input};
        for (const LayerState& state : states) state.append_to(saved);
        context->save_for_backward(saved);
        context->saved_data["body"] = c10::IValue::make_capsule(c10::make_intrusive<BodyHolder>(body));
        return results;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto capsule = context->saved_data["body"].toCapsule();
        Body& body = *static_cast<BodyHolder&>(*capsule).body;
        const variable_list saved = context->get_saved_variables();
        std::vector<LayerState> states;
        for (std::size_t i = 1; i < saved.size(); i += LayerState::tensors)
            states.push_back(LayerState::from(&saved[i]));

        variable_list out = {Tensor(), Tensor()};  // of the body and of the input: none
        Tensor gradient = gradients[0].contiguous();
        GradientSums sums = body.output_sums(gradient, states.back());
        for (std::size_t l = states.size(); l-- > 0;) {
            const auto channels = [&] { return torch::empty_like(states[l].mean); };
            const ConvReluNormParameters of_layer{torch::empty_like(states[l].weight), channels(), channels(),
                                                  channels()};
            body.backward(l, saved[0], states, gradient, sums, of_layer);
            out.insert(out.begin() + 2, {of_layer.weight, of_layer.bias, of_layer.scale, of_layer.offset});
        }
        return out;
    }
};

}  // namespace

ConvReluNormStack::ConvReluNormStack(const std::vector<ConvolutionShape>& shapes, int side, double epsilon)
    : body_(std::make_shared<Body>()) {
    body_->epsilon = epsilon;
    for (const ConvolutionShape& shape : shapes) {
        body_->layers.emplace_back(shape, side);
        side = shape.output_side(side);
    }
}

ConvReluNormResult ConvReluNormStack::forward(const Tensor& input,
                                              const std::vector<ConvReluNormParameters>& parameters) {
    const Convolution& first = body_->layers.front();
    require(input.is_cpu() && input.scalar_type() == torch::kFloat && input.dim() == 4 && input.size(0) > 0 &&
                input.size(1) == first.side() && input.size(2) == first.side() && input.size(3) == first.in().channels,
            "conv_relu_norm: input of ", input.sizes(), " ", input.scalar_type(), " on ", input.device(),
            ", must be n x ", first.side(), " x ", first.side(), " x ", first.in().channels, " floats on the CPU");
    variable_list flat;
    for (const auto& p : parameters) flat.insert(flat.end(), {p.weight, p.bias, p.scale, p.offset});
    const auto results = ConvReluNormFunction::apply(body_, input.contiguous(), at::TensorList(flat));
    const auto layers = static_cast<std::ptrdiff_t>(parameters.size());
    return {
        results[0], {results.begin() + 1, results.begin() + 1 + layers}, {results.begin() + 1 + layers, results.end()}};
}

}  // namespace ebgrasp
