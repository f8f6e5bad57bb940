#include "ebgrasp/training/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/energy/checkpoint.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// What the seed's authors report, on their split by example after 500 epochs.
struct Reported {
    double temperature, loss, alignment;
};
constexpr std::array<Reported, 4> authors = {
    {{1, 0.73, 0.838}, {10, 0.55, 0.862}, {100, 0.58, 0.868}, {1000, 0.69, 0.828}}};

std::optional<Reported> reported(const SweepRow& row) {
    const TrainingConfig& config = row.run.config;
    if (config.model != "seed" || config.loss != "nce" || row.trained_by != SplitBy::example) return {};
    const auto found = std::ranges::find(authors, config.temperature, &Reported::temperature);
    return found == authors.end() ? std::nullopt : std::optional(*found);
}

fs::path checkpoint_path(const fs::path& folder, const SweepRun& run) { return folder / (run.name + ".safetensors"); }

// -------------------------------------------------------------------------------------------------------- reading

bool usable_name(const std::string& name) {
    return !name.empty() && name.size() <= 100 && name.front() != '.' && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '_' || c == '-';
    });
}

SweepRun run_from_json(json given, const json& common, const std::string& source) {
    require(given.is_object() && given.contains("name") && given["name"].is_string(), source,
            ": every run must be a mapping with a 'name'");
    SweepRun run{given["name"].get<std::string>(), {}};
    require(usable_name(run.name), source, ": a run's name is ", json(run.name).dump(),
            ", must be 1 to 100 letters, digits, '.', '_' or '-'");
    given.erase("name");
    json merged = common;
    merged.update(given);
    run.config = config_from_json<TrainingConfig>(merged, source + ": run " + run.name);
    try {
        run.config.validate();
    } catch (const Error& error) {
        fail(source, ": run ", run.name, ": ", error.what());
    }
    return run;
}

// -------------------------------------------------------------------------------------------------------- judging

/// Which examples and windows a run trained on.
struct Seen {
    Seen(const WindowExamples& examples, std::span<const std::size_t> training)
        : window_of(examples.grasp_window), example(examples.size()), window(examples.window_count()) {
        for (const std::size_t i : training) example[i] = window[static_cast<std::size_t>(window_of[i])] = true;
    }

    std::span<const std::int32_t> window_of;
    std::vector<bool> example, window;
};

SweepTest test_by(SplitBy by, const WindowDataset& dataset, const TrainingConfig& config, const ExampleModel& model,
                  const std::optional<Calibration>& calibration, const Seen& seen) {
    const std::vector<std::size_t> test = dataset.indices(Split::test, by, config.seed);
    require(!test.empty(), "the data have no test examples by ", to_string(by), "; give `split` a third share");
    const auto share = [&](const auto& holds) {
        return static_cast<double>(std::ranges::count_if(test, holds)) / static_cast<double>(test.size());
    };
    const EvaluationOptions options{.temperature = config.temperature, .calibration = calibration};
    return {by, share([&](std::size_t i) { return seen.example[i]; }),
            share([&](std::size_t i) { return seen.window[static_cast<std::size_t>(seen.window_of[i])]; }),
            evaluate(model.energies(dataset.examples, test), example_labels(dataset.examples, test), options)};
}

SweepRow judge(const WindowDataset& dataset, const SweepRun& run, const TrainingResult& result, const fs::path& path) {
    const Checkpoint checkpoint = read_checkpoint(path);
    const auto model = make_example_model(checkpoint);
    SweepRow row{.run = run,
                 .trained_by = training_split(run.config, dataset),
                 .epochs = static_cast<int>(result.epochs.size()),
                 .best_epoch = result.best_epoch,
                 .parameters = parameter_count(checkpoint),
                 .multiply_adds = model->multiply_adds(),
                 .tests = {}};
    const Seen seen(dataset.examples, dataset.indices(Split::train, row.trained_by, run.config.seed));
    for (const SplitBy by : {SplitBy::example, SplitBy::object})
        row.tests.push_back(test_by(by, dataset, run.config, *model, calibration_of(checkpoint), seen));
    return row;
}

// -------------------------------------------------------------------------------------------------------- writing

std::string percent(double share, int decimals = 1) { return fmt::format("{:.{}f} %", 100 * share, decimals); }

std::string spread_percent(const Evaluation& e) {
    return fmt::format("{:.1f} ± {:.1f} %", 100 * e.alignment, 100 * e.alignment_spread);
}

std::string markdown_row(const std::vector<std::string>& cells) {
    return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string markdown_head(const std::vector<std::string>& cells) {
    return markdown_row(cells) + markdown_row(std::vector<std::string>(cells.size(), "---"));
}

std::string authors_table(const std::vector<SweepRow>& rows) {
    std::string table =
        markdown_head({"run", "τ", "epochs", "loss", "authors' loss", "alignment", "authors' alignment"});
    for (const SweepRow& row : rows)
        if (const auto theirs = reported(row)) {
            const Evaluation& ours = row.tests.front().evaluation;
            table +=
                markdown_row({row.run.name, fmt::format("{:g}", theirs->temperature), fmt::format("{}", row.epochs),
                              fmt::format("{:.3f}", ours.loss), fmt::format("{:.2f}", theirs->loss),
                              spread_percent(ours), percent(theirs->alignment)});
        }
    return table;
}

std::string full_table(const std::vector<SweepRow>& rows) {
    std::string table =
        markdown_head({"run", "trained by", "epochs", "best", "tested by", "seen windows", "seen examples", "loss",
                       "alignment", "ROC-AUC", "AP", "P at 50 % recall", "accuracy", "ECE", "weights", "MACs"});
    for (const SweepRow& row : rows)
        for (const SweepTest& test : row.tests) {
            const Evaluation& e = test.evaluation;
            const auto number = [](double value) { return fmt::format("{:.3f}", value); };
            table += markdown_row({row.run.name, to_string(row.trained_by), fmt::format("{}", row.epochs),
                                   fmt::format("{}", row.best_epoch), to_string(test.split_by),
                                   percent(test.seen_windows, 0), percent(test.seen_examples, 0), number(e.loss),
                                   spread_percent(e), number(e.roc_auc), number(e.average_precision),
                                   number(e.precision_at_recall_50), number(e.accuracy), number(e.ece),
                                   fmt::format("{}", row.parameters),
                                   fmt::format("{:.2f} M", 1e-6 * static_cast<double>(row.multiply_adds))});
        }
    return table;
}

void write_summary(const std::vector<SweepRow>& rows, const fs::path& folder) {
    write_file_atomically(folder / "summary.json", sweep_json(rows).dump(2) + "\n");
    write_file_atomically(folder / "summary.csv", sweep_csv(rows));
    write_file_atomically(folder / "summary.md", sweep_markdown(rows));
}

}  // namespace

