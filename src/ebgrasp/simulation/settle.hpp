// Objects fall onto the table and come to rest (MuJoCo).
#pragma once

#include <Eigen/Geometry>
#include <optional>
#include <span>
#include <vector>

#include "ebgrasp/geometry/render.hpp"

namespace ebgrasp {

struct SettleOptions {
    double walls = 0;             ///< metres from the origin to each of four vertical walls, which are taken away once
                                  ///< the objects rest, so that they come to rest again; 0: no walls
    double release_interval = 0;  ///< seconds between the moments at which one object after the other is let go; until
                                  ///< then it is not there. 0: all at once
    double max_time = 5.0;        ///< seconds that the objects may take to come to rest (each time)
    double friction = 0.5;        ///< Coulomb coefficient of every contact
    double density = 500.0;       ///< kg/m^3; only ratios of masses matter

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};

/// Lets `objects` go from their poses X_WO above the table z = 0, without initial speed, and returns the poses X_WO in
/// which they come to rest, in the same order. At rest: no point of any object moves by more than 0.5 mm in 0.25 s.
/// Nothing if they do not come to rest in time, or if they then overlap each other or the table by more than 1 mm, as
/// after a start inside each other. Bitwise deterministic; thread-safe. Throws Error for an object that has no mass or
/// that MuJoCo cannot take, and for a pose that is not finite.
std::optional<std::vector<Eigen::Isometry3d>> settle(std::span<const PosedObject> objects,
                                                     const SettleOptions& options = {});

/// settle() of objects let go one after the other between walls: how the piles of generated data come about.
std::optional<std::vector<Eigen::Isometry3d>> settle_pile(std::span<const PosedObject> objects, double walls);

}  // namespace ebgrasp
