#include "ebgrasp/energy/gqcnn_runtime.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <mutex>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/energy/convolution_network.hpp"
#include "ebgrasp/image/window.hpp"

namespace ebgrasp {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t grasps_at_once = 512;  ///< bounds the memory of activations
constexpr Eigen::Index head_block = 64;      ///< grasps of one task in the layers behind fc3

std::vector<std::size_t> shape_of(std::initializer_list<int> extents) { return {extents.begin(), extents.end()}; }

/// A fully connected layer: out x in weights.
struct Linear {
    Linear(const Checkpoint& checkpoint, const std::string& name, int in, int out)
        : weight(Eigen::Map<const Matrix>(checkpoint.tensor(name + ".weight", shape_of({out, in})).values.data(), out,
                                          in)),
          bias(Eigen::Map<const Eigen::RowVectorXf>(checkpoint.tensor(name + ".bias", shape_of({out})).values.data(),
                                                    out)) {}

    Matrix operator()(const Matrix& rows) const { return (rows * weight.transpose()).rowwise() + bias; }
    std::size_t multiply_adds() const { return static_cast<std::size_t>(weight.size()); }

    Matrix weight;
    Eigen::RowVectorXf bias;
};

/// Everything up to fc3, which is a convolution whose kernel is the whole map.
ConvolutionNetwork image_layers(const Checkpoint& checkpoint) {
    std::vector<NetworkLayer> layers;
    const auto read_values = [&](const std::string& name, std::initializer_list<int> shape) {
        return checkpoint.tensor(name, shape_of(shape)).values;
    };
    const auto next_input = [&] { return static_cast<int>(layers.size()); };
    for (const auto& [name, in, out, kernel, pool] : gqcnn_convolutions) {
        layers.push_back(
            ConvolutionLayer{.input = next_input(),
                             .in_channels = in,
                             .out_channels = out,
                             .kernel = kernel,
                             .padding = kernel / 2,
                             .weight = read_values(std::string(name) + ".weight", {out, in, kernel, kernel}),
                             .bias = read_values(std::string(name) + ".bias", {out}),
                             .relu = true});
        if (pool) layers.push_back(MaxPoolLayer{.input = next_input()});
    }
    layers.push_back(ConvolutionLayer{.input = next_input(),
                                      .in_channels = gqcnn_channels,
                                      .out_channels = gqcnn_image,
                                      .kernel = gqcnn_side,
                                      .weight = read_values("fc3.weight", {gqcnn_image, gqcnn_features}),
                                      .bias = read_values("fc3.bias", {gqcnn_image}),
                                      .relu = true});
    return ConvolutionNetwork(std::move(layers));
}

}  // namespace

GqcnnNormalization gqcnn_normalization_of(const Checkpoint& checkpoint) {
    GqcnnNormalization normalization;
    try {
        checkpoint.info.at("normalization").get_to(normalization);
    } catch (const nlohmann::json::exception& error) {
        fail("checkpoint: info 'normalization' is missing or damaged: ", error.what());
    }
    const auto check = [](double mean, double deviation) {
        require(std::isfinite(mean) && std::isfinite(deviation) && deviation > 0, "checkpoint: normalization by mean ",
                mean, " and deviation ", deviation, "; the deviation must be above 0 and both finite");
    };
    check(normalization.window_mean, normalization.window_std);
    check(normalization.depth_mean, normalization.depth_std);
    return normalization;
}

class GqcnnRuntime::Network {
  public:
    explicit Network(const Checkpoint& checkpoint)
        : normalization_(gqcnn_normalization_of(checkpoint)),
          image_(image_layers(checkpoint)),
          pc1_(checkpoint, "pc1", 1, gqcnn_pose),
          fc4_(checkpoint, "fc4", gqcnn_image + gqcnn_pose, gqcnn_merged),
          fc5_(checkpoint, "fc5", gqcnn_merged, 1) {}

