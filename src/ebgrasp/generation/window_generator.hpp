// One example of the `windows` layout.
#pragma once

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/generation/scene_sampler.hpp"

namespace ebgrasp {

/// One noisy window around one object of a random scene, and labelled grasps of that object; a pure function of its
/// arguments. May be empty, if no candidate lies in the window.
WindowExamples generate_window(const SceneSampler& sampler, const Gripper& gripper, const GenerationConfig& config,
                               RandomStream random);

}  // namespace ebgrasp
