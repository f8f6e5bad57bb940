// Planned grasps in the formats that other projects read.
#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "ebgrasp/planning/grasp_list.hpp"

namespace ebgrasp {

/// graspnetAPI's rows, best first: score, width, height, depth, rotation (row-major), translation, object id (-1). The
/// score is p(success), or -energy of a model that is not calibrated; height is the fingers' width; depth is how far
/// the fingertips reach beyond the translation. `options.convention` should be graspnetapi.
using GraspnetRow = std::array<float, 17>;
std::vector<GraspnetRow> graspnet_rows(const PlanResult& result, const GraspListOptions& options);

/// An `isaac_grasp` file, format version 1.0 (YAML), best grasp first. Confidence is p(success); without calibration
/// grasp i of n gets (n - i) / n, which only keeps the order. Its joint positions are of one joint, `opening`, in
/// metres. `object_frame_link` is the frame that poses are in.
std::string isaac_grasp_yaml(const PlanResult& result, const GraspListOptions& options);

/// `pose_array` is a ROS message, geometry_msgs/PoseArray; widths, energies and success probabilities stand beside it.
/// `frame_id` names the frame that poses are in; empty: the base's name or "camera_optical_frame".
nlohmann::json ros_poses(const PlanResult& result, const GraspListOptions& options, const std::string& frame_id = "");

/// Writes the format that the convention and the file's name ask for, atomically:
///   ros                                         ros_poses
///   .npy   with graspnetapi                     graspnet_rows, N x 17 float32: GraspGroup().from_npy reads it
///   .yaml  with acronym, graspgen, contact-...  isaac_grasp_yaml
///   otherwise                                   grasp_list
/// Throws Error for .npy and .yaml with another convention.
void write_grasps(const std::filesystem::path& path, const PlanResult& result, const CameraIntrinsics& camera,
                  const GraspListOptions& options, const std::string& frame_id = "");

}  // namespace ebgrasp
