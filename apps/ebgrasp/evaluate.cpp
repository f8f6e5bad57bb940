#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/evaluation/evaluation.hpp"
#include "ebgrasp/evaluation/example_model.hpp"

namespace ebgrasp::app {
namespace {

struct EvaluateOptions {
    std::string data, split = "test";
    std::vector<std::string> models = {"seed"}, split_by;
    std::optional<double> temperature;
    std::size_t batch_size = 512;
};

/// One model on one division of the data.
struct Row {
    std::string model, network;
    SplitBy by;
    SeenShares seen;
    Evaluation evaluation;
    std::size_t parameters, macs;
};

std::vector<Row> judge(const std::string& name, const WindowDataset& dataset, const EvaluateOptions& options,
                       const CommonOptions& common) {
    const std::string path = find_model(name);
    const Checkpoint checkpoint = read_checkpoint(path);
    try {
        const auto model = make_example_model(checkpoint);
        EvaluationOptions evaluation{.batch_size = options.batch_size, .seed = common.seed};
        evaluation.temperature = options.temperature.value_or(training_temperature(checkpoint));
        evaluation.calibration = calibration_of(checkpoint);
        const Division trained = training_division(checkpoint);
        std::vector<SplitBy> divisions;
        for (const std::string& by : options.split_by) divisions.push_back(parse_split_by(by));
        if (divisions.empty()) divisions.push_back(trained.by);
        std::vector<Row> rows;
        for (const SplitBy by : divisions) {
            const auto indices = dataset.indices(parse_split(options.split), by, trained.seed);
            require(!indices.empty(), "the ", options.split, " split by ", to_string(by), " has no examples");
            const auto energies = model->energies(dataset.examples, indices);
            rows.push_back({name, checkpoint.model, by, seen_in_training(checkpoint, dataset, indices),
                            evaluate(energies, example_labels(dataset.examples, indices), evaluation),
                            parameter_count(checkpoint), model->multiply_adds()});
        }
        return rows;
    } catch (const Error& error) {
        fail(path, ": ", error.what());
    }
}

nlohmann::json to_json(const Row& row, const std::string& split) {
    const auto share = [](double value) { return std::isnan(value) ? nlohmann::json() : nlohmann::json(value); };
    nlohmann::json json = row.evaluation;
    json.update({{"model", row.model},
                 {"network", row.network},
                 {"split", split},
                 {"split_by", to_string(row.by)},
                 {"seen_examples", share(row.seen.examples)},
                 {"seen_objects", share(row.seen.objects)},
                 {"parameters", row.parameters},
                 {"macs", row.macs}});
    return json;
}

std::vector<std::string> cells(const Row& row) {
    const Evaluation& e = row.evaluation;
    const auto percent = [](double share) { return fmt::format("{:.1f}", 100 * share); };
    const auto seen = [](double share) { return std::isnan(share) ? "?" : fmt::format("{:.0f}", 100 * share); };
    return {row.model,
            row.network,
            to_string(row.by),
            seen(row.seen.examples) + " / " + seen(row.seen.objects),
            fmt::format("{:.3f}", e.loss),
            fmt::format("{:.1f} ± {:.1f}", 100 * e.alignment, 100 * e.alignment_spread),
            fmt::format("{:.3f}", e.roc_auc),
            fmt::format("{:.3f}", e.average_precision),
            percent(e.precision_at_recall_50),
            percent(e.accuracy),
            fmt::format("{:.3f}", e.ece),
            fmt::format("{}", e.positives),
            fmt::format("{}", e.negatives),
            fmt::format("{:.2f} M", 1e-6 * double(row.parameters)),
            fmt::format("{:.1f} M", 1e-6 * double(row.macs))};
}

/// How many columns a UTF-8 text takes on a terminal.
std::size_t text_width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

void print_table(const std::vector<std::vector<std::string>>& table) {
    constexpr std::size_t texts = 3;  // the first columns are aligned left, the numbers right
    std::vector<std::size_t> widths(table.front().size(), 0);
    for (const auto& line : table)
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], text_width(line[i]));
    for (const auto& line : table) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            const std::string space(widths[i] - text_width(line[i]), ' ');
            std::cout << (i > 0 ? "  " : "") << (i < texts ? line[i] + space : space + line[i]);
        }
        std::cout << '\n';
    }
}

void run(const EvaluateOptions& options, const CommonOptions& common) {
    const WindowDataset dataset = read_window_dataset(options.data);
    std::vector<Row> rows;
    for (const std::string& model : options.models)
        for (Row& row : judge(model, dataset, options, common)) rows.push_back(std::move(row));

    if (common.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const Row& row : rows) list.push_back(to_json(row, options.split));
        return print_json(list.size() == 1 ? list[0] : nlohmann::json{{"evaluations", list}});
    }
    std::vector<std::vector<std::string>> table = {{"model", "network", "split by", "seen %", "loss", "alignment %",
                                                    "AUC", "AP", "P@R50 %", "accuracy %", "ECE", "successes",
                                                    "failures", "weights", "MACs"}};
    for (const Row& row : rows) table.push_back(cells(row));
    std::cout << options.data << ", " << options.split
              << " examples; seen: those that the model was trained on / whose object it was trained on\n";
    print_table(table);
}

}  // namespace

void add_evaluate(CLI::App& app) {
    add_command<EvaluateOptions>(
        app, "evaluate", "Judge models on labelled examples",
        "ebgrasp evaluate --model seed --model gqcnn.safetensors --data data/ --split test",
        [](CLI::App& command, EvaluateOptions& o) {
            command.add_option("--data", o.data, "Folder that `ebgrasp generate` made")->required();
            command.add_option("--model", o.models, "Weights: a file, or the name of a shipped model; one or several")
                ->capture_default_str();
            command.add_option("--split", o.split, "train, validation or test")->capture_default_str();
            command
                .add_option("--split-by", o.split_by,
                            "object, window or example, one or several (default: as the model's training data were "
                            "split)")
                ->delimiter(',');
            command.add_option("--temperature", o.temperature, "Of the loss (default: the training's)")
                ->check(CLI::PositiveNumber);
            command.add_option("--batch-size", o.batch_size, "Of loss and alignment")
                ->check(CLI::Range(2, 65536))
                ->capture_default_str();
        },
        run);
}

}  // namespace ebgrasp::app
