// Fixed convolutional networks without libtorch, on oneDNN: a list of layers, each of which reads values made before
// it.
//
//   ConvolutionNetwork network({ConvolutionLayer{.input = 0, .in_channels = 1, ...}, MaxPoolLayer{.input = 1}});
//   ConvolutionWorkspace workspace(network);                            // one for each thread that calls forward
//   workspace.forward(images, {.images = 8, .height = 32, .width = 32}, output);
//
// Values are numbered: 0 is the network's input, i + 1 is what layer i makes. The last value is the output. Inside,
// maps have channels innermost; a batch is cut into groups of images, a single image into bands of rows, and these
// pieces run in the parallel loops of core/parallel.hpp on single-threaded primitives (energy/single_threaded.hpp). The
// pieces depend on the size alone, so results do not depend on the number of threads, and ThreadLimit bounds it.
#pragma once

#include <memory>
#include <span>
#include <variant>
#include <vector>

namespace ebgrasp {

/// Cross-correlation over zero-padded maps, then optionally a ReLU, then optionally scale[c] x + shift[c] of every
/// output channel c (batch norm at inference).
struct ConvolutionLayer {
    int input;
    int in_channels, out_channels;
    int kernel;  ///< rows and columns
    int stride = 1, padding = 0;
    int dilation = 1;                ///< pixels between the taps of the kernel; 1 is dense
    std::vector<float> weight = {};  ///< (out, in, row, col), as in PyTorch
    std::vector<float> bias = {};    ///< out_channels
    bool relu = false;
    std::vector<float> scale = {}, shift = {};  ///< out_channels each, or both empty
};

/// The largest of each size x size cell. Rows and columns at the end that fill no cell are dropped.
struct MaxPoolLayer {
    int input;
    int size = 2;
};

/// Twice as many rows and columns: each pixel repeated, or interpolated bilinearly between pixel centres with the
/// border repeated (PyTorch's align_corners = false).
struct UpsampleLayer {
    int input;
    bool bilinear = false;
};

/// The channels of all inputs, in their order; their maps must be of one size.
struct ConcatLayer {
    std::vector<int> inputs;
};

using NetworkLayer = std::variant<ConvolutionLayer, MaxPoolLayer, UpsampleLayer, ConcatLayer>;

struct MapSize {
    int images, height, width;
    auto operator<=>(const MapSize&) const = default;
};

/// Layers and their weights. Immutable to its users, who share it among threads; copies share one body.
class ConvolutionNetwork {
  public:
    /// Throws Error naming the layer whose input does not exist, or whose extents, weights or channels do not fit.
    explicit ConvolutionNetwork(std::vector<NetworkLayer> layers);

    int in_channels() const;
    int out_channels() const;
    /// The size of the output for an input size. Throws Error naming the layer for which the maps are too small, or
    /// whose inputs differ in size.
    MapSize output_size(const MapSize& input) const;
    /// Multiplications and additions of one image in the convolutions, padding included.
    double multiply_adds(int height, int width) const;

    struct Body;

  private:
    friend class ConvolutionWorkspace;
    std::shared_ptr<const Body> body_;
};

/// Buffers and primitives of a network for every size that it has seen: nothing is allocated by the second call for a
/// size. Large batches are worked through 32 images at a time, which bounds the memory. Use one in each thread.
class ConvolutionWorkspace {
  public:
    explicit ConvolutionWorkspace(const ConvolutionNetwork& network);
    ~ConvolutionWorkspace();
    ConvolutionWorkspace(ConvolutionWorkspace&&) noexcept;
    ConvolutionWorkspace& operator=(ConvolutionWorkspace&&) noexcept;

    /// `input` is (image, channel, row, col), `output` likewise, of the network's output_size.
    /// Throws Error if a span does not have the size's number of floats, or as output_size does.
    void forward(std::span<const float> input, const MapSize& size, std::span<float> output);

    /// The same with channels innermost on both sides: (image, row, col, channel).
    void forward_channels_last(std::span<const float> input, const MapSize& size, std::span<float> output);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ebgrasp
