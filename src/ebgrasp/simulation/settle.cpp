#include "ebgrasp/simulation/settle.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <mujoco/mujoco.h>
#include <string>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/simulation/physics_world.hpp"

namespace ebgrasp {
namespace {

constexpr double rest_window = 0.25;      // seconds
constexpr double rest_distance = 0.0005;  // metres within the window
constexpr double max_overlap = 0.001;     // metres

/// Four planes around the origin that face inwards; MuJoCo's planes are solid behind.
std::string walls_xml(double distance) {
    if (distance == 0) return "";
    std::string text;
    for (const auto& [x, y] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}})
        text += fmt::format("<geom type=\"plane\" size=\"1 1 1\" pos=\"{} {} 0\" zaxis=\"{} {} 0\"/>\n", x * distance,
                            y * distance, -x, -y);
    return text;
}

std::vector<double> masses(std::span<const PosedObject> objects, double density) {
    std::vector<double> all;
    for (const PosedObject& posed : objects) all.push_back(density * posed.object->mass.volume);
    return all;
}

/// Walls; no creeping whatever time it takes to come to rest (noslip); more than one contact point between faces that
/// lie on each other (multiccd).
WorldExtras settling_extras(const SettleOptions& options) {
    return {.bodies = walls_xml(options.walls),
            .sections = "<option noslip_iterations=\"3\"><flag multiccd=\"enable\"/></option>\n"};
}

class SettlingWorld : public PhysicsWorld {
  public:
    SettlingWorld(std::span<const PosedObject> objects, const SettleOptions& options)
        : PhysicsWorld(objects, masses(objects, options.density), options.friction, settling_extras(options)) {
        for (const PosedObject& posed : objects) {
            double radius = 0;
            for (const ConvexPart& part : posed.object->parts)
                for (const Eigen::Vector3d& v : part.vertices) radius = std::max(radius, v.norm());
            radii_.push_back(radius);
        }
    }

    /// Advances by `duration` seconds. The objects from `released` on wait high above the table.
    void advance(double duration, std::size_t released) {
        const auto steps = std::lround(duration / time_step);
        for (long i = 0; i < steps; ++i) {
            for (std::size_t object = released; object < object_count(); ++object) park(object);
            step();
        }
    }

    void remove_walls() {
        for (int geom = 1; geom < model().body_geomnum[0]; ++geom)  // of the world's geoms the first is the table
            model().geom_contype[geom] = model().geom_conaffinity[geom] = 0;
    }

    /// Advances until no object moves; false if that takes more than `max_time` seconds.
    bool come_to_rest(double max_time) {
        for (double time = 0; time < max_time; time += rest_window) {
            const auto before = poses();
            advance(rest_window, object_count());
            if (movement_since(before) <= rest_distance) return true;
        }
        return false;
    }

    /// Whether anything overlaps deeply.
    bool overlaps() const {
        mj_forward(&model(), &data());
        const std::span contacts(data().contact, static_cast<std::size_t>(data().ncon));
        return std::ranges::any_of(contacts, [](const mjContact& c) { return c.dist < -max_overlap; });
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

    SettlingWorld world(objects, options);
    for (std::size_t i = 0; i < objects.size(); ++i) {
        world.place(i, objects[i].X_WO);
        if (options.release_interval > 0) world.advance(options.release_interval, i + 1);
    }
    if (!world.come_to_rest(options.max_time)) return std::nullopt;
    if (options.walls > 0) {
        world.remove_walls();
        if (!world.come_to_rest(options.max_time)) return std::nullopt;
    }
    if (world.overlaps() || !world.sound()) return std::nullopt;
    return world.poses();
}

std::optional<std::vector<Eigen::Isometry3d>> settle_pile(std::span<const PosedObject> objects, double walls) {
    return settle(objects, {.walls = walls, .release_interval = 0.25});
}

}  // namespace ebgrasp
