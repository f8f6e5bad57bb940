#include "ebgrasp/baselines/planner_factory.hpp"

#include <algorithm>
#include <charconv>

#include "ebgrasp/baselines/gqcnn_planner.hpp"
#include "ebgrasp/baselines/per_pixel_planner.hpp"
#include "ebgrasp/baselines/sampling_planners.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/planner.hpp"

namespace ebgrasp {
namespace {

/// Sets starts and steps of the descent from "STARTSxSTEPS". Throws Error naming the planner.
void set_effort(const std::string& effort, const std::string& planner, PlannerOptions& options) {
    const char *const begin = effort.data(), *const end = begin + effort.size();
    const auto starts = std::from_chars(begin, end, options.seeds);
    const bool times = starts.ec == std::errc() && starts.ptr != end && *starts.ptr == 'x';
    const auto steps = times ? std::from_chars(starts.ptr + 1, end, options.descent.steps) : starts;
    require(times && steps.ec == std::errc() && steps.ptr == end && options.seeds >= 1 && options.seeds <= 10'000 &&
                options.descent.steps >= 0 && options.descent.steps <= 1'000,
            "planner '", planner, "': after @ come 1 to 10000 starts, x and 0 to 1000 steps, such as @64x16");
    options.proposals = std::max(options.proposals, options.seeds);
}

}  // namespace

std::unique_ptr<GraspPlanner> make_planner(const std::string& name, const Gripper& gripper,
                                           const std::function<std::string(const std::string&)>& find_model) {
    const std::size_t colon = name.find(':');
    const std::string kind = name.substr(0, colon);
    std::string argument = colon == std::string::npos ? "" : name.substr(colon + 1);
    const auto model = [&](const std::string& otherwise = "") {
        require(!argument.empty() || !otherwise.empty(), "planner '", name, "' needs a model: ", kind, ":MODEL");
        return find_model(argument.empty() ? otherwise : argument);
    };
    PlannerOptions options;
    if (const std::size_t at = argument.rfind('@'); kind.starts_with("energy") && at != std::string::npos) {
        set_effort(argument.substr(at + 1), name, options);
        argument.resize(at);
    }
    const auto energy = [&](const PlannerOptions& chosen) {
        return std::make_unique<Planner>(load_energy_model(model()), gripper, chosen);
    };
    if (kind == "energy") return energy(options);
    if (kind == "energy-rank") {
        options.descent.steps = 0;
        return energy(options);
    }
    if (kind == "energy-free") {
        options.descent.search = Search::derivative_free;
        options.descent.steps *= 2;  // a gradient costs as much again as an energy
        return energy(options);
    }
    if (kind == "gqcnn-cem") return load_gqcnn_planner(model("gqcnn"), gripper);
    if (kind == "percnn") return load_per_pixel_planner(model("percnn"), gripper);
    if (name == "antipodal") return std::make_unique<AntipodalPlanner>(gripper);
    if (name == "random") return std::make_unique<RandomPlanner>(gripper);
    return nullptr;
}

}  // namespace ebgrasp
