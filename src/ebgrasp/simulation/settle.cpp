#include "ebgrasp/simulation/settle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <mujoco/mujoco.h>
#include <span>
#include <string>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"

namespace ebgrasp {
namespace {

constexpr double time_step = 0.002;       // seconds
constexpr double rest_window = 0.25;      // seconds
constexpr double rest_distance = 0.0005;  // metres within the window
constexpr double max_overlap = 0.001;     // metres
constexpr double parking_height = 10.0;   // metres above the table, one metre per object that waits for its release

struct Delete {
    void operator()(mjModel* model) const { mj_deleteModel(model); }
    void operator()(mjData* data) const { mj_deleteData(data); }
    void operator()(mjVFS* files) const {
        mj_deleteVFS(files);
        delete files;
    }
};
using Model = std::unique_ptr<mjModel, Delete>;
using Data = std::unique_ptr<mjData, Delete>;

/// Without handlers of ours MuJoCo ends the process on errors and writes a log file on warnings.
void install_handlers() {
    static const bool installed = [] {
        mju_user_error = [](const char* message) { fail("MuJoCo: ", message); };
        mju_user_warning = [](const char* message) { debug("MuJoCo: {}", message); };
        return true;
    }();
    static_cast<void>(installed);
}

Model compile(const std::string& xml) {
    const std::unique_ptr<mjVFS, Delete> files(new mjVFS);  // 2 MB: not for the stack
    mj_defaultVFS(files.get());
    constexpr const char* name = "world.xml";
    require(mj_makeEmptyFileVFS(files.get(), name, static_cast<int>(xml.size())) == 0, "MuJoCo: out of memory");
    std::ranges::copy(xml, static_cast<char*>(files->filedata[0]));
    char message[1000] = "";
    Model model(mj_loadXML(name, files.get(), message, sizeof message));
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
std::string body_xml(std::size_t index, const Object& object, double density) {
    const double mass = density * object.mass.volume;
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

/// Four planes around the origin that face inwards; MuJoCo's planes are solid behind.
std::string walls_xml(double distance) {
    std::string text;
    for (const auto& [x, y] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}})
        text += fmt::format("<geom type=\"plane\" size=\"1 1 1\" pos=\"{} {} 0\" zaxis=\"{} {} 0\"/>\n", x * distance,
                            y * distance, -x, -y);
    return text;
}

/// Settings: elliptic cones, impratio and noslip keep friction from creeping; multiccd gives faces that lie on each
/// other more than one contact point; condim 4 adds torsional friction. njmax and nconmax are kept small, since MuJoCo
/// allocates and clears memory of njmax squared.
std::string world_xml(std::span<const PosedObject> objects, const SettleOptions& options) {
    std::string assets, bodies;
    std::size_t parts = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const Object& object = *objects[i].object;
        for (std::size_t part = 0; part < object.parts.size(); ++part)
            assets += mesh_xml(mesh_name(i, part), object.parts[part]);
        bodies += body_xml(i, object, options.density);
        parts += object.parts.size();
    }
    const std::size_t max_contacts = 50 + 25 * objects.size() + 3 * parts, rows_per_contact = 4;
    return fmt::format(R"(<mujoco>
<compiler balanceinertia="true" boundmass="1e-6" boundinertia="1e-12"/>
<size njmax="{}" nconmax="{}"/>
<option timestep="{}" solver="Newton" iterations="30" cone="elliptic" impratio="10" noslip_iterations="3">
<flag multiccd="enable"/></option>
<default><geom condim="4" friction="{} 0.005 0.0001" solref="0.01 1" solimp="0.95 0.99 0.001"/></default>
<asset>
{}</asset>
<worldbody>
<geom type="plane" size="1 1 1"/>
{}{}</worldbody>
</mujoco>)",
                       rows_per_contact * max_contacts, max_contacts, time_step, options.friction, assets,
                       options.walls > 0 ? walls_xml(options.walls) : "", bodies);
}

class World {
  public:
    World(std::span<const PosedObject> objects, const SettleOptions& options)
        : model_(compile(world_xml(objects, options))), data_(mj_makeData(model_.get())) {
        for (const PosedObject& posed : objects) {
            double radius = 0;
            for (const ConvexPart& part : posed.object->parts)
                for (const Eigen::Vector3d& v : part.vertices) radius = std::max(radius, v.norm());
            radii_.push_back(radius);
        }
    }

