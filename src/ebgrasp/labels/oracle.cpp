#include "ebgrasp/labels/oracle.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

constexpr double min_friction = 0.05;  // of perturbed friction coefficients

/// The jaws' way: from either end of the segment of length `opening` around `center` along `axis` inwards.
struct Closing {
    Vector3d center, axis;
    double opening;

    /// Where jaw 0 (at -axis) or 1 starts, and which way it moves.
    Vector3d start(int jaw) const { return center + (jaw == 0 ? -0.5 : 0.5) * opening * axis; }
    Vector3d direction(int jaw) const { return jaw == 0 ? axis : -axis; }
    Ray ray(int jaw) const {
        return {start(jaw).cast<float>(), direction(jaw).cast<float>(), static_cast<float>(opening)};
    }
    /// The contact of a jaw that hits; its friction cone is oriented by the approach, across the closing axis.
    Contact contact(int jaw, const RayHit& hit, const Vector3d& approach) const {
        return {start(jaw) + double(hit.distance) * direction(jaw), -hit.normal.cast<double>().normalized(), approach};
    }
};

Closing closing_along(const Isometry3d& X_OG, double opening) {
    return {X_OG.translation(), X_OG.linear().col(0), opening};
}

/// The boxes of the gripper swept back by `distance` along its approach: boxes again, in the frame of X_FG.
std::array<OrientedBox, 3> swept_boxes(const Gripper& gripper, double opening, double distance,
                                       const Isometry3d& X_FG) {
    std::array<OrientedBox, 3> swept;
    const Vector3d back = 0.5 * distance * Vector3d::UnitZ();
    std::ranges::transform(gripper.boxes(opening), swept.begin(), [&](const Gripper::Box& box) {
        return OrientedBox{X_FG * (box.center_G - back), X_FG.linear(), box.half_size + back};
    });
    return swept;
}

/// What a finger's inner face passes over while jaw 0 (at -x) or 1 closes by `distance` from `opening`, in the frame of
/// X_FG.
OrientedBox closing_box(const Gripper& gripper, double opening, int jaw, double distance, const Isometry3d& X_FG) {
    const Gripper::Box finger = gripper.boxes(opening)[std::size_t(jaw)];
    const Vector3d center((jaw == 0 ? -0.5 : 0.5) * (opening - distance), 0, finger.center_G.z());
    return {X_FG * center, X_FG.linear(), {distance / 2, finger.half_size.y(), finger.half_size.z()}};
}

double lowest_z(const OrientedBox& box) { return box.center.z() - box.axes.row(2).cwiseAbs().dot(box.half_size); }

Eigen::Matrix3d rotation(const Vector3d& rotation_vector) {
    const double angle = rotation_vector.norm();
    if (angle == 0) return Eigen::Matrix3d::Identity();
    return Eigen::AngleAxisd(angle, rotation_vector / angle).toRotationMatrix();
}

Vector3d normal_vector(RandomStream& random, double sigma) {
    const double x = random.normal(0, sigma), y = random.normal(0, sigma), z = random.normal(0, sigma);
    return {x, y, z};
}

/// Heights of an object's highest surface at points (x, y) of the world; below 0 where there is none.
std::vector<double> heights(const PosedLabelObject& posed, std::span<const Eigen::Vector2d> points) {
    constexpr double top = 2.0;  // metres, above everything that fits a gripper
    const Isometry3d X_OW = posed.X_WO.inverse();
    const Eigen::Vector3f down = (-X_OW.linear().col(2)).cast<float>();
    std::vector<Ray> rays;
    for (const Eigen::Vector2d& p : points)
        rays.push_back({(X_OW * Vector3d(p.x(), p.y(), top)).cast<float>(), down, static_cast<float>(top)});
    std::vector<RayHit> hits(rays.size());
    posed.object->rays().cast(rays, hits);
    std::vector<double> z(points.size());
    std::ranges::transform(hits, z.begin(),
                           [&](const RayHit& hit) { return hit.hit() ? top - double(hit.distance) : -1.0; });
    return z;
}

/// The object's extent in x and y of the world.
Eigen::AlignedBox2d footprint(const PosedLabelObject& posed) {
    const Eigen::AlignedBox3d box = posed.object->object().bounds().transformed(posed.X_WO);
    return {box.min().head<2>(), box.max().head<2>()};
}

