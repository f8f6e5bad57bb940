#include "ebgrasp/simulation/trial.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/simulation/gripper_world.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

constexpr double approach_time = 0.25, close_time = 1.0, lift_time = 0.45, shake_time = 0.6;  // seconds
constexpr double collision_force = 2.0;                                                       // newtons on the gripper
constexpr double collision_shift = 0.003;                 // metres by which an object is pushed away
constexpr double collision_overlap = 0.0005;              // metres, before the approach
constexpr double closed_speed = 0.002;                    // m/s of the jaws
constexpr double closed_time = 0.02;                      // seconds at most that speed
constexpr double loss_time = 0.05;                        // seconds without both fingers on the object
constexpr double min_lift = 0.5;                          // share of the lift height by which the object must rise
constexpr double max_tilt = 60 * std::numbers::pi / 180;  // radians between the approach and straight down
constexpr double frame_interval = 0.04;                   // seconds

/// Peak accelerations along and about each axis that is shaken: m/s^2 and rad/s^2.
struct Shake {
    double linear, angular;
};
constexpr std::array<Shake, 4> shakes = {{{0, 0}, {2.5, 25}, {5, 50}, {10, 100}}};
constexpr std::array<double, 6> shake_frequencies = {5, 6.5, 0, 4, 5.5, 7};  // Hz along and about x, y, z of G
constexpr double shake_ramp = 0.15;                                          // seconds to begin and to end

using Path = std::function<Displacement(double time)>;

/// From 0 to 1 without speed or acceleration at either end.
double smooth_step(double s) { return s * s * s * (10 - 15 * s + 6 * s * s); }

/// From `from` to `to` in `duration` seconds.
Path straight(const Displacement& from, const Displacement& to, double duration) {
    return
        [=](double time) -> Displacement { return from + smooth_step(std::min(1.0, time / duration)) * (to - from); };
}

Path shaking(const Displacement& center, const Shake& shake) {
    return [=](double time) {
        const double strength = smooth_step(std::clamp(std::min(time, shake_time - time) / shake_ramp, 0.0, 1.0));
        Displacement d = center;
        for (int axis = 0; axis < 6; ++axis) {
            const double omega = 2 * std::numbers::pi * shake_frequencies[std::size_t(axis)];
            const double acceleration = axis < 3 ? shake.linear : shake.angular;
            if (omega > 0) d[axis] += strength * acceleration / (omega * omega) * std::sin(omega * time);
        }
        return d;
    };
}

std::vector<double> masses(std::span<const PosedObject> objects, const TrialOptions& options) {
    std::vector<double> all;
    for (const PosedObject& posed : objects)
        all.push_back(options.mass > 0 ? options.mass : options.density * posed.object->mass.volume);
    return all;
}

Displacement shift(const Vector3d& v_G) {
    Displacement d = Displacement::Zero();
    d.head<3>() = v_G;
    return d;
}

}  // namespace

void TrialOptions::validate() const {
    const auto in_range = [](const char* name, double value, double low, double high) {
        require(value >= low && value <= high, name, " is ", value, ": give ", low, " to ", high);
    };
    in_range("closing_force", closing_force, 0.1, 5000);
    in_range("mass", mass, 0, 100);
    in_range("density", density, 1, 1e5);
    in_range("object_friction", object_friction, 0.01, 10);
    in_range("approach_distance", approach_distance, 0, 0.5);
    in_range("lift_height", lift_height, 0.02, 1);
    in_range("shake_level", shake_level, 0, 3);
    in_range("workspace", workspace, 0.01, 5);
}

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::success:
            return "success";
        case Outcome::collision:
            return "collision";
        case Outcome::empty:
            return "empty";
        case Outcome::slipped:
            return "slipped";
        case Outcome::dropped:
            return "dropped";
        case Outcome::out_of_reach:
            return "out_of_reach";
    }
    fail("no outcome has the number ", int(outcome));
}

struct TrialWorld::World {
    World(std::span<const PosedObject> objects, const Gripper& gripper, const TrialOptions& options);

    TrialResult run(const Isometry3d& X_WG, double opening);
    Outcome execute(const Isometry3d& X_WG, double opening);
    bool reachable(const Isometry3d& X_WG) const;
    // The phases; each says whether the next one follows.
    bool approach(const Isometry3d& X_WG, double opening);
    bool close();
    bool lift(const Displacement& raised);
    bool shake(const Displacement& raised);

    /// Follows `path` with the object in the jaws; false once it is lost.
    bool carry(const Path& path, double duration);
    void advance(const Displacement& target);
    /// The weaker finger's force on an object, newtons.
    double grip(std::size_t i) const { return std::ranges::min(physics.finger_forces(i)); }
    bool pushed_away() const;

    Gripper gripper;
    TrialOptions options;
    GripperWorld physics;
    std::vector<Isometry3d> start;
    std::vector<Vector3d> centers;  ///< of mass, at the start

    std::function<void(const TrialFrame&)> on_frame;
    std::string_view phase;
    std::optional<std::size_t> held;  ///< the object that both fingers touched when they had closed
    long steps = 0;
};

