#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/dataset/statistics.hpp"
#include "ebgrasp/labels/oracle.hpp"
#include "ebgrasp/viz/dataset_report.hpp"

namespace ebgrasp::app {
namespace {

struct InspectOptions {
    std::string data, output;
    std::size_t examples = 24, objects = 5;
};

std::string verdict_name(std::uint8_t code) { return std::string(to_string(static_cast<Verdict>(code))); }

using NamedDistribution = std::pair<std::string, const Distribution*>;

/// All distributions with their names and units.
std::vector<NamedDistribution> distributions(const DatasetStatistics& s) {
    return {{"image_depth_m", &s.image_depth},
            {"row_px", &s.grasp[0]},
            {"col_px", &s.grasp[1]},
            {"depth_m", &s.grasp[2]},
            {"angle_rad", &s.grasp[3]},
            {"opening_m", &s.grasp[4]},
            {"epsilon_of_successes", &s.epsilon[1]},
            {"epsilon_of_failures", &s.epsilon[0]},
            {"robust_epsilon_of_successes", &s.robust_epsilon[1]},
            {"robust_epsilon_of_failures", &s.robust_epsilon[0]}};
}

nlohmann::json to_json(const Distribution& d) {
    constexpr std::size_t bins = 50;
    nlohmann::json result = {{"count", d.count()}, {"non_finite", d.non_finite()}};
    if (d.count() == 0) return result;
    result.update({{"min", d.min()},
                   {"p01", d.quantile(0.01)},
                   {"median", d.quantile(0.5)},
                   {"p99", d.quantile(0.99)},
                   {"max", d.max()},
                   {"mean", d.mean()},
                   {"standard_deviation", d.standard_deviation()}});
    if (d.min() < d.max())
        result["histogram"] = {{"low", d.min()}, {"high", d.max()}, {"counts", d.histogram(d.min(), d.max(), bins)}};
    return result;
}

nlohmann::json to_json(const LabelCount& count) {
    return {{"examples", count.examples}, {"positives", count.positives}, {"positive_share", count.share()}};
}

/// The objects that have examples, the best first: highest share of successes, then most examples.
std::vector<std::size_t> ranked_objects(const DatasetStatistics& statistics) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < statistics.objects.size(); ++i)
        if (statistics.objects[i].examples > 0) order.push_back(i);
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
        const LabelCount &x = statistics.objects[a], &y = statistics.objects[b];
        return x.share() != y.share() ? x.share() > y.share() : x.examples > y.examples;
    });
    return order;
}

std::size_t count_barren(const DatasetStatistics& statistics) {
    return static_cast<std::size_t>(std::ranges::count_if(
        statistics.objects, [](const LabelCount& o) { return o.examples > 0 && o.positives == 0; }));
}

nlohmann::json to_json(const DatasetStatistics& s) {
    nlohmann::json result = to_json(s.labels);
    result["format"] = s.format;
    result["images"] = s.images;
    result["missing_pixels"] = s.missing_pixels;
    for (const auto& [split, count] : s.splits) {
        auto& entry = result["splits"][to_string(split)] = to_json(static_cast<const LabelCount&>(count));
        entry.update({{"objects", count.objects}, {"images", count.images}});
    }
    nlohmann::json list = nlohmann::json::array();
    for (const std::size_t i : ranked_objects(s)) {
        list.push_back(to_json(s.objects[i]));
        list.back().update({{"name", s.header.objects[i].name}, {"split", to_string(s.header.objects[i].split)}});
    }
    result["objects"] = {{"count", s.header.objects.size()},
                         {"with_examples", list.size()},
                         {"without_success", count_barren(s)},
                         {"best_first", list}};
    for (const auto& [verdict, count] : s.verdicts) result["verdicts"][verdict_name(verdict)] = count;
    for (const auto& [name, distribution] : distributions(s)) result["distributions"][name] = to_json(*distribution);
    result["repetitions"] = {{"images", s.repetitions.images},
                             {"examples", s.repetitions.examples},
                             {"images_in_several_splits", s.repetitions.shared_images}};
    return result;
}