bool covers(const PosedLabelObject& above, const PosedLabelObject& below) {
    constexpr double spacing = 0.004, tolerance = 0.001;  // metres
    constexpr int least = 3;                              // grid points: a corner that juts over is no load
    const Eigen::AlignedBox2d common = footprint(above).intersection(footprint(below));
    if (common.isEmpty()) return false;
    std::vector<Eigen::Vector2d> points;
    for (double x = common.min().x(); x <= common.max().x(); x += spacing)
        for (double y = common.min().y(); y <= common.max().y(); y += spacing) points.emplace_back(x, y);
    const auto upper = heights(above, points), lower = heights(below, points);
    int covered = 0;
    for (std::size_t i = 0; i < points.size(); ++i) covered += lower[i] >= 0 && upper[i] > lower[i] + tolerance;
    return covered >= least;
}

}  // namespace

void LabelParameters::validate() const {
    wrench.validate();
    const auto check = [](const char* field, double value, double most) {
        require(value >= 0 && value <= most, field, " is ", value, ": give 0 to ", most);
    };
    check("uncertainty.grasp_translation", uncertainty.grasp_translation, 1);
    check("uncertainty.grasp_rotation", uncertainty.grasp_rotation, 3.15);
    check("uncertainty.object_translation", uncertainty.object_translation, 1);
    check("uncertainty.object_rotation", uncertainty.object_rotation, 3.15);
    check("uncertainty.friction", uncertainty.friction, 10);
    require(uncertainty.samples >= 1 && uncertainty.samples <= 1'000'000, "uncertainty.samples is ",
            uncertainty.samples, ": give 1 to 1000000");
    check("threshold", threshold, 1e6);
    check("approach_distance", approach_distance, 10);
    check("table_clearance", table_clearance, 1);
    check("pad_tolerance", pad_tolerance, 1);
}

LabelObject::LabelObject(Object object)
    : object_(std::move(object)), rays_(object_), solids_(object_.parts.begin(), object_.parts.end()) {}

bool LabelObject::contains(const Vector3d& p_O) const {
    return std::ranges::any_of(solids_, [&](const ConvexSolid& solid) { return solid.contains(p_O); });
}

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::success:
            return "success";
        case Verdict::too_wide:
            return "too_wide";
        case Verdict::gripper_collision:
            return "gripper_collision";
        case Verdict::no_contact:
            return "no_contact";
        case Verdict::different_objects:
            return "different_objects";
        case Verdict::too_narrow:
            return "too_narrow";
        case Verdict::not_robust:
            return "not_robust";
        case Verdict::uneven_contact:
            return "uneven_contact";
        case Verdict::covered:
            return "covered";
    }
    fail("no verdict has the number ", int(verdict));
}

LabelOracle::LabelOracle(std::vector<PosedLabelObject> scene, Gripper gripper, LabelParameters parameters)
    : scene_(std::move(scene)), gripper_(std::move(gripper)), parameters_(parameters) {
    gripper_.validate("gripper " + gripper_.name);
    parameters_.wrench.friction = gripper_.pad_friction;
    parameters_.validate();
    for (const PosedLabelObject& posed : scene_)
        require(posed.object != nullptr, "the scene has an object that is null");
    for (std::size_t i = 0; i < scene_.size(); ++i) {
        const auto lies_on = [&](const PosedLabelObject& other) {
            return &other != &scene_[i] && covers(other, scene_[i]);
        };
        covered_.push_back(std::ranges::any_of(scene_, lies_on));
    }
}

std::vector<GraspLabel> LabelOracle::label(std::span<const Isometry3d> X_WG, std::span<const double> openings,
                                           std::uint64_t seed, LabelDetail detail) const {
    require(X_WG.size() == openings.size(), X_WG.size(), " grasps have ", openings.size(), " openings: give one each");
    for (std::size_t i = 0; i < X_WG.size(); ++i) {
        require(X_WG[i].matrix().allFinite(), "the pose of grasp ", i, " is not finite");
        require(openings[i] >= 0, "the opening of grasp ", i, " is ", openings[i], " m: give 0 or more");
    }
    std::vector<GraspLabel> labels(X_WG.size());
    constexpr std::size_t grain = 16;
    parallel_for(
        X_WG.size(),
        [&](std::size_t i) {
            const double widest = gripper_.max_opening;
            const double opening = openings[i] > 0 ? std::min(openings[i], widest) : widest;
            labels[i] = label_one(X_WG[i], opening, RandomStream(seed, i), detail);
        },
        grain);
    return labels;
}

