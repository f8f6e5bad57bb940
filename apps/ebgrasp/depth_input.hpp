// The options that name a depth image, shared by every command that reads one.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "ebgrasp/planning/planner.hpp"

namespace ebgrasp::app {

struct DepthInput {
    std::string depth, intrinsics, mask;
    std::optional<double> scale;

    void declare(CLI::App& command);
    /// Reads image and mask. Throws Error.
    PlanRequest read() const;
};

/// The options that name the weights and the gripper, shared by every command that reads energies.
struct ModelInput {
    std::string model = "field", gripper = "robotiq_2f85";

    void declare(CLI::App& command);
};

}  // namespace ebgrasp::app
