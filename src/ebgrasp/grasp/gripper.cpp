#include "ebgrasp/grasp/gripper.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "ebgrasp/core/config.hpp"

namespace ebgrasp {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Gripper, name, max_opening, min_opening, finger_length, finger_width,
                                   finger_thickness, tip_offset, palm_size, pad_friction, max_force, tcp_offset,
                                   base_distance)

namespace {

std::vector<Gripper> make_presets() {
    // Robotiq 2F-85 (the defaults): 85 mm stroke, pads 22 mm wide, 150 mm across the open linkages, body 75 mm.
    Gripper robotiq;
    robotiq.base_distance = 0.144;  // flange to fingertips 149 mm when open

    // franka_description's finger collision boxes (tip 17.5 x 15.2 mm, 53.7 mm long, TCP at 45 mm), Franka Hand data
    // sheet (80 mm stroke, 70 N continuous), body 204 x 63 x 66 mm.
    Gripper franka;
    franka.name = "franka_hand";
    franka.max_opening = 0.080;
    franka.finger_length = 0.0537;
    franka.finger_width = 0.0175;
    franka.finger_thickness = 0.0152;
    franka.tip_offset = 0.0087;
    franka.palm_size = {0.204, 0.063, 0.066};
    franka.max_force = 70.0;
    franka.base_distance = 0.1034;  // panda_hand to panda_hand_tcp

    // ABB IRB 14000 Smart Gripper: 50 mm stroke, 20 N; its fingers are made by users, these are plain short ones.
    Gripper yumi;
    yumi.name = "yumi";
    yumi.max_opening = 0.050;
    yumi.finger_length = 0.040;
    yumi.finger_width = 0.014;
    yumi.finger_thickness = 0.010;
    yumi.tip_offset = 0.008;
    yumi.palm_size = {0.090, 0.064, 0.080};
    yumi.max_force = 20.0;

    return {robotiq, franka, yumi};
}

const std::vector<Gripper>& presets() {
    static const std::vector<Gripper> all = make_presets();
    return all;
}

Gripper read_gripper(const std::string& path) {
    const nlohmann::json given = read_yaml(path);
    require(given.is_object() && given.contains("max_opening"), path, ": is no gripper file, max_opening is missing");
    for (const char* key : {"palm_size", "tcp_offset"})
        require(!given.contains(key) || given[key].size() == 3, path, ": ", key, " must be three numbers [x, y, z]");
    Gripper gripper = config_from_json<Gripper>(given, path);
    if (!given.contains("name")) gripper.name = path;
    gripper.validate(path);
    return gripper;
}

}  // namespace

std::array<Gripper::Box, 3> Gripper::boxes(double opening) const {
    const Eigen::Vector3d finger = Eigen::Vector3d(finger_thickness, finger_width, finger_length) / 2;
    const Eigen::Vector3d palm = Eigen::Vector3d(palm_size[0], palm_size[1], palm_size[2]) / 2;
    const double x = opening / 2 + finger.x();
    const double z = tip_offset - finger.z();
    const double palm_z = tip_offset - finger_length - palm.z();
    return {{{{-x, 0, z}, finger}, {{x, 0, z}, finger}, {{0, 0, palm_z}, palm}}};
}

void Gripper::validate(const std::string& source) const {
    const auto check = [&](const char* field, double value, bool within, const auto&... bound) {
        require(within && std::isfinite(value), source, ": ", field, " is ", value, "; it must be ", bound...);
    };
    const auto check_positive = [&](const char* field, double value, double most, const char* unit) {
        check(field, value, value > 0 && value <= most, "above 0 and at most ", most, unit);
    };
    require(!name.empty(), source, ": name is empty");
    check_positive("max_opening", max_opening, 0.5, " m");
    check("min_opening", min_opening, min_opening >= 0 && min_opening < max_opening, "in [0, max_opening)");
    check_positive("finger_length", finger_length, 0.5, " m");
    check_positive("finger_width", finger_width, 0.2, " m");
    check_positive("finger_thickness", finger_thickness, 0.2, " m");
    check("tip_offset", tip_offset, tip_offset >= 0 && tip_offset <= finger_length, "in [0, finger_length]");
    for (const double size : palm_size) check_positive("palm_size", size, 1.0, " m");
    check_positive("pad_friction", pad_friction, 2.0, "");
    check_positive("max_force", max_force, 5000.0, " N");
    for (const double offset : tcp_offset) check("tcp_offset", offset, std::abs(offset) <= 1, "in [-1, 1] m");
    check("base_distance", base_distance, base_distance >= 0 && base_distance <= 1, "in [0, 1] m");
}

Gripper load_gripper(const std::string& name_or_path) {
    for (const auto& preset : presets())
        if (preset.name == name_or_path) return preset;
    std::error_code code;
    if (!std::filesystem::exists(name_or_path, code)) {
        std::string known;
        for (const auto& preset : presets()) known += (known.empty() ? "" : ", ") + preset.name;
        fail("'", name_or_path, "' is neither a gripper preset (", known, ") nor a file");
    }
    return read_gripper(name_or_path);
}

std::vector<std::string> gripper_presets() {
    std::vector<std::string> names;
    for (const auto& preset : presets()) names.push_back(preset.name);
    return names;
}

nlohmann::json to_json(const Gripper& gripper) { return gripper; }

std::string to_yaml(const Gripper& gripper) { return to_yaml(to_json(gripper)); }

}  // namespace ebgrasp
