// Descending the energy.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "ebgrasp/energy/energy_model.hpp"

namespace ebgrasp {

/// How a grasp moves in scaled coordinates, S = diag(translation, translation, depth, angle).
enum class Search {
    gradient,  ///< y <- y - rate S (S g) / |S g|: a step's length does not depend on the energy's unknown scale
    langevin,  ///< the same plus rate * noise * S n, n normal, the noise falling linearly to 0: annealed Langevin
               ///< dynamics (Welling and Teh, 2011) with normalised gradients
    derivative_free,  ///< y' = y + rate S n, kept if its energy is lower: a (1 + 1) evolution strategy
};

/// How grasps descend.
struct DescentOptions {
    Search search = Search::gradient;  ///< what moves a grasp
    int steps = 16;                    ///< that each grasp takes
    double translation = 0.006;        ///< metres in the image plane that count as much as ...
    double depth = 0.006;              ///< ... metres in depth, and as ...
    double angle = 0.25;               ///< ... radians
    double rate = 0.35;                ///< of those, per step
    double decay = 0.9;                ///< of the rate, per step
    double noise = 0.5;                ///< of langevin, at the first step
    std::uint64_t seed = 0;            ///< of the random moves; grasp i draws from RandomStream(seed, i)
};

/// One grasp's way down.
struct DescentStep {
    PlanarGrasp grasp;  ///< where it was
    double energy;      ///< there
};

/// Descends E, or searches it otherwise, from every grasp and leaves each at the lowest energy that it visited; returns
/// these energies. `project` (if any) moves a grasp to the nearest admissible one after each step. `trace` (if any)
/// receives, per grasp, the steps + 1 grasps visited.
std::vector<double> descend(const EncodedView& view, const CameraIntrinsics& camera, std::span<PlanarGrasp> grasps,
                            const DescentOptions& options, const std::function<void(PlanarGrasp&)>& project = {},
                            std::vector<std::vector<DescentStep>>* trace = nullptr);

}  // namespace ebgrasp
