// Movies of pictures: MP4 for slides, GIF for pages.
#pragma once

#include <filesystem>
#include <functional>

#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

/// Writes frame(0), ..., frame(count - 1), one at a time, at `fps` frames per second; the file is complete or
/// untouched.
///   .mp4   H.264, or MPEG-4 part 2 where OpenCV has no H.264 encoder; an odd size gets a white line to become even
///   .gif   GIF89a, looping, in 256 fixed colours; what did not change since the last frame is left transparent. Delays
///          are whole hundredths of a second, at least two
/// Throws Error: another extension, no frames, frames of different sizes, fps outside (0, 100], no encoder, no
/// permission. OpenCV does not tell when a disk runs full under an MP4.
void write_movie(const std::filesystem::path& path, int count, double fps, const std::function<Picture(int)>& frame);

}  // namespace ebgrasp
