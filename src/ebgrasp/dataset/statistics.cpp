#include "ebgrasp/dataset/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"

namespace ebgrasp {

Distribution::Distribution(double low, double high, std::size_t bins)
    : low_(low), high_(high), min_(std::numeric_limits<double>::infinity()), max_(-min_) {
    require(std::isfinite(low) && std::isfinite(high) && low < high, "a distribution over [", low, ", ", high,
            "] was asked for; it must be a finite interval");
    constexpr std::size_t most = 10'000'000;
    require(bins >= 1 && bins <= most, "a distribution of ", bins, " bins was asked for; it must be in [1, ", most,
            "]");
    bins_.resize(bins);
}

void Distribution::add(double value) {
    if (!std::isfinite(value)) {
        ++non_finite_;
        return;
    }
    ++count_;
    min_ = std::min(min_, value), max_ = std::max(max_, value);
    const double difference = value - low_;
    sum_ += difference, sum_of_squares_ += difference * difference;
    if (value < low_) {
        ++below_;
    } else if (value <= high_) {
        const double bin = difference / (high_ - low_) * static_cast<double>(bins_.size());
        ++bins_[std::min(static_cast<std::size_t>(bin), bins_.size() - 1)];
    }
}

double Distribution::min() const { return count_ > 0 ? min_ : NAN; }
double Distribution::max() const { return count_ > 0 ? max_ : NAN; }
double Distribution::mean() const { return count_ > 0 ? low_ + sum_ / static_cast<double>(count_) : NAN; }

double Distribution::standard_deviation() const {
    if (count_ == 0) return NAN;
    const double n = static_cast<double>(count_), mean = sum_ / n;
    return std::sqrt(std::max(sum_of_squares_ / n - mean * mean, 0.0));
}

double Distribution::edge(double bin) const { return low_ + (high_ - low_) * bin / static_cast<double>(bins_.size()); }

double Distribution::quantile(double share) const {
    if (count_ == 0) return NAN;
    const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_ - 1);  // rank of the value
    auto passed = static_cast<double>(below_);
    if (wanted < passed) return min_;
    for (std::size_t bin = 0; bin < bins_.size(); ++bin)
        if ((passed += bins_[bin]) > wanted) return std::clamp(edge(static_cast<double>(bin)), min_, max_);
    return max_;
}

std::vector<std::size_t> Distribution::histogram(double low, double high, std::size_t bins) const {
    std::vector<std::size_t> counts(bins);
    for (std::size_t bin = 0; bin < bins_.size(); ++bin) {
        const double place = (edge(static_cast<double>(bin) + 0.5) - low) / (high - low) * static_cast<double>(bins);
        if (place >= 0 && place < static_cast<double>(bins)) counts[static_cast<std::size_t>(place)] += bins_[bin];
    }
    return counts;
}

