#include "ebgrasp/training/conv_relu_norm.hpp"

#ifdef __AVX__
#include <immintrin.h>
#endif
#ifdef __linux__
#include <sys/mman.h>
#endif
#include <bit>
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

/// Calls visit(width, channel) for blocks of channels, of a width that the compiler knows.
template <typename Visit>
void for_each_block(int channels, const Visit& visit) {
    constexpr int block = 16;
    int channel = 0;
    for (; channel + block <= channels; channel += block) visit(std::integral_constant<int, block>(), channel);
    for (; channel < channels; ++channel) visit(std::integral_constant<int, 1>(), channel);
}

/// Calls sweep(width, channel, begin, end) for tiles of pixels (offsets of the first and behind the last) and, in a
/// tile, for blocks of channels: the tile stays in the first-level cache, and a block's sums in registers.
template <typename Sweep>
void for_each_tile(const Pixels& pixels, const Sweep& sweep) {
    constexpr int tile_floats = 2048;
    const std::int64_t step = std::max(1, tile_floats / pixels.channels) * pixels.channels;
    for (std::int64_t begin = 0; begin < pixels.size(); begin += step)
        for_each_block(pixels.channels, [&](auto width, int channel) {
            sweep(width, channel, begin, std::min(begin + step, pixels.size()));
        });
}

/// Asks for what a sweep will read next from memory: the processor's own prefetching ends at every page.
void read_ahead(const float* pixel, int channels) {
    constexpr int distance = 2048, line = 16;
    for (int c = 0; c < channels; c += line) __builtin_prefetch(pixel + distance + c);
}

/// factor[c] x + shift[c] for every pixel and channel.
void scale_and_shift(const float* __restrict x, const Pixels& pixels, const float* __restrict factor,
                     const float* __restrict shift, float* __restrict out) {
    const int channels = pixels.channels;
    for (std::int64_t at = 0; at < pixels.size(); at += channels) {
        read_ahead(x + at, channels);
        for (int c = 0; c < channels; ++c) out[at + c] = factor[c] * x[at + c] + shift[c];
    }
}

/// `value` where x > 0, else 0; written so that compilers vectorise it, which comparisons that may trap prevent.
float where_positive(float x, float value) {
    const std::int32_t mask = -static_cast<std::int32_t>(std::bit_cast<std::int32_t>(x) > 0);
    return std::bit_cast<float>(std::bit_cast<std::int32_t>(value) & mask);
}

