#include "ebgrasp/energy/convolution_network.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tbb/cache_aligned_allocator.h>
#include <tbb/task_arena.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/energy/single_threaded.hpp"

namespace ebgrasp {
namespace {

using dnnl::memory;

constexpr int images_at_once = 32;  ///< bounds the workspace
constexpr int max_pieces = 8;       ///< of a value, worked on in parallel

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};
template <typename... Visitors>  // clang deduces none for aggregates before its version 17
Overloaded(Visitors...)->Overloaded<Visitors...>;

const dnnl::engine& cpu() {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

memory::desc floats(const memory::dims& dims, memory::format_tag tag) { return {dims, memory::data_type::f32, tag}; }

struct MapShape {
    int images, height, width, channels;

    std::size_t pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
    std::size_t row() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels); }
    std::size_t image() const { return static_cast<std::size_t>(height) * row(); }
    std::size_t size() const { return static_cast<std::size_t>(images) * image(); }
};

memory::desc maps(const MapShape& shape) {
    return floats({shape.images, shape.channels, shape.height, shape.width}, memory::format_tag::nhwc);
}

/// A value: (image, row, col, channel).
struct Map {
    explicit Map(const MapShape& shape) : shape(shape), values(shape.size()) {}

    float* row(int image, int row) {
        return values.data() + static_cast<std::size_t>(image) * shape.image() +
               static_cast<std::size_t>(row) * shape.row();
    }
    const float* row(int image, int r) const { return const_cast<Map*>(this)->row(image, r); }

    MapShape shape;
    std::vector<float, tbb::cache_aligned_allocator<float>> values;
};

// -------------------------------------------------------------------------------------------------------------- shapes

int extent(const ConvolutionLayer& layer) { return (layer.kernel - 1) * layer.dilation + 1; }

/// Rows (or columns) of a layer's output from those of its input; below 1 if there is no output.
int output_extent(const ConvolutionLayer& layer, int in) {
    const int steps = in + 2 * layer.padding - extent(layer);
    return steps < 0 ? 0 : steps / layer.stride + 1;
}
int output_extent(const MaxPoolLayer& layer, int in) { return in / layer.size; }
int output_extent(const UpsampleLayer&, int in) { return 2 * in; }
int output_extent(const ConcatLayer&, int in) { return in; }

std::vector<int> inputs_of(const NetworkLayer& layer) {
    return std::visit(Overloaded{[](const ConcatLayer& concat) { return concat.inputs; },
                                 [](const auto& other) { return std::vector<int>{other.input}; }},
                      layer);
}

/// Throws Error if the layer's numbers are unusable or do not fit its inputs; returns its output's channels.
int check_layer(const ConvolutionLayer& layer, const std::string& name, const std::vector<int>& channels) {
    const auto bounded = [&](const char* field, int value, int low, int high) {
        require(value >= low && value <= high, name, ": ", field, " is ", value, ", must be in [", low, ", ", high,
                "]");
    };
    bounded("in_channels", layer.in_channels, 1, 65536);
    bounded("out_channels", layer.out_channels, 1, 65536);
    bounded("kernel", layer.kernel, 1, 255);
    bounded("stride", layer.stride, 1, 255);
    bounded("dilation", layer.dilation, 1, 255);
    bounded("padding", layer.padding, 0, extent(layer) - 1);
    require(channels[0] == layer.in_channels, name, ": reads ", channels[0], " channels, but in_channels is ",
            layer.in_channels);
    const auto sized = [&](const char* field, const std::vector<float>& values, std::size_t size) {
        require(values.size() == size, name, ": ", field, " holds ", values.size(), " numbers, must be ", size);
    };
    const auto in = static_cast<std::size_t>(layer.in_channels), out = static_cast<std::size_t>(layer.out_channels),
               kernel = static_cast<std::size_t>(layer.kernel);
    sized("weight", layer.weight, out * in * kernel * kernel);
    sized("bias", layer.bias, out);
    sized("scale", layer.scale, layer.scale.empty() ? 0 : out);
    sized("shift", layer.shift, layer.scale.empty() ? 0 : out);
    return layer.out_channels;
}

int check_layer(const MaxPoolLayer& layer, const std::string& name, const std::vector<int>& channels) {
    require(layer.size >= 1, name, ": size is ", layer.size, ", must be at least 1");
    return channels[0];
}

int check_layer(const UpsampleLayer&, const std::string&, const std::vector<int>& channels) { return channels[0]; }

int check_layer(const ConcatLayer&, const std::string& name, const std::vector<int>& channels) {
    require(!channels.empty(), name, ": concatenates nothing");
    int sum = 0;
    for (const int count : channels) sum += count;
    return sum;
}

