// What the worlds of this room share: objects as free bodies on a table, in MuJoCo. An internal header.
#pragma once

#include <Eigen/Geometry>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/geometry/render.hpp"

struct mjModel_;
struct mjData_;

namespace ebgrasp {

/// What a world holds beside the table and the objects, as MJCF.
struct WorldExtras {
    std::string bodies = {};       ///< inside `<worldbody>`, after the objects
    std::string sections = {};     ///< after `<worldbody>`
    std::size_t max_contacts = 0;  ///< room for so many more contacts
};

/// Geom 0 is the table, z = 0. Body 1 + i and the coordinates from qpos[7 i] and qvel[6 i] are object i's,
/// whose frame is the body's.
class PhysicsWorld {
  public:
    static constexpr double time_step = 0.002;  ///< seconds

    /// `masses` are the objects' (kilograms), `friction` is the Coulomb coefficient of every contact. The objects wait
    /// high above the table, wherever they are posed. Throws Error for an object that has no mass or that MuJoCo cannot
    /// take.
    PhysicsWorld(std::span<const PosedObject> objects, std::span<const double> masses, double friction,
                 const WorldExtras& extras = {});

    mjModel_& model() const { return *model_; }
    mjData_& data() const { return *data_; }
    std::size_t object_count() const { return objects_; }

    std::vector<Eigen::Isometry3d> poses() const;
    /// As of the beginning of the last step.
    Eigen::Vector3d center_of_mass(std::size_t i) const;
    /// Puts object i, at rest, into a pose.
    void place(std::size_t i, const Eigen::Isometry3d& X_WO);
    /// Puts object i where it waits.
    void park(std::size_t i);
    /// Advances by one time step.
    void step();
    /// Whether the state can be believed: no warning so far (an explosion, or more contacts than there is room for).
    bool sound() const;

  private:
    struct Delete {
        void operator()(mjModel_* model) const;
        void operator()(mjData_* data) const;
    };
    std::size_t objects_;
    std::unique_ptr<mjModel_, Delete> model_;
    std::unique_ptr<mjData_, Delete> data_;
};

}  // namespace ebgrasp
