#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <limits>
#include <numeric>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/energy/window_energy.hpp"
#include "ebgrasp/evaluation/example_model.hpp"
#include "ebgrasp/viz/plot.hpp"
#include "ebgrasp/viz/ridgeline.hpp"
#include "window_figures.hpp"

namespace ebgrasp::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct FiguresOptions {
    std::string sweep, data, output, run;
};

/// A run of the sweep: its entry in summary.json, and the reports of its epochs (training/trainer.hpp).
struct History {
    json summary, epochs;

    std::string name() const { return summary.at("name"); }
    std::string loss() const { return summary.at("config").at("loss"); }
    double temperature() const { return summary.at("config").at("temperature"); }
};

std::vector<History> read_histories(const fs::path& sweep) {
    const fs::path path = sweep / "summary.json";
    try {
        const json summary = parse_json(read_file(path), path.string());
        std::vector<History> histories;
        for (const json& run : summary.at("runs")) {
            const std::string name = run.at("name");
            histories.push_back({run, read_checkpoint(sweep / (name + ".safetensors.state")).info.at("epochs")});
        }
        require(!histories.empty(), path.string(), ": lists no runs");
        return histories;
    } catch (const json::exception& error) {
        fail(path.string(), " or a run's state: is damaged (", error.what(), "); run the sweep again");
    }
}

/// The runs that the seed's authors made, or all if there is none of them.
std::vector<History> shown_runs(const std::vector<History>& histories) {
    std::vector<History> shown;
    std::ranges::copy_if(histories, std::back_inserter(shown),
                         [](const History& history) { return history.summary.contains("authors"); });
    return shown.empty() ? histories : shown;
}

// ------------------------------------------------------------------------------------------------------ training

Picture curves(const std::vector<History>& histories, const char* key, double unit, const std::string& title,
               const std::string& label) {
    std::vector<Series> series;
    for (const History& history : histories) {
        Series curve{.label = history.name(), .x = {}, .y = {}};
        for (const json& epoch : history.epochs) {
            curve.x.push_back(epoch.at("epoch"));
            curve.y.push_back(epoch.at(key).get<double>() / unit);
        }
        curve.markers = curve.x.size() == 1;
        series.push_back(std::move(curve));
    }
    return line_plot(
        series,
        {.title = title, .x = {.label = "epoch"}, .y = {.label = label}, .width = 760, .height = 600, .font = 22});
}

Picture training_curves(const std::vector<History>& histories) {
    const std::vector<Picture> panels = {
        curves(histories, "training_loss", 1, "Training loss", "loss per batch"),
        curves(histories, "validation_loss", 1, "Validation loss", "loss per batch"),
        curves(histories, "validation_alignment", 0.01, "Validation alignment", "alignment [%]")};
    return sheet(panels, 3);
}

/// About `count` epochs from the first to the last, each a like factor after the one before.
std::vector<std::size_t> spread_epochs(std::size_t epochs, std::size_t count) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < count; ++i) {
        const double exponent = static_cast<double>(i) / static_cast<double>(count - 1);
        const auto epoch = static_cast<std::size_t>(std::lround(std::pow(static_cast<double>(epochs), exponent)));
        if (chosen.empty() || epoch > chosen.back()) chosen.push_back(epoch);
    }
    return chosen;
}

/// The energy below which a share of 0.97 of the ridge's failures lies: their tail is long, and empty to look at.
double tail_of(const Ridge& ridge) {
    const double total = std::accumulate(ridge.failures.begin(), ridge.failures.end(), 0.0);
    double below = 0;
    std::size_t bin = 0;
    while (bin < ridge.failures.size() && below < 0.97 * total) below += ridge.failures[bin++];
    return ridge.range.at(static_cast<double>(bin) / static_cast<double>(ridge.failures.size()));
}

