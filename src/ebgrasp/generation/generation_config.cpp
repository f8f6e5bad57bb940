#include "ebgrasp/generation/generation_config.hpp"

#include <cmath>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {

Layout parse_layout(const std::string& name) {
    if (name == "windows") return Layout::windows;
    if (name == "scenes") return Layout::scenes;
    fail("layout is '", name, "'; use windows or scenes");
}

SceneKind parse_scene_kind(const std::string& name) {
    if (name == "single") return SceneKind::single;
    if (name == "pile") return SceneKind::pile;
    if (name == "packed") return SceneKind::packed;
    fail("scene.kind is '", name, "'; use single, pile or packed");
}

void GenerationConfig::validate() const {
    const auto in_range = [](const char* name, double value, double low, double high) {
        require(value >= low && value <= high, name, " is ", value, ", must be in [", low, ", ", high, "]");
    };
    const auto shares = [&](const char* name, double a, double b, double c) {
        for (const double share : {a, b, c}) in_range(name, share, 0, 1);
        require(std::abs(a + b + c - 1) < 1e-3, name, ": the shares sum to ", a + b + c, ", must sum to 1");
    };
    const bool by_example = parse_split_by(split_by) == SplitBy::example;
    require(parse_layout(layout) == Layout::windows || !by_example,
            "split_by is 'example', which splits windows only; use object or image for scenes");
    require(parse_layout(layout) == Layout::windows || !grasp_windows,
            "grasp_windows is for the layout windows; those of scenes are cut out of the stored images");
    in_range("examples", static_cast<double>(examples), 1, 1e9);
    in_range("examples_per_shard", static_cast<double>(examples_per_shard), 100, 1e6);
    in_range("scenes_per_shard", static_cast<double>(scenes_per_shard), 1, 1000);
    in_range("grasps_per_window", grasps_per_window, 1, 256);
    in_range("candidates_per_window", candidates_per_window, grasps_per_window, 4096);
    in_range("grasps_per_scene", grasps_per_scene, 1, 100'000);
    in_range("candidates_per_scene", candidates_per_scene, grasps_per_scene, 1'000'000);
    in_range("positive_share", positive_share, 0, 1);
    in_range("window_jitter", window_jitter, 0, 48);
    shares("split", split[0], split[1], split[2]);
    shares("candidates", candidates.antipodal, candidates.uniform, candidates.perturbed);
    in_range("candidates.perturb_translation", candidates.perturb_translation, 0, 0.1);
    in_range("candidates.perturb_angle", candidates.perturb_angle, 0, 3.15);
    parse_scene_kind(scene.kind);
    in_range("scene.objects (most)", scene.objects[1], 1, 50);
    in_range("scene.objects (fewest)", scene.objects[0], 1, scene.objects[1]);
    in_range("scene.workspace", scene.workspace, 0.05, 2);
    in_range("scene.drop_height", scene.drop_height, 0, 1);
    in_range("scene.min_volume", scene.min_volume, 0, 1);
    in_range("camera.min_distance", camera.min_distance, 0.1, camera.max_distance);
    in_range("camera.max_distance", camera.max_distance, camera.min_distance, 5);
    in_range("camera.min_elevation", camera.min_elevation, 0, camera.max_elevation);
    in_range("camera.max_elevation", camera.max_elevation, camera.min_elevation, 1.2);
    in_range("noise.gamma_shape", noise.gamma_shape, 0, 1e9);
    require(noise.gamma_shape == 0 || noise.gamma_shape >= 1, "noise.gamma_shape is ", noise.gamma_shape,
            ", must be 0 (off) or at least 1");
    in_range("noise.gp_probability", noise.gp_probability, 0, 1);
    in_range("noise.gp_sigma", noise.gp_sigma, 0, 1);
    in_range("noise.gp_scale", noise.gp_scale, 1, 1000);
    in_range("noise.edge_missing_probability", noise.edge_missing_probability, 0, 1);
    labels.validate();
    camera.intrinsics.validate("camera.intrinsics");
}

}  // namespace ebgrasp