/// Batch norm and ReLU backwards: a[c] g + b[c] x + c[c] where x, the ReLU's output, is positive, else nothing.
void norm_and_relu_backward(const float* __restrict g, const float* __restrict x, const Pixels& pixels,
                            const float* __restrict a, const float* __restrict b, const float* __restrict c,
                            float* __restrict out) {
    const int channels = pixels.channels;
    for (std::int64_t at = 0; at < pixels.size(); at += channels) {
        read_ahead(g + at, channels);
        read_ahead(x + at, channels);
        for (int k = 0; k < channels; ++k)
            out[at + k] = where_positive(x[at + k], a[k] * g[at + k] + b[k] * x[at + k] + c[k]);
    }
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

/// Sums over samples of maps of `size` numbers: `sum` gets one map.
void add_maps(const float* __restrict maps, std::int64_t samples, std::int64_t size, float* __restrict sum) {
    std::copy_n(maps, size, sum);
    for (std::int64_t i = 1; i < samples; ++i)
        for (std::int64_t k = 0; k < size; ++k) sum[k] += maps[i * size + k];
}

/// An uninitialised tensor in huge pages where Linux has them to give: with small ones, sweeps over tens of megabytes
/// wait for address translation.
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

float* sized(Buffer& buffer, std::int64_t size) {
    if (buffer.size() < static_cast<std::size_t>(size)) buffer.resize(static_cast<std::size_t>(size));
    return buffer.data();
}

std::int64_t floats_in(const memory::desc& desc) {
    return static_cast<std::int64_t>((desc.get_size() + sizeof(float) - 1) / sizeof(float));
}

/// A primitive with its description.
template <typename Primitive>
struct Prepared {
    using Description = typename Primitive::primitive_desc;

    Prepared() = default;
    explicit Prepared(const Description& description) : description(description), primitive(description) {}

    void run(Scratch& scratch, std::unordered_map<int, memory> arguments) const {
        const memory::desc needed = description.scratchpad_desc();
        arguments[DNNL_ARG_SCRATCHPAD] = view(needed, sized(scratch.primitive, floats_in(needed) + 1));
        const dnnl::stream stream(cpu());
        primitive.execute(stream, arguments);
    }

    Description description;
    Primitive primitive;
};

/// The order of the maps and of the weights in a layer's three primitives.
struct Orders {
    memory::format_tag input, output;
    memory::desc forward_weight, input_weight, weight_gradient;
};

/// A layer's convolution forwards, with ReLU, and backwards, for a number of samples.
struct ConvolutionPrimitives {
    ConvolutionPrimitives() = default;
    ConvolutionPrimitives(const ConvolutionShape& shape, int side, std::int64_t samples, const Orders& orders) {
        const int out_side = shape.output_side(side);
        const memory::dims strides(2, shape.stride), padding(2, shape.padding);
        const auto direct = dnnl::algorithm::convolution_direct;
        dnnl::primitive_attr plain, with_relu;
        plain.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        with_relu.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        dnnl::post_ops relu;
        relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
        with_relu.set_post_ops(relu);

        const memory::desc input = floats({samples, shape.in_channels, side, side}, orders.input),
                           output = floats({samples, shape.out_channels, out_side, out_side}, orders.output),
                           bias = floats({shape.out_channels}, memory::format_tag::x);
        const dnnl::convolution_forward::primitive_desc described(
            {dnnl::prop_kind::forward_training, direct, input, orders.forward_weight, bias, output, strides, padding,
             padding},
            with_relu, cpu());
        forward = Prepared<dnnl::convolution_forward>(described);
        input_gradient = Prepared<dnnl::convolution_backward_data>(
            {{direct, input, orders.input_weight, output, strides, padding, padding}, plain, cpu(), described});
        weight_gradient = Prepared<dnnl::convolution_backward_weights>(
            {{direct, input, orders.weight_gradient, output, strides, padding, padding}, plain, cpu(), described});
    }

    Prepared<dnnl::convolution_forward> forward;
    Prepared<dnnl::convolution_backward_data> input_gradient;
    Prepared<dnnl::convolution_backward_weights> weight_gradient;
};

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
        const SingleThreadedPrimitives guard;
        const memory::dims weight = {shape.out_channels, shape.in_channels, shape.kernel, shape.kernel};
        plain_ = floats(weight, memory::format_tag::oihw);
        const auto any = floats(weight, memory::format_tag::any);
        orders_ = {memory::format_tag::nhwc, memory::format_tag::nhwc, any, any, any};
        if (prefers_blocks(any)) std::tie(orders_.input, orders_.output) = blocks;
        const ConvolutionPrimitives chosen(shape, side, chunk_, orders_);
        orders_ = {orders_.input, orders_.output, chosen.forward.description.weights_desc(),
                   chosen.input_gradient.description.weights_desc(),
                   chosen.weight_gradient.description.diff_weights_desc()};
        forward_weight_ = memory(orders_.forward_weight, cpu());
        input_weight_ = memory(orders_.input_weight, cpu());
    }

    const ConvolutionShape& shape() const { return shape_; }
    const Pixels& in() const { return in_; }  ///< of one sample
    const Pixels& out() const { return out_; }
    int side() const { return side_; }
    int out_side() const { return shape_.output_side(side_); }
    std::int64_t chunk() const { return chunk_; }  ///< samples
    /// Numbers in a gradient of the weights, in the order of its primitive.
    std::int64_t weight_gradient_size() const { return floats_in(orders_.weight_gradient); }

    /// To be called before chunks of so many samples are worked on in parallel.
    void prepare(std::int64_t samples) {
        const SingleThreadedPrimitives guard;
        if (!primitives_.contains(samples)) primitives_[samples] = {shape_, side_, samples, orders_};
    }
    void pack_for_forward(const Tensor& weight) { reorder(view(plain_, values_of(weight)), forward_weight_); }
    void pack_for_backward(const Tensor& weight) { reorder(view(plain_, values_of(weight)), input_weight_); }
    void unpack_gradient(const float* packed, float* weight) const {
        reorder(view(orders_.weight_gradient, packed), view(plain_, weight));
    }

    void forward(std::int64_t samples, const float* input, const Tensor& bias, float* output, Scratch& scratch) const {
        const auto& prepared = primitives_.at(samples).forward;
        const auto& description = prepared.description;
        prepared.run(scratch, {{DNNL_ARG_SRC, view(description.src_desc(), input)},
                               {DNNL_ARG_WEIGHTS, forward_weight_},
                               {DNNL_ARG_BIAS, view(description.bias_desc(), values_of(bias))},
                               {DNNL_ARG_DST, view(description.dst_desc(), output)}});
    }
    void input_gradient(std::int64_t samples, const float* gradient, float* input, Scratch& scratch) const {
        const auto& prepared = primitives_.at(samples).input_gradient;
        const auto& description = prepared.description;
        prepared.run(scratch, {{DNNL_ARG_DIFF_DST, view(description.diff_dst_desc(), gradient)},
                               {DNNL_ARG_WEIGHTS, input_weight_},
                               {DNNL_ARG_DIFF_SRC, view(description.diff_src_desc(), input)}});
    }
    void weight_gradient(std::int64_t samples, const float* input, const float* gradient, float* weight,
                         Scratch& scratch) const {
        const auto& prepared = primitives_.at(samples).weight_gradient;
        const auto& description = prepared.description;
        prepared.run(scratch, {{DNNL_ARG_SRC, view(description.src_desc(), input)},
                               {DNNL_ARG_DIFF_DST, view(description.diff_dst_desc(), gradient)},
                               {DNNL_ARG_DIFF_WEIGHTS, view(description.diff_weights_desc(), weight)}});
    }

  private:
    static Pixels pixels(int side, int channels) { return {static_cast<std::int64_t>(side) * side, channels}; }

    /// For convolutions of one input channel oneDNN may have faster kernels in this order (AVX-512 does). Where there
    /// are 16 output channels it is the same memory as channels innermost.
    static constexpr std::pair blocks = {memory::format_tag::nchw, memory::format_tag::nChw16c};

    bool prefers_blocks(const memory::desc& any_weight) const {
        if (shape_.in_channels != 1 || shape_.out_channels != 16) return false;
        constexpr auto any = memory::format_tag::any;
        const ConvolutionPrimitives free(shape_, side_, chunk_, {any, any, any_weight, any_weight, any_weight});
        const auto input = free.forward.description.src_desc(), output = free.forward.description.dst_desc();
        return input == floats(input.dims(), blocks.first) && output == floats(output.dims(), blocks.second);
    }

    static void reorder(memory from, memory to) {
        const SingleThreadedPrimitives guard;
        dnnl::stream stream(cpu());
        dnnl::reorder(from, to).execute(stream, from, to);
    }

    ConvolutionShape shape_;
    int side_;
    Pixels in_, out_;
    std::int64_t chunk_;
    Orders orders_;
    memory::desc plain_;
    memory forward_weight_, input_weight_;
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

