#include "ebgrasp/baselines/planner_factory.hpp"

#include "ebgrasp/baselines/gqcnn_planner.hpp"
#include "ebgrasp/baselines/per_pixel_planner.hpp"
#include "ebgrasp/baselines/sampling_planners.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/planning/planner.hpp"

namespace ebgrasp {

std::unique_ptr<GraspPlanner> make_planner(const std::string& name, const Gripper& gripper,
                                           const std::function<std::string(const std::string&)>& find_model) {
    const std::size_t colon = name.find(':');
    const std::string kind = name.substr(0, colon);
    const std::string argument = colon == std::string::npos ? "" : name.substr(colon + 1);
    const auto model = [&](const std::string& otherwise = "") {
        require(!argument.empty() || !otherwise.empty(), "planner '", name, "' needs a model: ", kind, ":MODEL");
        return find_model(argument.empty() ? otherwise : argument);
    };
    const auto energy = [&](PlannerOptions options) {
        return std::make_unique<Planner>(load_energy_model(model()), gripper, options);
    };
    PlannerOptions options;
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
