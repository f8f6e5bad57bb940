#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "depth_input.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/image_io.hpp"
#include "ebgrasp/planning/grasp_export.hpp"
#ifdef EBGRASP_WITH_VIZ
#include "ebgrasp/viz/overlay.hpp"
#endif

namespace ebgrasp::app {
namespace {

struct PlanOptions {
    DepthInput input;
    ModelInput energy;
    std::string convention = "ebgrasp", camera_pose, frame_id, output, overlay, terms, failed;
    int count = 10;
    double min_probability = PlannerOptions{}.min_probability;
};

#ifdef EBGRASP_WITH_VIZ
void write_overlay(const PlanRequest& request, const PlanResult& result, const Gripper& gripper,
                   const std::string& path) {
    OverlayOptions options;
    options.opening = gripper.max_opening;
    options.finger_width = gripper.finger_width;
    options.mask = request.mask;
    const bool calibrated = !result.grasps.empty() && result.grasps.front().success_probability;
    if (calibrated) {
        options.score_limits = Limits{0, 1};
    } else {
        options.score_label = "energy";
        options.low_is_good = true;
    }
    std::vector<RankedGrasp> ranked;
    for (const auto& [grasp, X_CG, energy, probability] : result.grasps) {
        const double score = calibrated ? *probability : energy;
        ranked.push_back({grasp, score, fmt::format("{} {:.2f}", calibrated ? "p" : "E", score)});
    }
    write_png(grasp_overlay(request.image, ranked, options), path);
}
#endif

/// Terms of the energy: a YAML or JSON file, or the JSON text itself.
std::vector<EnergyTerm> read_terms(const std::string& given, const Gripper& gripper, const DepthImage& image) {
    const bool text = given.find_first_of("[{") != std::string::npos;
    const auto list = text ? parse_json(given, "--terms") : read_yaml(given);
    return parse_energy_terms(list, gripper,
                              [&](const std::string& file) { return read_mask(file, image.height(), image.width()); });
}

void run(const PlanOptions& options, const CommonOptions& common) {
    GraspListOptions told;
    told.convention = find_convention(options.convention);
    told.gripper = load_gripper(options.energy.gripper);
    if (!options.camera_pose.empty()) told.camera_pose = read_camera_pose(options.camera_pose);
    PlanRequest request = options.input.read();
    request.count = options.count;
    request.seed = common.seed;
    if (!options.terms.empty()) request.terms = read_terms(options.terms, told.gripper, request.image);
    if (!options.failed.empty())
        for (const auto& grasp : parse_grasp_list(read_yaml(options.failed), request.image.camera))
            request.failed_X_CG.push_back(grasp.X_CG);
    PlannerOptions search;
    search.min_probability = options.min_probability;
    const Planner planner(load_energy_model(find_model(options.energy.model)), told.gripper, search);
    const PlanResult result = planner.plan(request);

    told.model = planner.model().name();
    if (!options.output.empty()) write_grasps(options.output, result, request.image.camera, told, options.frame_id);
#ifdef EBGRASP_WITH_VIZ
    if (!options.overlay.empty()) write_overlay(request, result, planner.gripper(), options.overlay);
#endif
    if (common.json)
        print_json(grasp_list(result, request.image.camera, told));
    else
        std::cout << grasp_table(result);
}

}  // namespace

void add_plan(CLI::App& app) {
    add_command<PlanOptions>(
        app, "plan", "Plan grasps on a depth image",
        "ebgrasp plan --depth depth.npy --intrinsics 525,525,319.5,239.5 -n 5 --overlay grasps.png",
        [](CLI::App& command, PlanOptions& o) {
            o.input.declare(command);
            o.energy.declare(command);
            command.add_option("-n,--count", o.count, "Grasps to return at most")
                ->check(CLI::Range(1, 10000))
                ->capture_default_str();
            command
                .add_option("--min-probability", o.min_probability,
                            "Leave out grasps that are less likely to succeed than this")
                ->check(CLI::Range(0.0, 1.0))
                ->capture_default_str();
            command.add_option("--failed", o.failed,
                               "Grasps that failed here, as --output writes them (.json): none like them is returned");
            std::string names;
            for (const Convention& convention : conventions()) names += (names.empty() ? "" : ", ") + convention.name;
            command.add_option("--convention", o.convention, "Frame of the poses: " + names)->capture_default_str();
            command.add_option("--camera-pose", o.camera_pose,
                               "Give poses in the robot's base: x,y,z,qx,qy,qz,qw of the camera in it, or a file");
            command.add_option("--frame-id", o.frame_id, "Name of the poses' frame in ROS messages");
            command.add_option("--output", o.output,
                               "Write the grasps here: .json, .yaml (acronym, graspgen, contact-graspnet), .npy "
                               "(graspnetapi)");
            command.add_option("--terms", o.terms,
                               "Wishes as terms of the energy, a YAML or JSON file or JSON text: "
                               "[{type: keep_out, mask: FILE}, {type: angle, angle: 0.5}, {type: clearance, metres: "
                               "0.01}, ...] (docs/planning.md)");
#ifdef EBGRASP_WITH_VIZ
            command.add_option("--overlay", o.overlay, "Draw the grasps on the image (.png)");
#endif
        },
        run);
}

}  // namespace ebgrasp::app
