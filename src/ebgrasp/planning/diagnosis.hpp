// What is wrong with a depth image before anybody plans on it, and how to mend it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ebgrasp/planning/scene_planner.hpp"

namespace ebgrasp {

struct Finding {
    std::string what, value;
    std::string mend = {};  ///< what to do; empty: all is well
    bool ok() const { return mend.empty(); }
};

/// Examines an image as the planner would take it: missing depth, intrinsics, support plane, what stands on it, mask
/// (0 x 0: none; of any size).
std::vector<Finding> examine_image(const DepthImage& image, const Mask& mask, const SceneOptions& options = {});

/// The files of a plan, as the command line names them. Empty: not given.
struct InputFiles {
    std::string depth, intrinsics, mask;
    std::optional<double> scale = {};  ///< metres per unit
};

/// Examines files: format, unit and resolution first, then the image as above. What cannot be read is a finding, too.
std::vector<Finding> examine_files(const InputFiles& files, const SceneOptions& options = {});

}  // namespace ebgrasp
