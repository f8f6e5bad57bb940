#include "ebgrasp/energy/gqcnn_runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "gqcnn_checkpoint.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using Values = std::vector<double>;

/// The network as energy/gqcnn_runtime.hpp words it, by loops over its definitions in double precision.
class LiteralGqcnn {
  public:
    explicit LiteralGqcnn(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

    double logit(std::span<const float> window, double depth) const {
        const auto& normalization = checkpoint_.info.at("normalization");
        const auto number = [&](const char* key) { return normalization.at(key).get<double>(); };
        Values x;
        for (const float z : window) x.push_back((z - depth - number("window_mean")) / number("window_std"));
        x = pool(convolution("conv1_2", convolution("conv1_1", x, 32), 32), 32);
        x = pool(convolution("conv2_2", convolution("conv2_1", x, 16), 16), 16);
        Values merged = layer("fc3", x, true);
        for (const double p : layer("pc1", {(depth - number("depth_mean")) / number("depth_std")}, true))
            merged.push_back(p);
        return layer("fc5", layer("fc4", merged, true), false)[0];
    }

  private:
    const StoredTensor& tensor(const std::string& name) const { return checkpoint_.tensors.at(name); }

    Values layer(const std::string& name, const Values& in, bool relu) const {
        const auto &weight = tensor(name + ".weight").values, &bias = tensor(name + ".bias").values;
        Values out;
        for (std::size_t o = 0; o < bias.size(); ++o) {
            double sum = bias[o];
            for (std::size_t i = 0; i < in.size(); ++i) sum += weight[o * in.size() + i] * in[i];
            out.push_back(relu ? std::max(sum, 0.0) : sum);
        }
        return out;
    }

    /// Maps are (channel, row, col).
    Values convolution(const std::string& name, const Values& in, int side) const {
        const StoredTensor& weight = tensor(name + ".weight");
        const int out_channels = static_cast<int>(weight.shape[0]), in_channels = static_cast<int>(weight.shape[1]),
                  kernel = static_cast<int>(weight.shape[2]);
        Values out;
        for (int o = 0; o < out_channels; ++o)
            for (int row = 0; row < side; ++row)
                for (int col = 0; col < side; ++col) {
                    double sum = tensor(name + ".bias").values[static_cast<std::size_t>(o)];
                    for (int c = 0; c < in_channels; ++c)
                        for (int u = 0; u < kernel; ++u)
                            for (int v = 0; v < kernel; ++v) {
                                const int r = row + u - kernel / 2, k = col + v - kernel / 2;
                                if (r < 0 || k < 0 || r >= side || k >= side) continue;
                                sum += weight.values[static_cast<std::size_t>(
                                           ((o * in_channels + c) * kernel + u) * kernel + v)] *
                                       in[static_cast<std::size_t>((c * side + r) * side + k)];
                            }
                    out.push_back(std::max(sum, 0.0));
                }
        return out;
    }

    static Values pool(const Values& in, int side) {
        Values out;
        for (int c = 0; c < 64; ++c)
            for (int row = 0; row < side; row += 2)
                for (int col = 0; col < side; col += 2) {
                    const auto at = [&](int r, int k) {
                        return in[static_cast<std::size_t>((c * side + r) * side + k)];
                    };
                    out.push_back(std::max({at(row, col), at(row, col + 1), at(row + 1, col), at(row + 1, col + 1)}));
                }
        return out;
    }

    const Checkpoint& checkpoint_;
};

TEST(GqcnnRuntime, IsTheNetworkOfItsDefinition) {
    const Checkpoint checkpoint = random_gqcnn_checkpoint(1);
    const GqcnnRuntime runtime(checkpoint);
    const LiteralGqcnn literal(checkpoint);
    const auto windows = random_grasp_windows(3, 2), depths = random_grasp_depths(3, 3);
    const std::vector<float> logits = runtime.logits(windows, depths);
    const std::vector<float> probabilities = runtime.success_probabilities(windows, depths);
    for (std::size_t i = 0; i < 3; ++i) {
        const double expected = literal.logit(std::span(windows).subspan(i * 1024, 1024), depths[i]);
        EXPECT_NEAR(logits[i], expected, 1e-5 * std::max(1.0, std::abs(expected)));
        EXPECT_NEAR(probabilities[i], 1 / (1 + std::exp(-expected)), 1e-5);
    }
}

TEST(GqcnnRuntime, LogitsDoNotDependOnTheirCompanyOrOnThreads) {
    const GqcnnRuntime runtime(random_gqcnn_checkpoint(4));
    constexpr std::size_t count = 77;
    const auto windows = random_grasp_windows(count, 5), depths = random_grasp_depths(count, 6);
    const std::vector<float> all = runtime.logits(windows, depths);
    for (const int threads : {1, 2, 5}) {
        const ThreadLimit limit(threads);
        EXPECT_EQ(runtime.logits(windows, depths), all);
    }
    for (const std::size_t i : {0UL, 31UL, 76UL})
        EXPECT_NEAR(runtime.logits(std::span(windows).subspan(1024 * i, 1024), std::span(depths).subspan(i, 1))[0],
                    all[i], 1e-4);
    EXPECT_TRUE(runtime.logits({}, {}).empty());
}

TEST(GqcnnRuntime, ServesSeveralThreadsAtOnce) {
    const GqcnnRuntime runtime(random_gqcnn_checkpoint(4));
    const auto windows = random_grasp_windows(8, 5), depths = random_grasp_depths(8, 6);
    const std::vector<float> expected = runtime.logits(windows, depths);
    std::vector<std::vector<float>> results(4);
    {
        std::vector<std::jthread> threads;
        for (auto& result : results) threads.emplace_back([&] { result = runtime.logits(windows, depths); });
    }
    for (const auto& result : results) EXPECT_EQ(result, expected);
}

TEST(GqcnnRuntime, CountsItsMultiplications) {
    // Layer by layer: output pixels x kernel x channels in x channels out, and products of the connected ones.
    const std::size_t expected = 32 * 32 * 49 * 64 + 32 * 32 * 25 * 64 * 64 + 2 * (16 * 16 * 9 * 64 * 64) +
                                 4096 * 1024 + 16 + 1040 * 1024 + 1024;
    EXPECT_EQ(GqcnnRuntime(random_gqcnn_checkpoint(1)).multiply_adds(), expected);
}

TEST(GqcnnRuntime, NamesWhatIsMissingOrDoesNotFit) {
    const Checkpoint whole = random_gqcnn_checkpoint(1);
    const auto complaint = [&](const auto& damage) -> std::string {
        Checkpoint checkpoint = whole;
        damage(checkpoint);
        try {
            GqcnnRuntime{checkpoint};
            return "no error";
        } catch (const Error& error) {
            return error.what();
        }
    };
    EXPECT_EQ(complaint([](Checkpoint&) {}), "no error");
    for (const char* name : {"conv1_1.weight", "conv2_2.bias", "fc3.weight", "pc1.bias", "fc4.weight", "fc5.bias"})
        EXPECT_THAT(complaint([&](Checkpoint& c) { c.tensors.erase(name); }), HasSubstr(name));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.tensors["fc4.bias"].shape = {1023}; }), HasSubstr("fc4.bias"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info.erase("normalization"); }), HasSubstr("normalization"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["normalization"]["depth_std"] = 0; }), HasSubstr("deviation 0"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["normalization"]["window_mean"] = "x"; }),
                HasSubstr("normalization"));

    const GqcnnRuntime runtime(whole);
    EXPECT_THROW(runtime.logits(random_grasp_windows(2, 1), random_grasp_depths(3, 1)), Error);
}

}  // namespace
}  // namespace ebgrasp
