#include "ebgrasp/viz/landscape.hpp"

#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "depth_input.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp::app {
namespace {

struct LandscapeCommandOptions {
    DepthInput input;
    ModelInput energy;
    std::string output;
    int rank = 1;
};

void run(const LandscapeCommandOptions& options, const CommonOptions& common) {
    PlanRequest request = options.input.read();
    request.count = options.rank;
    request.seed = common.seed;
    const std::shared_ptr<const EnergyModel> model = load_energy_model(find_model(options.energy.model));
    const Gripper gripper = load_gripper(options.energy.gripper);
    const PlannerOptions planner_options;
    const PlanResult result = Planner(model, gripper, planner_options).plan(request);
    require(result.grasps.size() >= static_cast<std::size_t>(options.rank), "--rank is ", options.rank, " but ",
            result.grasps.size(), " grasps were found", result.reason.empty() ? "" : " (" + result.reason + ")");

    const Scene scene(request.image, request.mask, *result.plane, model->view(), planner_options.min_height);
    const PlannedGrasp& planned = result.grasps.back();
    const Eigen::Isometry3d X_VG = scene.view.X_CV.inverse() * planned.X_CG;
    const PlanarGrasp center = planar_grasp(X_VG, scene.camera(), planned.grasp.width);
    const auto encoded = model->encode(scene.view.image, scene.region, gripper);
    write_png(energy_landscape(*encoded, center, {}), options.output);

    const nlohmann::json summary = {{"output", options.output}, {"energy", planned.energy}};
    if (common.json)
        print_json(summary);
    else
        std::cout << fmt::format("energy {:.3f} at row {:.1f}, col {:.1f}, depth {:.4f} m, angle {:.1f} degrees: {}\n",
                                 planned.energy, planned.grasp.row, planned.grasp.col, planned.grasp.depth,
                                 planned.grasp.angle * 57.29577951308232, options.output);
}

}  // namespace

void add_landscape(CLI::App& app) {
    add_command<LandscapeCommandOptions>(
        app, "landscape", "Draw the energy around a planned grasp, over all pairs of its coordinates",
        "ebgrasp landscape --depth depth.npy --intrinsics 525,525,319.5,239.5 --output landscape.png",
        [](CLI::App& command, LandscapeCommandOptions& o) {
            o.input.declare(command);
            command.add_option("--output", o.output, "The picture (.png)")->required();
            command.add_option("--rank", o.rank, "Which of the planned grasps")
                ->check(CLI::Range(1, 1000))
                ->capture_default_str();
            o.energy.declare(command);
        },
        run);
}

}  // namespace ebgrasp::app
