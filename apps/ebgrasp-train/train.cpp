#include <fmt/format.h>
#include <iostream>
#include <optional>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/training/trainer.hpp"

namespace ebgrasp::app {
namespace {

struct TrainOptions {
    std::string data, output, config;
    std::optional<std::string> model, loss, batch_by, split_by, device;
    std::optional<double> temperature, learning_rate;
    std::optional<int> epochs, batch_size;
    std::size_t max_examples = 0;
};

void run(const TrainOptions& options, const CommonOptions& common, bool seed_given) {
    TrainingConfig config;
    if (!options.config.empty()) config = config_from_json<TrainingConfig>(read_yaml(options.config), options.config);
    const auto override_with = [](auto& field, const auto& given) {
        if (given) field = *given;
    };
    override_with(config.model, options.model);
    override_with(config.loss, options.loss);
    override_with(config.batch_by, options.batch_by);
    override_with(config.split_by, options.split_by);
    override_with(config.device, options.device);
    override_with(config.temperature, options.temperature);
    override_with(config.learning_rate, options.learning_rate);
    override_with(config.epochs, options.epochs);
    override_with(config.batch_size, options.batch_size);
    if (options.config.empty() || seed_given) config.seed = common.seed;
    if (common.threads > 0) config.threads = common.threads;

    const WindowDataset dataset = read_window_dataset(options.data, options.max_examples);
    info("{}: {} examples in {} windows of {} objects", options.data, dataset.examples.size(),
         dataset.examples.window_count(), dataset.objects.size());
    const TrainingResult result = train(dataset, config, options.output);
    if (common.json)
        print_json({{"output", options.output},
                    {"best_epoch", result.best_epoch},
                    {"epochs", result.epochs},
                    {"validation", result.metrics}});
    else
        std::cout << fmt::format("{}: epoch {} of {}, validation {}\n", options.output, result.best_epoch,
                                 result.epochs.size(), result.metrics.dump());
}

}  // namespace

void add_train(CLI::App& app) {
    auto command = std::make_shared<CLI::App*>();
    *command = add_command<TrainOptions>(
        app, "train", "Train a model on generated data",
        "ebgrasp train --data data/ --temperature 100 --epochs 20 --output seed.safetensors",
        [](CLI::App& command, TrainOptions& o) {
            command.add_option("--data", o.data, "Folder that `ebgrasp generate` made")->required();
            command.add_option("--output", o.output, "Weights; a killed run goes on where it stopped")->required();
            command.add_option("--config", o.config, "YAML of all training parameters");
            command.add_option("--model", o.model, "Network (default seed)");
            command.add_option("--loss", o.loss, "nce (contrastive) or bce (default nce)");
            command.add_option("--temperature", o.temperature, "Of the loss (default 100)");
            command.add_option("--epochs", o.epochs, "Passes over the data (default 500)");
            command.add_option("--batch-size", o.batch_size, "Examples per step (default 512)");
            command.add_option("--batch-by", o.batch_by,
                               "example (the seed's) or window (all grasps of a window, 4 times as fast)");
            command.add_option("--learning-rate", o.learning_rate, "Adam's (default 1e-4)");
            command.add_option("--split-by", o.split_by, "object, window or example (default object)");
            command.add_option("--device", o.device, "auto, cpu or cuda (default auto)");
            command.add_option("--max-examples", o.max_examples, "Use only the first N examples; 0: all");
        },
        [command](const TrainOptions& options, const CommonOptions& common) {
            run(options, common, (*command)->count("--seed") > 0);
        });
}

}  // namespace ebgrasp::app
