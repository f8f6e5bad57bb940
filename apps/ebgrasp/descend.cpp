#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "depth_input.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/proposals.hpp"
#include "ebgrasp/viz/descent_movie.hpp"
#include "ebgrasp/viz/movie.hpp"

namespace ebgrasp::app {
namespace {

using Trace = std::vector<std::vector<DescentStep>>;  // [grasp][step]

struct DescendOptions {
    DepthInput input;
    ModelInput energy;
    std::string output;
    std::size_t starts = 24;
    DescentOptions descent{.steps = 60, .decay = 0.97};
    double fps = 15;
};

constexpr int hold_frames = 25;  // the last step stays this long

/// The square of the overhead view that holds the region, with a margin, and the paths in it.
DescentPanel panel_of(const Scene& scene, const Trace& trace) {
    Eigen::Vector2d low(1e9, 1e9), high(-1e9, -1e9);
    for (int row = 0; row < scene.region.rows(); ++row)
        for (int col = 0; col < scene.region.cols(); ++col)
            if (scene.region(row, col)) {
                low = low.cwiseMin(Eigen::Vector2d(row, col));
                high = high.cwiseMax(Eigen::Vector2d(row, col));
            }
    const double side = (high - low).maxCoeff() + 80;  // about 5 cm on each side
    const Eigen::Vector2d corner = 0.5 * (low + high) - Eigen::Vector2d::Constant(side / 2);
    DescentPanel panel{
        scene.view.image, depth_contrast(scene.view.image, scene.region), corner.x(), corner.y(), side, {}};
    for (const auto& steps : trace) {
        DescentPath& path = panel.paths.emplace_back();
        for (const DescentStep& step : steps) {
            path.grasps.push_back(step.grasp);
            path.energies.push_back(step.energy);
        }
    }
    return panel;
}

void run(const DescendOptions& options, const CommonOptions& common) {
    const PlanRequest request = options.input.read();
    const auto model = load_energy_model(find_model(options.energy.model));
    const Gripper gripper = load_gripper(options.energy.gripper);
    const auto plane = fit_support_plane(request.image);
    require(plane.has_value(), options.input.depth, ": no support plane found; is a table or bin floor in view?");
    const Scene scene(request.image, request.mask, *plane, model->view(), PlannerOptions{}.min_height);

    RandomStream random(common.seed);
    auto grasps = uniform_proposals(scene, gripper, options.starts, random);
    require(!grasps.empty(), options.input.depth, ": nothing to grasp stands out of the support plane");
    const auto encoded = model->encode(scene.view.image, scene.region, gripper);
    Trace trace;
    descend(*encoded, scene.camera(), grasps, options.descent, admissible_grasps(scene, gripper), &trace);

    const std::array panels = {panel_of(scene, trace)};
    const DescentMovieOptions movie{.title = fmt::format("{} random grasps descend the energy", trace.size()),
                                    .opening = 0.6 * gripper.max_opening,
                                    .finger_width = gripper.finger_width};
    const int steps = options.descent.steps;
    write_movie(options.output, steps + 1 + hold_frames, options.fps, [&](int frame) {
        return descent_frame(panels, static_cast<std::size_t>(std::min(frame, steps)), movie);
    });

    double first = 0, last = 0;
    for (const auto& path : trace) {
        first += path.front().energy / static_cast<double>(trace.size());
        last += path.back().energy / static_cast<double>(trace.size());
    }
    if (common.json)
        print_json(
            {{"output", options.output}, {"grasps", trace.size()}, {"first_energy", first}, {"last_energy", last}});
    else
        std::cout << fmt::format("{}: {} grasps, mean energy {:.3f} at the start, {:.3f} at the end\n", options.output,
                                 trace.size(), first, last);
}

}  // namespace

void add_descend(CLI::App& app) {
    add_command<DescendOptions>(
        app, "descend", "Animate grasps that descend the energy from random starts",
        "ebgrasp descend --depth depth.npy --intrinsics 525,525,319.5,239.5 --output descent.mp4",
        [](CLI::App& command, DescendOptions& o) {
            o.input.declare(command);
            command.add_option("--output", o.output, "The film (.mp4 or .gif)")->required();
            command.add_option("--starts", o.starts, "Random grasps that descend")
                ->check(CLI::Range(1, 1000))
                ->capture_default_str();
            command.add_option("--steps", o.descent.steps, "Steps of each")
                ->check(CLI::Range(1, 10000))
                ->capture_default_str();
            command.add_option("--fps", o.fps, "Frames per second")->capture_default_str();
            o.energy.declare(command);
        },
        run);
}

}  // namespace ebgrasp::app
