// A plot's frame: where data lie on a canvas, ticks, grid, labels and the colour bar.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

struct Axis {
    std::string label = {};             ///< with its unit: "depth [mm]"
    std::optional<Limits> limits = {};  ///< the data's, slightly widened, by default
    double tick_step = 0;               ///< 0: a round number that suits
    bool reversed = false;              ///< values grow to the left or downwards
    bool ticks = true;
};

struct PlotOptions {
    std::string title = {};
    Axis x = {}, y = {};
    int width = 960, height = 640;  ///< pixels, all included
    double font = 20;               ///< pixels per line of the tick labels; everything else follows
};

/// The multiples of `step` in `limits`; a step of 0 becomes 1, 2 or 5 times a power of ten, so that there are
/// about `count` (at least 2, or none for an empty or non-finite interval).
std::vector<double> tick_positions(const Limits& limits, int count, double step = 0);
/// Ticks as text, with the same number of decimals for all of them and no more than needed.
std::vector<std::string> tick_labels(const std::vector<double>& ticks);

/// The smallest interval around the finite values, widened by `margin` of itself on both sides; [0, 1] without values.
Limits limits_of(std::span<const double> values, double margin = 0);

/// Maps data to `area` of a canvas and draws what surrounds them. The axes' limits must be set.
class Axes {
  public:
    Axes(Canvas& canvas, const Rect& area, const PlotOptions& options);
    const Rect& area() const { return area_; }
    Eigen::Vector2d at(double x, double y) const;
    /// The data's coordinates at a place on the canvas.
    Eigen::Vector2d data_at(double canvas_x, double canvas_y) const;
    void draw_grid(bool vertical = true, bool horizontal = true);
    /// Frame, ticks with labels, axis labels, title.
    void draw_frame();

  private:
    Canvas& canvas_;
    Rect area_;
    PlotOptions options_;
};

/// The part of a picture of these options that data are drawn in, with `right` pixels kept free at its right. The axes'
/// limits must be set, since the left margin holds the tick labels.
Rect plot_area(const PlotOptions& options, double right = 0);

struct ColorScale {
    std::string label = {};
    Limits limits = {};
    ColorMap map = ColorMap::viridis;
    bool reversed = false;                        ///< the map's first colour is the highest value's
    bool more_below = false, more_above = false;  ///< values beyond the limits exist: pointed ends
    /// The colour of a fraction of the limits.
    Color at(double fraction) const { return map_color(map, reversed ? 1 - fraction : fraction); }
    Color color(double value) const { return at(limits.fraction(value)); }
};

/// Draws a vertical colour bar filling the height of `area` at its left; labels lie right of it.
void draw_color_bar(Canvas& canvas, const Rect& area, const ColorScale& scale, double font);
/// The width that a colour bar with its labels takes.
double color_bar_width(const ColorScale& scale, double font);

}  // namespace ebgrasp
