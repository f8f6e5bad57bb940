// Checkpoints with random weights of the size that initialised ones have.
#pragma once

#include <cmath>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/field_runtime.hpp"
#include "ebgrasp/energy/seed_runtime.hpp"

namespace ebgrasp {

inline void add_uniform(Checkpoint& checkpoint, RandomStream& random, const std::string& name,
                        std::vector<std::size_t> shape, double low, double high) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) count *= extent;
    StoredTensor& tensor = checkpoint.tensors[name];
    tensor.shape = std::move(shape);
    for (std::size_t i = 0; i < count; ++i) tensor.values.push_back(static_cast<float>(random.uniform(low, high)));
}

inline Checkpoint random_field_checkpoint(std::uint64_t seed) {
    Checkpoint checkpoint{"field", {{"view", field_view}}, {}};
    RandomStream random(seed);
    const auto add = [&](const std::string& layer, std::vector<std::size_t> shape) {
        std::size_t inputs = 1;
        for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
        const double bound = std::sqrt(3 / static_cast<double>(inputs));  // keeps the variance from layer to layer
        add_uniform(checkpoint, random, layer + ".bias", {shape[0]}, -0.1, 0.1);
        add_uniform(checkpoint, random, layer + ".weight", std::move(shape), -bound, bound);
    };
    for (const auto& [name, in, out, kernel, stride] : field_encoder)
        add(name, {std::size_t(out), std::size_t(in), std::size_t(kernel), std::size_t(kernel)});
    add("hidden1", {field_hidden1, field_inputs});
    add("hidden2", {field_hidden2, field_hidden1});
    add("output", {2, field_hidden2});
    return checkpoint;
}

inline Checkpoint random_seed_checkpoint(std::uint64_t seed) {
    Checkpoint checkpoint{"seed", nlohmann::json::object(), {}};
    RandomStream random(seed);
    const auto add = [&](const std::string& name, std::vector<std::size_t> shape, double low, double high) {
        add_uniform(checkpoint, random, name, std::move(shape), low, high);
    };
    for (std::size_t i = 0; i < seed_encoder.size(); ++i) {
        const auto in = static_cast<std::size_t>(seed_encoder[i].in_channels);
        const auto out = static_cast<std::size_t>(seed_encoder[i].out_channels);
        const auto kernel = static_cast<std::size_t>(seed_encoder[i].kernel);
        const double bound = 1 / std::sqrt(static_cast<double>(in * kernel * kernel));
        const std::string prefix = "encoder." + std::to_string(i);
        add(prefix + ".conv.weight", {out, in, kernel, kernel}, -bound, bound);
        add(prefix + ".conv.bias", {out}, -bound, bound);
        add(prefix + ".norm.weight", {out}, 0.5, 1.5);
        add(prefix + ".norm.bias", {out}, -0.5, 0.5);
        add(prefix + ".norm.running_mean", {out}, 0, 0.5);
        add(prefix + ".norm.running_var", {out}, 0.05, 0.5);
    }
    add("head.features.weight", {512, 1024}, -0.022, 0.022);
    add("head.features.bias", {512}, -0.022, 0.022);
    add("head.grasp.weight", {512, 4}, -0.4, 0.4);
    add("head.hidden.weight", {128, 512}, -0.044, 0.044);
    add("head.hidden.bias", {128}, -0.044, 0.044);
    add("head.output.weight", {1, 128}, -0.09, 0.09);
    add("head.output.bias", {1}, -0.09, 0.09);
    checkpoint.info["normalization"] = WindowNormalization{0.68, 0.03, {15.5, 16.5, 0.66, 0.1}, {4.0, 5.0, 0.02, 0.9}};
    return checkpoint;
}

/// n windows of depths about 0.68 m.
inline WindowBatch random_windows(int count, std::uint64_t seed) {
    RandomStream random(seed);
    WindowBatch windows(count, window_pixels);
    for (Eigen::Index i = 0; i < windows.size(); ++i) windows.data()[i] = static_cast<float>(random.normal(0.68, 0.03));
    return windows;
}

inline GraspBatch random_grasps(int count, std::uint64_t seed) {
    RandomStream random(seed);
    GraspBatch grasps(count, 4);
    for (int i = 0; i < count; ++i)
        grasps.row(i) << static_cast<float>(random.uniform(0, 31)), static_cast<float>(random.uniform(0, 31)),
            static_cast<float>(random.uniform(0.62, 0.70)), static_cast<float>(random.uniform(-1.57, 1.57));
    return grasps;
}

}  // namespace ebgrasp
