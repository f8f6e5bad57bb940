// Pictures of what a model that looks through windows has learnt, on the examples of a data set.
#pragma once

#include <filesystem>
#include <string>

#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/energy/window_energy.hpp"
#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp::app {

/// A model, data, and those of their examples that the pictures are of: test examples.
struct WindowStudy {
    const WindowNetwork& network;
    const WindowDataset& data;
    std::vector<std::size_t> examples;
    std::vector<float> energies;  ///< of `examples`
    std::string name;             ///< of the model, for titles
};

/// The pairs of window and grasp with the lowest energies above those with the highest, of each window one.
Picture contrast_sheet(const WindowStudy& study);

/// Contours around a success, moved down to the nearest minimum: of the 64 with the lowest energies, each in a window
/// of its own, the one whose energy depends most on the angle (round objects have nothing to show there).
Picture study_landscape(const WindowStudy& study);

/// Random grasps that descend in four windows drawn by `seed`; the film (.mp4 or .gif) goes to `path`.
void study_descent(const WindowStudy& study, std::uint64_t seed, const std::filesystem::path& path);

}  // namespace ebgrasp::app
