// objects -> scenes -> grasp candidates -> labels -> rendered depth -> examples, on disk.
#pragma once

#include <cstddef>
#include <filesystem>

#include "ebgrasp/generation/generation_config.hpp"
#include "ebgrasp/generation/scene_sampler.hpp"

namespace ebgrasp {

struct GenerationSummary {
    std::size_t examples = 0, positives = 0;
    std::size_t images = 0;  ///< windows or scenes
    std::size_t objects = 0;
};

/// Fills `folder` with config.yaml, gripper.yaml, config.examples examples in shards, and dataset.json at the end.
/// Shards that are already there are kept, so that a killed run goes on where it stopped and ends with the same bytes;
/// the bytes do not depend on the number of threads, and memory not on the number of examples. `settle` is needed for
/// piles. Throws Error if the folder holds data of another configuration, or the disk is full (no part of a shard is
/// left then).
GenerationSummary generate(const GenerationConfig& config, const std::filesystem::path& folder,
                           const Settle& settle = {});

}  // namespace ebgrasp
