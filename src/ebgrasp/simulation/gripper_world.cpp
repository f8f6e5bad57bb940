#include "ebgrasp/simulation/gripper_world.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <mujoco/mujoco.h>
#include <string>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

constexpr double gravity = 9.81;            // m/s^2
constexpr double arm_mass = 10.0;           // kg; nothing that is grasped moves it off its path
constexpr double arm_inertia = 0.1;         // kg m^2
constexpr double finger_mass = 0.1;         // kg
constexpr double free_jaw_speed = 0.15;     // m/s of each finger that meets nothing: damping takes up the force
constexpr int left_jaw = 6, right_jaw = 7;  // coordinates of the gripper, after the arm's six
constexpr double pad_torsion = 0.0025;      // metres, times the normal force: the turning moment that one contact bears

std::string box_xml(const Vector3d& center, const Vector3d& half, double friction) {
    return fmt::format(
        "<geom type=\"box\" pos=\"{} {} {}\" size=\"{} {} {}\" contype=\"2\" priority=\"1\""
        " friction=\"{} {} 1e-4\"/>\n",
        center.x(), center.y(), center.z(), half.x(), half.y(), half.z(), friction, pad_torsion);
}

/// A finger that opens along `side` times x, with its pad at 0. It is a grid of 2 x 2 boxes, since MuJoCo finds one
/// contact between a box and a mesh, and a flat face that is held at one point turns and slips.
std::string finger_xml(const char* name, int side, const Gripper& gripper) {
    const Gripper::Box finger = gripper.boxes(0)[1];
    const Vector3d half = finger.half_size.cwiseProduct(Vector3d(1, 0.5, 0.5));
    std::string boxes;
    for (const int y : {-1, 1})
        for (const int z : {-1, 1})
            boxes += box_xml({side * half.x(), y * half.y(), finger.center_G.z() + z * half.z()}, half,
                             gripper.pad_friction);
    return fmt::format(
        "<body><inertial pos=\"0 0 0\" mass=\"{}\" diaginertia=\"1e-4 1e-4 1e-4\"/>"
        "<joint name=\"{}\" type=\"slide\" axis=\"{} 0 0\" limited=\"true\" range=\"{} {}\"/>\n{}</body>\n",
        finger_mass, name, side, gripper.min_opening / 2, gripper.max_opening / 2, boxes);
}

/// A stand that is put where the grasp is; on it the arm, which slides along and turns about the axes of G; on the arm
/// the palm and the fingers, which mirror each other.
WorldExtras gripper_extras(const Gripper& gripper) {
    std::string joints;
    for (const char* type : {"slide", "hinge"})
        for (const char* axis : {"1 0 0", "0 1 0", "0 0 1"})
            joints += fmt::format("<joint type=\"{}\" axis=\"{}\"/>\n", type, axis);
    const Gripper::Box palm = gripper.boxes(0)[2];
    return {.bodies =
                fmt::format("<body mocap=\"true\"><body>\n"
                            "<inertial pos=\"0 0 0\" mass=\"{0}\" diaginertia=\"{1} {1} {1}\"/>\n"
                            "{2}{3}{4}{5}</body></body>\n",
                            arm_mass, arm_inertia, joints, box_xml(palm.center_G, palm.half_size, gripper.pad_friction),
                            finger_xml("left", -1, gripper), finger_xml("right", 1, gripper)),
            // The solver stops when it gains little for a body of this inertia: the objects', not the arm's.
            .sections =
                "<statistic meaninertia=\"0.1\"/>\n"
                "<equality><joint joint1=\"left\" joint2=\"right\" solref=\"0.004 1\"/></equality>\n",
            .max_contacts = 60};
}

}  // namespace

GripperWorld::GripperWorld(std::span<const PosedObject> objects, std::span<const double> masses, const Gripper& gripper,
                           double friction)
    : PhysicsWorld(objects, masses, friction, gripper_extras(gripper)), finger_forces_(objects.size()) {
    mju_zero3(model().opt.gravity);
}

