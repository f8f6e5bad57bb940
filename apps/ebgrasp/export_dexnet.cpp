#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/dexnet/dexnet.hpp"

namespace ebgrasp::app {
namespace {

struct ExportOptions {
    std::string data, output;
};

void run(const ExportOptions& options, const CommonOptions& common) {
    const DexnetSummary summary = export_dexnet(options.data, options.output);
    if (common.json)
        return print_json({{"output", options.output}, {"shards", summary.shards}, {"examples", summary.examples}});
    std::cout << fmt::format("{}: {} examples in {} shards\n", options.output, summary.examples, summary.shards);
}

}  // namespace

void add_export_dexnet(CLI::App& app) {
    add_command<ExportOptions>(
        app, "export-dexnet", "Write data as Dex-Net 2.0's tensors",
        "ebgrasp export-dexnet --data data/ --output tensors/",
        [](CLI::App& command, ExportOptions& o) {
            command.add_option("--data", o.data, "Data of import-dexnet, or of generate --layout scenes")->required();
            command.add_option("--output", o.output, "Folder for depth_ims_tf_table_00000.npz and its like")
                ->required();
        },
        run);
}

}  // namespace ebgrasp::app
