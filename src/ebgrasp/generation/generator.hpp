// objects -> stable poses on a table -> grasp candidates -> labels -> rendered depth -> examples.
#pragma once

#include <filesystem>

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/generation/generation_config.hpp"
#include "ebgrasp/generation/object_set.hpp"

namespace ebgrasp {

/// One noisy window of one object and its labelled grasps; a pure function of its arguments.
/// May be empty, if no candidate lies in the window.
WindowExamples generate_window(const PreparedObject& object, std::int32_t object_index, const Gripper& gripper,
                               const GenerationConfig& config, RandomStream random);

/// Fills `folder` with config.examples examples in shards, and dataset.json at the end. Shards that are already there
/// are kept, so that a killed run goes on where it stopped and ends with the same bytes; the bytes do not depend on the
/// number of threads. Throws Error if the folder holds data of another configuration.
void generate_windows(const GenerationConfig& config, const std::filesystem::path& folder);

}  // namespace ebgrasp
