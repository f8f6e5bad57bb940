// A trial as a film: what the camera sees and, beside it, what happens.
#pragma once

#include <string>

#include "ebgrasp/judge/protocol.hpp"

namespace ebgrasp::app {

/// Plays `trial` again, with one planner, and films it: every attempt begins with the depth image as the planner sees
/// it and the grasp that it chose, then the camera's view and a view from the side, and ends with the outcome. Throws
/// Error (see viz/movie.hpp).
void write_trial_movie(const std::string& path, const Protocol& protocol, const Contestant& contestant,
                       std::size_t trial, const Gripper& gripper);

}  // namespace ebgrasp::app