std::vector<GraspLabel> LabelOracle::label(std::span<const PlanarGrasp> grasps, const CameraIntrinsics& camera,
                                           const Isometry3d& X_WC, std::uint64_t seed) const {
    std::vector<Isometry3d> X_WG;
    std::vector<double> openings;
    for (const PlanarGrasp& grasp : grasps) {
        X_WG.push_back(X_WC * grasp_pose(grasp, camera));
        openings.push_back(grasp.width);
    }
    return label(X_WG, openings, seed);
}

std::vector<LabelOracle::OpenedLabel> LabelOracle::label_at_free_opening(std::span<const Isometry3d> X_WG,
                                                                         std::uint64_t seed, LabelDetail detail) const {
    std::vector<OpenedLabel> opened(X_WG.size());
    std::vector<std::size_t> asked(X_WG.size());
    std::iota(asked.begin(), asked.end(), std::size_t{0});
    for (const double share : free_opening_shares) {
        std::vector<Isometry3d> poses;
        for (const std::size_t i : asked) poses.push_back(X_WG[i]);
        const double opening = share * gripper_.max_opening;
        const auto labels = label(poses, std::vector(poses.size(), opening), seed, detail);
        std::vector<std::size_t> obstructed;
        for (std::size_t k = 0; k < asked.size(); ++k) {
            opened[asked[k]] = {labels[k], opening};
            const Verdict verdict = labels[k].verdict;
            if (verdict == Verdict::gripper_collision || verdict == Verdict::too_wide) obstructed.push_back(asked[k]);
        }
        asked = std::move(obstructed);
    }
    return opened;
}

GraspLabel LabelOracle::label_one(const Isometry3d& X_WG, double opening, RandomStream random,
                                  LabelDetail detail) const {
    GraspLabel label;
    std::array<int, 2> touched = {-1, -1};
    std::array<RayHit, 2> nearest;
    for (std::size_t k = 0; k < scene_.size(); ++k) {
        const LabelObject& object = *scene_[k].object;
        const Closing closing = closing_along(scene_[k].X_WO.inverse() * X_WG, opening);
        if (object.contains(closing.start(0)) || object.contains(closing.start(1))) {
            label.verdict = Verdict::too_wide;
            return label;
        }
        std::array<RayHit, 2> hits;
        object.rays().cast(std::array{closing.ray(0), closing.ray(1)}, hits);
        for (std::size_t jaw : {0, 1}) {
            if (!hits[jaw].hit() || (nearest[jaw].hit() && nearest[jaw].distance <= hits[jaw].distance)) continue;
            nearest[jaw] = hits[jaw];
            touched[jaw] = static_cast<int>(k);
        }
    }
    if (collides(X_WG, opening)) {
        label.verdict = Verdict::gripper_collision;
        return label;
    }
    if (!nearest[0].hit() || !nearest[1].hit()) {
        label.verdict = Verdict::no_contact;
        return label;
    }
    label.opening = opening - double(nearest[0].distance) - double(nearest[1].distance);
    if (touched[0] != touched[1]) {
        label.verdict = Verdict::different_objects;
        return label;
    }
    label.object = touched[0];
    if (label.opening < gripper_.min_opening) {
        label.verdict = Verdict::too_narrow;
        return label;
    }
    const std::array reach = {double(nearest[0].distance), double(nearest[1].distance)};
    const bool covered = covered_[static_cast<std::size_t>(label.object)];
    const bool uneven = !covered && touches_elsewhere(X_WG, opening, reach, parameters_.pad_tolerance);
    label.verdict = covered ? Verdict::covered : uneven ? Verdict::uneven_contact : Verdict::not_robust;
    if (detail == LabelDetail::verdict && label.verdict != Verdict::not_robust) return label;
    if (detail == LabelDetail::graded)
        for (const double step : unevenness_steps) {
            if (!touches_elsewhere(X_WG, opening, reach, step)) break;
            label.unevenness = step;
        }
    const PosedLabelObject& target = scene_[static_cast<std::size_t>(label.object)];
    const Isometry3d X_OG = target.X_WO.inverse() * X_WG;
    const Closing closing = closing_along(X_OG, opening);
    const Vector3d approach = X_OG.linear().col(2);
    label.epsilon =
        ferrari_canny_l1({closing.contact(0, nearest[0], approach), closing.contact(1, nearest[1], approach)},
                         target.object->object().mass.center_of_mass_O, parameters_.wrench);
    label.robust_epsilon = robust_epsilon(*target.object, X_OG, opening, random);
    if (label.verdict == Verdict::not_robust && label.robust_epsilon > parameters_.threshold)
        label.verdict = Verdict::success;
    return label;
}

