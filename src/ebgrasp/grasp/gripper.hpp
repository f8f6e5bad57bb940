// The parallel-jaw gripper that sampler, labeller, planner and simulator all obey.
//
// In the grasp frame G (origin between the pads at the fingertips' working point, +z approach, +x closing) a finger at
// opening w is the box  x in [w/2, w/2 + finger_thickness],  |y| <= finger_width / 2,
// z in [tip_offset - finger_length, tip_offset]; the palm is the box centred on z behind the fingers.
#pragma once

#include <Eigen/Geometry>
#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ebgrasp {

/// The gripper's dimensions; a Robotiq 2F-85 by default.
struct Gripper {
    std::string name = "robotiq_2f85";  ///< of the preset, or the file
    double max_opening = 0.085;         ///< metres between the pads, (0, 0.5]
    double min_opening = 0.0;           ///< metres, [0, max_opening)
    double finger_length = 0.045;       ///< metres from the palm to the fingertip along z
    double finger_width = 0.022;        ///< metres along y
    double finger_thickness = 0.012;    ///< metres along x
    double tip_offset = 0.005;          ///< metres from the grasp centre to the fingertips along +z
    std::array<double, 3> palm_size = {0.150, 0.075, 0.080};  ///< metres along x, y, z
    double pad_friction = 0.5;                                ///< Coulomb coefficient of the pads, (0, 2]
    double max_force = 50.0;                                  ///< newtons
    std::array<double, 3> tcp_offset = {0, 0, 0};             ///< metres, from the grasp centre to the user's TCP, in G
    double base_distance = 0;  ///< metres from the gripper's base frame to the grasp centre along +z; 0: to_base() says

    /// A solid box, its sides along the axes of G.
    struct Box {
        Eigen::Vector3d center_G;   ///< metres
        Eigen::Vector3d half_size;  ///< metres along x, y, z
    };
    /// At `opening` (metres): left finger (-x), right finger (+x), palm.
    std::array<Box, 3> boxes(double opening) const;

    /// Metres from the grasp centre back along -z to where the fingers begin.
    double to_palm() const { return finger_length - tip_offset; }
    /// The same to the gripper's base frame: base_distance, or if that is 0 the back of the palm box.
    double to_base() const { return base_distance > 0 ? base_distance : to_palm() + palm_size[2]; }

    /// Throws Error naming the first field that is out of range, with its bound.
    void validate(const std::string& source) const;
};

/// A preset's name ("robotiq_2f85", "franka_hand", "yumi") or a YAML file with the fields above, of which only
/// max_opening must be given; the others default to the 2F-85's, the name to the path. Unknown keys are errors.
Gripper load_gripper(const std::string& name_or_path);
/// The names of the presets.
std::vector<std::string> gripper_presets();
/// The fields by name.
nlohmann::json to_json(const Gripper& gripper);
/// The YAML text that load_gripper reads back to the same gripper.
std::string to_yaml(const Gripper& gripper);

}  // namespace ebgrasp
