#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/generation/generator.hpp"
#ifdef EBGRASP_WITH_SIMULATION
#include "ebgrasp/simulation/settle.hpp"
#endif

namespace ebgrasp::app {
namespace {

/// What is given on the command line replaces what --config says.
struct GenerateOptions {
    std::string config, output;
    std::optional<std::string> layout, objects, gripper, scene, camera, split_by;
    std::optional<std::size_t> examples, images;
    std::optional<int> grasps_per_image, image_width;
    std::optional<double> positive_share;
    std::vector<double> mix, split;
    std::vector<int> scene_objects;
    bool noise = true, grasp_windows = false;
};

Settle physics() {
#ifdef EBGRASP_WITH_SIMULATION
    return settle_pile;
#else
    return {};
#endif
}

template <typename T>
void replace(T& value, const std::optional<T>& given) {
    if (given) value = *given;
}

void choose_camera(CameraDistribution& camera, const std::string& mode) {
    require(mode == "narrow" || mode == "wide", "--camera is '", mode, "'; use narrow or wide");
    constexpr double degree = 0.017453292519943295;
    camera.min_elevation = 0;
    camera.max_elevation = (mode == "narrow" ? 5 : 20) * degree;
}

/// The same view in images of another width.
void resize(CameraIntrinsics& camera, int width) {
    require(width >= 32 && width <= 4096, "--image-width is ", width, ", must be in [32, 4096]");
    const double scale = double(width) / camera.width;
    camera.height = static_cast<int>(std::lround(scale * camera.height));
    camera.width = width;
    camera.fx *= scale;
    camera.fy *= scale;
    camera.cx = scale * (camera.cx + 0.5) - 0.5;
    camera.cy = scale * (camera.cy + 0.5) - 0.5;
}

GenerationConfig configuration(const GenerateOptions& o) {
    GenerationConfig config;
    if (!o.config.empty()) config = config_from_json<GenerationConfig>(read_yaml(o.config), o.config);
    replace(config.layout, o.layout);
    replace(config.objects, o.objects);
    replace(config.gripper, o.gripper);
    replace(config.scene.kind, o.scene);
    replace(config.split_by, o.split_by);
    replace(config.examples, o.examples);
    replace(config.positive_share, o.positive_share);
    if (!o.mix.empty()) {
        config.candidates.antipodal = o.mix[0];
        config.candidates.uniform = o.mix[1];
        config.candidates.perturbed = o.mix[2];
    }
    if (!o.split.empty()) std::ranges::copy(o.split, config.split.begin());
    if (!o.scene_objects.empty()) std::ranges::copy(o.scene_objects, config.scene.objects.begin());
    if (o.camera) choose_camera(config.camera, *o.camera);
    if (o.grasp_windows) config.grasp_windows = true;
    if (!o.noise) config.noise.gamma_shape = config.noise.gp_probability = config.noise.edge_missing_probability = 0;

    const bool windows = parse_layout(config.layout) == Layout::windows;
    int& grasps = windows ? config.grasps_per_window : config.grasps_per_scene;
    if (o.grasps_per_image) {
        grasps = *o.grasps_per_image;
        (windows ? config.candidates_per_window : config.candidates_per_scene) = 4 * grasps;
    }
    if (o.images) config.examples = *o.images * static_cast<std::size_t>(std::max(grasps, 0));
    require(!windows || !o.image_width, "--image-width is for --layout scenes; windows have one scale");
    if (o.image_width) resize(config.camera.intrinsics, *o.image_width);
    return config;
}

void run(const GenerateOptions& options, const CommonOptions& common, bool seed_given) {
    GenerationConfig config = configuration(options);
    if (options.config.empty() || seed_given) config.seed = common.seed;
    const GenerationSummary made = generate(config, options.output, physics());
    const char* images = config.layout == "windows" ? "windows" : "scenes";
    if (common.json)
        print_json({{"output", options.output},
                    {"layout", config.layout},
                    {"examples", made.examples},
                    {"positives", made.positives},
                    {images, made.images},
                    {"objects", made.objects}});
    else
        std::cout << fmt::format("{}: {} examples ({:.1f} % positive) in {} {} of {} objects\n", options.output,
                                 made.examples, 100.0 * double(made.positives) / double(made.examples), made.images,
                                 images, made.objects);
}

}  // namespace

void add_generate(CLI::App& app) {
    auto command = std::make_shared<CLI::App*>();
    *command = add_command<GenerateOptions>(
        app, "generate", "Make labelled training data",
        "ebgrasp generate --objects procedural:1000 --examples 50000 --output data/\n"
        "  ebgrasp generate --layout scenes --scene pile --camera wide --images 1000 --output scenes/",
        [](CLI::App& command, GenerateOptions& o) {
            command.add_option("--output", o.output, "Folder for the data; a killed run goes on where it stopped")
                ->required();
            command.add_option(
                "--config", o.config,
                "YAML of all parameters, such as a data set's own config.yaml; other options override it");
            command.add_option("--layout", o.layout,
                               "windows: 32x32 depth windows; scenes: full depth images (default windows)");
            command.add_option("--objects", o.objects,
                               "Mesh file, folder of meshes (metres), or procedural:N (default procedural:1000)");
            command.add_option("--scene", o.scene,
                               "single: one object; pile: dropped and settled; packed: upright side by side (default "
                               "single)");
            command
                .add_option("--scene-objects", o.scene_objects,
                            "Fewest,most objects of a pile or packed scene (default 2,5)")
                ->delimiter(',')
                ->expected(2);
            command.add_option("--examples", o.examples, "Labelled grasps to make (default 20000)");
            command.add_option("--images", o.images, "Images to make, instead of --examples")->excludes("--examples");
            command.add_option("--grasps-per-image", o.grasps_per_image,
                               "Labelled grasps of one image, chosen of 4 times as many candidates (default 8 per "
                               "window, 100 per scene)");
            command.add_flag("--grasp-windows", o.grasp_windows,
                             "Store each grasp's own aligned window as well, for GQ-CNN (layout windows; 2 kB each)");
            command.add_option("--gripper", o.gripper, "Gripper: a YAML file or a preset (default robotiq_2f85)");
            command.add_option("--camera", o.camera,
                               "narrow: 0 to 5 degrees from the vertical; wide: 0 to 20 (default narrow)");
            command.add_option("--image-width", o.image_width,
                               "Pixels; the height follows (default 640; layout scenes)");
            command.add_flag("--noise,!--no-noise", o.noise, "Sensor noise (default: on)");
            command
                .add_option("--mix", o.mix,
                            "Shares of antipodal,uniform,perturbed candidates; perturbed are moved successes "
                            "(default 0.6,0.15,0.25)")
                ->delimiter(',')
                ->expected(3);
            command.add_option("--positives", o.positive_share, "Share of successes aimed at (default 0.3)");
            command.add_option("--split", o.split, "Shares of train,validation,test (default 0.8,0.1,0.1)")
                ->delimiter(',')
                ->expected(3);
            command.add_option("--split-by", o.split_by, "What is split: object, image, or example (default object)");
        },
        [command](const GenerateOptions& options, const CommonOptions& common) {
            run(options, common, (*command)->count("--seed") > 0);
        });
}

}  // namespace ebgrasp::app
