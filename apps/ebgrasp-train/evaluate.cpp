#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/training/evaluation.hpp"

namespace ebgrasp::app {
namespace {

struct EvaluateOptions {
    std::string data, model = "seed", split = "test", split_by = "object";
    EvaluationOptions evaluation;
};

void run(const EvaluateOptions& options, const CommonOptions& common) {
    const auto model = load_energy_model(find_model(options.model));
    const WindowDataset dataset = read_window_dataset(options.data);
    EvaluationOptions evaluation = options.evaluation;
    evaluation.seed = common.seed;
    const auto indices = dataset.indices(parse_split(options.split), parse_split_by(options.split_by), common.seed);
    const nlohmann::json result = evaluate(*model, dataset, indices, evaluation);
    if (common.json) return print_json(result);
    std::cout << fmt::format("{} on the {} split by {} of {}\n", options.model, options.split, options.split_by,
                             options.data);
    for (const auto& [name, value] : result.items())
        std::cout << fmt::format("  {:<24} {}\n", name,
                                 value.is_number_float() ? fmt::format("{:.4f}", value.get<double>()) : value.dump());
}

}  // namespace

void add_evaluate(CLI::App& app) {
    add_command<EvaluateOptions>(
        app, "evaluate", "Judge a model on labelled examples",
        "ebgrasp evaluate --model seed --data data/ --split test",
        [](CLI::App& command, EvaluateOptions& o) {
            command.add_option("--data", o.data, "Folder that `ebgrasp generate` made")->required();
            command.add_option("--model", o.model, "Weights: a file, or the name of a shipped model")
                ->capture_default_str();
            command.add_option("--split", o.split, "train, validation or test")->capture_default_str();
            command.add_option("--split-by", o.split_by, "object, window or example")->capture_default_str();
            command.add_option("--temperature", o.evaluation.temperature, "Of the loss")->capture_default_str();
            command.add_option("--batch-size", o.evaluation.batch_size, "Of loss and alignment")->capture_default_str();
        },
        run);
}

}  // namespace ebgrasp::app
