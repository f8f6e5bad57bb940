// The grasp list "ebgrasp-grasps/1": what `plan --output` writes and external planners answer.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ebgrasp/grasp/convention.hpp"
#include "ebgrasp/image/camera_pose.hpp"
#include "ebgrasp/planning/grasp_planner.hpp"

namespace ebgrasp {

/// How grasps are told to the user: in whose frames, and of what.
struct GraspListOptions {
    Convention convention = conventions().front();  ///< of the poses
    Gripper gripper = {};                           ///< that the grasps are for
    std::string model = {};                         ///< whose energies they have, for the record
    std::optional<CameraPose> camera_pose = {};     ///< poses are in the base's frame if given, else in the camera's
};

/// {"position": [x, y, z], "quaternion_wxyz": [...]}, to the micrometre.
nlohmann::json pose_json(const Eigen::Isometry3d& X);

/// Pose of a grasp as `options` want it: in the camera's or the base's frame, of the convention's frame H.
Eigen::Isometry3d told_pose(const PlannedGrasp& planned, const GraspListOptions& options);

/// The grasp list as JSON: grasps sorted best first, with poses in frame "camera" or "base" (then with `camera_pose`),
/// axes in `convention` and the origin at `origin_G` (metres, in G); the stages; and `reason` if there are no grasps.
/// "approach" says that the approach is the support plane's normal. row, col, depth and angle are always the grasp
/// centre in the camera's image.
nlohmann::json grasp_list(const PlanResult& result, const CameraIntrinsics& camera, const GraspListOptions& options);

/// The grasps of such a list, whoever wrote it: sorted by energy, best first. Of the list, `format` and `grasps` must
/// be there; of a grasp, `energy` or `score` (-energy), and where it is:
///   `pose`                          with axes in the list's `convention` (default: ebgrasp) and the origin at the
///                                   list's `origin_G` (default: the grasp centre), in the list's `frame` (default:
///                                   camera; base needs `camera_pose`); or
///   `row`, `col`, `depth`, `angle`  with the list's `approach`: "camera_axis" (default) or "support_plane_normal",
///                                   which needs `plane_normal_C` (unit, towards the camera)
/// `width` (default 0: the gripper's widest) and `success_probability` may be there, anything else is ignored. Throws
/// Error naming the grasp and its field: missing, no finite number, not in the camera's image, no unit quaternion
/// (within 1e-3), or more than 10000 grasps.
std::vector<PlannedGrasp> parse_grasp_list(const nlohmann::json& list, const CameraIntrinsics& camera,
                                           const std::optional<Eigen::Vector3d>& plane_normal_C = {});

/// The list for people: a table of the grasps, or the reason why there are none with what each stage dropped.
std::string grasp_table(const PlanResult& result);

}  // namespace ebgrasp
