#include "ebgrasp/energy/seed_runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "energy/random_checkpoint.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using Values = std::vector<double>;

/// The seed network from its description, in double, with nothing shared with the runtime but the checkpoint: channels
/// outermost, direct convolution, and y repeated 256 times into a first layer of 2048 inputs.
class NaiveSeed {
  public:
    explicit NaiveSeed(const Checkpoint& checkpoint)
        : checkpoint_(checkpoint), normalization_(normalization_of(checkpoint)), first_layer_(literal_first_layer()) {}

    Values features(const float* window) const {
        Values map(window, window + window_pixels);
        for (double& x : map) x = (x - normalization_.depth_mean) / normalization_.depth_std;
        int side = 32;
        for (int i = 0; i < 4; ++i) map = layer(map, i, side);
        return map;
    }

    double energy(Values features, Eigen::RowVector4d y) const {
        for (int repeat = 0; repeat < 256; ++repeat)
            for (int k = 0; k < 4; ++k)
                features.push_back((y[k] - normalization_.grasp_mean[static_cast<std::size_t>(k)]) /
                                   normalization_.grasp_std[static_cast<std::size_t>(k)]);
        const auto first = relu(dense(first_layer_, values("head.features.bias"), features));
        const auto second = relu(dense(values("head.hidden.weight"), values("head.hidden.bias"), first));
        return dense(values("head.output.weight"), values("head.output.bias"), second)[0];
    }

  private:
    const std::vector<float>& values(const std::string& name) const { return checkpoint_.tensors.at(name).values; }

    /// 512 x 2048: the checkpoint's grasp column spread evenly over its 256 repetitions.
    Values literal_first_layer() const {
        Values weight;
        for (std::size_t o = 0; o < 512; ++o) {
            for (std::size_t i = 0; i < 1024; ++i) weight.push_back(values("head.features.weight")[o * 1024 + i]);
            for (std::size_t i = 0; i < 1024; ++i) weight.push_back(values("head.grasp.weight")[o * 4 + i % 4] / 256.0);
        }
        return weight;
    }

    template <typename Weight>
    static Values dense(const Weight& weight, const std::vector<float>& bias, const Values& x) {
        Values y(bias.begin(), bias.end());
        for (std::size_t o = 0; o < y.size(); ++o)
            for (std::size_t i = 0; i < x.size(); ++i) y[o] += weight[o * x.size() + i] * x[i];
        return y;
    }

    static Values relu(Values x) {
        for (double& value : x) value = std::max(value, 0.0);
        return x;
    }

    Values layer(const Values& in, int index, int& side) const {
        const std::string prefix = "encoder." + std::to_string(index);
        const int in_channels[] = {1, 16, 32, 64}, out_channels[] = {16, 32, 64, 64};
        const int kernel = index == 0 ? 5 : 3, stride = index == 0 ? 1 : 2, padding = index == 0 ? 2 : 1;
        const int out_side = side / stride;
        const auto &weight = values(prefix + ".conv.weight"), &bias = values(prefix + ".conv.bias");
        Values out;
        for (int o = 0; o < out_channels[index]; ++o)
            for (int row = 0; row < out_side; ++row)
                for (int col = 0; col < out_side; ++col) {
                    double sum = bias[static_cast<std::size_t>(o)];
                    for (int c = 0; c < in_channels[index]; ++c)
                        for (int i = 0; i < kernel; ++i)
                            for (int j = 0; j < kernel; ++j) {
                                const int r = row * stride + i - padding, s = col * stride + j - padding;
                                if (r < 0 || r >= side || s < 0 || s >= side) continue;
                                sum += weight[static_cast<std::size_t>(
                                           ((o * in_channels[index] + c) * kernel + i) * kernel + j)] *
                                       in[static_cast<std::size_t>((c * side + r) * side + s)];
                            }
                    const auto norm = [&](const char* name) {
                        return static_cast<double>(values(prefix + ".norm." + name)[static_cast<std::size_t>(o)]);
                    };
                    out.push_back((std::max(sum, 0.0) - norm("running_mean")) / std::sqrt(norm("running_var") + 1e-5) *
                                      norm("weight") +
                                  norm("bias"));
                }
        side = out_side;
        return out;
    }

    const Checkpoint& checkpoint_;
    WindowNormalization normalization_;
    Values first_layer_;
};

