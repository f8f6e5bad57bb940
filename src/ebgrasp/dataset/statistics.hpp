// What a data set holds, in numbers: balance, verdicts, ranges, repetitions. For `windows` and `scenes` data alike: an
// example is a labelled grasp, its image a window or a scene's depth image. Read shard by shard; what grows with the
// data is 8 bytes per example and 16 per image, kept to find repetitions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ebgrasp/dataset/shards.hpp"

namespace ebgrasp {

/// Running summary of a stream of numbers. Count, range, mean and standard deviation are exact; quantiles and
/// histograms are as fine as the bins, which are of equal width over [low, high].
class Distribution {
  public:
    /// Throws Error unless low < high, both finite, and bins is in [1, 10^7].
    Distribution(double low, double high, std::size_t bins);

    void add(double value);  ///< a non-finite value is only counted

    std::size_t count() const { return count_; }  ///< of finite values
    std::size_t non_finite() const { return non_finite_; }
    /// Of the finite values; NaN without any.
    double min() const, max() const, mean() const, standard_deviation() const;
    /// The value that a share in [0, 1] of the values lies at or below, to the width of a bin; NaN without values.
    double quantile(double share) const;
    /// Counts in `bins` intervals of [low, high]; a bin of ours counts where its middle lies, values beyond our own
    /// range nowhere.
    std::vector<std::size_t> histogram(double low, double high, std::size_t bins) const;

  private:
    double edge(double bin) const;  // where a bin begins

    double low_, high_, min_, max_, sum_ = 0, sum_of_squares_ = 0;  // sums are of differences from low_
    std::size_t count_ = 0, non_finite_ = 0, below_ = 0;
    std::vector<std::uint32_t> bins_;
};

struct LabelCount {
    std::size_t examples = 0, positives = 0;
    void add(bool success) { ++examples, positives += success; }
    double share() const { return examples > 0 ? double(positives) / double(examples) : 0; }  ///< of positives
};

struct SplitCount : LabelCount {
    std::size_t objects = 0, images = 0;
};

/// Repetitions, found by 64-bit hashes of the exact bytes.
struct Repetitions {
    std::size_t images = 0;         ///< images with the pixels of an earlier one
    std::size_t examples = 0;       ///< examples with the image and the grasp of an earlier one
    std::size_t shared_images = 0;  ///< distinct images that occur in several splits
};

/// One example to look at. A scene's is cut out around the grasp, every third pixel, as windows are made.
struct ExampleSample {
    std::array<float, 1024> window;  ///< 32 x 32, metres
    std::array<float, 5> grasp;      ///< row, col (window pixels), depth (m), angle (rad), opening (m)
    float robust_epsilon, epsilon;
    std::uint8_t verdict;
};

struct DatasetStatistics {
    std::string format;  ///< "ebgrasp-windows/1" or "ebgrasp-scenes/1"
    DatasetHeader header;
    LabelCount labels;
    std::size_t images = 0;
    int height = 0, width = 0;                     ///< pixels of an image
    std::map<Split, SplitCount> splits;            ///< all three
    std::vector<LabelCount> objects;               ///< by index into the header's; a grasp of no object counts nowhere
    std::map<std::uint8_t, std::size_t> verdicts;  ///< those that occur
    std::array<LabelCount, 1024> positions{};      ///< by the cell of the grasp centre, of 32 x 32 in the image
    std::size_t missing_pixels = 0;                ///< without depth (0 or less)
    Distribution image_depth{0, 10, 100'000};      ///< metres, of all other pixels
    /// Row, column (pixels), depth (m), angle (rad) and opening (m) of the grasps.
    std::array<Distribution, 5> grasp{Distribution{-16, 2032, 131'072}, Distribution{-16, 2032, 131'072},
                                      Distribution{0, 10, 100'000}, Distribution{-3.15, 3.15, 63'000},
                                      Distribution{0, 1, 10'000}};
    /// Of failures [0] and successes [1]. Two soft-finger contacts reach at most 0.04 (labels/wrench_quality.hpp).
    std::array<Distribution, 2> epsilon{Distribution{0, 0.1, 100'000}, Distribution{0, 0.1, 100'000}},
        robust_epsilon = epsilon;
    Repetitions repetitions;
    /// A random choice of examples, by verdict, each group in random order.
    std::map<std::uint8_t, std::vector<ExampleSample>> samples;
};

/// Reads the whole data set in `folder`, and draws up to `samples` examples of every verdict by `seed`. Throws Error
/// naming the damaged file.
DatasetStatistics dataset_statistics(const std::filesystem::path& folder, std::size_t samples = 0,
                                     std::uint64_t seed = 0);

}  // namespace ebgrasp
