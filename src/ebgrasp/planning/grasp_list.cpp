#include "ebgrasp/planning/grasp_list.hpp"

#include <cmath>
#include <fmt/format.h>

namespace ebgrasp {
namespace {

using nlohmann::json;

/// Rounded to `digits` decimals, so that lists are readable; far below any sensor's accuracy.
double rounded(double value, int digits) {
    const double scale = std::pow(10.0, digits);
    return std::round(value * scale) / scale;
}

json pose_json(const Eigen::Isometry3d& X_CG) {
    Eigen::Quaterniond q(X_CG.rotation());
    if (q.w() < 0) q.coeffs() *= -1.0;
    const auto& p = X_CG.translation();
    return {{"position", {rounded(p.x(), 6), rounded(p.y(), 6), rounded(p.z(), 6)}},
            {"quaternion_wxyz", {rounded(q.w(), 8), rounded(q.x(), 8), rounded(q.y(), 8), rounded(q.z(), 8)}}};
}

json stage_json(const PlanStage& stage) {
    return {{"name", stage.name}, {"in", stage.in}, {"out", stage.out}, {"dropped", stage.dropped}};
}

}  // namespace

json grasp_list(const PlanResult& result, const CameraIntrinsics& camera, const GraspListOptions& options) {
    json list = {{"format", "ebgrasp-grasps/1"},
                 {"frame", "camera"},
                 {"approach", "support_plane_normal"},
                 {"convention", options.convention_name},
                 {"gripper", options.gripper},
                 {"model", options.model},
                 {"image",
                  {{"height", camera.height},
                   {"width", camera.width},
                   {"fx", camera.fx},
                   {"fy", camera.fy},
                   {"cx", camera.cx},
                   {"cy", camera.cy}}},
                 {"grasps", json::array()},
                 {"stages", json::array()}};
    for (const auto& planned : result.grasps) {
        const PlanarGrasp& y = planned.grasp;
        list["grasps"].push_back(
            {{"row", rounded(y.row, 3)},
             {"col", rounded(y.col, 3)},
             {"depth", rounded(y.depth, 5)},
             {"angle", rounded(y.angle, 5)},
             {"width", rounded(y.width, 5)},
             {"energy", rounded(planned.energy, 5)},
             {"success_probability",
              planned.success_probability ? json(rounded(*planned.success_probability, 4)) : json(nullptr)},
             {"pose", pose_json(in_convention(planned.X_CG, options.convention))}});
    }
    json milliseconds = {{"total", rounded(result.milliseconds, 2)}};
    for (const auto& stage : result.stages) {
        list["stages"].push_back(stage_json(stage));
        milliseconds[stage.name] = rounded(stage.milliseconds, 2);
    }
    list["milliseconds"] = milliseconds;
    if (result.plane)
        list["support_plane"] = {{"tilt_degrees", rounded(result.plane->tilt() * 57.29577951308232, 2)},
                                 {"distance", rounded(result.plane->offset, 4)}};
    if (!result.reason.empty()) list["reason"] = result.reason;
    return list;
}

std::string grasp_table(const PlanResult& result) {
    std::string text;
    if (result.grasps.empty()) {
        text = fmt::format("no grasp found: {}\n", result.reason);
        for (const auto& stage : result.stages) {
            text += fmt::format("  {:<14} in {:>5}  out {:>5}", stage.name, stage.in, stage.out);
            for (const auto& [reason, count] : stage.dropped) text += fmt::format("  {} {}", reason, count);
            text += "\n";
        }
        return text;
    }
    text = fmt::format("{:>4} {:>8} {:>8} {:>9} {:>8} {:>9} {:>9} {:>10}\n", "rank", "row px", "col px", "depth m",
                       "angle °", "width mm", "energy", "p(success)");
    for (std::size_t i = 0; i < result.grasps.size(); ++i) {
        const auto& [y, X_CG, energy, probability] = result.grasps[i];
        text += fmt::format("{:>4} {:>8.1f} {:>8.1f} {:>9.4f} {:>7.1f} {:>9.1f} {:>9.3f} {:>10}\n", i + 1, y.row, y.col,
                            y.depth, y.angle * 57.29577951308232, 1000 * y.width, energy,
                            probability ? fmt::format("{:.2f}", *probability) : "-");
    }
    return text;
}

}  // namespace ebgrasp
