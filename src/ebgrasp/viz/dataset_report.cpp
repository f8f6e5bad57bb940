#include "ebgrasp/viz/dataset_report.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/window.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"
#include "ebgrasp/viz/plot.hpp"

namespace ebgrasp {
namespace {

constexpr int kTilesPerRow = 12, kZoom = 4, kPlotsPerRow = 4;
constexpr int kPageWidth = kTilesPerRow * (window_size * kZoom + 12);  // of the contact sheets

/// What all plots of the page share. The lower row is just so high that its maps are square.
enum class Row { upper, lower };
PlotOptions panel(Row row, const std::string& title, Axis x, Axis y) {
    return {.title = title,
            .x = std::move(x),
            .y = std::move(y),
            .width = kPageWidth / kPlotsPerRow,
            .height = row == Row::upper ? 380 : 318,
            .font = 14};
}

std::vector<const ExampleSample*> in_turn(const DatasetStatistics& statistics, bool success, std::size_t most) {
    std::vector<const ExampleSample*> chosen;
    const auto wanted = [&](const auto& group) { return (group.first == 0) == success; };
    for (std::size_t turn = 0, before = SIZE_MAX; chosen.size() < most && chosen.size() != before; ++turn) {
        before = chosen.size();
        for (const auto& group : statistics.samples)
            if (wanted(group) && turn < group.second.size() && chosen.size() < most)
                chosen.push_back(&group.second[turn]);
    }
    std::ranges::stable_sort(chosen, {}, &ExampleSample::verdict);
    return chosen;
}

/// The camera of the windows: only its focal length matters here.
CameraIntrinsics window_intrinsics(const nlohmann::json& config) {
    const nlohmann::json::json_pointer focal_length("/camera/intrinsics/fx");
    const double f = config.value(focal_length, CameraIntrinsics{}.fx);
    constexpr double middle = (window_size - 1) / 2.0;
    return {.height = window_size,
            .width = window_size,
            .fx = f / window_stride,
            .fy = f / window_stride,
            .cx = middle,
            .cy = middle};
}

ContactTile tile(const ExampleSample& sample, const CameraIntrinsics& camera, const DatasetReportOptions& options) {
    ContactTile tile;
    tile.window.camera = camera;
    tile.window.depth = Eigen::Map<const DepthArray>(sample.window.data(), window_size, window_size);
    const auto& [row, col, depth, angle, opening] = sample.grasp;
    tile.grasp = {row, col, depth, angle, opening};
    tile.success = sample.verdict == 0;
    tile.caption = options.verdict_name(sample.verdict);
    if (sample.robust_epsilon > 0) tile.caption += fmt::format("\nrobust eps. {:.4f}", sample.robust_epsilon);
    return tile;
}

Picture examples(const DatasetStatistics& statistics, bool success, const DatasetReportOptions& options) {
    const CameraIntrinsics camera = window_intrinsics(statistics.header.config);
    std::vector<ContactTile> tiles;
    for (const ExampleSample* sample : in_turn(statistics, success, options.examples))
        tiles.push_back(tile(*sample, camera, options));
    const std::string title = success ? "Successes" : "Failures";
    if (tiles.empty()) {
        Canvas none(60, kPageWidth);
        none.text({kPageWidth / 2.0, 30}, title + ": none", {.size = 18, .anchor_x = 0.5});
        return none.picture();
    }
    return contact_sheet(tiles, {.title = title, .columns = kTilesPerRow, .zoom = kZoom});
}

Picture verdicts(const DatasetStatistics& statistics, const DatasetReportOptions& options) {
    std::vector<Bar> bars;
    double largest = 0;
    for (const auto& [verdict, count] : statistics.verdicts) {
        const double percent = 100.0 * double(count) / double(statistics.labels.examples);
        bars.push_back({options.verdict_name(verdict), percent, 0, 0, verdict == 0 ? kSuccessColor : kFailureColor});
        largest = std::max(largest, percent);
    }
    const Limits limits{0, 1.3 * largest};  // room for the numbers
    return bar_chart(bars, panel(Row::upper, "Verdicts", {.label = "examples [%]", .limits = limits}, {}));
}

/// `value` of each split's objects that have examples, sorted.
Picture sorted_objects(const DatasetStatistics& statistics, const PlotOptions& plot,
                       const std::function<double(const LabelCount&)>& value) {
    std::vector<Series> series;
    for (const auto& [split, count] : statistics.splits) {
        Series line{to_string(split), {}, {}};
        for (std::size_t i = 0; i < statistics.header.objects.size(); ++i)
            if (statistics.header.objects[i].split == split && statistics.objects[i].examples > 0)
                line.y.push_back(value(statistics.objects[i]));
        std::ranges::sort(line.y);
        for (std::size_t i = 0; i < line.y.size(); ++i)
            line.x.push_back(100.0 * (double(i) + 0.5) / double(line.y.size()));
        if (!line.y.empty()) series.push_back(std::move(line));
    }
    return line_plot(series, plot);
}

/// A distribution as a histogram's sample, in `unit`s.
Sample sample_of(const std::string& label, const Distribution& distribution, const Limits& limits, std::size_t bins,
                 double unit, std::optional<Color> color = {}) {
    Sample sample{label, {}, {}, color};
    const auto counts = distribution.histogram(limits.low, limits.high, bins);
    for (std::size_t i = 0; i < bins; ++i) {
        sample.values.push_back(limits.at((double(i) + 0.5) / double(bins)) / unit);
        sample.weights.push_back(static_cast<double>(counts[i]));
    }
    return sample;
}

/// Epsilons of successes and failures. The zeros, most of the failures, are left out; bins end at the threshold.
Picture epsilon_histogram(const std::string& title, const std::array<Distribution, 2>& epsilon, double threshold) {
    constexpr double milli = 1e-3;
    double high = threshold;
    for (const auto& distribution : epsilon)
        if (distribution.count() > 0) high = std::max(high, distribution.quantile(0.99));
    const double bin = threshold / std::max(1.0, std::round(40 * threshold / high));
    const auto bins = static_cast<std::size_t>(std::min(std::ceil(high / bin), 1000.0));
    const Limits limits{0, bin * static_cast<double>(bins)};
    std::vector<Sample> samples;
    for (const std::size_t success : {1, 0}) {
        const Distribution& distribution = epsilon[success];
        samples.push_back(sample_of(success ? "successes" : "failures", distribution, limits, bins, milli,
                                    success ? kSuccessColor : kFailureColor));
        constexpr double zero = 1e-6;  // the distributions' resolution
        samples.back().weights[0] -= static_cast<double>(distribution.histogram(0, zero, 1)[0]);
    }
    const Axis x{.label = "epsilon [1e-3]", .limits = Limits{0, limits.high / milli}};
    return histogram(samples, static_cast<int>(bins), panel(Row::upper, title, x, {.label = "share of those above 0"}));
}

Picture depth_histogram(const DatasetStatistics& statistics) {
    constexpr std::size_t bins = 60;
    const Distribution &pixels = statistics.image_depth, &grasps = statistics.grasp[2];
    const std::array ends{pixels.quantile(0.001), pixels.quantile(0.999), grasps.quantile(0.001),
                          grasps.quantile(0.999)};
    const Limits limits = limits_of(ends, 0.15);
    const std::array samples{sample_of("pixels", pixels, limits, bins, 1),
                             sample_of("grasps", grasps, limits, bins, 1)};
    return histogram(samples, bins,
                     panel(Row::lower, "Depth", {.label = "depth [m]", .limits = limits}, {.label = "share"}));
}

/// A heat map over the image.
Picture position_map(const std::string& title, const std::string& label, const DatasetStatistics& statistics,
                     const std::function<double(const LabelCount&)>& value) {
    GridFunction map{window_size, window_size, {}, {0, statistics.width - 1.0}, {0, statistics.height - 1.0}};
    for (const auto& position : statistics.positions) map.z.push_back(value(position));
    ContourOptions contours{.scale = {.label = label}, .levels = 0};
    contours.scale.limits = {0, std::max(limits_of(map.z).high, 1e-9)};
    return contour_plot(map, contours,
                        panel(Row::lower, title, {.label = "column [px]"}, {.label = "row [px]", .reversed = true}));
}

std::string headline(const DatasetStatistics& statistics) {
    const Repetitions& repeated = statistics.repetitions;
    const auto barren = std::ranges::count_if(
        statistics.objects, [](const LabelCount& object) { return object.examples > 0 && object.positives == 0; });
    return fmt::format(
        "{} examples, {:.1f} % successes, {} images, {} objects ({} without success)  |  repeated: {} images, {} "
        "examples; {} images in several splits",
        statistics.labels.examples, 100 * statistics.labels.share(), statistics.images,
        statistics.header.objects.size(), barren, repeated.images, repeated.examples, repeated.shared_images);
}

Picture text_line(const std::string& text) {
    Canvas canvas(40, kPageWidth);
    canvas.text({kPageWidth / 2.0, 16}, text, {.size = 18, .anchor_x = 0.5});
    return canvas.picture();
}

}  // namespace

Picture dataset_report(const DatasetStatistics& statistics, const DatasetReportOptions& options) {
    require(options.examples >= 1 && options.examples <= 240, "a report of ", options.examples,
            " examples was asked for; it must be in [1, 240]");
    const nlohmann::json::json_pointer threshold_path("/labels/threshold");
    const double dexnet_threshold = 0.002;
    const double threshold = std::clamp(statistics.header.config.value(threshold_path, dexnet_threshold), 1e-6, 1.0);
    const auto total = static_cast<double>(std::max<std::size_t>(statistics.labels.examples, 1));
    const Axis objects{.label = "objects, sorted [%]", .limits = Limits{0, 100}};
    const std::array plots{
        verdicts(statistics, options),
        sorted_objects(statistics,
                       panel(Row::upper, "Label balance per object", objects,
                             {.label = "successes [%]", .limits = Limits{0, 100}}),
                       [](const LabelCount& object) { return 100 * object.share(); }),
        epsilon_histogram("Epsilon", statistics.epsilon, threshold),
        epsilon_histogram("Robust epsilon", statistics.robust_epsilon, threshold),
        depth_histogram(statistics),
        sorted_objects(statistics, panel(Row::lower, "Examples per object", objects, {.label = "examples"}),
                       [](const LabelCount& object) { return static_cast<double>(object.examples); }),
        position_map("Grasp centres", "examples [%]", statistics,
                     [&](const LabelCount& here) { return 100 * double(here.examples) / total; }),
        position_map("Success by place", "successes [%]", statistics,
                     [](const LabelCount& here) { return here.examples > 0 ? 100 * here.share() : NAN; })};
    const std::array page{text_line(headline(statistics)), examples(statistics, true, options),
                          examples(statistics, false, options), sheet(plots, kPlotsPerRow)};
    return sheet(page, 1, options.title);
}

}  // namespace ebgrasp
