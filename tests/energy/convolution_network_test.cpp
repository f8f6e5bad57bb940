#include "ebgrasp/energy/convolution_network.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
    RandomStream random(seed);
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(random.uniform(-1, 1));
    return values;
}

/// Images in double, (image, channel, row, col), and the layers by their definitions.
struct Images {
    MapSize size;
    int channels;
    std::vector<double> values;

    Images(const MapSize& size, int channels)
        : size(size),
          channels(channels),
          values(static_cast<std::size_t>(size.images * channels * size.height * size.width)) {}

    double& at(int image, int channel, int row, int col) {
        return values[static_cast<std::size_t>(((image * channels + channel) * size.height + row) * size.width + col)];
    }
    double get(int image, int channel, int row, int col) const {
        return const_cast<Images*>(this)->at(image, channel, row, col);
    }
    /// Calls visit(image, channel, row, col, number) for every number.
    template <typename Visit>
    void for_each(const Visit& visit) {
        for (int n = 0; n < size.images; ++n)
            for (int c = 0; c < channels; ++c)
                for (int row = 0; row < size.height; ++row)
                    for (int col = 0; col < size.width; ++col) visit(n, c, row, col, at(n, c, row, col));
    }
};

Images by_definition(const ConvolutionLayer& layer, const std::vector<Images>& values) {
    const Images& in = values[static_cast<std::size_t>(layer.input)];
    const auto extent = [&](int size) {
        return (size + 2 * layer.padding - (layer.kernel - 1) * layer.dilation - 1) / layer.stride + 1;
    };
    Images out({in.size.images, extent(in.size.height), extent(in.size.width)}, layer.out_channels);
    out.for_each([&](int n, int o, int row, int col, double& value) {
        value = layer.bias[static_cast<std::size_t>(o)];
        for (int c = 0; c < layer.in_channels; ++c)
            for (int i = 0; i < layer.kernel; ++i)
                for (int j = 0; j < layer.kernel; ++j) {
                    const int r = row * layer.stride + i * layer.dilation - layer.padding,
                              s = col * layer.stride + j * layer.dilation - layer.padding;
                    if (r < 0 || r >= in.size.height || s < 0 || s >= in.size.width) continue;
                    const int tap = ((o * layer.in_channels + c) * layer.kernel + i) * layer.kernel + j;
                    value += layer.weight[static_cast<std::size_t>(tap)] * in.get(n, c, r, s);
                }
        if (layer.relu) value = std::max(value, 0.0);
        if (!layer.scale.empty())
            value = layer.scale[static_cast<std::size_t>(o)] * value + layer.shift[static_cast<std::size_t>(o)];
    });
    return out;
}

Images by_definition(const MaxPoolLayer& layer, const std::vector<Images>& values) {
    const Images& in = values[static_cast<std::size_t>(layer.input)];
    Images out({in.size.images, in.size.height / layer.size, in.size.width / layer.size}, in.channels);
    out.for_each([&](int n, int c, int row, int col, double& value) {
        value = -std::numeric_limits<double>::infinity();
        for (int i = 0; i < layer.size; ++i)
            for (int j = 0; j < layer.size; ++j)
                value = std::max(value, in.get(n, c, row * layer.size + i, col * layer.size + j));
    });
    return out;
}

Images by_definition(const UpsampleLayer& layer, const std::vector<Images>& values) {
    const Images& in = values[static_cast<std::size_t>(layer.input)];
    Images out({in.size.images, 2 * in.size.height, 2 * in.size.width}, in.channels);
    out.for_each([&](int n, int c, int row, int col, double& value) {
        if (!layer.bilinear) {
            value = in.get(n, c, row / 2, col / 2);
            return;
        }
        // The place among the input's pixel centres, held inside of them, and a sum over all pixels of tent functions.
        const double r = std::clamp((row + 0.5) / 2 - 0.5, 0.0, in.size.height - 1.0),
                     s = std::clamp((col + 0.5) / 2 - 0.5, 0.0, in.size.width - 1.0);
        value = 0;
        for (int i = 0; i < in.size.height; ++i)
            for (int j = 0; j < in.size.width; ++j)
                value += std::max(0.0, 1 - std::abs(r - i)) * std::max(0.0, 1 - std::abs(s - j)) * in.get(n, c, i, j);
    });
    return out;
}

