#include "ebgrasp/planning/grasp_list.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

/// Rounded to `digits` decimals, so that lists are readable; far below any sensor's accuracy.
double rounded(double value, int digits) {
    const double scale = std::pow(10.0, digits);
    return std::round(value * scale) / scale;
}

json vector_json(const Eigen::Vector3d& p) { return {rounded(p.x(), 6), rounded(p.y(), 6), rounded(p.z(), 6)}; }

json stage_json(const PlanStage& stage) {
    return {{"name", stage.name}, {"in", stage.in}, {"out", stage.out}, {"dropped", stage.dropped}};
}

constexpr const char* format_name = "ebgrasp-grasps/1";
constexpr std::size_t max_grasps = 10'000;

/// The member `key` of an object, or null.
const json& member(const json& object, const char* key) {
    static const json null;
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
}

double number(const json& value, const char* field) {
    require(value.is_number() && std::isfinite(value.get<double>()), field, " is missing or no finite number");
    return value.get<double>();
}

template <int size>
Eigen::Matrix<double, size, 1> vector(const json& value, const char* field) {
    require(value.is_array() && value.size() == size, field, " is missing or no list of ", size, " numbers");
    Eigen::Matrix<double, size, 1> numbers;
    for (int i = 0; i < size; ++i) numbers[i] = number(value[static_cast<std::size_t>(i)], field);
    return numbers;
}

/// A string member, `otherwise` if it is missing.
std::string text(const json& object, const char* key, const std::string& otherwise) {
    const json& value = member(object, key);
    require(value.is_null() || value.is_string(), key, " is no string");
    return value.is_null() ? otherwise : value.get<std::string>();
}

Eigen::Isometry3d parse_pose(const json& pose, const std::string& name) {
    require(pose.is_object(), name, " is no object");
    const Eigen::Vector4d wxyz = vector<4>(member(pose, "quaternion_wxyz"), (name + ".quaternion_wxyz").c_str());
    require(std::abs(wxyz.norm() - 1) < 1e-3, name, ".quaternion_wxyz has length ", wxyz.norm(), ", not 1");
    Eigen::Isometry3d X = Eigen::Isometry3d::Identity();
    X.linear() = Eigen::Quaterniond(wxyz[0], wxyz[1], wxyz[2], wxyz[3]).normalized().toRotationMatrix();
    X.translation() = vector<3>(member(pose, "position"), (name + ".position").c_str());
    return X;
}

/// The grasp that approaches along `approach_C` (unit) and whose closing axis appears at row/col/depth/angle's angle in
/// the image plane.
Eigen::Isometry3d parse_planar(const json& grasp, const CameraIntrinsics& camera, const Eigen::Vector3d& approach_C) {
    const double depth = number(member(grasp, "depth"), "depth"), angle = number(member(grasp, "angle"), "angle");
    const Eigen::Vector2d image_axis(std::cos(angle), std::sin(angle));  // (x, y) in C; its z makes it orthogonal
    const double z = -approach_C.head<2>().dot(image_axis) / approach_C.z();
    const Eigen::Vector3d closing_C = Eigen::Vector3d(image_axis.x(), image_axis.y(), z).normalized();
    Eigen::Isometry3d X_CG = Eigen::Isometry3d::Identity();
    X_CG.linear() << closing_C, approach_C.cross(closing_C), approach_C;
    X_CG.translation() =
        camera.deproject(number(member(grasp, "row"), "row"), number(member(grasp, "col"), "col"), depth);
    return X_CG;
}

/// What a list says about all of its grasps.
struct ListFrame {
    const CameraIntrinsics& camera;
    Eigen::Isometry3d X_CB;                     ///< of the frame that poses are in
    Eigen::Isometry3d X_HG;                     ///< to the frame that they are of
    std::optional<Eigen::Vector3d> approach_C;  ///< of grasps without a pose
};