void print_balance(const std::string& name, const LabelCount& count) {
    std::cout << fmt::format("  {:<28} {:>10} {:>10} {:>7.1f} %\n", name, count.examples, count.positives,
                             100 * count.share());
}

void print_objects(const DatasetStatistics& s, std::size_t most) {
    const auto order = ranked_objects(s);
    const std::size_t shown = std::min(most, order.size());
    for (std::size_t i = 0; i < shown; ++i) print_balance(s.header.objects[order[i]].name, s.objects[order[i]]);
    const std::size_t rest = std::max(shown, order.size() - shown);
    if (rest > shown) std::cout << "  ...\n";
    for (std::size_t i = rest; i < order.size(); ++i)
        print_balance(s.header.objects[order[i]].name, s.objects[order[i]]);
}

void print_summary(const DatasetStatistics& s, const InspectOptions& options) {
    std::cout << fmt::format("{}: {} examples in {} images of {} objects\n\n", options.data, s.labels.examples,
                             s.images, s.header.objects.size());
    std::cout << fmt::format("  {:<28} {:>10} {:>10} {:>9}\n", "split", "examples", "successes", "share");
    for (const auto& [split, count] : s.splits)
        print_balance(fmt::format("{} ({} objects)", to_string(split), count.objects), count);
    print_balance("all", s.labels);

    std::cout << fmt::format("\n  {:<28} {:>10} {:>20}\n", "verdict", "examples", "share");
    for (const auto& [verdict, count] : s.verdicts)
        std::cout << fmt::format("  {:<28} {:>10} {:>18.1f} %\n", verdict_name(verdict), count,
                                 100.0 * double(count) / double(s.labels.examples));

    std::cout << fmt::format("\n  objects: {} without success; best and worst of those with examples:\n",
                             count_barren(s));
    print_objects(s, options.objects);

    std::cout << fmt::format("\n  {:<28} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>6}\n", "distribution", "min",
                             "1 %", "median", "99 %", "max", "mean", "sigma", "NaN");
    for (const auto& [name, d] : distributions(s))
        std::cout << fmt::format("  {:<28} {:>9.5f} {:>9.5f} {:>9.5f} {:>9.5f} {:>9.5f} {:>9.5f} {:>9.5f} {:>6}\n",
                                 name, d->min(), d->quantile(0.01), d->quantile(0.5), d->quantile(0.99), d->max(),
                                 d->mean(), d->standard_deviation(), d->non_finite());

    std::cout << fmt::format("\n  repeated: {} images, {} examples; {} images lie in several splits\n",
                             s.repetitions.images, s.repetitions.examples, s.repetitions.shared_images);
}

void run(const InspectOptions& options, const CommonOptions& common) {
    const std::size_t samples = options.output.empty() ? 0 : options.examples;
    const DatasetStatistics statistics = dataset_statistics(options.data, samples, common.seed);
    if (!options.output.empty()) {
        const auto objects = statistics.header.config.value("objects", std::string("objects of unknown source"));
        const DatasetReportOptions report{options.data + ": " + objects, verdict_name, options.examples};
        write_png(dataset_report(statistics, report), options.output);
    }
    if (common.json)
        print_json(to_json(statistics));
    else
        print_summary(statistics, options);
}

}  // namespace

void add_inspect(CLI::App& app) {
    add_command<InspectOptions>(
        app, "inspect", "Look at a data set: balance, verdicts, ranges, repetitions, pictures",
        "ebgrasp inspect data/ --output report.png",
        [](CLI::App& command, InspectOptions& o) {
            command.add_option("data", o.data, "Folder of a data set")->required();
            command.add_option("--output", o.output, "Write a report page here (.png)");
            command.add_option("--examples", o.examples, "Successes, and failures, shown on the page")
                ->check(CLI::Range(1, 240))
                ->capture_default_str();
            command.add_option("--objects", o.objects, "How many of the best and worst objects to list")
                ->capture_default_str();
        },
        run);
}

}  // namespace ebgrasp::app
