// Every parameter of the data, in one struct that is saved with the data (config.yaml) and reruns it.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "ebgrasp/geometry/render.hpp"
#include "ebgrasp/image/noise.hpp"
#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CameraIntrinsics, height, width, fx, fy, cx, cy)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CameraDistribution, intrinsics, min_distance, max_distance, min_elevation,
                                   max_elevation, max_roll, max_target_offset)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NoiseParameters, gamma_shape, gp_probability, gp_sigma, gp_scale,
                                   edge_missing_probability, edge_threshold)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(WrenchParameters, friction, cone_faces, torque_scaling, finger_radius)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Uncertainty, grasp_translation, grasp_rotation, object_translation, object_rotation,
                                   friction, samples)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LabelParameters, wrench, uncertainty, threshold, approach_distance, table_clearance)

/// Which grasps are proposed for labelling, as shares that sum to 1.
struct CandidateMix {
    double antipodal = 0.6;              ///< antipodal pairs on the surface
    double uniform = 0.15;               ///< uniform over the object's box
    double perturbed = 0.25;             ///< successes moved by perturb_translation and perturb_angle, labelled anew
    double perturb_translation = 0.006;  ///< metres, standard deviation per axis
    double perturb_angle = 0.3;          ///< radians, standard deviation
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CandidateMix, antipodal, uniform, perturbed, perturb_translation, perturb_angle)

struct GenerationConfig {
    std::string objects = "procedural:1000";  ///< mesh file, folder, or procedural:N
    std::string gripper = "robotiq_2f85";     ///< preset or YAML file
    std::uint64_t seed = 1;
    std::size_t examples = 20'000;
    std::size_t examples_per_shard = 20'000;
    int grasps_per_window = 8;       ///< labelled grasps that share one window
    int candidates_per_window = 32;  ///< grasps labelled for each window, of which grasps_per_window are kept
    double positive_share = 0.3;     ///< of the kept grasps, where enough succeed
    double window_jitter = 12.0;     ///< image pixels by which windows are off the object's centre, uniform
    std::array<double, 3> split = {0.8, 0.1, 0.1};  ///< shares of the objects: train, validation, test
    CandidateMix candidates;
    CameraDistribution camera;
    NoiseParameters noise;
    LabelParameters labels;

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(GenerationConfig, objects, gripper, seed, examples, examples_per_shard,
                                   grasps_per_window, candidates_per_window, positive_share, window_jitter, split,
                                   candidates, camera, noise, labels)

}  // namespace ebgrasp