ListFrame parse_frame(const json& list, const CameraIntrinsics& camera,
                      const std::optional<Eigen::Vector3d>& plane_normal_C) {
    require(list.is_object(), "the grasp list is no JSON object");
    const std::string format = text(list, "format", "missing"), frame = text(list, "frame", "camera");
    require(format == format_name, "format is ", format, ", must be ", format_name);
    require(frame == "camera" || frame == "base", "frame is ", frame, ", must be camera or base");
    Eigen::Isometry3d X_BC = Eigen::Isometry3d::Identity(), X_GH = Eigen::Isometry3d::Identity();
    if (frame == "base") X_BC = parse_pose(member(list, "camera_pose"), "camera_pose");
    X_GH.linear() = find_convention(text(list, "convention", "ebgrasp")).R_GH;
    if (const json& origin = member(list, "origin_G"); !origin.is_null())
        X_GH.translation() = vector<3>(origin, "origin_G");
    ListFrame result{camera, X_BC.inverse(), X_GH.inverse(), Eigen::Vector3d::UnitZ()};
    const std::string approach = text(list, "approach", "camera_axis");
    require(approach == "camera_axis" || approach == "support_plane_normal", "approach is ", approach,
            ", must be camera_axis or support_plane_normal");
    if (approach == "camera_axis") return result;
    result.approach_C.reset();
    if (plane_normal_C) {
        require(plane_normal_C->z() < 0, "the camera does not look at the support plane");
        result.approach_C = -*plane_normal_C;
    }
    return result;
}

PlannedGrasp parse_grasp(const json& grasp, const ListFrame& frame) {
    require(grasp.is_object(), "is no JSON object");
    const json& pose = member(grasp, "pose");
    require(!pose.is_null() || frame.approach_C, "has no pose, and the support plane is not known");
    const Eigen::Isometry3d X_CG = pose.is_null() ? parse_planar(grasp, frame.camera, *frame.approach_C)
                                                  : frame.X_CB * parse_pose(pose, "pose") * frame.X_HG;
    const json& width = member(grasp, "width");
    PlannedGrasp planned{planar_grasp(X_CG, frame.camera, width.is_null() ? 0 : number(width, "width")), X_CG, 0, {}};
    const auto& [row, col, depth, angle, opening] = planned.grasp;
    require(row >= -0.5 && row <= frame.camera.height - 0.5 && col >= -0.5 && col <= frame.camera.width - 0.5, "row ",
            row, ", col ", col, " lies outside the image of ", frame.camera.height, " x ", frame.camera.width);
    require(opening >= 0, "width is ", opening, " m, below 0");
    const json& energy = member(grasp, "energy");
    planned.energy = energy.is_null() ? -number(member(grasp, "score"), "energy or score") : number(energy, "energy");
    if (const json& probability = member(grasp, "success_probability"); !probability.is_null()) {
        planned.success_probability = number(probability, "success_probability");
        require(*planned.success_probability >= 0 && *planned.success_probability <= 1, "success_probability is ",
                *planned.success_probability, ", not in [0, 1]");
    }
    return planned;
}

}  // namespace

json pose_json(const Eigen::Isometry3d& X) {
    Eigen::Quaterniond q(X.rotation());
    if (q.w() < 0) q.coeffs() *= -1.0;
    return {{"position", vector_json(X.translation())},
            {"quaternion_wxyz", {rounded(q.w(), 8), rounded(q.x(), 8), rounded(q.y(), 8), rounded(q.z(), 8)}}};
}

Eigen::Isometry3d told_pose(const PlannedGrasp& planned, const GraspListOptions& options) {
    const Eigen::Isometry3d X_CH = in_convention(planned.X_CG, options.convention, options.gripper);
    return options.camera_pose ? options.camera_pose->X_BC * X_CH : X_CH;
}

json grasp_list(const PlanResult& result, const CameraIntrinsics& camera, const GraspListOptions& options) {
    json list = {{"format", format_name},
                 {"frame", options.camera_pose ? "base" : "camera"},
                 {"approach", "support_plane_normal"},
                 {"convention", options.convention.name},
                 {"origin_G", vector_json(options.convention.frame(options.gripper).translation())},
                 {"gripper", options.gripper.name},
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
    if (options.camera_pose) list["camera_pose"] = pose_json(options.camera_pose->X_BC);
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
             {"pose", pose_json(told_pose(planned, options))}});
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

std::vector<PlannedGrasp> parse_grasp_list(const json& list, const CameraIntrinsics& camera,
                                           const std::optional<Eigen::Vector3d>& plane_normal_C) {
    const ListFrame frame = parse_frame(list, camera, plane_normal_C);
    const json& grasps = member(list, "grasps");
    require(grasps.is_array() && grasps.size() <= max_grasps, "grasps is missing or no list of at most ", max_grasps);
    std::vector<PlannedGrasp> parsed;
    for (const json& grasp : grasps) {
        try {
            parsed.push_back(parse_grasp(grasp, frame));
        } catch (const Error& error) {
            fail("grasp ", parsed.size(), ": ", error.what());
        }
    }
    std::ranges::stable_sort(parsed, {}, &PlannedGrasp::energy);
    return parsed;
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