    std::vector<Eigen::Isometry3d> poses() const {
        std::vector<Eigen::Isometry3d> X_WO;
        for (std::size_t i = 0; i < radii_.size(); ++i) {
            const mjtNum* q = qpos(i);
            X_WO.push_back(Eigen::Translation3d(q[0], q[1], q[2]) *
                           Eigen::Quaterniond(q[3], q[4], q[5], q[6]).normalized());
        }
        return X_WO;
    }

    /// Puts object i, at rest, into a pose.
    void place(std::size_t i, const Eigen::Isometry3d& X_WO) {
        const Eigen::Quaterniond rotation(X_WO.linear());
        const Eigen::Vector3d& p = X_WO.translation();
        std::ranges::copy(std::array{p.x(), p.y(), p.z(), rotation.w(), rotation.x(), rotation.y(), rotation.z()},
                          qpos(i));
        std::fill_n(data_->qvel + 6 * i, 6, 0.0);
        std::fill_n(data_->qacc_warmstart + 6 * i, 6, 0.0);
    }

    /// Advances by `duration` seconds. The objects from `released` on wait high above the table.
    void advance(double duration, std::size_t released) {
        const auto steps = std::lround(duration / time_step);
        for (long step = 0; step < steps; ++step) {
            for (std::size_t i = released; i < radii_.size(); ++i) park(i);
            mj_step(model_.get(), data_.get());
        }
    }

    void remove_walls() {
        for (int geom = 1; geom < model_->body_geomnum[0]; ++geom)  // of the world's geoms the first is the table
            model_->geom_contype[geom] = model_->geom_conaffinity[geom] = 0;
    }

    /// Advances until no object moves; false if that takes more than `max_time` seconds.
    bool come_to_rest(double max_time) {
        for (double time = 0; time < max_time; time += rest_window) {
            const auto before = poses();
            advance(rest_window, radii_.size());
            if (movement_since(before) <= rest_distance) return true;
        }
        return false;
    }

    /// Whether the result can be believed: no deep overlaps, and no warning on the way (an explosion, or more contacts
    /// than there is room for).
    bool sound() {
        mj_forward(model_.get(), data_.get());
        const std::span contacts(data_->contact, static_cast<std::size_t>(data_->ncon));
        return std::ranges::all_of(data_->warning, [](const mjWarningStat& w) { return w.number == 0; }) &&
               std::ranges::all_of(contacts, [](const mjContact& c) { return c.dist >= -max_overlap; });
    }

  private:
    /// No point of an object is farther than this from where it was; metres.
    double movement_since(const std::vector<Eigen::Isometry3d>& before) const {
        const auto now = poses();
        double most = 0;
        for (std::size_t i = 0; i < now.size(); ++i) {
            const double turn = Eigen::AngleAxisd(before[i].linear().transpose() * now[i].linear()).angle();
            const double shift = (now[i].translation() - before[i].translation()).norm();
            most = std::max(most, shift + radii_[i] * turn);
        }
        return most;
    }

    mjtNum* qpos(std::size_t i) const { return data_->qpos + 7 * i; }
    void park(std::size_t i) {
        place(i, Eigen::Isometry3d(Eigen::Translation3d(0, 0, parking_height + static_cast<double>(i))));
    }

    Model model_;
    Data data_;
    std::vector<double> radii_;  ///< of each object about its origin
};

}  // namespace

void SettleOptions::validate() const {
    const auto in_range = [](const char* name, double value, double low, double high) {
        require(value >= low && value <= high, name, " is ", value, ": give ", low, " to ", high);
    };
    in_range("walls", walls, 0, 5);
    in_range("release_interval", release_interval, 0, 10);
    in_range("max_time", max_time, rest_window, 100);
    in_range("friction", friction, 0.01, 10);
    in_range("density", density, 1, 1e5);
}

std::optional<std::vector<Eigen::Isometry3d>> settle(std::span<const PosedObject> objects,
                                                     const SettleOptions& options) {
    options.validate();
    for (const PosedObject& posed : objects)
        require(posed.object != nullptr && posed.X_WO.matrix().allFinite(),
                "an object to settle or its pose is missing");
    if (objects.empty()) return std::vector<Eigen::Isometry3d>{};
    install_handlers();

    World world(objects, options);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        world.place(i, objects[i].X_WO);
        if (options.release_interval > 0) world.advance(options.release_interval, i + 1);
    }
    if (!world.come_to_rest(options.max_time)) return std::nullopt;
    if (options.walls > 0) {
        world.remove_walls();
        if (!world.come_to_rest(options.max_time)) return std::nullopt;
    }
    if (!world.sound()) return std::nullopt;
    return world.poses();
}

}  // namespace ebgrasp
