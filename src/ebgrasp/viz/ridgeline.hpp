// Histograms below one another, as they change over time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ebgrasp/viz/axes.hpp"

namespace ebgrasp {

/// The counts of successes and failures in equal bins of `range`.
struct Ridge {
    std::string label;
    Limits range;
    std::vector<double> successes, failures;  ///< of equal size
};

/// One pair of outlines for each ridge, the first on top, all over one x axis (by default all ranges together). Either
/// outline is a density: its area is its own whatever the bins and the number of examples, and the higher of a pair
/// reaches the same height in every ridge. Y is the ridges' labels; `options.y.label` names them. Throws Error: no
/// ridges, ones without bins, or an empty range.
Picture ridgeline_plot(std::span<const Ridge> ridges, const PlotOptions& options);

}  // namespace ebgrasp
