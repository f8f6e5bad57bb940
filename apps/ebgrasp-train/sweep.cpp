#include "ebgrasp/training/sweep.hpp"

#include <fmt/format.h>
#include <iostream>
#include <optional>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"

namespace ebgrasp::app {
namespace {

struct SweepOptions {
    std::string config, data, output;
    std::optional<int> epochs;
    std::optional<std::string> device;
    std::size_t max_examples = 0;
};

void print_table(const std::vector<SweepRow>& rows) {
    std::cout << fmt::format("{:<20} {:>8} {:>8} {:>8} {:>7} {:>7} {:>14} {:>7} {:>7} {:>7} {:>7}\n", "run", "trained",
                             "epochs", "tested", "seen", "loss", "alignment", "AUC", "AP", "P@50", "ECE");
    for (const SweepRow& row : rows)
        for (const SweepTest& test : row.tests) {
            const Evaluation& e = test.evaluation;
            std::cout << fmt::format(
                "{:<20} {:>8} {:>8} {:>8} {:>5.0f} % {:>7.3f} {:>5.1f} ± {:>3.1f} % {:>7.3f} {:>7.3f} {:>7.3f} "
                "{:>7.3f}\n",
                row.run.name, to_string(row.trained_by), row.epochs, to_string(test.split_by), 100 * test.seen_windows,
                e.loss, 100 * e.alignment, 100 * e.alignment_spread, e.roc_auc, e.average_precision,
                e.precision_at_recall_50, e.ece);
        }
    std::cout << "seen: share of the test examples whose window was seen in training\n";
}

void run(const SweepOptions& options, const CommonOptions& common) {
    SweepConfig config = sweep_from_json(read_yaml(options.config), options.config);
    if (!options.data.empty()) config.data = options.data;
    if (!options.output.empty()) config.output = options.output;
    require(!config.data.empty(), options.config, ": names no folder of data; add `data:` or pass --data");
    require(!config.output.empty(), options.config,
            ": names no folder for the results; add `output:` or pass --output");
    for (SweepRun& run : config.runs) {
        run.config.epochs = options.epochs.value_or(run.config.epochs);
        run.config.device = options.device.value_or(run.config.device);
        if (common.threads > 0) run.config.threads = common.threads;
        run.config.validate();
    }

    const WindowDataset dataset = read_window_dataset(config.data, options.max_examples);
    info("{}: {} examples in {} windows of {} objects", config.data, dataset.examples.size(),
         dataset.examples.window_count(), dataset.objects.size());
    const std::vector<SweepRow> rows = run_sweep(dataset, config.runs, config.output);
    if (common.json) return print_json(sweep_json(rows));
    print_table(rows);
    std::cout << fmt::format("{0}: summary.md, summary.csv, summary.json; curves: tensorboard --logdir {0}\n",
                             config.output);
}

}  // namespace

void add_sweep(CLI::App& app) {
    add_command<SweepOptions>(
        app, "sweep", "Train several models on the same data and put them in one table; goes on after a kill",
        "ebgrasp sweep --config studies/seed.yaml --data data/ --output sweep/",
        [](CLI::App& command, SweepOptions& o) {
            command.add_option("--config", o.config, "YAML of the runs (studies/seed.yaml shows all it can say)")
                ->required();
            command.add_option("--data", o.data, "Folder that `ebgrasp generate` made, in place of the config's");
            command.add_option("--output", o.output, "Folder for weights, logs and table, in place of the config's");
            command.add_option("--epochs", o.epochs, "Epochs of every run, in place of the config's");
            command.add_option("--device", o.device, "auto, cpu or cuda, in place of the config's");
            command.add_option("--max-examples", o.max_examples, "Use only the first N examples; 0: all");
        },
        run);
}

}  // namespace ebgrasp::app