SweepConfig sweep_from_json(const json& given, const std::string& source) {
    require(given.is_object(), source, ": is no mapping of names to values");
    for (const auto& [key, value] : given.items())
        require(key == "data" || key == "output" || key == "training" || key == "runs", source, ": unknown key '", key,
                "'; known ones are data, output, training and runs");
    const auto folder = [&](const char* key) {
        require(!given.contains(key) || given[key].is_string(), source, ": '", key, "' must name a folder");
        return given.value(key, "");
    };
    const json common = given.value("training", json::object());
    require(common.is_object(), source, ": 'training' is no mapping of names to values");
    const json runs = given.value("runs", json::array());
    require(runs.is_array() && !runs.empty(), source, ": 'runs' must list at least one run");

    SweepConfig config{folder("data"), folder("output"), {}};
    for (const json& run : runs) {
        config.runs.push_back(run_from_json(run, common, source));
        require(std::ranges::count(config.runs, config.runs.back().name, &SweepRun::name) == 1, source,
                ": two runs are named ", config.runs.back().name);
    }
    return config;
}

std::vector<SweepRow> run_sweep(const WindowDataset& dataset, const std::vector<SweepRun>& runs,
                                const fs::path& folder) {
    std::size_t left = 0;
    for (const SweepRun& run : runs) {
        const auto epochs = static_cast<std::size_t>(run.config.epochs);
        left += (epochs - std::min(epochs, finished_epochs(checkpoint_path(folder, run)).size())) *
                examples_per_epoch(run.config, dataset);
    }
    Progress progress("sweep", left, "examples");
    std::vector<SweepRow> rows;
    for (const SweepRun& run : runs) {
        const fs::path path = checkpoint_path(folder, run);
        rows.push_back(judge(dataset, run, train(dataset, run.config, path, {}, &progress), path));
        write_summary(rows, folder);
    }
    return rows;
}

json sweep_json(const std::vector<SweepRow>& rows) {
    json runs = json::array();
    for (const SweepRow& row : rows) {
        json tests = json::object();
        for (const SweepTest& test : row.tests) {
            json& entry = tests[to_string(test.split_by)] = test.evaluation;
            entry["seen_examples"] = test.seen_examples;
            entry["seen_windows"] = test.seen_windows;
        }
        json& run = runs.emplace_back(json{{"name", row.run.name},
                                           {"config", row.run.config},
                                           {"trained_by", to_string(row.trained_by)},
                                           {"epochs", row.epochs},
                                           {"best_epoch", row.best_epoch},
                                           {"parameters", row.parameters},
                                           {"multiply_adds", row.multiply_adds},
                                           {"tests", tests}});
        if (const auto theirs = reported(row))
            run["authors"] = {{"loss", theirs->loss}, {"alignment", theirs->alignment}};
    }
    return {{"runs", runs}};
}

std::string sweep_csv(const std::vector<SweepRow>& rows) {
    std::string csv =
        "run,model,objective,temperature,trained_by,epochs,best_epoch,tested_by,seen_windows,seen_examples,loss,"
        "alignment,alignment_spread,roc_auc,average_precision,precision_at_recall_50,accuracy,ece,positives,negatives,"
        "parameters,multiply_adds,authors_loss,authors_alignment\n";
    for (const SweepRow& row : rows)
        for (const SweepTest& test : row.tests) {
            const Evaluation& e = test.evaluation;
            const auto theirs = test.split_by == SplitBy::example ? reported(row) : std::nullopt;
            csv += fmt::format(
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", row.run.name,
                row.run.config.model, row.run.config.loss, row.run.config.temperature, to_string(row.trained_by),
                row.epochs, row.best_epoch, to_string(test.split_by), test.seen_windows, test.seen_examples, e.loss,
                e.alignment, e.alignment_spread, e.roc_auc, e.average_precision, e.precision_at_recall_50, e.accuracy,
                e.ece, e.positives, e.negatives, row.parameters, row.multiply_adds,
                theirs ? fmt::format("{}", theirs->loss) : "", theirs ? fmt::format("{}", theirs->alignment) : "");
        }
    return csv;
}

std::string sweep_markdown(const std::vector<SweepRow>& rows) {
    return "Beside the seed's authors, on test examples split from the training's one by one:\n\n" +
           authors_table(rows) +
           "\nAll runs, on the test examples of both splits. A row is honest about new objects only where no window "
           "was "
           "seen in training:\n\n" +
           full_table(rows);
}

}  // namespace ebgrasp
