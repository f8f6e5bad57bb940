// The grasp list "ebgrasp-grasps/1": what `plan --output` writes and external planners answer.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "ebgrasp/planning/planner.hpp"

namespace ebgrasp {

struct GraspListOptions {
    AxesConvention convention = AxesConvention::ebgrasp;  ///< of the poses' axes
    std::string convention_name = "ebgrasp";
    std::string gripper, model;
};

/// The grasp list as JSON: frame "camera", grasps sorted best first, poses with the grasp centre as origin and axes in
/// `convention`, the stages, and `reason` if there are no grasps. "approach" says that the approach is the support
/// plane's normal.
nlohmann::json grasp_list(const PlanResult& result, const CameraIntrinsics& camera, const GraspListOptions& options);

/// The same for people: a table of the grasps, or the reason why there are none with what each stage dropped.
std::string grasp_table(const PlanResult& result);

}  // namespace ebgrasp