/// Sums over batch and pixels, for each channel, that batch norm's backward pass needs: of the gradient g of its
/// output, and of g (x - mean) with its input x.
struct NormSums {
    Eigen::ArrayXd gradient, product;
};

/// The sums over the gradient of the last layer's output, n x side x side x channels.
NormSums output_sums(const Tensor& gradient, const LayerState& last) {
    const Eigen::Index channels = last.mean.numel();
    using Rows = Eigen::Map<const RowMatrix<float>>;
    const Rows g(values_of(gradient), gradient.numel() / channels, channels),
        x(values_of(last.activation), g.rows(), channels);
    const Eigen::ArrayXd mean = array_of(last.mean);
    NormSums sums{Eigen::ArrayXd::Zero(channels), Eigen::ArrayXd::Zero(channels)};
    for (Eigen::Index i = 0; i < g.rows(); ++i) {
        const Eigen::ArrayXd row = g.row(i).transpose().cast<double>();
        sums.gradient += row;
        sums.product += row * (x.row(i).transpose().cast<double>().array() - mean);
    }
    return sums;
}

/// For each output channel and tap of the kernel (row by row), the sum of a map of output gradients (row, col, channel)
/// over the pixels for which the tap lies on the input, not on its padding.
Eigen::ArrayXXd tap_sums(const float* map, const Convolution& layer) {
    const auto& [in_channels, channels, kernel, stride, padding] = layer.shape();
    Eigen::ArrayXXd sums = Eigen::ArrayXXd::Zero(channels, kernel * kernel);
    const auto inside = [&, s = stride, p = padding](int out, int tap) {
        const int in = out * s + tap - p;
        return in >= 0 && in < layer.side();
    };
    for (int row = 0; row < layer.out_side(); ++row)
        for (int col = 0; col < layer.out_side(); ++col, map += channels)
            for (int tap = 0; tap < kernel * kernel; ++tap)
                if (inside(row, tap / kernel) && inside(col, tap % kernel))
                    sums.col(tap) += Eigen::Map<const Eigen::ArrayXf>(map, channels).cast<double>();
    return sums;
}

}  // namespace

