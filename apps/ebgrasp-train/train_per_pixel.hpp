#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ebgrasp::app {

/// `ebgrasp train --model percnn`: the baseline that proposes a grasp at every pixel. `data` are folders of `scenes`
/// data, of which each pixel is labelled at first (DATA/pixel_labels). `fields` are of PerPixelTrainingConfig, besides
/// "model"; `source` names them in errors.
void train_per_pixel_model(const std::vector<std::string>& data, nlohmann::json fields, const std::string& source,
                           const std::string& output, bool as_json);

}  // namespace ebgrasp::app
