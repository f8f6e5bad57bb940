// A window data set whose rule is known: a grasp succeeds if it lies in the window's middle rows and its angle is near
// 0. No window matters.
#pragma once

#include <cmath>
#include <numbers>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/image/window.hpp"

namespace ebgrasp {

/// `windows` of tilted planes with `grasps_per_window` grasps each; every window is an object of its own, the first 70
/// % of them for training and the rest for validation.
inline WindowDataset synthetic_windows(std::int32_t windows, int grasps_per_window, std::uint64_t seed) {
    WindowDataset dataset;
    WindowExamples& examples = dataset.examples;
    for (std::int32_t window = 0; window < windows; ++window) {
        RandomStream random(seed, window);
        dataset.objects.push_back(
            {"object_" + std::to_string(window), 10 * window < 7 * windows ? Split::train : Split::validation});
        examples.window_object.push_back(window);
        const double row_slope = random.uniform(-1e-3, 1e-3), col_slope = random.uniform(-1e-3, 1e-3);
        for (int row = 0; row < window_size; ++row)
            for (int col = 0; col < window_size; ++col)
                examples.windows.push_back(static_cast<float>(0.65 + row_slope * (row - 16) + col_slope * (col - 16)));
        for (int i = 0; i < grasps_per_window; ++i) {
            const double row = random.uniform(4, 28),
                         angle = random.uniform(-std::numbers::pi / 2, std::numbers::pi / 2);
            for (const double value : {row, random.uniform(4, 28), random.uniform(0.6, 0.7), angle, 0.04})
                examples.grasps.push_back(static_cast<float>(value));
            const bool success = std::abs(row - 16) < 6 && std::abs(angle) < 0.9;
            examples.grasp_window.push_back(window);
            examples.robust_epsilon.push_back(success ? 0.01F : 0.0F);
            examples.epsilon.push_back(success ? 0.01F : 0.0F);
            examples.verdict.push_back(success ? 0 : 1);
        }
    }
    return dataset;
}

}  // namespace ebgrasp