std::string name_of(std::size_t layer) { return "network: layer " + std::to_string(layer); }

}  // namespace

struct ConvolutionNetwork::Body {
    /// The shapes of all values for an input size.
    std::vector<MapShape> shapes(const MapSize& size) const {
        require(size.images >= 0 && size.height >= 1 && size.width >= 1, "network: an input of ", size.images,
                " images of ", size.height, " x ", size.width, " pixels");
        std::vector<MapShape> shapes = {{size.images, size.height, size.width, channels[0]}};
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const auto inputs = inputs_of(layers[i]);
            const auto shape_of = [&](int value) { return shapes[static_cast<std::size_t>(value)]; };
            const MapShape in = shape_of(inputs[0]);
            for (const int other : inputs)
                require(shape_of(other).height == in.height && shape_of(other).width == in.width, name_of(i),
                        ": concatenates maps of ", in.height, " x ", in.width, " and ", shape_of(other).height, " x ",
                        shape_of(other).width, "; choose an input size that all poolings divide");
            const auto out = [&](int extent) {
                return std::visit([&](const auto& layer) { return output_extent(layer, extent); }, layers[i]);
            };
            shapes.push_back({size.images, out(in.height), out(in.width), channels[i + 1]});
            require(shapes.back().height >= 1 && shapes.back().width >= 1, name_of(i), ": nothing is left of maps of ",
                    in.height, " x ", in.width, "; the input of ", size.height, " x ", size.width, " is too small");
        }
        return shapes;
    }

    /// The weights of a layer in the order that a primitive asks for; packed once for each order.
    memory packed_weight(std::size_t layer, const memory::desc& order) const {
        const std::lock_guard lock(mutex);
        for (const auto& [owner, weight] : packed)
            if (owner == layer && weight.get_desc() == order) return weight;
        const auto& convolution = std::get<ConvolutionLayer>(layers[layer]);
        const memory plain(floats(order.dims(), memory::format_tag::oihw), cpu(),
                           const_cast<float*>(convolution.weight.data()));
        memory weight(order, cpu());
        dnnl::stream stream(cpu());
        dnnl::reorder(plain, weight).execute(stream, const_cast<memory&>(plain), weight);
        stream.wait();
        packed.emplace_back(layer, weight);
        return weight;
    }

    std::vector<NetworkLayer> layers;
    std::vector<int> channels;  ///< of each value
    mutable std::mutex mutex;   ///< of packed
    mutable std::vector<std::pair<std::size_t, memory>> packed;
};

ConvolutionNetwork::ConvolutionNetwork(std::vector<NetworkLayer> layers) {
    require(!layers.empty(), "network: has no layers");
    auto body = std::make_shared<Body>();
    const auto* first = std::get_if<ConvolutionLayer>(&layers.front());
    require(first, "network: layer 0 must be a convolution, which tells the channels of the input");
    body->channels = {first->in_channels};
    for (std::size_t i = 0; i < layers.size(); ++i) {
        std::vector<int> channels;
        for (const int input : inputs_of(layers[i])) {
            require(input >= 0 && input <= static_cast<int>(i), name_of(i), ": input ", input, " must be in [0, ", i,
                    "]: a value made before");
            channels.push_back(body->channels[static_cast<std::size_t>(input)]);
        }
        body->channels.push_back(
            std::visit([&](const auto& layer) { return check_layer(layer, name_of(i), channels); }, layers[i]));
    }
    body->layers = std::move(layers);
    body_ = std::move(body);
}

int ConvolutionNetwork::in_channels() const { return body_->channels.front(); }
int ConvolutionNetwork::out_channels() const { return body_->channels.back(); }

MapSize ConvolutionNetwork::output_size(const MapSize& input) const {
    const MapShape shape = body_->shapes(input).back();
    return {shape.images, shape.height, shape.width};
}

double ConvolutionNetwork::multiply_adds(int height, int width) const {
    const auto shapes = body_->shapes({1, height, width});
    double sum = 0;
    for (std::size_t i = 0; i < body_->layers.size(); ++i)
        if (const auto* layer = std::get_if<ConvolutionLayer>(&body_->layers[i]))
            sum += static_cast<double>(shapes[i + 1].size()) * layer->in_channels * layer->kernel * layer->kernel;
    return sum;
}

// ---------------------------------------------------------------------------------------------------------------- plan