namespace {

constexpr const char *window_format = "ebgrasp-windows/1", *scene_format = "ebgrasp-scenes/1";
constexpr int window_size = 32, window_stride = 3;  // as in image/window.hpp, which this room does not see

template <typename T>
std::uint64_t hash_of(std::span<const T> values) {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

/// What both layouts hold.
struct Image {
    std::span<const float> depth;  // height x width
    int height, width;
    Split split;
};
struct Example {
    std::array<float, 5> grasp;
    float robust_epsilon, epsilon;
    std::uint8_t verdict;
    std::optional<std::size_t> object;
    bool success() const { return verdict == 0; }
};

/// What of the data set must be remembered to find repetitions.
class RepetitionFinder {
  public:
    /// The image's hash, which its examples are to be added with.
    std::uint64_t add(const Image& image) {
        images_.push_back({hash_of(image.depth), image.split});
        return images_.back().first;
    }
    void add(std::uint64_t image, const Example& example) {
        const std::array<std::uint64_t, 2> both{image, hash_of(std::span<const float>(example.grasp))};
        examples_.push_back(hash_of(std::span<const std::uint64_t>(both)));
    }

    Repetitions found() && {
        std::ranges::sort(examples_);
        std::ranges::sort(images_);
        Repetitions result;
        for (std::size_t i = 1; i < examples_.size(); ++i) result.examples += examples_[i] == examples_[i - 1];
        for (auto begin = images_.begin(); begin != images_.end();) {
            const auto end = std::find_if(begin, images_.end(), [&](const auto& w) { return w.first != begin->first; });
            result.images += static_cast<std::size_t>(end - begin) - 1;
            result.shared_images += begin->second != (end - 1)->second;  // they are sorted by split, too
            begin = end;
        }
        return result;
    }

  private:
    std::vector<std::pair<std::uint64_t, Split>> images_;
    std::vector<std::uint64_t> examples_;
};

/// The example in its window: a window as it is, of a larger image the part around the grasp.
ExampleSample sample_of(const Image& image, const Example& example) {
    ExampleSample sample{{}, example.grasp, example.robust_epsilon, example.epsilon, example.verdict};
    if (image.height == window_size && image.width == window_size) {
        std::ranges::copy(image.depth, sample.window.begin());
        return sample;
    }
    const auto origin = [](float center, int size) {
        return static_cast<int>(std::clamp(std::round(center), 0.0f, static_cast<float>(size - 1))) -
               window_stride * window_size / 2;
    };
    const int top = origin(example.grasp[0], image.height), left = origin(example.grasp[1], image.width);
    for (int i = 0; i < window_size; ++i)
        for (int j = 0; j < window_size; ++j) {
            const int row = std::clamp(top + window_stride * i, 0, image.height - 1);
            const int col = std::clamp(left + window_stride * j, 0, image.width - 1);
            sample.window[static_cast<std::size_t>(window_size * i + j)] =
                image.depth[static_cast<std::size_t>(row) * static_cast<std::size_t>(image.width) +
                            static_cast<std::size_t>(col)];
        }
    sample.grasp[0] = (example.grasp[0] - static_cast<float>(top)) / window_stride;
    sample.grasp[1] = (example.grasp[1] - static_cast<float>(left)) / window_stride;
    return sample;
}

/// Keeps the examples with the lowest random keys: a fair choice in one pass.
class Sampler {
  public:
    Sampler(std::size_t most, std::uint64_t seed) : most_(most), seed_(seed) {}

    void add(const Image& image, const Example& example) {
        const std::uint64_t key = RandomStream(seed_, count_++)();
        auto& group = groups_[example.verdict];
        if (most_ == 0 || (group.size() >= most_ && key >= group.rbegin()->first)) return;
        group.emplace(key, sample_of(image, example));
        if (group.size() > most_) group.erase(std::prev(group.end()));
    }

    std::map<std::uint8_t, std::vector<ExampleSample>> chosen() const {
        std::map<std::uint8_t, std::vector<ExampleSample>> result;
        for (const auto& [verdict, group] : groups_)
            for (const auto& [key, sample] : group) result[verdict].push_back(sample);
        return result;
    }

  private:
    std::size_t most_, count_ = 0;
    std::uint64_t seed_;
    std::map<std::uint8_t, std::map<std::uint64_t, ExampleSample>> groups_;  // by verdict and key
};

/// Index into DatasetStatistics::positions; none outside of the image.
std::optional<std::size_t> position_of(float row, float col, const Image& image) {
    const auto cell = [](float x, int size) { return std::floor((x + 0.5f) * window_size / static_cast<float>(size)); };
    const float i = cell(row, image.height), j = cell(col, image.width);
    if (!(i >= 0 && i < window_size && j >= 0 && j < window_size)) return {};
    return static_cast<std::size_t>(window_size * i + j);
}

/// Takes in images and their examples one by one.
class Collector {
  public:
    Collector(std::string format, DatasetHeader header, std::size_t samples, std::uint64_t seed)
        : sampler_(samples, seed) {
        result_.format = std::move(format);
        result_.objects.resize(header.objects.size());
        for (const Split split : {Split::train, Split::validation, Split::test}) result_.splits[split] = {};
        for (const auto& object : header.objects) ++result_.splits[object.split].objects;
        result_.header = std::move(header);
    }

    /// Returns what the image's examples are to be added with.
    std::uint64_t add(const Image& image) {
        ++result_.images;
        ++result_.splits[image.split].images;
        result_.height = image.height, result_.width = image.width;
        for (const float z : image.depth)
            if (z > 0)
                result_.image_depth.add(z);
            else
                ++result_.missing_pixels;
        return repetitions_.add(image);
    }

    void add(const Image& image, std::uint64_t image_hash, const Example& example) {
        const bool success = example.success();
        result_.labels.add(success);
        result_.splits[image.split].add(success);
        if (example.object) result_.objects[*example.object].add(success);
        ++result_.verdicts[example.verdict];
        for (std::size_t k = 0; k < example.grasp.size(); ++k) result_.grasp[k].add(example.grasp[k]);
        if (const auto position = position_of(example.grasp[0], example.grasp[1], image))
            result_.positions[*position].add(success);
        result_.epsilon[success].add(example.epsilon);
        result_.robust_epsilon[success].add(example.robust_epsilon);
        repetitions_.add(image_hash, example);
        sampler_.add(image, example);
    }

    DatasetStatistics result() && {
        result_.repetitions = std::move(repetitions_).found();
        result_.samples = sampler_.chosen();
        return std::move(result_);
    }

  private:
    DatasetStatistics result_;
    RepetitionFinder repetitions_;
    Sampler sampler_;
};

void add_windows(Collector& collector, const WindowExamples& shard, const std::vector<ObjectEntry>& objects) {
    constexpr std::size_t pixels = window_size * window_size;
    std::vector<Image> images;
    std::vector<std::uint64_t> hashes;
    for (std::size_t w = 0; w < shard.window_count(); ++w) {
        const Split split = objects[static_cast<std::size_t>(shard.window_object[w])].split;
        images.push_back({std::span(shard.windows).subspan(pixels * w, pixels), window_size, window_size, split});
        hashes.push_back(collector.add(images.back()));
    }
    for (std::size_t i = 0; i < shard.size(); ++i) {
        const auto window = static_cast<std::size_t>(shard.grasp_window[i]);
        Example example{{},
                        shard.robust_epsilon[i],
                        shard.epsilon[i],
                        shard.verdict[i],
                        static_cast<std::size_t>(shard.window_object[window])};
        std::copy_n(&shard.grasps[5 * i], 5, example.grasp.begin());
        collector.add(images[window], hashes[window], example);
    }
}

/// A scene's grasp belongs to the object that it touches, or to the only one that there is.
std::optional<std::size_t> object_of(const SceneRecord& scene, const SceneGrasp& grasp) {
    if (grasp.object < 0 && scene.objects.size() != 1) return {};
    return static_cast<std::size_t>(scene.objects[static_cast<std::size_t>(std::max(grasp.object, 0))].index);
}

void add_scene(Collector& collector, const SceneRecord& scene) {
    const std::vector<float> depth = scene.depth_in_metres();
    const Image image{depth, scene.height, scene.width, scene.split};
    const std::uint64_t hash = collector.add(image);
    for (const SceneGrasp& grasp : scene.grasps)
        collector.add(image, hash,
                      {{grasp.row, grasp.col, grasp.depth, grasp.angle, grasp.opening},
                       grasp.robust_epsilon,
                       grasp.epsilon,
                       grasp.verdict,
                       object_of(scene, grasp)});
}

}  // namespace

DatasetStatistics dataset_statistics(const std::filesystem::path& folder, std::size_t samples, std::uint64_t seed) {
    const std::string format = dataset_format(folder);
    const bool scenes = format == scene_format;
    require(scenes || format == window_format, (folder / "dataset.json").string(), ": format is '", format,
            "', this version reads ", window_format, " and ", scene_format);
    const DatasetHeader header = read_dataset_header(folder, format);
    Collector collector(format, header, samples, seed);
    Progress progress("shards", header.shards.size());
    for (std::size_t shard = 0; shard < header.shards.size(); ++shard) {
        if (scenes)
            for (const SceneRecord& scene : read_scene_shard(header, shard)) add_scene(collector, scene);
        else
            add_windows(collector, read_window_shard(header, shard), header.objects);
        progress.advance();
    }
    return std::move(collector).result();
}

}  // namespace ebgrasp
