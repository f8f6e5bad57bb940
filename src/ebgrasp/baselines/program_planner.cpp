#include "ebgrasp/baselines/program_planner.hpp"

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/image/image_io.hpp"
#include "ebgrasp/planning/grasp_list.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path make_temporary_folder() {
    std::string name = (fs::temp_directory_path() / "ebgrasp_planner_XXXXXX").string();
    require(mkdtemp(name.data()) != nullptr, name, ": cannot make a temporary folder; set TMPDIR to a writable one");
    return name;
}

/// Writes the request's images into `folder`, and returns the request's line.
std::string request_line(const PlanRequest& request, std::uint64_t id, const fs::path& folder) {
    const CameraIntrinsics& camera = request.image.camera;
    write_depth_image(request.image, folder / "depth.npy");
    json mask = nullptr;
    if (request.mask.size() > 0) {
        write_mask(request.mask, folder / "mask.npy");
        mask = (folder / "mask.npy").string();
    }
    json failed = json::array();
    for (const auto& X_CG : request.failed_X_CG) failed.push_back(pose_json(X_CG));
    return json{{"format", "ebgrasp-request/1"},
                {"id", id},
                {"depth", (folder / "depth.npy").string()},
                {"mask", mask},
                {"intrinsics",
                 {{"height", camera.height},
                  {"width", camera.width},
                  {"fx", camera.fx},
                  {"fy", camera.fy},
                  {"cx", camera.cx},
                  {"cy", camera.cy}}},
                {"camera_pose", request.X_WC ? pose_json(*request.X_WC) : json(nullptr)},
                {"failed", failed},
                {"gripper", (folder / "gripper.yaml").string()},
                {"count", request.count},
                {"seed", request.seed}}
        .dump();
}

/// The beginning of what a program said, fit for an error message whatever it holds.
std::string beginning(const std::string& text, std::size_t longest) {
    std::string shown = text.substr(0, longest);
    for (char& c : shown)
        if (c < ' ' || c > '~') c = '?';
    return shown + (text.size() > longest ? "..." : "");
}

}  // namespace

PlanResult parse_answer(const std::string& line, std::uint64_t id, const PlanRequest& request) {
    const json answer = parse_json(line, "the answer '" + beginning(line, 60) + "'");
    require(answer.is_object() && answer.contains("id") && answer["id"] == id, "the answer's id is not the request's, ",
            id);
    std::optional<Eigen::Vector3d> normal_C;
    if (request.X_WC) normal_C = request.X_WC->linear().transpose() * Eigen::Vector3d::UnitZ();
    PlanResult result;
    result.grasps = parse_grasp_list(answer, request.image.camera, normal_C);
    PlanStage stage{"program", result.grasps.size(), 0, {}, 0};
    const auto count = static_cast<std::size_t>(std::max(0, request.count));
    if (result.grasps.size() > count) {
        stage.dropped["beyond_count"] = result.grasps.size() - count;
        result.grasps.erase(result.grasps.begin() + static_cast<std::ptrdiff_t>(count), result.grasps.end());
    }
    stage.out = result.grasps.size();
    result.stages.push_back(stage);
    if (result.grasps.empty()) {
        const auto reason = answer.find("reason");
        const bool given = reason != answer.end() && reason->is_string();
        result.reason = "program: " + (given ? beginning(reason->get<std::string>(), 160) : "no grasps");
    }
    return result;
}

void ProgramLimits::validate() const {
    for (const double limit : {seconds, first_seconds})
        require(limit > 0 && limit <= 86400, "time limit is ", limit, " s, must be above 0 and at most 86400");
    require(max_answer_bytes > 0, "max_answer_bytes is 0, must be above");
}

ProgramPlanner::ProgramPlanner(std::string command, const Gripper& gripper, const ProgramLimits& limits)
    : command_(std::move(command)), limits_(limits), folder_(make_temporary_folder()) {
    limits_.validate();
    write_file_atomically(folder_ / "gripper.yaml", to_yaml(gripper));
}

ProgramPlanner::~ProgramPlanner() {
    process_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

PlanResult ProgramPlanner::plan(const PlanRequest& request) const {
    const std::lock_guard lock(mutex_);
    const std::uint64_t id = ++requests_;
    const std::string line = request_line(request, id, folder_);
    const auto start = std::chrono::steady_clock::now();
    try {
        PlanResult result = parse_answer(ask(line), id, request);
        result.milliseconds =
            std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
        result.stages.front().milliseconds = result.milliseconds;
        return result;
    } catch (const Error& error) {
        process_.reset();
        fail(name(), ": ", beginning(error.what(), 200));
    }
}

std::string ProgramPlanner::ask(const std::string& line) const {
    const bool first = !process_;
    if (first) process_ = std::make_unique<LineProcess>(command_);
    return process_->ask(line, first ? limits_.first_seconds : limits_.seconds, limits_.max_answer_bytes);
}

}  // namespace ebgrasp
