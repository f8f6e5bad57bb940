// Plots for papers: curves, histograms, bars, reliability, contours.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/viz/axes.hpp"

namespace ebgrasp {

struct Series {
    std::string label;
    std::vector<double> x, y;  ///< of equal size; a non-finite value interrupts the line
    bool line = true, markers = false;
};

/// Lines or scattered points, with a legend where it hides the fewest of them. Throws Error if sizes differ.
Picture line_plot(std::span<const Series> series, const PlotOptions& options);

struct Sample {
    std::string label;
    std::vector<double> values;        ///< non-finite ones are ignored
    std::vector<double> weights = {};  ///< as many as values, or none: each value counts once
    std::optional<Color> color = {};   ///< by default the palette's
};

/// Overlaid histograms over common bins (over x.limits if given): the share of each sample that lies in each bin.
/// Throws Error unless bins is in [1, 10000] and every sample has as many weights as values, or none.
Picture histogram(std::span<const Sample> samples, int bins, const PlotOptions& options);

struct Bar {
    std::string label;
    double value, low, high;          ///< [low, high]: an interval around value, drawn if low < high
    std::optional<Color> color = {};  ///< by default the palette's first
};

/// Horizontal bars, first on top, with interval whiskers and their values as text (x is the value's axis).
Picture bar_chart(std::span<const Bar> bars, const PlotOptions& options);

struct ReliabilityBin {
    double predicted, observed;  ///< mean predicted probability and success rate of the examples in the bin
    double low, high;            ///< interval of the success rate
    std::size_t count;           ///< examples in the bin; empty bins are not drawn
};

/// Observed success over predicted probability (DeGroot and Fienberg, 1983) with the diagonal of perfect calibration;
/// bars at the bottom show each bin's share of the examples.
Picture reliability_diagram(std::span<const ReliabilityBin> bins, const PlotOptions& options);

/// A function on a grid: z (row-major, rows x cols) at x = x.at(col / (cols - 1)), y = y.at(row / (rows - 1)).
struct GridFunction {
    int rows = 0, cols = 0;
    std::vector<double> z;  ///< NaN where undefined
    Limits x, y;
};

struct LineSegment {
    Eigen::Vector2d from, to;  ///< (x, y), in data coordinates
};

/// The level set z = level by marching squares (Lorensen and Cline, 1987) on the bilinear cells; saddles are cut
/// according to the mean of the four corners. Cells with a NaN are skipped.
std::vector<LineSegment> contour_lines(const GridFunction& function, double level);

struct ContourMark {
    double x, y;
    bool filled = true;  ///< a dot, otherwise a ring
};

struct ContourOptions {
    ColorScale scale = {};  ///< colours of z; empty limits (low >= high) become the function's own
    int levels = 12;        ///< filled bands between contour lines; 0: continuous colour without lines
    bool color_bar = true;
    std::vector<ContourMark> marks = {};
    std::vector<Eigen::Vector2d> path = {};  ///< drawn as a line from a ring to its last point
};

/// A filled contour plot. Axis limits are the function's. Throws Error if z does not have rows x cols >= 2 x 2 values.
Picture contour_plot(const GridFunction& function, const ContourOptions& contours, PlotOptions options);

}  // namespace ebgrasp