struct ConvReluNormStack::Body {
    /// A part of the batch.
    struct Chunk {
        std::int64_t index, first, samples;
    };

    static std::int64_t chunks(const Convolution& layer, std::int64_t samples) {
        return (samples + layer.chunk() - 1) / layer.chunk();
    }

    /// Calls work(chunk, scratch) for all chunks that layer l cuts the batch into; the layers of `used` are called for
    /// them.
    template <typename Work>
    void for_each_chunk(std::size_t l, std::int64_t samples, std::initializer_list<std::size_t> used,
                        const Work& work) {
        const std::int64_t chunk = layers[l].chunk();
        for (const std::size_t user : used)
            for (const std::int64_t size : {std::min(samples, chunk), samples % chunk})
                if (size > 0) layers[user].prepare(size);
        parallel_for(static_cast<std::size_t>(chunks(layers[l], samples)), [&](std::size_t i) {
            const SingleThreadedPrimitives guard;
            const auto index = static_cast<std::int64_t>(i), first = index * chunk;
            work(Chunk{index, first, std::min(chunk, samples - first)}, scratch.local());
        });
    }

    /// The input of layer l for a chunk: the batch, or the normalised output of the layer before, made in `scratch`.
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
        for_each_chunk(l, samples, {l}, [&](const Chunk& chunk, Scratch& scratch) {
            const std::int64_t size = chunk.samples * out.size();
            float* activation = sized(scratch.output, size);
            layer.forward(chunk.samples, input_of(l, chunk, batch, states, scratch), parameters.bias, activation,
                          scratch);
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

    /// The gradients of layer l's parameters, to `out`. `gradient` is that of the stack's output for the last layer,
    /// else that of the next layer's convolution; it becomes that of this layer's. `sums`, over the gradient of this
    /// layer's output, become those of the layer before.
    void backward(std::size_t l, const Tensor& batch, const std::vector<LayerState>& states, Tensor& gradient,
                  NormSums& sums, const ConvReluNormParameters& out) {
        Convolution& layer = layers[l];
        const bool last = l + 1 == layers.size();
        const LayerState& state = states[l];
        const Pixels &in = layer.in(), &map = layer.out();
        const std::int64_t samples = batch.size(0), count = chunks(layer, samples), size = layer.weight_gradient_size();

        // Ioffe and Szegedy, "Batch normalization", 2015: d/dx = factor (g - mean(g) - xhat mean(g xhat))
        const Eigen::ArrayXd inverse = array_of(state.inverse_deviation), factor = array_of(state.factor);
        const Eigen::ArrayXd scale_gradient = sums.product * inverse;
        const double total = static_cast<double>(samples * map.count);
        const Eigen::ArrayXd slope = -factor * inverse * scale_gradient / total,
                             constant = -factor * sums.gradient / total - slope * array_of(state.mean);
        const Eigen::ArrayXf a = factor.cast<float>(), b = slope.cast<float>(), c = constant.cast<float>();
        out.scale.copy_(tensor_of(scale_gradient));
        out.offset.copy_(tensor_of(sums.gradient));

        if (!last) layers[l + 1].pack_for_backward(states[l + 1].weight);
        const Tensor own = l > 0 ? empty_map(state.activation.sizes()) : Tensor();
        const Tensor& input = l > 0 ? states[l - 1].activation : batch;
        float* weights = sized(weight_gradients, count * size);
        float* maps = sized(summed_maps, count * map.size());
        for_each_chunk(l, samples, {l, last ? l : l + 1}, [&](const Chunk& chunk, Scratch& scratch) {
            const std::int64_t at = chunk.first * map.size(), numbers = chunk.samples * map.size();
            const float* g = values_of(gradient) + at;
            if (!last) {
                float* made = sized(scratch.output, numbers);
                layers[l + 1].input_gradient(
                    chunk.samples, values_of(gradient) + chunk.first * layers[l + 1].out().size(), made, scratch);
                g = made;
            }
            float* d = sized(scratch.gradient, numbers);
            norm_and_relu_backward(g, values_of(state.activation) + at, {chunk.samples * map.count, map.channels},
                                   a.data(), b.data(), c.data(), d);
            add_maps(d, chunk.samples, map.size(), maps + chunk.index * map.size());
            layer.weight_gradient(chunk.samples, values_of(input) + chunk.first * in.size(), d,
                                  weights + chunk.index * size, scratch);
            if (l > 0) stream(d, numbers, own.data_ptr<float>() + at);
        });
        finish_parameters(l, states, weights, maps, count, sums, out);
        gradient = own;
    }

    /// The gradients of weight and bias, and the sums of the layer before, from what the chunks left. The chunks read
    /// the activation x before the norm, whose output y = factor x + shift is the convolution's input: with R the
    /// weight's gradient by x and T the tap sums, the gradient by y is factor R + shift T, and the sums over the
    /// gradient of y are those of weight T and of weight R.
    void finish_parameters(std::size_t l, const std::vector<LayerState>& states, const float* weights,
                           const float* maps, std::int64_t chunks, NormSums& sums, const ConvReluNormParameters& out) {
        const Convolution& layer = layers[l];
        const Pixels& map = layer.out();
        Buffer sum(static_cast<std::size_t>(std::max(layer.weight_gradient_size(), map.size())));
        add_maps(weights, chunks, layer.weight_gradient_size(), sum.data());
        float* weight_gradient = out.weight.data_ptr<float>();
        layer.unpack_gradient(sum.data(), weight_gradient);
        add_maps(maps, chunks, map.size(), sum.data());
        const Eigen::Map<const RowMatrix<float>> pixels(sum.data(), map.count, map.channels);
        out.bias.copy_(tensor_of(pixels.cast<double>().colwise().sum().transpose()));
        if (l == 0) return;

        const LayerState& before = states[l - 1];
        const Eigen::ArrayXXd taps = tap_sums(sum.data(), layer);
        const Eigen::ArrayXd factor = array_of(before.factor), shift = array_of(before.shift);
        const int channels = layer.in().channels;
        const float* weight = values_of(states[l].weight);
        sums = {Eigen::ArrayXd::Zero(channels), Eigen::ArrayXd::Zero(channels)};
        for (Eigen::Index o = 0; o < taps.rows(); ++o)
            for (int i = 0; i < channels; ++i)
                for (Eigen::Index tap = 0; tap < taps.cols(); ++tap, ++weight, ++weight_gradient) {
                    sums.gradient[i] += *weight * taps(o, tap);
                    sums.product[i] += *weight * static_cast<double>(*weight_gradient);
                    *weight_gradient = static_cast<float>(factor[i] * *weight_gradient + shift[i] * taps(o, tap));
                }
        sums.product -= array_of(before.mean) * sums.gradient;
    }

    std::vector<Convolution> layers;
    double epsilon;
    tbb::enumerable_thread_specific<Scratch> scratch;
    Buffer weight_gradients, summed_maps;  ///< of all chunks of a layer
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
        NormSums sums = output_sums(gradient, states.back());
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