namespace {

/// One layer for one input size: `run(piece)` for every piece, in any order and in parallel.
struct Step {
    int pieces;
    std::function<void(int)> run;
};

/// Piece `piece` of `pieces` equal parts of [0, count).
std::pair<int, int> part(int count, int pieces, int piece) {
    const auto bound = [&](int i) { return static_cast<int>(static_cast<std::int64_t>(count) * i / pieces); };
    return {bound(piece), bound(piece + 1)};
}

/// Rows (or columns) of a convolution's input, and how many of the padding's zeros lie on either side of them.
struct Span {
    int first, count, zeros_before, zeros_behind;
};

/// What the output's [begin, end) reads, where the input has `in` rows and the output `out`. The last part takes the
/// rest, even rows that the stride leaves unread, so that all rows of a group of images are one block of memory.
Span span_under(const ConvolutionLayer& layer, int in, int out, int begin, int end) {
    const int first = begin * layer.stride - layer.padding;
    const int read = (end - 1) * layer.stride - layer.padding + extent(layer) - 1;
    const int last = end == out ? std::max(read, in - 1) : read;
    const int before = std::max(0, -first), behind = std::max(0, last - (in - 1));
    return {first + before, last - behind - (first + before) + 1, before, behind};
}

/// A primitive with its arguments: running it allocates nothing.
class BoundPrimitive {
  public:
    explicit BoundPrimitive(dnnl::primitive primitive) : primitive_(std::move(primitive)) {}

    void bind(int argument, const memory& memory) {
        memories_.push_back(memory);
        arguments_.push_back({argument, memory.get()});
    }
    void run() const {
        dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive_.get(), stream_.get(),
                                                       static_cast<int>(arguments_.size()), arguments_.data()),
                                "convolution");
    }

  private:
    dnnl::primitive primitive_;
    dnnl::stream stream_{cpu()};
    std::vector<memory> memories_;  // own what arguments_ points to
    std::vector<dnnl_exec_arg_t> arguments_;
};

/// A step that calls make_row(image, row) for every row of `out`.
template <typename MakeRow>
Step row_step(Map& out, MakeRow make_row) {
    const int height = out.shape.height, rows = out.shape.images * height, pieces = std::min(rows, max_pieces);
    return {pieces, [=](int piece) {
                const auto [begin, end] = part(rows, pieces, piece);
                for (int i = begin; i < end; ++i) make_row(i / height, i % height);
            }};
}

class Plan {
  public:
    Plan(const ConvolutionNetwork::Body& body, const MapSize& size) : body_(body) {
        for (const MapShape& shape : body.shapes(size)) maps_.emplace_back(shape);
        scratchpads_.resize(max_pieces);
        const SingleThreadedPrimitives guard;
        try {
            for (std::size_t i = 0; i < body.layers.size(); ++i)
                steps_.push_back(std::visit([&](const auto& layer) { return step(i, layer); }, body.layers[i]));
        } catch (const dnnl::error& error) {
            fail("oneDNN has no convolution for this network and size: ", error.message);
        }
    }
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    Map& input() { return maps_.front(); }
    const Map& output() const { return maps_.back(); }

    void run() {
        for (const Step& step : steps_)
            parallel_for(static_cast<std::size_t>(step.pieces), [&](std::size_t piece) {
                const SingleThreadedPrimitives guard;
                step.run(static_cast<int>(piece));
            });
    }

  private:
    Map& value(int index) { return maps_[static_cast<std::size_t>(index)]; }
    Map& made_by(std::size_t layer) { return maps_[layer + 1]; }

    Step step(std::size_t index, const ConvolutionLayer& layer) {
        const MapShape& out = made_by(index).shape;
        const int whole = out.images > 1 ? out.images : out.height, pieces = std::min(whole, max_pieces);
        auto primitives = std::make_shared<std::vector<BoundPrimitive>>();
        for (int piece = 0; piece < pieces; ++piece) {
            const auto [begin, end] = part(whole, pieces, piece);
            primitives->push_back(out.images > 1 ? convolution(index, layer, piece, begin, end, 0, out.height)
                                                 : convolution(index, layer, piece, 0, 1, begin, end));
        }
        return {pieces, [=](int piece) { (*primitives)[static_cast<std::size_t>(piece)].run(); }};
    }

