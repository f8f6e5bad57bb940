// GIF89a (CompuServe, 1990), as much of it as movies of ours need.
#pragma once

#include <array>
#include <ostream>
#include <vector>

#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

/// The fixed palette: 48 grays, nodes of the colour maps, the curves' colours, and a coarse cube for mixtures of them.
/// The last entry stands for transparent.
std::array<Color, 256> gif_palette();

/// Writes a looping animation frame by frame; all frames must have the size of the first. Errors show in the stream.
class GifWriter {
  public:
    GifWriter(std::ostream& out, int height, int width, int delay_hundredths);
    void add(const Picture& frame);
    void finish();

  private:
    std::ostream& out_;
    int height_, width_, delay_;
    std::vector<std::uint8_t> last_;  // palette indices of the last frame
};

}  // namespace ebgrasp