TEST(SeedRuntime, EnergiesAreThoseOfADirectComputation) {
    const Checkpoint checkpoint = random_seed_checkpoint(1);
    const WindowBatch windows = random_windows(3, 2);
    const GraspBatch grasps = random_grasps(9, 3);
    const std::vector<int> index = {0, 1, 2, 2, 1, 0, 0, 1, 2};
    std::vector<float> energies(9);
    const SeedRuntime runtime(checkpoint);
    runtime.evaluate(runtime.encode(windows), index, grasps, energies, nullptr);
    const NaiveSeed naive(checkpoint);
    for (std::size_t i = 0; i < 9; ++i)
        EXPECT_NEAR(
            energies[i],
            naive.energy(naive.features(windows.row(index[i]).data()), grasps.row(static_cast<int>(i)).cast<double>()),
            2e-6);
}

TEST(SeedRuntime, GradientsAreThoseOfTheEnergies) {
    const Checkpoint checkpoint = random_seed_checkpoint(4);
    const WindowBatch windows = random_windows(1, 5);
    const GraspBatch grasps = random_grasps(3, 6);
    const std::vector<int> index(3, 0);
    std::vector<float> energies(3);
    GraspBatch gradients;
    const SeedRuntime runtime(checkpoint);
    runtime.evaluate(runtime.encode(windows), index, grasps, energies, &gradients);
    const NaiveSeed naive(checkpoint);
    const Values features = naive.features(windows.data());
    const double steps[] = {1e-5, 1e-5, 1e-7, 1e-6};  // small enough to cross few of the ReLUs' kinks
    for (int i = 0; i < 3; ++i)
        for (int k = 0; k < 4; ++k) {
            Eigen::RowVector4d high = grasps.row(i).cast<double>(), low = high;
            high[k] += steps[k];
            low[k] -= steps[k];
            const double slope = (naive.energy(features, high) - naive.energy(features, low)) / (2 * steps[k]);
            EXPECT_NEAR(gradients(i, k), slope, 1e-5 * std::max(1.0, std::abs(slope)))
                << "grasp " << i << ", coordinate " << k;
        }
}

TEST(SeedRuntime, DoesNotDependOnThreadsOrCompany) {
    const SeedRuntime runtime(random_seed_checkpoint(7));
    const WindowBatch windows = random_windows(5, 8);
    const GraspBatch grasps = random_grasps(1000, 9);
    std::vector<int> index(1000);
    for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<int>(i % 5);
    std::vector<float> one(1000), many(1000), alone(1);
    {
        const ThreadLimit limit(1);
        runtime.evaluate(runtime.encode(windows), index, grasps, one, nullptr);
    }
    const WindowBatch codes = runtime.encode(windows);
    runtime.evaluate(codes, index, grasps, many, nullptr);
    EXPECT_EQ(one, many);
    runtime.evaluate(codes, std::vector<int>{3}, grasps.row(13), alone, nullptr);
    EXPECT_NEAR(alone[0], many[13], 1e-6);
}

TEST(SeedRuntime, TakesNoGraspsAndNoWindows) {
    const SeedRuntime runtime(random_seed_checkpoint(1));
    GraspBatch gradients;
    runtime.evaluate(runtime.encode(random_windows(1, 1)), {}, GraspBatch(0, 4), {}, &gradients);
    EXPECT_EQ(gradients.rows(), 0);
    EXPECT_EQ(runtime.encode(WindowBatch(0, window_pixels)).rows(), 0);
}

TEST(SeedRuntime, RefusesUnusableCheckpoints) {
    const auto complaint = [](const auto& damage) -> std::string {
        Checkpoint checkpoint = random_seed_checkpoint(1);
        damage(checkpoint);
        try {
            SeedRuntime{checkpoint};
            return "";
        } catch (const Error& error) {
            return error.what();
        }
    };
    for (const auto& item : random_seed_checkpoint(1).tensors) {
        const std::string& name = item.first;
        EXPECT_THAT(complaint([&](Checkpoint& c) { c.tensors.erase(name); }), HasSubstr(name));
        EXPECT_THAT(complaint([&](Checkpoint& c) { c.tensors.at(name).shape.push_back(1); }), HasSubstr(name));
    }
    EXPECT_THAT(complaint([](Checkpoint& c) { c.tensors.at("encoder.2.norm.running_var").values[3] = -1; }),
                HasSubstr("negative variance"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info.erase("normalization"); }), HasSubstr("normalization"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["normalization"] = 3; }), HasSubstr("normalization"));
    EXPECT_THAT(complaint([](Checkpoint& c) {
                    c.info["normalization"]["grasp_std"] = {1, 2, 3};
                }),
                HasSubstr("normalization"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["normalization"]["grasp_std"][2] = 0; }), HasSubstr("above 0"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["normalization"]["depth_std"] = nullptr; }),
                HasSubstr("normalization"));
}

}  // namespace
}  // namespace ebgrasp
