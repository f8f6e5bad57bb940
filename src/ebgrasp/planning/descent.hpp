// Descending the energy.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "ebgrasp/energy/energy_model.hpp"

namespace ebgrasp {

/// Steps are normalised gradients in scaled coordinates: y <- y - rate * S * (S g) / |S g|, with S = diag(translation,
/// translation, depth, angle), so that a step's length does not depend on the energy's unknown scale.
struct DescentOptions {
    int steps = 16;
    double translation = 0.006;  ///< metres in the image plane that count as much as ...
    double depth = 0.006;        ///< ... metres in depth, and as ...
    double angle = 0.25;         ///< ... radians
    double rate = 0.35;          ///< of those, per step
    double decay = 0.9;          ///< of the rate, per step
};

/// One grasp's way down.
struct DescentStep {
    PlanarGrasp grasp;
    double energy;
};

/// Descends E from every grasp and leaves each at the lowest energy that it visited; returns these energies.
/// `project` (if any) moves a grasp to the nearest admissible one after each step. `trace` (if any) receives, per
/// grasp, the steps + 1 grasps visited.
std::vector<double> descend(const EncodedView& view, const CameraIntrinsics& camera, std::span<PlanarGrasp> grasps,
                            const DescentOptions& options, const std::function<void(PlanarGrasp&)>& project = {},
                            std::vector<std::vector<DescentStep>>* trace = nullptr);

}  // namespace ebgrasp