Images by_definition(const ConcatLayer& layer, const std::vector<Images>& values) {
    const Images& first = values[static_cast<std::size_t>(layer.inputs[0])];
    int channels = 0;
    for (const int input : layer.inputs) channels += values[static_cast<std::size_t>(input)].channels;
    Images out(first.size, channels);
    out.for_each([&](int n, int c, int row, int col, double& value) {
        for (const int input : layer.inputs) {
            const Images& in = values[static_cast<std::size_t>(input)];
            if (c >= 0 && c < in.channels) value = in.get(n, c, row, col);
            c -= in.channels;
        }
    });
    return out;
}

ConvolutionLayer random_convolution(ConvolutionLayer shape, std::uint64_t seed, bool norm = false) {
    const auto count = static_cast<std::size_t>(shape.out_channels);
    const auto inputs = static_cast<std::size_t>(shape.in_channels * shape.kernel * shape.kernel);
    shape.weight = random_values(count * inputs, seed);
    for (float& weight : shape.weight) weight *= std::sqrt(3 / static_cast<float>(inputs));  // outputs stay of size 1
    shape.bias = random_values(count, seed + 1);
    if (norm) {
        shape.scale = random_values(count, seed + 2);
        shape.shift = random_values(count, seed + 3);
    }
    return shape;
}

std::vector<float> run(const ConvolutionNetwork& network, const MapSize& size, const std::vector<float>& input) {
    const MapSize out = network.output_size(size);
    std::vector<float> output(static_cast<std::size_t>(out.images * network.out_channels() * out.height * out.width));
    ConvolutionWorkspace(network).forward(input, size, output);
    return output;
}

std::vector<float> random_input(const ConvolutionNetwork& network, const MapSize& size) {
    return random_values(static_cast<std::size_t>(size.images * network.in_channels() * size.height * size.width), 99);
}

/// The layers' definitions against the network, for one size.
void expect_by_definition(const std::vector<NetworkLayer>& layers, const MapSize& size) {
    const ConvolutionNetwork network(layers);
    const auto input = random_input(network, size);
    std::vector<Images> values = {Images(size, network.in_channels())};
    values[0].values.assign(input.begin(), input.end());
    for (const NetworkLayer& layer : layers)
        values.push_back(std::visit([&](const auto& given) { return by_definition(given, values); }, layer));
    const Images& expected = values.back();
    EXPECT_EQ(network.output_size(size), expected.size);
    const auto output = run(network, size, input);
    ASSERT_EQ(output.size(), expected.values.size());
    double worst = 0;
    for (std::size_t i = 0; i < output.size(); ++i) worst = std::max(worst, std::abs(output[i] - expected.values[i]));
    EXPECT_LE(worst, 5e-6) << size.images << " x " << size.height << " x " << size.width;
}

TEST(ConvolutionNetwork, ConvolutionsOfManyShapes) {
    RandomStream random(1);
    const auto pick = [&](std::initializer_list<int> choices) { return choices.begin()[random.index(choices.size())]; };
    for (std::uint64_t trial = 0; trial < 60; ++trial) {
        ConvolutionLayer shape{.input = 0,
                               .in_channels = pick({1, 2, 3, 16, 20}),
                               .out_channels = pick({1, 4, 7, 16, 32, 35}),
                               .kernel = pick({1, 2, 3, 5, 7, 11}),
                               .stride = pick({1, 1, 2, 3}),
                               .dilation = pick({1, 1, 2, 4})};
        shape.relu = random.index(2) == 0;
        const int extent = (shape.kernel - 1) * shape.dilation + 1;
        shape.padding = static_cast<int>(random.index(static_cast<std::size_t>(extent)));
        const int least = std::max(1, extent - 2 * shape.padding);
        const auto side = [&] { return least + static_cast<int>(random.index(20)); };
        SCOPED_TRACE(testing::Message() << "trial " << trial << ": " << shape.in_channels << " -> "
                                        << shape.out_channels << ", kernel " << shape.kernel << ", stride "
                                        << shape.stride << ", padding " << shape.padding << ", dilation "
                                        << shape.dilation);
        expect_by_definition({random_convolution(shape, 10 * trial, random.index(2) == 0)},
                             {pick({1, 1, 2, 11}), side(), side()});
    }
}

