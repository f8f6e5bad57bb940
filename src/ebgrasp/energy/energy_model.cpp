#include "ebgrasp/energy/energy_model.hpp"

#include <cmath>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/field_model.hpp"
#include "ebgrasp/energy/seed_runtime.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

/// The finite number `info[group][key]`.
double number(const json& info, const char* group, const char* key) {
    const json& values = info.at(group);
    const auto value = values.is_object() ? values.find(key) : values.end();
    require(value != values.end() && value->is_number() && std::isfinite(value->get<double>()), "info '", group,
            "' has no finite number '", key, "'");
    return value->get<double>();
}

ViewSpec view_of(const json& info) {
    if (!info.contains("view")) return {};
    const ViewSpec view{number(info, "view", "focal_length"), number(info, "view", "distance")};
    require(view.focal_length > 0 && view.distance > 0, "info 'view' has focal length ", view.focal_length,
            " px and distance ", view.distance, " m; both must be above 0");
    return view;
}

}  // namespace

std::unique_ptr<EnergyModel> load_energy_model(const std::string& path) {
    const Checkpoint checkpoint = read_checkpoint(path);
    try {
        if (checkpoint.model == "field") return std::make_unique<FieldEnergyModel>(checkpoint);
        require(checkpoint.model == "seed", "holds a model ",
                json(checkpoint.model).dump(-1, ' ', false, json::error_handler_t::replace),
                ", which this version does not know; known ones are: field, seed");
        return std::make_unique<WindowEnergyModel>(checkpoint.model, std::make_unique<SeedRuntime>(checkpoint),
                                                   calibration_of(checkpoint), view_of(checkpoint.info));
    } catch (const Error& error) {
        fail(path, ": ", error.what());
    }
}

}  // namespace ebgrasp
