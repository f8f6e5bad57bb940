#include "ebgrasp/grasp/gripper.hpp"

#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#ifdef EBGRASP_WITH_VIZ
#include "ebgrasp/viz/gripper_view.hpp"
#endif

namespace ebgrasp::app {
namespace {

void list_grippers(const CommonOptions& common) {
    nlohmann::json list = nlohmann::json::array();
    for (const std::string& name : gripper_presets()) list.push_back(to_json(load_gripper(name)));
    if (common.json) return print_json({{"grippers", list}});
    std::cout << fmt::format("{:<14} {:>10} {:>10} {:>10} {:>9}\n", "name", "opening mm", "fingers mm", "base mm",
                             "force N");
    for (const std::string& name : gripper_presets()) {
        const Gripper g = load_gripper(name);
        std::cout << fmt::format("{:<14} {:>10.0f} {:>10.1f} {:>10.1f} {:>9.0f}\n", g.name, 1000 * g.max_opening,
                                 1000 * g.finger_length, 1000 * g.to_base(), g.max_force);
    }
}

struct ShowOptions {
    std::string gripper, output, conventions;
};

void show_gripper(const ShowOptions& options, const CommonOptions& common) {
    const Gripper gripper = load_gripper(options.gripper);
#ifdef EBGRASP_WITH_VIZ
    if (!options.output.empty()) write_png(gripper_drawing(gripper), options.output);
    if (!options.conventions.empty()) write_png(convention_sheet(gripper), options.conventions);
#endif
    if (common.json) return print_json(to_json(gripper));
    std::cout << to_yaml(gripper);
}

}  // namespace

void add_gripper(CLI::App& app) {
    CLI::App* command = app.add_subcommand("gripper", "List, check and draw grippers");
    command->footer("Example:\n  ebgrasp gripper show my_gripper.yaml --output my_gripper.png");
    command->require_subcommand(1);
    struct None {};
    add_command<None>(
        *command, "list", "The presets", "ebgrasp gripper list", [](CLI::App&, None&) {},
        [](const None&, const CommonOptions& common) { list_grippers(common); });
    add_command<ShowOptions>(
        *command, "show", "Check a gripper file and print all of its values",
        "ebgrasp gripper show my_gripper.yaml --output my_gripper.png",
        [](CLI::App& show, ShowOptions& o) {
            show.add_option("gripper", o.gripper, "A YAML file or a preset")->required();
#ifdef EBGRASP_WITH_VIZ
            show.add_option("--output", o.output, "Draw it from the front and the side with its dimensions (.png)");
            show.add_option("--conventions", o.conventions, "Draw the frames of all conventions on it (.png)");
#endif
        },
        show_gripper);
}

}  // namespace ebgrasp::app