/// A small U-Net with every kind of layer.
std::vector<NetworkLayer> u_net() {
    return {
        random_convolution({.input = 0, .in_channels = 2, .out_channels = 16, .kernel = 5, .padding = 2, .relu = true},
                           1, true),
        MaxPoolLayer{.input = 1},
        random_convolution(
            {.input = 2, .in_channels = 16, .out_channels = 24, .kernel = 3, .padding = 2, .dilation = 2, .relu = true},
            2),
        MaxPoolLayer{.input = 3},
        random_convolution({.input = 4, .in_channels = 24, .out_channels = 32, .kernel = 3, .padding = 1, .relu = true},
                           3),
        UpsampleLayer{.input = 5, .bilinear = true},
        ConcatLayer{{6, 3}},
        random_convolution({.input = 7, .in_channels = 56, .out_channels = 16, .kernel = 3, .padding = 1, .relu = true},
                           4, true),
        UpsampleLayer{.input = 8},
        ConcatLayer{{1, 9, 0}},
        random_convolution({.input = 10, .in_channels = 34, .out_channels = 4, .kernel = 1}, 5)};
}

TEST(ConvolutionNetwork, AllLayersTogether) {
    for (const MapSize& size : {MapSize{1, 28, 36}, MapSize{1, 4, 8}, MapSize{3, 12, 8}, MapSize{35, 8, 8}})
        expect_by_definition(u_net(), size);
}

TEST(ConvolutionNetwork, PoolingDropsWhatFillsNoCell) {
    expect_by_definition({random_convolution({.input = 0, .in_channels = 1, .out_channels = 3, .kernel = 1}, 1),
                          MaxPoolLayer{.input = 1, .size = 3}},
                         {2, 11, 7});
}

TEST(ConvolutionNetwork, DoesNotDependOnThreadsNorOnOthersWhoRunIt) {
    const ConvolutionNetwork network(u_net());
    for (const MapSize& size : {MapSize{1, 48, 64}, MapSize{9, 16, 16}}) {
        const auto input = random_input(network, size);
        const auto many = run(network, size, input);
        {
            const ThreadLimit limit(1);
            EXPECT_EQ(run(network, size, input), many);
        }
        std::vector<std::vector<float>> outputs(4);
        std::vector<std::thread> threads;
        for (auto& output : outputs) threads.emplace_back([&] { output = run(network, size, input); });
        for (auto& thread : threads) thread.join();
        for (const auto& output : outputs) EXPECT_EQ(output, many);
    }
}

TEST(ConvolutionNetwork, WorkspaceKeepsItsSizesApart) {
    const ConvolutionNetwork network(u_net());
    ConvolutionWorkspace workspace(network);
    for (int repeat = 0; repeat < 2; ++repeat)
        for (const MapSize& size : {MapSize{1, 8, 8}, MapSize{2, 8, 8}, MapSize{1, 16, 8}, MapSize{40, 4, 4}}) {
            const auto input = random_input(network, size);
            const auto expected = run(network, size, input);
            std::vector<float> output(expected.size());
            workspace.forward(input, size, output);
            EXPECT_EQ(output, expected);
        }
}

