#include "ebgrasp/energy/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

double evaluate(const PlattScaling& scaling, double energy) {
    return 1.0 / (1.0 + std::exp(scaling.slope * energy + scaling.offset));
}

double evaluate(const IsotonicTable& table, double energy) {
    const auto& [x, p] = table;
    const auto next = std::ranges::upper_bound(x, energy);
    if (next == x.begin()) return p.front();
    if (next == x.end()) return p.back();
    const auto i = static_cast<std::size_t>(next - x.begin());
    return std::lerp(p[i - 1], p[i], (energy - x[i - 1]) / (x[i] - x[i - 1]));
}

template <typename Value>
Value field(const json& given, const char* name) {
    try {
        return given.at(name).get<Value>();
    } catch (const json::exception& error) {
        fail("'", name, "' is missing or damaged: ", error.what());
    }
}

Calibration parse(const json& given) {
    require(given.is_object(), "is not an object");
    const std::string method = given.contains("method") ? field<std::string>(given, "method") : "platt";
    if (method == "platt") return PlattScaling{field<double>(given, "slope"), field<double>(given, "offset")};
    require(method == "isotonic", "method is ", json(method).dump(-1, ' ', false, json::error_handler_t::replace),
            ", which this version does not know; known ones are: platt, isotonic");
    return IsotonicTable{field<std::vector<double>>(given, "energies"),
                         field<std::vector<double>>(given, "probabilities")};
}

}  // namespace

Calibration::Calibration(const PlattScaling& scaling) : curve_(scaling) {
    require(std::isfinite(scaling.slope) && std::isfinite(scaling.offset), "calibration by slope ", scaling.slope,
            " and offset ", scaling.offset, "; both must be finite");
}

Calibration::Calibration(IsotonicTable table) {
    const auto& [x, p] = table;
    require(!x.empty() && x.size() == p.size(), "calibration by ", x.size(), " energies and ", p.size(),
            " probabilities; their numbers must agree and be at least 1");
    require(std::ranges::all_of(x, [](double energy) { return std::isfinite(energy); }) &&
                std::ranges::adjacent_find(x, std::greater_equal{}) == x.end(),
            "calibration: energies are not finite and strictly rising");
    require(std::ranges::all_of(p, [](double probability) { return probability >= 0 && probability <= 1; }) &&
                std::ranges::adjacent_find(p, std::less{}) == p.end(),
            "calibration: probabilities do not fall monotonically within [0, 1]");
    curve_ = std::move(table);
}

double Calibration::probability(double energy) const {
    return std::visit([&](const auto& curve) { return evaluate(curve, energy); }, curve_);
}

void to_json(json& json, const Calibration& calibration) {
    if (const auto* scaling = std::get_if<PlattScaling>(&calibration.curve_)) {
        json = {{"method", "platt"}, {"slope", scaling->slope}, {"offset", scaling->offset}};
    } else {
        const auto& table = std::get<IsotonicTable>(calibration.curve_);
        json = {{"method", "isotonic"}, {"energies", table.energies}, {"probabilities", table.probabilities}};
    }
}

std::optional<Calibration> calibration_of(const Checkpoint& checkpoint) {
    const auto given = checkpoint.info.find("calibration");
    if (given == checkpoint.info.end()) return {};
    try {
        return parse(*given);
    } catch (const Error& error) {
        fail("info 'calibration': ", error.what());
    }
}

}  // namespace ebgrasp
