// Objects on a table and a two-finger gripper that follows a given path. An internal header.
#pragma once

#include <Eigen/Geometry>
#include <array>
#include <span>
#include <vector>

#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/simulation/physics_world.hpp"

namespace ebgrasp {

/// Displacement of the gripper from the grasp pose, in the axes of that pose: metres along x, y, z, then radians about
/// x, y, z.
using Displacement = Eigen::Matrix<double, 6, 1>;

/// The arm follows its path whatever it meets; the jaws close with a limited force. Gravity acts on the objects alone:
/// the arm carries the gripper.
class GripperWorld : public PhysicsWorld {
  public:
    GripperWorld(std::span<const PosedObject> objects, std::span<const double> masses, const Gripper& gripper,
                 double friction);

    /// Objects at rest at `X_WO`, the gripper at rest at `displacement` from X_WG with the jaws `opening` apart.
    void reset(std::span<const Eigen::Isometry3d> X_WO, const Eigen::Isometry3d& X_WG, const Displacement& displacement,
               double opening);
    /// Advances by one time step in which the arm goes to `displacement`. The jaws hold their opening until they are
    /// told to close.
    void advance(const Displacement& displacement);
    /// From now on each finger pushes inwards with `force` newtons.
    void close(double force);

    Eigen::Isometry3d X_WG() const;
    double opening() const;    ///< metres between the pads
    double jaw_speed() const;  ///< m/s of each finger, inwards
    double time() const;       ///< seconds since the reset

    /// Newtons, normal to the contacts, during the last step: of the left and the right finger on object i ...
    const std::array<double, 2>& finger_forces(std::size_t i) const { return finger_forces_[i]; }
    /// ... and of objects and table on the whole gripper.
    double gripper_force() const { return gripper_force_; }
    /// Metres by which the gripper reached into an object or the table.
    double gripper_overlap() const { return gripper_overlap_; }

  private:
    double* gripper_qpos() const;
    int gripper_dof() const { return static_cast<int>(6 * object_count()); }
    void drive(int coordinate, double inertia, double target);
    void read_contacts();

    double held_opening_ = 0, closing_force_ = 0;
    std::vector<std::array<double, 2>> finger_forces_;
    double gripper_force_ = 0, gripper_overlap_ = 0;
};

}  // namespace ebgrasp
