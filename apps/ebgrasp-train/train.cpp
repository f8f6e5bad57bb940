#include <algorithm>
#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/training/trainer.hpp"
#ifdef EBGRASP_WITH_DATA
#include "train_per_pixel.hpp"
#endif
#ifdef EBGRASP_WITH_SIMULATION
#include "train_field.hpp"
#endif

namespace ebgrasp::app {
namespace {

struct TrainOptions {
    std::string output, config;
    std::vector<std::string> data;
    nlohmann::json fields = nlohmann::json::object();  ///< of the configuration, as given on the command line
    std::size_t max_examples = 0;
};

/// An option for the field of TrainingConfig of the same name.
template <typename T>
void add_field(CLI::App& command, TrainOptions& options, const std::string& name, const std::string& help) {
    std::string field = name.substr(2);
    std::ranges::replace(field, '-', '_');
    command.add_option_function<T>(
        name, [&options, field](const T& value) { options.fields[field] = value; }, help);
}

void run(const TrainOptions& options, const CommonOptions& common, bool seed_given) {
#ifdef EBGRASP_WITH_SIMULATION
    if (options.fields.value("model", "") == "field") return train_field_model(options.config, options.output, common);
#endif
    require(!options.data.empty(), "--data is missing: name the folder that `ebgrasp generate` made");
    nlohmann::json fields = options.config.empty() ? nlohmann::json::object() : read_yaml(options.config);
    fields.update(options.fields);
    if (options.config.empty() || seed_given) fields["seed"] = common.seed;
    if (common.threads > 0) fields["threads"] = common.threads;
#ifdef EBGRASP_WITH_DATA
    if (fields.contains("model") && fields["model"] == "percnn")
        return train_per_pixel_model(options.data, fields, options.config, options.output, common.json);
#endif
    const auto config = config_from_json<TrainingConfig>(fields, options.config);
    require(options.data.size() == 1, "--data names ", options.data.size(), " folders; give one, of `windows` data");
    const std::string& data = options.data.front();

    const WindowDataset dataset = read_window_dataset(data, options.max_examples);
    info("{}: {} examples in {} windows of {} objects", data, dataset.examples.size(), dataset.examples.window_count(),
         dataset.objects.size());
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
            command
                .add_option("--data", o.data,
                            "Folder that `ebgrasp generate` made; --model percnn takes several, --model field none: "
                            "it draws its own scenes")
                ->delimiter(',');
            command.add_option("--output", o.output, "Weights; a killed run goes on where it stopped")->required();
            command.add_option("--config", o.config, "YAML of all training parameters");
            add_field<std::string>(command, o, "--model", "Network: seed, gqcnn, percnn or field (default seed)");
            add_field<std::string>(command, o, "--loss", "nce (contrastive) or bce (default nce)");
            add_field<double>(command, o, "--temperature", "Of the loss (default 100)");
            add_field<int>(command, o, "--epochs", "Passes over the data (default 500)");
            add_field<int>(command, o, "--batch-size", "Examples per step (default 512)");
            add_field<std::string>(command, o, "--batch-by",
                                   "example (the seed's) or window (all grasps of a window, 4 times as fast)");
            add_field<double>(command, o, "--learning-rate", "Of the optimizer (default 1e-4)");
            add_field<double>(command, o, "--grasp-rate",
                              "Factor on it for the seed's weights that read the grasp (default 256, the seed's)");
            add_field<double>(command, o, "--dropout", "After the hidden layers (default 0.2)");
            add_field<std::string>(command, o, "--split-by",
                                   "object, window or example (default: as the data's configuration says)");
            add_field<std::string>(command, o, "--device", "auto, cpu or cuda (default auto)");
            command.add_option("--max-examples", o.max_examples, "Use only the first N examples; 0: all");
        },
        [command](const TrainOptions& options, const CommonOptions& common) {
            run(options, common, (*command)->count("--seed") > 0);
        });
}

}  // namespace ebgrasp::app