/// Whether a finger's face meets anything on the way to where its centre touches, short of the tolerance.
bool LabelOracle::touches_elsewhere(const Isometry3d& X_WG, double opening, const std::array<double, 2>& reach,
                                    double tolerance) const {
    return std::ranges::any_of(scene_, [&](const PosedLabelObject& posed) {
        const Isometry3d X_OG = posed.X_WO.inverse() * X_WG;
        return std::ranges::any_of(std::array{0, 1}, [&](int jaw) {
            const double distance = reach[std::size_t(jaw)] - tolerance;
            if (distance <= 0) return false;
            const OrientedBox box = closing_box(gripper_, opening, jaw, distance, X_OG);
            return std::ranges::any_of(posed.object->solids(),
                                       [&](const ConvexSolid& solid) { return solid.overlaps(box); });
        });
    });
}

bool LabelOracle::collides(const Isometry3d& X_WG, double opening) const {
    const double sweep = parameters_.approach_distance;
    const double floor = parameters_.table_clearance - ConvexSolid::tolerance;
    const auto below = [&](const OrientedBox& box) { return lowest_z(box) < floor; };
    if (std::ranges::any_of(swept_boxes(gripper_, opening, sweep, X_WG), below)) return true;

    return std::ranges::any_of(scene_, [&](const PosedLabelObject& posed) {
        const auto boxes = swept_boxes(gripper_, opening, sweep, posed.X_WO.inverse() * X_WG);
        return std::ranges::any_of(posed.object->solids(), [&](const ConvexSolid& solid) {
            return std::ranges::any_of(boxes, [&](const OrientedBox& box) { return solid.overlaps(box); });
        });
    });
}

double LabelOracle::robust_epsilon(const LabelObject& target, const Isometry3d& X_OG, double opening,
                                   RandomStream& random) const {
    const Uncertainty& sigma = parameters_.uncertainty;
    const double translation = std::hypot(sigma.grasp_translation, sigma.object_translation);
    const Vector3d& center_of_mass = target.object().mass.center_of_mass_O;
    const Vector3d approach = X_OG.linear().col(2);

    constexpr int block = 8;  // samples whose rays fill one packet
    std::array<Closing, block> closings;
    std::array<Ray, 2 * block> rays;
    std::array<RayHit, 2 * block> hits;
    WrenchParameters wrench = parameters_.wrench;
    double sum = 0.0;
    for (int first = 0; first < sigma.samples; first += block) {
        const auto count = static_cast<std::size_t>(std::min(block, sigma.samples - first));
        for (std::size_t i = 0; i < count; ++i) {
            const Vector3d shift = normal_vector(random, translation);
            const Eigen::Matrix3d turn_object = rotation(normal_vector(random, sigma.object_rotation));
            const Eigen::Matrix3d turn_grasp = rotation(normal_vector(random, sigma.grasp_rotation));
            closings[i] = {center_of_mass + turn_object * (X_OG.translation() - center_of_mass) + shift,
                           turn_object * turn_grasp * X_OG.linear().col(0), opening};
            for (int jaw : {0, 1}) rays[2 * i + std::size_t(jaw)] = closings[i].ray(jaw);
        }
        target.rays().cast({rays.data(), 2 * count}, {hits.data(), 2 * count});
        for (std::size_t i = 0; i < count; ++i) {
            wrench.friction = std::max(min_friction, parameters_.wrench.friction + random.normal(0, sigma.friction));
            const Closing& closing = closings[i];
            if (!hits[2 * i].hit() || !hits[2 * i + 1].hit()) continue;
            const std::array contacts = {closing.contact(0, hits[2 * i], approach),
                                         closing.contact(1, hits[2 * i + 1], approach)};
            if (!is_force_closure(contacts, wrench.friction)) continue;
            if (target.contains(closing.start(0)) || target.contains(closing.start(1))) continue;
            sum += ferrari_canny_l1(contacts, center_of_mass, wrench);
        }
    }
    return sum / sigma.samples;
}

}  // namespace ebgrasp
