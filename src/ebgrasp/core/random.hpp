// Random streams that are addressed, not shared: a stream is a pure function of (seed, keys...), so results
// do not depend on the number of threads or on the order of work. The distributions are our own because the
// standard library's differ between implementations, and "same seed, same bytes" must hold everywhere.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>

namespace ebgrasp {

/// One step of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
constexpr std::uint64_t splitmix64(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// A random stream: xoshiro256++ (Blackman and Vigna, 2019) seeded from a hash of (seed, keys...).
/// Satisfies UniformRandomBitGenerator.
class RandomStream {
  public:
    using result_type = std::uint64_t;

    /// The stream of `keys` under `seed`, e.g. `RandomStream(seed, object, pose, image, grasp)`.
    template <std::integral... Keys>
    explicit RandomStream(std::uint64_t seed, Keys... keys) {
        std::uint64_t state = seed;
        std::uint64_t hash = splitmix64(state);
        ((state = hash ^ static_cast<std::uint64_t>(keys), hash = splitmix64(state)), ...);
        for (auto& word : state_) word = splitmix64(hash);
    }

    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return ~result_type{0}; }

    result_type operator()() {
        const auto rotl = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
        const std::uint64_t result = rotl(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotl(state_[3], 45);
        return result;
    }

    /// Uniform in [0, 1).
    double uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }
    /// Uniform in [low, high).
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    /// Uniform integer in [0, count); count must be positive.
    std::size_t index(std::size_t count) { return static_cast<std::size_t>(uniform() * static_cast<double>(count)); }
    bool bernoulli(double probability) { return uniform() < probability; }

    /// Normal, by the Box-Muller transform (one of the pair is thrown away to stay stateless).
    double normal(double mean = 0.0, double sigma = 1.0) {
        const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
        return mean + sigma * radius * std::cos(2.0 * std::numbers::pi * uniform());
    }

    /// Gamma with shape >= 1, by Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    double gamma(double shape, double scale) {
        const double d = shape - 1.0 / 3.0;
        const double c = 1.0 / std::sqrt(9.0 * d);
        while (true) {
            const double x = normal();
            const double v = std::pow(1.0 + c * x, 3);
            if (v <= 0.0) continue;
            if (std::log(1.0 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return scale * d * v;
        }
    }

    /// Fisher-Yates shuffle.
    template <typename T>
    void shuffle(std::span<T> values) {
        for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[index(i)]);
    }

  private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace ebgrasp