TrialWorld::World::World(std::span<const PosedObject> objects, const Gripper& gripper_, const TrialOptions& options_)
    : gripper(gripper_),
      options(options_),
      physics(objects, masses(objects, options_), gripper_, options_.object_friction) {
    for (const PosedObject& posed : objects) {
        start.push_back(posed.X_WO);
        centers.push_back(posed.X_WO * posed.object->mass.center_of_mass_O);
    }
}

TrialResult TrialWorld::World::run(const Isometry3d& X_WG, double opening) {
    held.reset();
    steps = 0;
    if (!reachable(X_WG)) return {Outcome::out_of_reach, -1, start, 0};
    const Outcome outcome = execute(X_WG, opening);
    const int object = held ? static_cast<int>(*held) : -1;
    if (!physics.sound()) return {outcome, object, start, physics.time()};  // nobody knows where they are
    return {outcome, object, physics.poses(), physics.time()};
}

Outcome TrialWorld::World::execute(const Isometry3d& X_WG, double opening) {
    const Displacement raised = shift(options.lift_height * X_WG.linear().transpose() * Vector3d::UnitZ());
    if (!approach(X_WG, opening)) return Outcome::collision;
    if (!close()) return Outcome::empty;
    if (!lift(raised)) return Outcome::slipped;
    if (!shake(raised)) return Outcome::dropped;
    return Outcome::success;
}

bool TrialWorld::World::reachable(const Isometry3d& X_WG) const {
    return X_WG.translation().norm() <= options.workspace && -X_WG.linear()(2, 2) >= std::cos(max_tilt);
}

bool TrialWorld::World::approach(const Isometry3d& X_WG, double opening) {
    phase = "approach";
    const Displacement back = shift(-options.approach_distance * Vector3d::UnitZ());
    physics.reset(start, X_WG, back, opening);
    if (physics.gripper_overlap() > collision_overlap) return false;
    const Path path = straight(back, Displacement::Zero(), approach_time);
    bool touched = false;
    for (double time = 0; time < approach_time; time += PhysicsWorld::time_step) {
        advance(path(time + PhysicsWorld::time_step));
        touched = touched || physics.gripper_force() > 0;
        if (physics.gripper_force() > collision_force || (touched && pushed_away())) return false;
    }
    return true;
}

bool TrialWorld::World::close() {
    phase = "close";
    physics.close(std::min(options.closing_force, gripper.max_force));
    double still = 0;
    for (double time = 0; time < close_time && still < closed_time; time += PhysicsWorld::time_step) {
        advance(Displacement::Zero());
        still = std::abs(physics.jaw_speed()) < closed_speed ? still + PhysicsWorld::time_step : 0;
    }
    for (std::size_t i = 0; i < start.size(); ++i)
        if (grip(i) > (held ? grip(*held) : 0)) held = i;
    return held.has_value();
}

bool TrialWorld::World::lift(const Displacement& raised) {
    phase = "lift";
    return carry(straight(Displacement::Zero(), raised, lift_time), lift_time) &&
           physics.center_of_mass(*held).z() - centers[*held].z() >= min_lift * options.lift_height;
}

bool TrialWorld::World::shake(const Displacement& raised) {
    phase = "shake";
    return options.shake_level == 0 || carry(shaking(raised, shakes[std::size_t(options.shake_level)]), shake_time);
}

bool TrialWorld::World::carry(const Path& path, double duration) {
    double lost = 0;
    for (double time = 0; time < duration; time += PhysicsWorld::time_step) {
        advance(path(time + PhysicsWorld::time_step));
        lost = grip(*held) > 0 ? 0 : lost + PhysicsWorld::time_step;
        if (lost > loss_time) return false;
    }
    return true;
}

void TrialWorld::World::advance(const Displacement& target) {
    physics.advance(target);
    constexpr auto steps_per_frame = static_cast<long>(frame_interval / PhysicsWorld::time_step + 0.5);
    if (on_frame && steps++ % steps_per_frame == 0)
        on_frame({physics.time(), physics.poses(), physics.X_WG(), physics.opening(), phase});
}

bool TrialWorld::World::pushed_away() const {
    for (std::size_t i = 0; i < centers.size(); ++i)
        if ((physics.center_of_mass(i) - centers[i]).norm() > collision_shift) return true;
    return false;
}

TrialWorld::TrialWorld(std::span<const PosedObject> objects, const Gripper& gripper, const TrialOptions& options) {
    gripper.validate("gripper " + gripper.name);
    options.validate();
    for (const PosedObject& posed : objects)
        require(posed.object != nullptr && posed.X_WO.matrix().allFinite(), "an object or its pose is missing");
    world_ = std::make_unique<World>(objects, gripper, options);
}

TrialWorld::~TrialWorld() = default;
TrialWorld::TrialWorld(TrialWorld&&) noexcept = default;

TrialResult TrialWorld::run(const Isometry3d& X_WG, double opening,
                            const std::function<void(const TrialFrame&)>& on_frame) {
    require(X_WG.matrix().allFinite(), "the grasp pose is not finite");
    require(opening >= 0, "the opening is ", opening, " m: give 0 (the widest) or more");
    const Gripper& gripper = world_->gripper;
    world_->on_frame = on_frame;
    return world_->run(
        X_WG, opening > 0 ? std::clamp(opening, gripper.min_opening, gripper.max_opening) : gripper.max_opening);
}

}  // namespace ebgrasp
