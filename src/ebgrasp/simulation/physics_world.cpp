#include "ebgrasp/simulation/physics_world.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <mujoco/mujoco.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"

namespace ebgrasp {
namespace {

constexpr double parking_height = 10.0;  // metres above the table, one metre per object that waits

/// Without handlers of ours MuJoCo ends the process on errors and writes a log file on warnings.
void install_handlers() {
    static const bool installed = [] {
        mju_user_error = [](const char* message) { fail("MuJoCo: ", message); };
        mju_user_warning = [](const char* message) { debug("MuJoCo: {}", message); };
        return true;
    }();
    static_cast<void>(installed);
}

mjModel* compile(const std::string& xml) {
    install_handlers();
    struct DeleteFiles {
        void operator()(mjVFS* files) const {
            mj_deleteVFS(files);
            delete files;
        }
    };
    const std::unique_ptr<mjVFS, DeleteFiles> files(new mjVFS);  // 2 MB: not for the stack
    mj_defaultVFS(files.get());
    constexpr const char* name = "world.xml";
    require(mj_makeEmptyFileVFS(files.get(), name, static_cast<int>(xml.size())) == 0, "MuJoCo: out of memory");
    std::ranges::copy(xml, static_cast<char*>(files->filedata[0]));
    char message[1000] = "";
    mjModel* model = mj_loadXML(name, files.get(), message, sizeof message);
    require(model != nullptr, "MuJoCo cannot take the objects: ", message);
    return model;
}

std::string mesh_name(std::size_t object, std::size_t part) { return fmt::format("{}.{}", object, part); }

/// The vertices of one part; MuJoCo takes their hull.
std::string mesh_xml(const std::string& name, const ConvexPart& part) {
    std::string text = fmt::format("<mesh name=\"{}\" vertex=\"", name);
    for (const Eigen::Vector3d& v : part.vertices)
        fmt::format_to(std::back_inserter(text), "{:.9g} {:.9g} {:.9g} ", v.x(), v.y(), v.z());
    return text + "\"/>\n";
}

/// A free body in its parking place; its frame is the object's.
std::string body_xml(std::size_t index, const Object& object, double mass) {
    require(mass > 0 && std::isfinite(mass), object.name, ": has a mass of ", mass, " kg and cannot be simulated");
    const Eigen::Vector3d& c = object.mass.center_of_mass_O;
    const Eigen::Matrix3d I = mass * object.mass.inertia;
    std::string text = fmt::format(
        "<body pos=\"0 0 {}\"><freejoint/>"
        "<inertial pos=\"{:.9g} {:.9g} {:.9g}\" mass=\"{:.9g}\""
        " fullinertia=\"{:.9g} {:.9g} {:.9g} {:.9g} {:.9g} {:.9g}\"/>\n",
        parking_height + static_cast<double>(index), c.x(), c.y(), c.z(), mass, I(0, 0), I(1, 1), I(2, 2), I(0, 1),
        I(0, 2), I(1, 2));
    for (std::size_t part = 0; part < object.parts.size(); ++part)
        text += fmt::format("<geom type=\"mesh\" mesh=\"{}\"/>\n", mesh_name(index, part));
    return text + "</body>\n";
}

/// Settings: elliptic cones and impratio keep friction from creeping; condim 4 adds torsional friction. njmax and
/// nconmax are kept small, since MuJoCo allocates and clears memory of njmax squared.
std::string world_xml(std::span<const PosedObject> objects, std::span<const double> masses, double friction,
                      const WorldExtras& extras) {
    std::string assets, bodies;
    std::size_t parts = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const Object& object = *objects[i].object;
        for (std::size_t part = 0; part < object.parts.size(); ++part)
            assets += mesh_xml(mesh_name(i, part), object.parts[part]);
        bodies += body_xml(i, object, masses[i]);
        parts += object.parts.size();
    }
    const std::size_t max_contacts = 50 + 25 * objects.size() + 3 * parts + extras.max_contacts, rows_per_contact = 4;
    return fmt::format(R"(<mujoco>
<compiler balanceinertia="true" boundmass="1e-6" boundinertia="1e-12"/>
<size njmax="{}" nconmax="{}"/>
<option timestep="{}" solver="Newton" iterations="30" cone="elliptic" impratio="10"/>
<default><geom condim="4" friction="{} 0.005 0.0001" solref="0.01 1" solimp="0.95 0.99 0.001"/></default>
<asset>
{}</asset>
<worldbody>
<geom type="plane" size="1 1 1"/>
{}{}</worldbody>
{}</mujoco>)",
                       rows_per_contact * max_contacts, max_contacts, PhysicsWorld::time_step, friction, assets, bodies,
                       extras.bodies, extras.sections);
}

}  // namespace

void PhysicsWorld::Delete::operator()(mjModel_* model) const { mj_deleteModel(model); }
void PhysicsWorld::Delete::operator()(mjData_* data) const { mj_deleteData(data); }

PhysicsWorld::PhysicsWorld(std::span<const PosedObject> objects, std::span<const double> masses, double friction,
                           const WorldExtras& extras)
    : objects_(objects.size()),
      model_(compile(world_xml(objects, masses, friction, extras))),
      data_(mj_makeData(model_.get())) {}

std::vector<Eigen::Isometry3d> PhysicsWorld::poses() const {
    std::vector<Eigen::Isometry3d> X_WO;
    for (std::size_t i = 0; i < objects_; ++i) {
        const mjtNum* q = data_->qpos + 7 * i;
        X_WO.push_back(Eigen::Translation3d(q[0], q[1], q[2]) *
                       Eigen::Quaterniond(q[3], q[4], q[5], q[6]).normalized());
    }
    return X_WO;
}

Eigen::Vector3d PhysicsWorld::center_of_mass(std::size_t i) const {
    return Eigen::Vector3d::Map(data_->xipos + 3 * (1 + i));
}

void PhysicsWorld::place(std::size_t i, const Eigen::Isometry3d& X_WO) {
    const Eigen::Quaterniond rotation(X_WO.linear());
    const Eigen::Vector3d& p = X_WO.translation();
    std::ranges::copy(std::array{p.x(), p.y(), p.z(), rotation.w(), rotation.x(), rotation.y(), rotation.z()},
                      data_->qpos + 7 * i);
    std::fill_n(data_->qvel + 6 * i, 6, 0.0);
    std::fill_n(data_->qacc_warmstart + 6 * i, 6, 0.0);
}

void PhysicsWorld::park(std::size_t i) {
    place(i, Eigen::Isometry3d(Eigen::Translation3d(0, 0, parking_height + static_cast<double>(i))));
}

void PhysicsWorld::step() { mj_step(model_.get(), data_.get()); }

bool PhysicsWorld::sound() const {
    return std::ranges::all_of(data_->warning, [](const mjWarningStat& warning) { return warning.number == 0; });
}

}  // namespace ebgrasp