    /// The output rows [first_row, end_row) of the images [first_image, end_image).
    BoundPrimitive convolution(std::size_t index, const ConvolutionLayer& layer, int piece, int first_image,
                               int end_image, int first_row, int end_row) {
        Map &in = value(layer.input), &out = made_by(index);
        const int images = end_image - first_image;
        const Span rows = span_under(layer, in.shape.height, out.shape.height, first_row, end_row),
                   cols = span_under(layer, in.shape.width, out.shape.width, 0, out.shape.width);
        const memory::desc source = maps({images, rows.count, cols.count, in.shape.channels}),
                           target = maps({images, end_row - first_row, out.shape.width, out.shape.channels}),
                           bias = floats({layer.out_channels}, memory::format_tag::x),
                           factor = floats({1, layer.out_channels, 1, 1}, memory::format_tag::nchw);

        dnnl::post_ops after;
        if (layer.relu) after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
        const int norm = after.len();
        if (!layer.scale.empty()) {
            after.append_binary(dnnl::algorithm::binary_mul, factor);
            after.append_binary(dnnl::algorithm::binary_add, factor);
        }
        const auto description = describe(layer, rows, cols, source, bias, target, after);

        BoundPrimitive primitive{dnnl::convolution_forward(description)};
        const auto bind = [&](int argument, const memory::desc& shape, const float* values) {
            primitive.bind(argument, memory(shape, cpu(), const_cast<float*>(values)));
        };
        bind(DNNL_ARG_SRC, source, in.row(first_image, rows.first));
        bind(DNNL_ARG_DST, target, out.row(first_image, first_row));
        bind(DNNL_ARG_BIAS, bias, layer.bias.data());
        if (!layer.scale.empty()) {
            bind(DNNL_ARG_ATTR_MULTIPLE_POST_OP(norm) | DNNL_ARG_SRC_1, factor, layer.scale.data());
            bind(DNNL_ARG_ATTR_MULTIPLE_POST_OP(norm + 1) | DNNL_ARG_SRC_1, factor, layer.shift.data());
        }
        primitive.bind(DNNL_ARG_WEIGHTS, body_.packed_weight(index, description.weights_desc()));
        primitive.bind(DNNL_ARG_SCRATCHPAD, scratchpad(piece, description.scratchpad_desc()));
        return primitive;
    }

    static dnnl::convolution_forward::primitive_desc describe(const ConvolutionLayer& layer, const Span& rows,
                                                              const Span& cols, const memory::desc& source,
                                                              const memory::desc& bias, const memory::desc& target,
                                                              const dnnl::post_ops& after) {
        dnnl::primitive_attr attributes;
        attributes.set_post_ops(after);
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        const memory::desc weight =
            floats({layer.out_channels, layer.in_channels, layer.kernel, layer.kernel}, memory::format_tag::any);
        const memory::dims strides = {layer.stride, layer.stride}, gaps = {layer.dilation - 1, layer.dilation - 1},
                           before = {rows.zeros_before, cols.zeros_before},
                           behind = {rows.zeros_behind, cols.zeros_behind};
        return {{dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, source, weight, bias, target,
                 strides, gaps, before, behind},
                attributes,
                cpu()};
    }

    /// Scratch memory that the same piece of all layers shares: pieces of one layer run at the same time, layers do
    /// not.
    memory scratchpad(int piece, const memory::desc& needed) {
        memory& shared = scratchpads_[static_cast<std::size_t>(piece)];
        if (!shared || shared.get_desc().get_size() < needed.get_size()) shared = memory(needed, cpu());
        return shared;
    }

    Step step(std::size_t index, const MaxPoolLayer& layer) {
        Map &in = value(layer.input), &out = made_by(index);
        return row_step(out, [&in, &out, size = layer.size](int image, int row) {
            const auto channels = static_cast<std::size_t>(out.shape.channels);
            float* target = out.row(image, row);
            for (int col = 0; col < out.shape.width; ++col, target += channels)
                for (int k = 0; k < size * size; ++k) {
                    const float* source = in.row(image, row * size + k / size) +
                                          static_cast<std::size_t>(col * size + k % size) * channels;
                    for (std::size_t c = 0; c < channels; ++c)
                        target[c] = k == 0 ? source[c] : std::max(target[c], source[c]);
                }
        });
    }

    Step step(std::size_t index, const UpsampleLayer& layer) {
        Map &in = value(layer.input), &out = made_by(index);
        // Output pixel 2 i lies a quarter pixel before input pixel i, 2 i + 1 a quarter behind it.
        const float share = layer.bilinear ? 0.75F : 1.0F;  // of the nearest pixel
        return row_step(out, [&in, &out, share](int image, int row) {
            const auto neighbour = [](int i, int count) { return std::clamp(i / 2 + (i % 2 ? 1 : -1), 0, count - 1); };
            const auto channels = static_cast<std::size_t>(out.shape.channels);
            const float *near_row = in.row(image, row / 2), *far_row = in.row(image, neighbour(row, in.shape.height));
            float* target = out.row(image, row);
            for (int col = 0; col < out.shape.width; ++col, target += channels) {
                const std::size_t near = static_cast<std::size_t>(col / 2) * channels,
                                  far = static_cast<std::size_t>(neighbour(col, in.shape.width)) * channels;
                for (std::size_t c = 0; c < channels; ++c)
                    target[c] = share * (share * near_row[near + c] + (1 - share) * near_row[far + c]) +
                                (1 - share) * (share * far_row[near + c] + (1 - share) * far_row[far + c]);
            }
        });
    }

