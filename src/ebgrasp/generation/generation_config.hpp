// Every parameter of the data, in one struct that is saved with the data (config.yaml) and reruns it.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "ebgrasp/dataset/shards.hpp"
#include "ebgrasp/geometry/render.hpp"
#include "ebgrasp/image/noise.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CameraIntrinsics, height, width, fx, fy, cx, cy)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CameraDistribution, intrinsics, min_distance, max_distance, min_elevation,
                                   max_elevation, max_roll, max_target_offset)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NoiseParameters, gamma_shape, gp_probability, gp_sigma, gp_scale,
                                   edge_missing_probability, edge_threshold)
// Without the friction: that is the gripper's.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(WrenchParameters, cone_faces, torque_scaling, finger_radius)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Uncertainty, grasp_translation, grasp_rotation, object_translation, object_rotation,
                                   friction, samples)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LabelParameters, wrench, uncertainty, threshold, pad_tolerance, approach_distance,
                                   table_clearance)

/// Which grasps are proposed for labelling, as shares that sum to 1.
struct CandidateMix {
    double antipodal = 0.6;              ///< antipodal pairs on the surface
    double uniform = 0.15;               ///< uniform over the object's box
    double perturbed = 0.25;             ///< successes moved by perturb_translation and perturb_angle, labelled anew
    double perturb_translation = 0.006;  ///< metres, standard deviation per axis
    double perturb_angle = 0.3;          ///< radians, standard deviation
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CandidateMix, antipodal, uniform, perturbed, perturb_translation, perturb_angle)

/// What is stored: see dataset/window_dataset.hpp and dataset/scene_dataset.hpp.
enum class Layout : std::uint8_t { windows, scenes };
/// Throws Error for another name.
Layout parse_layout(const std::string& name);

enum class SceneKind : std::uint8_t {
    single,  ///< one object in a stable pose, drawn by its probability, at the origin
    pile,    ///< objects dropped one after the other in random rotations, at rest (Breyer et al., "VGN", 2020)
    packed,  ///< objects side by side, each in the highest of its stable poses
};
/// Throws Error for another name.
SceneKind parse_scene_kind(const std::string& name);

/// What stands or lies on the table. All but `kind` concern piles and packed scenes.
struct SceneParameters {
    std::string kind = "single";
    std::array<int, 2> objects = {2, 5};  ///< fewest and most objects of a scene, uniform
    double workspace = 0.3;               ///< metres; side of the square around the origin that holds the objects
    double drop_height = 0.2;             ///< metres between the table and the lowest point of an object let go
    double min_volume = 20e-6;            ///< m^3; smaller objects are left out, and those longer than the workspace
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(SceneParameters, kind, objects, workspace, drop_height, min_volume)

struct GenerationConfig {
    std::string layout = "windows";
    std::string objects = "procedural:1000";  ///< mesh file, folder, or procedural:N
    std::string gripper = "robotiq_2f85";     ///< preset or YAML file
    std::uint64_t seed = 1;
    std::size_t examples = 20'000;  ///< labelled grasps; scenes may have fewer of them, where candidates are scarce
    std::size_t examples_per_shard = 20'000;  ///< `windows`
    std::size_t scenes_per_shard = 50;        ///< `scenes`
    int grasps_per_window = 8;                ///< labelled grasps that share one window
    int candidates_per_window = 32;           ///< grasps labelled for each window, of which grasps_per_window are kept
    int grasps_per_scene = 100, candidates_per_scene = 400;  ///< likewise
    double positive_share = 0.3;                             ///< of the kept grasps, where enough succeed
    double window_jitter = 12.0;          ///< image pixels by which windows are off the object's centre, uniform
    bool grasp_windows = false;           ///< `windows`: store each grasp's own window as well, as GQ-CNN reads it
    SplitShares split = {0.8, 0.1, 0.1};  ///< shares of train, validation and test
    std::string split_by = "object";      ///< what they are shares of: object, image or (`windows` only) example.
                                          ///< By object, all objects of a scene are of one split
    SceneParameters scene;
    CandidateMix candidates;
    CameraDistribution camera;
    NoiseParameters noise;
    LabelParameters labels;

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GenerationConfig, layout, objects, gripper, seed, examples, examples_per_shard,
                                   scenes_per_shard, grasps_per_window, candidates_per_window, grasps_per_scene,
                                   candidates_per_scene, positive_share, window_jitter, grasp_windows, split, split_by,
                                   scene, candidates, camera, noise, labels)

}  // namespace ebgrasp