TEST(ConvolutionNetwork, ChannelsLastIsTheSameInAnotherOrder) {
    const ConvolutionNetwork network(u_net());
    const MapSize size{3, 8, 12};
    const int pixels = size.height * size.width;
    const auto innermost = [&](const std::vector<float>& images, int channels) {
        std::vector<float> out;
        for (int n = 0; n < size.images; ++n)
            for (int p = 0; p < pixels; ++p)
                for (int c = 0; c < channels; ++c)
                    out.push_back(images[static_cast<std::size_t>((n * channels + c) * pixels + p)]);
        return out;
    };
    const auto input = random_input(network, size);
    const auto expected = innermost(run(network, size, input), network.out_channels());
    std::vector<float> output(expected.size());
    ConvolutionWorkspace(network).forward_channels_last(innermost(input, network.in_channels()), size, output);
    EXPECT_EQ(output, expected);
}

TEST(ConvolutionNetwork, CountsMultiplications) {
    const ConvolutionNetwork network(
        {random_convolution({.input = 0, .in_channels = 3, .out_channels = 5, .kernel = 3, .stride = 2, .padding = 1},
                            1),
         MaxPoolLayer{.input = 1},
         random_convolution({.input = 2, .in_channels = 5, .out_channels = 2, .kernel = 1}, 2)});
    EXPECT_EQ(network.multiply_adds(8, 12), 4 * 6 * 5 * 27 + 2 * 3 * 2 * 5);
}

TEST(ConvolutionNetwork, TakesNoImages) { EXPECT_TRUE(run(ConvolutionNetwork(u_net()), {0, 8, 8}, {}).empty()); }

TEST(ConvolutionNetwork, RefusesWhatDoesNotFit) {
    const auto complaint = [](const auto& body) -> std::string {
        try {
            body();
            return "";
        } catch (const Error& error) {
            return error.what();
        }
    };
    const auto damaged = [&](const auto& damage) {
        return complaint([&] {
            auto layers = u_net();
            damage(layers);
            ConvolutionNetwork{layers};
        });
    };
    const auto convolution = [](std::vector<NetworkLayer>& layers, std::size_t i) -> ConvolutionLayer& {
        return std::get<ConvolutionLayer>(layers[i]);
    };
    EXPECT_THAT(damaged([](auto& layers) { layers.clear(); }), HasSubstr("no layers"));
    EXPECT_THAT(damaged([](auto& layers) { layers.erase(layers.begin()); }),
                HasSubstr("layer 0 must be a convolution"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).input = 3; }), HasSubstr("layer 2: input 3"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 4).input = -1; }), HasSubstr("layer 4: input -1"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).in_channels = 15; }),
                HasSubstr("layer 2: reads 16 channels"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).kernel = 0; }), HasSubstr("kernel is 0"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).stride = 0; }), HasSubstr("stride is 0"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).dilation = 1 << 30; }),
                HasSubstr("dilation is 1073741824"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).padding = 5; }), HasSubstr("padding is 5"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).weight.pop_back(); }),
                HasSubstr("layer 2: weight holds 3455"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 2).bias.push_back(0); }), HasSubstr("bias holds 25"));
    EXPECT_THAT(damaged([&](auto& layers) { convolution(layers, 0).shift.clear(); }), HasSubstr("shift holds 0"));
    EXPECT_THAT(damaged([](auto& layers) { layers.push_back(ConcatLayer{}); }), HasSubstr("concatenates nothing"));
    EXPECT_THAT(damaged([](auto& layers) { layers.push_back(MaxPoolLayer{.input = 1, .size = 0}); }),
                HasSubstr("size is 0"));

    const ConvolutionNetwork network(u_net());
    EXPECT_THAT(complaint([&] { network.output_size({1, 10, 8}); }), HasSubstr("choose an input size"));
    EXPECT_THAT(complaint([&] { network.output_size({1, 3, 8}); }), HasSubstr("3 x 8 is too small"));
    EXPECT_THAT(complaint([&] { network.output_size({1, 0, 8}); }), HasSubstr("0 x 8"));
    EXPECT_THAT(complaint([&] { network.output_size({-1, 8, 8}); }), HasSubstr("-1 images"));
    std::vector<float> output(4 * 64);
    EXPECT_THAT(complaint([&] {
                    ConvolutionWorkspace(network).forward(std::vector<float>(64), {1, 8, 8}, output);
                }),
                HasSubstr("must be 128"));
}

}  // namespace
}  // namespace ebgrasp
