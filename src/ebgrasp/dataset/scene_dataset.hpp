// `scenes` data: full depth images of one or several objects on a table, each with many labelled grasps, and all that
// is needed to label any other grasp. This is what the dense field trains on.
//
// On disk, a folder:
//   dataset.json            format "ebgrasp-scenes/1"; otherwise as for `windows` data
//   config.yaml, gripper.yaml   what the data was made with
//   shard_00000/            n scenes, with k objects and m grasps in all, in the order of their scenes
//     depth.npy             (n, height, width) uint16, z in units of 0.1 mm; 0: missing
//     instances.npy         (n, height, width) uint8; 0: table, i + 1: the scene's object i
//     intrinsics.npy        (n, 4) float64: fx, fy, cx, cy (pixels)
//     camera_pose.npy       (n, 3, 4) float64, X_WC
//     scene_split.npy       (n) uint8: 0 train, 1 validation, 2 test
//     label_seed.npy        (n) int64, with which the label oracle was asked for this scene's grasps, in stored order
//     object_scene.npy      (k) int32, index of the scene within the shard, ascending
//     object_index.npy      (k) int32, index into dataset.json's objects
//     object_pose.npy       (k, 3, 4) float64, X_WO
//     grasp_scene.npy       (m) int32, index of the scene within the shard, ascending
//     grasps.npy            (m, 5) float32: row, col (image pixels), depth (m), angle (rad), opening (m); the approach
//     is
//                           the camera's z
//     grasp_object.npy      (m) int32, which of the scene's objects both jaws touch; -1: none
//     robust_epsilon.npy, epsilon.npy (m) float32; verdict.npy (m) uint8, the label oracle's Verdict; 0 is success
#pragma once

#include <Eigen/Geometry>
#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "ebgrasp/dataset/shards.hpp"

namespace ebgrasp {

/// A grasp with its label; `width` of the planar grasp was 0, so that the jaws approached wide open.
struct SceneGrasp {
    float row, col;  ///< image pixels
    float depth;     ///< metres
    float angle;     ///< radians
    float opening;   ///< metres between the contacts; 0 without contacts
    float robust_epsilon, epsilon;
    std::uint8_t verdict;  ///< the label oracle's Verdict
    std::int32_t object;   ///< index into the scene's objects; -1: none
    bool success() const { return verdict == 0; }
};

struct SceneObject {
    std::int32_t index;  ///< into the data set's objects
    Eigen::Isometry3d X_WO;
};

/// One scene. The world's table is z = 0.
struct SceneRecord {
    int height = 0, width = 0;
    std::array<double, 4> intrinsics{};  ///< fx, fy, cx, cy, pixels
    Eigen::Isometry3d X_WC = Eigen::Isometry3d::Identity();
    std::vector<std::uint16_t> depth;     ///< height x width, stored_depth_unit
    std::vector<std::uint8_t> instances;  ///< height x width
    Split split = Split::train;
    std::uint64_t label_seed = 0;  ///< below 2^63
    std::vector<SceneObject> objects;
    std::vector<SceneGrasp> grasps;

    /// height x width, metres; 0: missing.
    std::vector<float> depth_in_metres() const;
};

/// `scenes` must not be empty and have images of one size.
void write_scene_shard(const std::filesystem::path& folder, std::span<const SceneRecord> scenes);

/// Reads dataset.json. Throws Error: missing, damaged or of another format.
DatasetHeader read_scene_header(const std::filesystem::path& folder);
void write_scene_header(const std::filesystem::path& folder, const DatasetHeader& header);

/// Reads one shard of a data set: memory is bounded by the shards' size, however many there are. Throws Error naming
/// the damaged file.
std::vector<SceneRecord> read_scene_shard(const DatasetHeader& header, std::size_t shard);

}  // namespace ebgrasp
