#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/generation/generator.hpp"

namespace ebgrasp::app {
namespace {

struct GenerateOptions {
    std::string config, output;
    std::optional<std::string> objects, gripper;
    std::optional<std::size_t> examples;
    std::optional<double> positive_share;
};

void run(const GenerateOptions& options, const CommonOptions& common, bool seed_given) {
    GenerationConfig config;
    if (!options.config.empty()) config = config_from_json<GenerationConfig>(read_yaml(options.config), options.config);
    if (options.objects) config.objects = *options.objects;
    if (options.gripper) config.gripper = *options.gripper;
    if (options.examples) config.examples = *options.examples;
    if (options.positive_share) config.positive_share = *options.positive_share;
    if (options.config.empty() || seed_given) config.seed = common.seed;
    generate_windows(config, options.output);

    const WindowDataset dataset = read_window_dataset(options.output);
    std::size_t positives = 0;
    for (std::size_t i = 0; i < dataset.examples.size(); ++i) positives += dataset.examples.success(i);
    const nlohmann::json summary = {{"output", options.output},
                                    {"examples", dataset.examples.size()},
                                    {"positives", positives},
                                    {"windows", dataset.examples.window_count()},
                                    {"objects", dataset.objects.size()}};
    if (common.json)
        print_json(summary);
    else
        std::cout << fmt::format("{}: {} examples ({:.1f} % positive) in {} windows of {} objects\n", options.output,
                                 dataset.examples.size(), 100.0 * double(positives) / double(dataset.examples.size()),
                                 dataset.examples.window_count(), dataset.objects.size());
}

}  // namespace

void add_generate(CLI::App& app) {
    auto command = std::make_shared<CLI::App*>();
    *command = add_command<GenerateOptions>(
        app, "generate", "Make labelled training data",
        "ebgrasp generate --objects procedural:1000 --examples 50000 --output data/",
        [](CLI::App& command, GenerateOptions& o) {
            command.add_option("--output", o.output, "Folder for the data; a killed run goes on where it stopped")
                ->required();
            command.add_option("--objects", o.objects,
                               "Mesh file, folder of meshes (metres), or procedural:N (default procedural:1000)");
            command.add_option("--examples", o.examples, "Labelled grasps to make (default 20000)");
            command.add_option("--gripper", o.gripper, "Gripper: a YAML file or a preset (default robotiq_2f85)");
            command.add_option("--positives", o.positive_share, "Share of successes aimed at (default 0.3)");
            command.add_option("--config", o.config, "YAML of all parameters, such as a data set's own config.yaml");
        },
        [command](const GenerateOptions& options, const CommonOptions& common) {
            run(options, common, (*command)->count("--seed") > 0);
        });
}

}  // namespace ebgrasp::app