void GripperWorld::reset(std::span<const Isometry3d> X_WO, const Isometry3d& X_WG, const Displacement& displacement,
                         double opening) {
    mj_resetData(&model(), &data());
    for (std::size_t i = 0; i < object_count(); ++i) {
        place(i, X_WO[i]);
        const std::size_t body = 1 + i;
        data().xfrc_applied[6 * body + 2] = -gravity * model().body_mass[body];
    }
    const Eigen::Quaterniond rotation(X_WG.linear());
    std::copy_n(X_WG.translation().data(), 3, data().mocap_pos);
    std::ranges::copy(std::array{rotation.w(), rotation.x(), rotation.y(), rotation.z()}, data().mocap_quat);
    std::copy_n(displacement.data(), 6, gripper_qpos());
    std::fill_n(gripper_qpos() + left_jaw, 2, opening / 2);
    held_opening_ = opening;
    close(0);
    mj_forward(&model(), &data());
    read_contacts();
}

void GripperWorld::advance(const Displacement& displacement) {
    for (int i = 0; i < 3; ++i) drive(i, arm_mass + 2 * finger_mass, displacement[i]);
    for (int i = 3; i < 6; ++i) drive(i, arm_inertia, displacement[i]);
    for (int jaw : {left_jaw, right_jaw}) {
        if (closing_force_ > 0)
            data().qfrc_applied[gripper_dof() + jaw] = -closing_force_;
        else
            drive(jaw, finger_mass, held_opening_ / 2);
    }
    step();
    read_contacts();
}

void GripperWorld::close(double force) {
    closing_force_ = force;
    for (int jaw : {left_jaw, right_jaw}) model().dof_damping[gripper_dof() + jaw] = force / free_jaw_speed;
}

Isometry3d GripperWorld::X_WG() const {
    const mjtNum *p = data().mocap_pos, *r = data().mocap_quat, *q = gripper_qpos();
    return Eigen::Translation3d(p[0], p[1], p[2]) * Eigen::Quaterniond(r[0], r[1], r[2], r[3]) *
           Eigen::Translation3d(q[0], q[1], q[2]) * Eigen::AngleAxisd(q[3], Vector3d::UnitX()) *
           Eigen::AngleAxisd(q[4], Vector3d::UnitY()) * Eigen::AngleAxisd(q[5], Vector3d::UnitZ());
}

double GripperWorld::opening() const { return gripper_qpos()[left_jaw] + gripper_qpos()[right_jaw]; }

double GripperWorld::jaw_speed() const {
    const mjtNum* speed = data().qvel + gripper_dof();
    return -(speed[left_jaw] + speed[right_jaw]) / 2;
}

double GripperWorld::time() const { return data().time; }

double* GripperWorld::gripper_qpos() const { return data().qpos + 7 * object_count(); }

/// The force by which a free body reaches `target` in one step, with the speed that this takes.
void GripperWorld::drive(int coordinate, double inertia, double target) {
    const double speed = (target - gripper_qpos()[coordinate]) / time_step;
    const int dof = gripper_dof() + coordinate;
    data().qfrc_applied[dof] = inertia * (speed - data().qvel[dof]) / time_step;
}

void GripperWorld::read_contacts() {
    const int objects = static_cast<int>(object_count());
    const int arm = objects + 2, left = arm + 1;  // the table is body 0, the stand is objects + 1
    std::ranges::fill(finger_forces_, std::array{0.0, 0.0});
    gripper_force_ = gripper_overlap_ = 0;
    for (int i = 0; i < data().ncon; ++i) {
        const mjContact& contact = data().contact[i];
        const int a = model().geom_bodyid[contact.geom1], b = model().geom_bodyid[contact.geom2];
        const int gripper = std::max(a, b), other = std::min(a, b);
        if (gripper < arm) continue;
        mjtNum force[6];
        mj_contactForce(&model(), &data(), i, force);
        gripper_force_ += force[0];
        gripper_overlap_ = std::max(gripper_overlap_, -contact.dist);
        if (gripper >= left && other > 0)
            finger_forces_[std::size_t(other - 1)][std::size_t(gripper - left)] += force[0];
    }
}

}  // namespace ebgrasp
