// Labelled energies for tests of what is computed from them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {

using Energies = std::vector<float>;
using Labels = std::vector<std::uint8_t>;

struct Sample {
    Energies energies;
    Labels success;
};

/// Successes have lower energies on average. Energies are multiples of 1/4, so that many of them tie.
inline Sample random_sample(std::size_t count, std::uint64_t seed) {
    RandomStream random(seed);
    Sample sample;
    for (std::size_t i = 0; i < count; ++i) {
        const bool success = random.bernoulli(0.3);
        sample.success.push_back(success);
        sample.energies.push_back(static_cast<float>(std::round(4 * random.normal(success ? -1 : 1, 1.5)) / 4));
    }
    return sample;
}

inline double successes_of(const Sample& sample) {
    return static_cast<double>(std::count(sample.success.begin(), sample.success.end(), 1));
}

}  // namespace ebgrasp
