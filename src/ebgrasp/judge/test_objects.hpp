// Which objects of a source the trials are on: those that no model has seen.
#pragma once

#include <string>
#include <vector>

#include "ebgrasp/generation/object_set.hpp"

namespace ebgrasp {

struct GenerationConfig;

struct ObjectChoice {
    std::string split;     ///< "train", "validation" or "test" of the data that `config` makes; empty: all
    std::string from, to;  ///< first and last name in alphabetical order, both included; empty: no bound
};

/// The objects of config.objects that `choice` names. A split is what the data generator draws for the same
/// config.objects, config.seed and config.split. Throws Error if there are none.
std::vector<PreparedObject> choose_objects(const GenerationConfig& config, const ObjectChoice& choice);

}  // namespace ebgrasp
