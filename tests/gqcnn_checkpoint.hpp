// A GQ-CNN checkpoint with random weights of the size that initialised ones have, and windows for it.
#pragma once

#include <cmath>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/energy/gqcnn_runtime.hpp"
#include "ebgrasp/image/window.hpp"

namespace ebgrasp {

inline Checkpoint random_gqcnn_checkpoint(std::uint64_t seed) {
    Checkpoint checkpoint{"gqcnn", nlohmann::json::object(), {}};
    RandomStream random(seed);
    const auto add = [&](const std::string& name, std::vector<std::size_t> shape) {
        const std::size_t out = shape[0];
        std::size_t in = 1;
        for (std::size_t i = 1; i < shape.size(); ++i) in *= shape[i];
        StoredTensor &weight = checkpoint.tensors[name + ".weight"], &bias = checkpoint.tensors[name + ".bias"];
        const double deviation = std::sqrt(2 / static_cast<double>(in));
        weight.shape = std::move(shape);
        for (std::size_t i = 0; i < out * in; ++i)
            weight.values.push_back(static_cast<float>(random.normal(0, deviation)));
        bias.shape = {out};
        for (std::size_t i = 0; i < out; ++i) bias.values.push_back(static_cast<float>(random.normal(0, 0.1)));
    };
    add("conv1_1", {64, 1, 7, 7});
    add("conv1_2", {64, 64, 5, 5});
    add("conv2_1", {64, 64, 3, 3});
    add("conv2_2", {64, 64, 3, 3});
    add("fc3", {1024, 4096});
    add("pc1", {16, 1});
    add("fc4", {1024, 1040});
    add("fc5", {1, 1024});
    checkpoint.info["normalization"] = GqcnnNormalization{0.02, 0.03, 0.66, 0.02};
    return checkpoint;
}

/// n windows of depths about 0.68 m, as metres.
inline std::vector<float> random_grasp_windows(std::size_t count, std::uint64_t seed) {
    RandomStream random(seed);
    std::vector<float> windows;
    for (std::size_t i = 0; i < count * static_cast<std::size_t>(window_pixels); ++i)
        windows.push_back(static_cast<float>(random.normal(0.68, 0.03)));
    return windows;
}

inline std::vector<float> random_grasp_depths(std::size_t count, std::uint64_t seed) {
    RandomStream random(seed);
    std::vector<float> depths;
    for (std::size_t i = 0; i < count; ++i) depths.push_back(static_cast<float>(random.normal(0.66, 0.02)));
    return depths;
}

}  // namespace ebgrasp