    void logits(std::span<const float> windows, std::span<const float> depths, std::span<float> out) const {
        const auto count = static_cast<Eigen::Index>(depths.size());
        const Eigen::Map<const Eigen::ArrayXf> z(depths.data(), count);
        const Eigen::Map<const Matrix> pixels(windows.data(), count, window_pixels);
        Matrix merged(count, gqcnn_image + gqcnn_pose);
        merged.leftCols(gqcnn_image) =
            encode(normalized(pixels.colwise() - z.matrix(), normalization_.window_mean, normalization_.window_std));
        merged.rightCols(gqcnn_pose) =
            pc1_(normalized(z.matrix(), normalization_.depth_mean, normalization_.depth_std)).cwiseMax(0.0f);
        parallel_for(static_cast<std::size_t>((count + head_block - 1) / head_block), [&](std::size_t block) {
            const Eigen::Index begin = static_cast<Eigen::Index>(block) * head_block,
                               size = std::min(head_block, count - begin);
            Eigen::Map<Matrix>(out.data() + begin, size, 1) = fc5_(fc4_(merged.middleRows(begin, size)).cwiseMax(0.0f));
        });
    }

    std::size_t multiply_adds() const {
        return static_cast<std::size_t>(image_.multiply_adds(window_size, window_size)) + pc1_.multiply_adds() +
               fc4_.multiply_adds() + fc5_.multiply_adds();
    }

  private:
    static Matrix normalized(const Matrix& values, double mean, double deviation) {
        return (values.array() - static_cast<float>(mean)) * static_cast<float>(1 / deviation);
    }

    /// The output of fc3 for normalised windows, one in each row.
    Matrix encode(const Matrix& windows) const {
        Matrix encoded(windows.rows(), gqcnn_image);
        ConvolutionWorkspace workspace = take_workspace();
        workspace.forward({windows.data(), static_cast<std::size_t>(windows.size())},
                          {static_cast<int>(windows.rows()), window_size, window_size},
                          {encoded.data(), static_cast<std::size_t>(encoded.size())});
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(workspace));
        return encoded;
    }

    ConvolutionWorkspace take_workspace() const {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return ConvolutionWorkspace(image_);
        ConvolutionWorkspace workspace = std::move(idle_.back());
        idle_.pop_back();
        return workspace;
    }

    GqcnnNormalization normalization_;
    ConvolutionNetwork image_;
    Linear pc1_, fc4_, fc5_;
    mutable std::mutex mutex_;  ///< of idle_
    mutable std::vector<ConvolutionWorkspace> idle_;
};

GqcnnRuntime::GqcnnRuntime(const Checkpoint& checkpoint) : network_(std::make_unique<Network>(checkpoint)) {}
GqcnnRuntime::~GqcnnRuntime() = default;
GqcnnRuntime::GqcnnRuntime(GqcnnRuntime&&) noexcept = default;
GqcnnRuntime& GqcnnRuntime::operator=(GqcnnRuntime&&) noexcept = default;

std::vector<float> GqcnnRuntime::logits(std::span<const float> windows, std::span<const float> depths) const {
    const std::size_t count = depths.size(), pixels = static_cast<std::size_t>(window_pixels);
    require(windows.size() == count * pixels, windows.size(), " window pixels for ", count, " grasps; each needs ",
            pixels);
    std::vector<float> logits(count);
    for (std::size_t begin = 0; begin < count; begin += grasps_at_once) {
        const std::size_t size = std::min(grasps_at_once, count - begin);
        network_->logits(windows.subspan(begin * pixels, size * pixels), depths.subspan(begin, size),
                         std::span(logits).subspan(begin, size));
    }
    return logits;
}

std::vector<float> GqcnnRuntime::success_probabilities(std::span<const float> windows,
                                                       std::span<const float> depths) const {
    std::vector<float> probabilities = logits(windows, depths);
    for (float& value : probabilities) value = 1 / (1 + std::exp(-value));
    return probabilities;
}

std::size_t GqcnnRuntime::multiply_adds() const { return network_->multiply_adds(); }

}  // namespace ebgrasp
