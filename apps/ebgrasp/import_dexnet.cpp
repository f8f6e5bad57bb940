#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/dexnet/dexnet.hpp"

namespace ebgrasp::app {
namespace {

struct ImportOptions {
    std::string tensors, output;
    double threshold = dexnet_threshold;
};

void run(const ImportOptions& options, const CommonOptions& common) {
    const DexnetSummary summary = import_dexnet(options.tensors, options.output, options.threshold);
    if (common.json)
        return print_json({{"output", options.output},
                           {"shards", summary.shards},
                           {"examples", summary.examples},
                           {"positives", summary.positives},
                           {"threshold", options.threshold}});
    std::cout << fmt::format("{}: {} examples ({:.1f} % positive) in {} shards\n", options.output, summary.examples,
                             100.0 * static_cast<double>(summary.positives) / static_cast<double>(summary.examples),
                             summary.shards);
}

}  // namespace

void add_import_dexnet(CLI::App& app) {
    add_command<ImportOptions>(
        app, "import-dexnet", "Make training data of Dex-Net 2.0's tensors",
        "ebgrasp import-dexnet --tensors dexnet_2_tensor_dataset/tensors --output data/",
        [](CLI::App& command, ImportOptions& o) {
            command.add_option("--tensors", o.tensors, "Folder of depth_ims_tf_table_00000.npz and its like")
                ->required();
            command.add_option("--output", o.output, "Folder for the data; a killed run goes on where it stopped")
                ->required();
            command.add_option("--threshold", o.threshold, "Robust epsilon above which a grasp is a success")
                ->capture_default_str();
        },
        run);
}

}  // namespace ebgrasp::app