    Step step(std::size_t index, const ConcatLayer& layer) {
        Map& out = made_by(index);
        std::vector<const Map*> sources;
        for (const int input : layer.inputs) sources.push_back(&value(input));
        return row_step(out, [&out, sources](int image, int row) {
            float* target = out.row(image, row);
            for (std::size_t col = 0; col < static_cast<std::size_t>(out.shape.width); ++col)
                for (const Map* source : sources) {
                    const auto channels = static_cast<std::size_t>(source->shape.channels);
                    target = std::copy_n(source->row(image, row) + col * channels, channels, target);
                }
        });
    }

    const ConvolutionNetwork::Body& body_;
    std::vector<Map> maps_;  ///< all values
    std::vector<memory> scratchpads_;
    std::vector<Step> steps_;
};

enum class Order { channels_outermost, channels_innermost };

/// Copies rows x cols numbers, or their transpose if the caller's order of an image is not ours.
void copy(Order order, const float* from, std::size_t rows, std::size_t cols, float* to) {
    if (order == Order::channels_innermost || rows == 1 || cols == 1) {
        std::copy_n(from, rows * cols, to);
        return;
    }
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < cols; ++j) to[j * rows + i] = from[i * cols + j];
}

}  // namespace

// ----------------------------------------------------------------------------------------------------------- workspace

struct ConvolutionWorkspace::State {
    void forward(std::span<const float> input, const MapSize& size, std::span<float> output, Order order) {
        const auto shapes = body->shapes(size);
        require(input.size() == shapes.front().size() && output.size() == shapes.back().size(), "network: input of ",
                input.size(), " and output of ", output.size(), " numbers, must be ", shapes.front().size(), " and ",
                shapes.back().size());
        for (int first = 0; first < size.images; first += images_at_once) {
            const int images = std::min(images_at_once, size.images - first);
            Plan& plan = plan_for({images, size.height, size.width});
            Map& in = plan.input();
            const Map& out = plan.output();
            const auto for_each_image = [&](const auto& body) { parallel_for(static_cast<std::size_t>(images), body); };
            for_each_image([&](std::size_t i) {
                copy(order, input.data() + (static_cast<std::size_t>(first) + i) * in.shape.image(), in.shape.channels,
                     in.shape.pixels(), in.row(static_cast<int>(i), 0));
            });
            plan.run();
            for_each_image([&](std::size_t i) {
                copy(order, out.row(static_cast<int>(i), 0), out.shape.pixels(), out.shape.channels,
                     output.data() + (static_cast<std::size_t>(first) + i) * out.shape.image());
            });
        }
    }

    Plan& plan_for(const MapSize& size) {
        std::unique_ptr<Plan>& plan = plans[size];
        if (!plan) plan = std::make_unique<Plan>(*body, size);
        return *plan;
    }

    std::shared_ptr<const ConvolutionNetwork::Body> body;
    std::map<MapSize, std::unique_ptr<Plan>> plans;
};

ConvolutionWorkspace::ConvolutionWorkspace(const ConvolutionNetwork& network)
    : state_(std::make_unique<State>(State{network.body_, {}})) {}
ConvolutionWorkspace::~ConvolutionWorkspace() = default;
ConvolutionWorkspace::ConvolutionWorkspace(ConvolutionWorkspace&&) noexcept = default;
ConvolutionWorkspace& ConvolutionWorkspace::operator=(ConvolutionWorkspace&&) noexcept = default;

void ConvolutionWorkspace::forward(std::span<const float> input, const MapSize& size, std::span<float> output) {
    // Isolated: while this thread waits for its loops it takes no foreign task, which could be another call of this.
    tbb::this_task_arena::isolate([&] { state_->forward(input, size, output, Order::channels_outermost); });
}

void ConvolutionWorkspace::forward_channels_last(std::span<const float> input, const MapSize& size,
                                                 std::span<float> output) {
    tbb::this_task_arena::isolate([&] { state_->forward(input, size, output, Order::channels_innermost); });
}

}  // namespace ebgrasp
