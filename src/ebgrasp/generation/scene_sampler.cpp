#include "ebgrasp/generation/scene_sampler.hpp"

#include <algorithm>
#include <limits>
#include <numbers>
#include <utility>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Eigen::AlignedBox3d;
using Eigen::Isometry3d;
using Eigen::Vector3d;

/// The boxes around an object's parts, along the axes of W.
std::vector<AlignedBox3d> part_boxes(const Object& object, const Isometry3d& X_WO) {
    std::vector<AlignedBox3d> boxes;
    for (const ConvexPart& part : object.parts) {
        AlignedBox3d& box = boxes.emplace_back();
        for (const Vector3d& vertex : part.vertices) box.extend(X_WO * vertex);
    }
    return boxes;
}

AlignedBox3d box_around(const Object& object, const Isometry3d& X_WO) {
    AlignedBox3d all;
    for (const AlignedBox3d& box : part_boxes(object, X_WO)) all.extend(box);
    return all;
}

bool overlap(const std::vector<AlignedBox3d>& a, const std::vector<AlignedBox3d>& b) {
    return std::ranges::any_of(
        a, [&](const auto& x) { return std::ranges::any_of(b, [&](const auto& y) { return x.intersects(y); }); });
}

Isometry3d random_yaw(RandomStream& random) {
    return Isometry3d(Eigen::AngleAxisd(random.uniform(0, 2 * std::numbers::pi), Vector3d::UnitZ()));
}

/// Uniform: the direction of a normal 4-vector.
Isometry3d random_rotation(RandomStream& random) {
    const double w = random.normal(), x = random.normal(), y = random.normal(), z = random.normal();
    return Isometry3d(Eigen::Quaterniond(w, x, y, z).normalized());
}

/// Moves an object so that its box lies uniformly in the square of side `workspace` and begins at height z.
Isometry3d moved_into(double workspace, double z, const Object& object, Isometry3d X_WO, RandomStream& random) {
    const AlignedBox3d box = box_around(object, X_WO);
    Vector3d corner(0, 0, z);
    for (const int axis : {0, 1}) {
        const double size = box.sizes()[axis];
        corner[axis] = -0.5 * std::max(workspace, size) + random.uniform(0, std::max(0.0, workspace - size));
    }
    return X_WO.pretranslate(corner - box.min());
}

/// The stable pose in which the object reaches highest.
const Isometry3d& upright_pose(const PreparedObject& object) {
    return std::ranges::max_element(
               object.poses, {},
               [&](const StablePose& pose) { return box_around(object.label->object(), pose.X_TO).max().z(); })
        ->X_TO;
}

}  // namespace

SceneSampler::SceneSampler(std::vector<PreparedObject> objects, std::vector<Split> splits,
                           const SceneParameters& parameters, Settle settle)
    : objects_(std::move(objects)),
      splits_(std::move(splits)),
      parameters_(parameters),
      kind_(parse_scene_kind(parameters.kind)),
      settle_(std::move(settle)) {
    require(kind_ != SceneKind::pile || settle_,
            "scene.kind is 'pile', which needs physics: build with -DEBGRASP_SIMULATION=ON");
    const bool clutter = kind_ != SceneKind::single;
    for (std::size_t i = 0; i < objects_.size(); ++i) {
        const bool fits = object(i).mass.volume >= parameters_.min_volume &&
                          object(i).bounds().diagonal().norm() <= parameters_.workspace;
        if (!clutter || fits) eligible_.push_back(i);
    }
    require(!eligible_.empty(), "none of the ", objects_.size(),
            " objects has a volume of scene.min_volume = ", parameters_.min_volume * 1e6,
            " cm3 and fits the workspace of ", parameters_.workspace, " m");
}

std::vector<PlacedObject> SceneSampler::sample(RandomStream& random) const {
    for (int attempt = 0; attempt < 100; ++attempt) {
        auto scene = kind_ == SceneKind::single ? single(random)
                     : kind_ == SceneKind::pile ? pile(random)
                                                : packed(random);
        if (!scene.empty()) return scene;
    }
    fail("no ", parameters_.kind, " of ", parameters_.objects[0], " to ", parameters_.objects[1],
         " objects stays in the workspace of ", parameters_.workspace,
         " m; give fewer objects (scene.objects) or more room (scene.workspace)");
}

/// The first object is any of them, the others are of its split.
std::vector<std::size_t> SceneSampler::draw_objects(RandomStream& random) const {
    const auto& [fewest, most] = parameters_.objects;
    const std::size_t count =
        static_cast<std::size_t>(fewest) + random.index(static_cast<std::size_t>(most - fewest + 1));
    std::vector<std::size_t> drawn = {eligible_[random.index(eligible_.size())]}, mates;
    std::ranges::copy_if(eligible_, std::back_inserter(mates),
                         [&](std::size_t i) { return splits_.empty() || splits_[i] == splits_[drawn.front()]; });
    while (drawn.size() < count) drawn.push_back(mates[random.index(mates.size())]);
    return drawn;
}

std::vector<PlacedObject> SceneSampler::single(RandomStream& random) const {
    const std::size_t index = eligible_[random.index(eligible_.size())];
    const Isometry3d yaw = random_yaw(random);
    return {{index, yaw * sample_pose(objects_[index], random).X_TO}};
}

std::vector<PlacedObject> SceneSampler::pile(RandomStream& random) const {
    std::vector<PlacedObject> scene;
    std::vector<PosedObject> start;
    for (const std::size_t index : draw_objects(random)) {
        const Isometry3d turned = random_rotation(random);
        const Isometry3d X_WO =
            moved_into(parameters_.workspace, parameters_.drop_height, object(index), turned, random);
        scene.push_back({index, X_WO});
        start.push_back({&object(index), X_WO});
    }
    const auto rest = settle_(start, 0.5 * parameters_.workspace);
    if (!rest) return {};
    for (std::size_t i = 0; i < scene.size(); ++i) scene[i].X_WO = (*rest)[i];
    const bool all_stay = std::ranges::all_of(scene, [&](const PlacedObject& placed) { return in_workspace(placed); });
    return all_stay ? scene : std::vector<PlacedObject>{};
}

std::vector<PlacedObject> SceneSampler::packed(RandomStream& random) const {
    constexpr int attempts_per_object = 50;
    std::vector<PlacedObject> scene;
    std::vector<AlignedBox3d> taken;
    for (const std::size_t index : draw_objects(random)) {
        for (int attempt = 0; attempt < attempts_per_object; ++attempt) {
            const Isometry3d turned = random_yaw(random) * upright_pose(objects_[index]);
            const Isometry3d X_WO = moved_into(parameters_.workspace, 0.0, object(index), turned, random);
            const auto boxes = part_boxes(object(index), X_WO);
            if (overlap(boxes, taken)) continue;
            taken.insert(taken.end(), boxes.begin(), boxes.end());
            scene.push_back({index, X_WO});
            break;
        }
    }
    return scene;
}

bool SceneSampler::in_workspace(const PlacedObject& placed) const {
    const Vector3d center = placed.X_WO * object(placed.index).bounds().center();
    return std::max(std::abs(center.x()), std::abs(center.y())) <= 0.5 * parameters_.workspace;
}

}  // namespace ebgrasp
