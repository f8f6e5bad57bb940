#include <filesystem>
#include <fmt/format.h>
#include <iostream>

#include "commands.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/generation/object_set.hpp"
#include "ebgrasp/geometry/render.hpp"
#include "ebgrasp/image/image_io.hpp"
#include "ebgrasp/image/noise.hpp"

namespace ebgrasp::app {
namespace fs = std::filesystem;

namespace {

struct ObjectsOptions {
    std::string source = "procedural:10", output, render;
    std::size_t index = 0;
    bool noise = true;
};

/// Renders one object in a random stable pose from a random camera; writes depth, mask and intrinsics text.
nlohmann::json render_object(const PreparedObject& object, const ObjectsOptions& options, std::uint64_t seed) {
    RandomStream random(seed, options.index);
    const Eigen::AngleAxisd yaw(random.uniform(0, 2 * std::numbers::pi), Eigen::Vector3d::UnitZ());
    const PosedObject posed{&object.label->object(), Eigen::Isometry3d(yaw) * sample_pose(object, random).X_TO};
    const CameraDistribution distribution;
    RenderedScene scene = render_depth({&posed, 1}, sample_camera(distribution, random), distribution.intrinsics);
    if (options.noise) add_noise(scene.image, {}, random);
    const fs::path depth = options.render;
    const fs::path mask = depth.parent_path() / (depth.stem().string() + "_mask.png");
    write_depth_image(scene.image, depth);
    write_mask(scene.instances, mask);
    const CameraIntrinsics& camera = scene.image.camera;
    return {{"object", object.name()},
            {"depth", depth.string()},
            {"mask", mask.string()},
            {"intrinsics", fmt::format("{},{},{},{}", camera.fx, camera.fy, camera.cx, camera.cy)}};
}

void run(const ObjectsOptions& options, const CommonOptions& common) {
    const auto objects = load_objects(options.source, common.seed);
    nlohmann::json list = nlohmann::json::array();
    for (const auto& prepared : objects) {
        const Object& object = prepared.label->object();
        const Eigen::Vector3d size = object.bounds().sizes();
        list.push_back({{"name", object.name},
                        {"parts", object.parts.size()},
                        {"triangles", object.triangle_count()},
                        {"extents_m", {size.x(), size.y(), size.z()}},
                        {"volume_cm3", 1e6 * object.mass.volume},
                        {"stable_poses", prepared.poses.size()}});
        if (!options.output.empty()) write_object(object, fs::path(options.output) / (object.name + ".obj"));
    }
    nlohmann::json result = {{"source", options.source}, {"objects", list}};
    if (!options.render.empty()) {
        require(options.index < objects.size(), "--index is ", options.index, " but there are ", objects.size(),
                " objects");
        result["rendered"] = render_object(objects[options.index], options, common.seed);
    }
    if (common.json) return print_json(result);
    std::cout << fmt::format("{:<28} {:>5} {:>9} {:>22} {:>10} {:>6}\n", "name", "parts", "triangles", "extents mm",
                             "volume cm3", "poses");
    for (const auto& o : list) {
        const auto& size = o["extents_m"];
        std::cout << fmt::format("{:<28} {:>5} {:>9} {:>6.0f} x {:>5.0f} x {:>5.0f} {:>10.1f} {:>6}\n",
                                 o["name"].get<std::string>(), o["parts"].get<int>(), o["triangles"].get<int>(),
                                 1e3 * size[0].get<double>(), 1e3 * size[1].get<double>(), 1e3 * size[2].get<double>(),
                                 o["volume_cm3"].get<double>(), o["stable_poses"].get<int>());
    }
    if (result.contains("rendered"))
        std::cout << fmt::format("rendered {} to {} (mask {}, intrinsics {})\n",
                                 result["rendered"]["object"].get<std::string>(), options.render,
                                 result["rendered"]["mask"].get<std::string>(),
                                 result["rendered"]["intrinsics"].get<std::string>());
}

}  // namespace

void add_objects(CLI::App& app) {
    add_command<ObjectsOptions>(
        app, "objects", "Make, list and render objects",
        "ebgrasp objects procedural:20 --output objects/ --render depth.npy",
        [](CLI::App& command, ObjectsOptions& o) {
            command.add_option("source", o.source, "Mesh file, folder of meshes (metres), or procedural:N")
                ->capture_default_str();
            command.add_option("--output", o.output, "Write every object here as OBJ");
            command.add_option("--render", o.render,
                               "Write a depth image (.npy, .png) of one object on a table; its mask goes beside it");
            command.add_option("--index", o.index, "Which object to render")->capture_default_str();
            command.add_flag("--noise,!--no-noise", o.noise, "Sensor noise in the rendered image (default: on)");
        },
        run);
}

}  // namespace ebgrasp::app
