#include "ebgrasp/planning/grasp_export.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/npy.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

std::string frame_name(const GraspListOptions& options) {
    return options.camera_pose ? options.camera_pose->base_frame : "camera_optical_frame";
}

}  // namespace

std::vector<GraspnetRow> graspnet_rows(const PlanResult& result, const GraspListOptions& options) {
    std::vector<GraspnetRow> rows;
    for (const PlannedGrasp& planned : result.grasps) {
        const Eigen::Isometry3d X = told_pose(planned, options);
        GraspnetRow row;
        row[0] = static_cast<float>(planned.success_probability.value_or(-planned.energy));
        row[1] = static_cast<float>(planned.grasp.width);
        row[2] = static_cast<float>(options.gripper.finger_width);
        row[3] = static_cast<float>(options.gripper.tip_offset);
        Eigen::Map<Eigen::Matrix<float, 3, 3, Eigen::RowMajor>>(row.data() + 4) = X.linear().cast<float>();
        Eigen::Map<Eigen::Vector3f>(row.data() + 13) = X.translation().cast<float>();
        row[16] = -1;
        rows.push_back(row);
    }
    return rows;
}

std::string isaac_grasp_yaml(const PlanResult& result, const GraspListOptions& options) {
    // Written by hand, since its readers expect the keys in this order.
    std::string text =
        fmt::format("format: isaac_grasp\nformat_version: 1.0\n\nobject_frame_link: {}\ngripper_frame_link: {}\n\n",
                    json(frame_name(options)).dump(), json(options.gripper.name + " base").dump());
    const std::size_t count = result.grasps.size();
    text += count == 0 ? "grasps: {}\n" : "grasps:\n";
    for (std::size_t i = 0; i < count; ++i) {
        const PlannedGrasp& planned = result.grasps[i];
        const Eigen::Isometry3d X = told_pose(planned, options);
        const Eigen::Vector3d p = X.translation();
        const Eigen::Quaterniond q(X.linear());
        const double by_rank = static_cast<double>(count - i) / static_cast<double>(count);
        text += fmt::format(
            "  grasp_{}:\n"
            "    confidence: {:.4f}\n"
            "    position: [{:.6f}, {:.6f}, {:.6f}]\n"
            "    orientation: {{w: {:.8f}, xyz: [{:.8f}, {:.8f}, {:.8f}]}}\n"
            "    cspace_position: {{opening: {:.5f}}}\n"
            "    pregrasp_cspace_position: {{opening: {:.5f}}}\n",
            i, planned.success_probability.value_or(by_rank), p.x(), p.y(), p.z(), q.w(), q.x(), q.y(), q.z(),
            options.gripper.min_opening, planned.grasp.width);
    }
    return text;
}

json ros_poses(const PlanResult& result, const GraspListOptions& options, const std::string& frame_id) {
    json poses = json::array(), widths = json::array(), energies = json::array(), probabilities = json::array();
    for (const PlannedGrasp& planned : result.grasps) {
        const Eigen::Isometry3d X = told_pose(planned, options);
        const Eigen::Vector3d p = X.translation();
        const Eigen::Quaterniond q(X.linear());
        poses.push_back({{"position", {{"x", p.x()}, {"y", p.y()}, {"z", p.z()}}},
                         {"orientation", {{"x", q.x()}, {"y", q.y()}, {"z", q.z()}, {"w", q.w()}}}});
        widths.push_back(planned.grasp.width);
        energies.push_back(planned.energy);
        probabilities.push_back(planned.success_probability ? json(*planned.success_probability) : json());
    }
    return {{"pose_array",
             {{"header", {{"frame_id", frame_id.empty() ? frame_name(options) : frame_id}}}, {"poses", poses}}},
            {"widths", widths},
            {"energies", energies},
            {"success_probabilities", probabilities}};
}

void write_grasps(const std::filesystem::path& path, const PlanResult& result, const CameraIntrinsics& camera,
                  const GraspListOptions& options, const std::string& frame_id) {
    const Convention& convention = options.convention;
    const std::string suffix = path.extension().string();
    const auto only_with = [&](bool allowed, const char* names) {
        require(allowed, path.string(), ": ", suffix, " files are for the conventions ", names, "; with ",
                convention.name, " write .json");
    };
    if (suffix == ".npy") {
        only_with(convention.name == "graspnetapi", "graspnetapi");
        const auto rows = graspnet_rows(result, options);
        const float* const first = rows.empty() ? nullptr : rows.front().data();
        write_npy<float>(path, std::span(first, rows.size() * GraspnetRow{}.size()),
                         {rows.size(), GraspnetRow{}.size()});
    } else if (suffix == ".yaml" || suffix == ".yml") {
        only_with(convention.origin == GraspOrigin::base, "acronym, graspgen and contact-graspnet");
        write_file_atomically(path, isaac_grasp_yaml(result, options));
    } else {
        const json list =
            convention.name == "ros" ? ros_poses(result, options, frame_id) : grasp_list(result, camera, options);
        write_file_atomically(path, list.dump(2) + "\n");
    }
}

}  // namespace ebgrasp