Picture energy_ridges(const History& history) {
    std::vector<Ridge> ridges;
    Limits shown = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
    for (const std::size_t epoch : spread_epochs(history.epochs.size(), 8)) {
        const json& energies = history.epochs[epoch - 1].at("energies");
        const Ridge& ridge = ridges.emplace_back(Ridge{fmt::format("{}", epoch),
                                                       {energies.at("low"), energies.at("high")},
                                                       energies.at("successes"),
                                                       energies.at("failures")});
        shown = {std::min(shown.low, ridge.range.low), std::max(shown.high, tail_of(ridge))};
    }
    return ridgeline_plot(ridges, {.title = history.name() + ": energies of validation examples",
                                   .x = {.label = "energy", .limits = shown},
                                   .y = {.label = "epoch"},
                                   .width = 760,
                                   .height = 720,
                                   .font = 22});
}

Picture energy_histograms(const std::vector<History>& histories) {
    std::vector<Picture> panels;
    for (const History& history : histories) panels.push_back(energy_ridges(history));
    return sheet(panels, panels.size() > 4 ? 3 : 2);
}

// ------------------------------------------------------------------------------------------------------ the energy

/// The run called `name`, or the one of the best alignment on test examples of the split that it trained by.
const History& best_run(const std::vector<History>& histories, const std::string& name) {
    const auto alignment = [](const History& history) {
        const json& tests = history.summary.at("tests");
        const std::string by = history.summary.at("trained_by");
        return tests.at(tests.contains(by) ? by : "example").at("alignment").get<double>();
    };
    if (name.empty()) return *std::ranges::max_element(histories, {}, alignment);
    const auto found = std::ranges::find(histories, name, &History::name);
    require(found != histories.end(), "--run is ", name, ", which the sweep's summary does not list");
    return *found;
}

void draw_energy(const FiguresOptions& options, const History& run, std::uint64_t seed, const fs::path& folder) {
    const fs::path path = fs::path(options.sweep) / (run.name() + ".safetensors");
    const auto model = load_energy_model(path.string());
    const auto* windowed = dynamic_cast<const WindowEnergyModel*>(model.get());
    require(windowed, path.string(), ": its model does not look through windows; choose another --run");
    const WindowDataset data = read_window_dataset(options.data);
    const Checkpoint checkpoint = read_checkpoint(path);
    WindowStudy study{windowed->network(), data, held_out_examples(checkpoint, data, Split::test), {}, run.name()};
    study.energies = make_example_model(checkpoint)->energies(data.examples, study.examples);
    write_png(contrast_sheet(study), folder / "contact_sheet.png");
    write_png(study_landscape(study), folder / "landscape.png");
    study_descent(study, seed, folder / "descent.mp4");
}

void run(const FiguresOptions& options, const CommonOptions& common) {
    const fs::path folder = options.output.empty() ? fs::path(options.sweep) / "figures" : fs::path(options.output);
    const std::vector<History> histories = read_histories(options.sweep);
    const std::vector<History> shown = shown_runs(histories);
    json files = {"training_curves.png", "energy_histograms.png"};
    write_png(training_curves(shown), folder / "training_curves.png");
    write_png(energy_histograms(shown), folder / "energy_histograms.png");
    if (!options.data.empty()) {
        draw_energy(options, best_run(options.run.empty() ? shown : histories, options.run), common.seed, folder);
        for (const char* file : {"contact_sheet.png", "landscape.png", "descent.mp4"}) files.push_back(file);
    }
    if (common.json) return print_json({{"folder", folder.string()}, {"files", files}});
    std::cout << fmt::format("{}: {}\n", folder.string(), fmt::join(files.get<std::vector<std::string>>(), ", "));
}

}  // namespace

void add_figures(CLI::App& app) {
    add_command<FiguresOptions>(
        app, "figures", "Draw a sweep: curves, histograms, and the energy that its best run has learnt",
        "ebgrasp figures --sweep study/ --data study-data/",
        [](CLI::App& command, FiguresOptions& o) {
            command.add_option("--sweep", o.sweep, "Folder that `ebgrasp sweep` wrote")->required();
            command.add_option("--data", o.data, "Its data; without them only curves and histograms are drawn");
            command.add_option("--output", o.output, "Folder of the pictures (default: figures/ in the sweep's)");
            command.add_option("--run", o.run,
                               "Whose energy is drawn (default: the authors' run of the best alignment)");
        },
        run);
}

}  // namespace ebgrasp::app
