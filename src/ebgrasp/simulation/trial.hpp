// One grasp executed in physics: does it hold?
//
// Pre-grasp `approach_distance` back along the approach, approach with the jaws at the planned opening, close at
// limited force, lift straight up, shake. docs/simulation.md gives the reasons for the numbers.
#pragma once

#include <Eigen/Geometry>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ebgrasp/geometry/render.hpp"
#include "ebgrasp/grasp/gripper.hpp"

namespace ebgrasp {

struct TrialOptions {
    double closing_force = 10.0;      ///< newtons per finger at most; never more than the gripper's
    double mass = 0.3;                ///< kilograms of each object; 0: by density
    double density = 500.0;           ///< kg/m^3 of the objects, with mass 0
    double object_friction = 0.5;     ///< between objects and table; the pads' is the gripper's
    double approach_distance = 0.05;  ///< metres
    double lift_height = 0.20;        ///< metres
    int shake_level = 2;              ///< 0 none, 1 gentle, 2 normal, 3 hard: amplitudes in docs/simulation.md
    double workspace = 0.5;           ///< metres from the origin beyond which a grasp is out of reach

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};

enum class Outcome : std::uint8_t {
    success,       ///< both fingers still touch the object, which came along
    collision,     ///< something was in the way of the approach
    empty,         ///< the jaws closed without an object between them
    slipped,       ///< the object was lost on the lift
    dropped,       ///< ... or while shaken
    out_of_reach,  ///< the grasp lies outside the workspace, or the gripper cannot open or stand that way
};
std::string_view to_string(Outcome outcome);

/// A moment of a trial, for pictures.
struct TrialFrame {
    double time;  ///< seconds
    std::vector<Eigen::Isometry3d> X_WO;
    Eigen::Isometry3d X_WG;
    double opening;          ///< metres
    std::string_view phase;  ///< "approach", "close", "lift", "shake"
};

struct TrialResult {
    Outcome outcome = Outcome::out_of_reach;
    int object = -1;  ///< index of the object that was between the fingers when they had closed; -1: none
    std::vector<Eigen::Isometry3d> X_WO;  ///< where all objects are when the trial ends
    double seconds = 0;                   ///< simulated
};

/// A scene at rest, ready for any number of trials, each of which starts from the same state. Trials are bitwise
/// deterministic. Not thread-safe: one world per thread.
class TrialWorld {
  public:
    /// Objects at rest on the table z = 0. Throws Error for objects that have no mass or that MuJoCo cannot take.
    TrialWorld(std::span<const PosedObject> objects, const Gripper& gripper, const TrialOptions& options = {});
    ~TrialWorld();
    TrialWorld(TrialWorld&&) noexcept;

    /// Executes the grasp pose X_WG with the jaws `opening` apart on approach (0: the widest). `on_frame` is called
    /// 25 times per simulated second.
    TrialResult run(const Eigen::Isometry3d& X_WG, double opening,
                    const std::function<void(const TrialFrame&)>& on_frame = {});

  private:
    struct World;
    std::unique_ptr<World> world_;
};

}  // namespace ebgrasp
