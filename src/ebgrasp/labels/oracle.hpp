// The label oracle: does a grasp hold? Answers for any planar grasp or grasp pose against a posed scene of one or
// several objects on a table.
//
// success = collision-free approach, and within the gripper's opening, and even contact, and robust epsilon > threshold
//
// Contacts are where rays from the pads' centres, cast inwards along the closing axis, first meet an object (Mahler et
// al., "Dex-Net 2.0", 2017). Each jaw moves until it touches, however far that is from the middle, as if the object
// were free to be pushed there. Fingers have an area, though: where another part of a finger touches well before its
// centre ray does, the contacts are not where the rays say. Dex-Net has no such clause; in physics such grasps hold in
// 89 % of the cases beyond the threshold, the others in 98 % (docs/simulation.md).
#pragma once

#include <Eigen/Geometry>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ebgrasp/core/random.hpp"
#include "ebgrasp/geometry/mesh.hpp"
#include "ebgrasp/geometry/ray_scene.hpp"
#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/labels/convex_solid.hpp"
#include "ebgrasp/labels/wrench_quality.hpp"

namespace ebgrasp {

/// Standard deviations of the Monte-Carlo perturbations (each axis independent, normal). Only the pose of the grasp
/// relative to the object matters: both translations add up to sqrt(grasp^2 + object^2) per axis, the grasp turns about
/// its centre and the object about its centre of mass. At these defaults a centred grasp of parallel faces keeps about
/// 0.28 of its epsilon (0.011 of 0.039); at the 5 and 10 mm of Dex-Net's released configuration, 0.10.
struct Uncertainty {
    double grasp_translation = 0.0025;   ///< metres
    double grasp_rotation = 0.001;       ///< radians
    double object_translation = 0.0025;  ///< metres
    double object_rotation = 0.01;       ///< radians
    double friction = 0.1;               ///< of the friction coefficient, which is kept at or above 0.05
    int samples = 25;
};

struct LabelParameters {
    WrenchParameters wrench;  ///< the oracle takes its friction from the gripper's pads
    Uncertainty uncertainty;
    double threshold = 0.002;         ///< of the robust epsilon (Dex-Net 2.0)
    double pad_tolerance = 0.003;     ///< metres by which a finger may touch elsewhere before its centre does
    double approach_distance = 0.10;  ///< metres of straight approach that must be free of collision
    double table_clearance = 0.0;     ///< metres the gripper must stay above the table

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};

/// An object with everything that labelling needs of it, made once and shared by all of its poses and scenes.
class LabelObject {
  public:
    explicit LabelObject(Object object);

    const Object& object() const { return object_; }
    const RayScene& rays() const { return rays_; }
    std::span<const ConvexSolid> solids() const { return solids_; }

    /// True if the point lies inside any part (ConvexSolid::contains).
    bool contains(const Eigen::Vector3d& p_O) const;

  private:
    Object object_;
    RayScene rays_;
    std::vector<ConvexSolid> solids_;
};

struct PosedLabelObject {
    std::shared_ptr<const LabelObject> object;
    Eigen::Isometry3d X_WO;
};

/// Why a grasp fails. They are found out in this order, but for the last two, which come before not_robust; data sets
/// hold the numbers.
enum class Verdict : std::uint8_t {
    success,
    too_wide,           ///< a pad starts inside an object, which is wider than the opening
    gripper_collision,  ///< a finger or the palm meets an object or the table on the way
    no_contact,         ///< a jaw closes on nothing
    different_objects,  ///< the jaws touch two different objects
    too_narrow,         ///< the object is thinner than the gripper closes
    not_robust,         ///< robust epsilon at or below the threshold
    uneven_contact,     ///< a finger touches elsewhere before its centre does, by more than the tolerance
    covered,            ///< another object lies on the grasped one, or hangs over it: it would have to come along
};
std::string_view to_string(Verdict verdict);

/// Fields that an earlier verdict leaves open keep their defaults.
struct GraspLabel {
    Verdict verdict = Verdict::no_contact;
    int object = -1;            ///< index of the grasped object in the scene
    double opening = 0;         ///< metres between the contacts (0 without contacts)
    double epsilon = 0;         ///< Ferrari-Canny L1 of the unperturbed grasp
    double robust_epsilon = 0;  ///< mean over the perturbations
    double unevenness = 0;      ///< metres by which a finger touches elsewhere first, at least (graded only)
    bool success() const { return verdict == Verdict::success; }
};

/// How much of a label is found out. graded: also unevenness, and epsilons of grasps whose contacts are uneven or whose
/// object is covered, as hold_probability() needs them; verdicts are the same.
enum class LabelDetail { verdict, graded };

/// The values that GraspLabel::unevenness has, besides 0: metres.
inline constexpr std::array unevenness_steps = {0.001, 0.002};

/// Labels grasps in the world frame W, table at z = 0. Thread-safe once made.
///
/// Collisions are checked for the unperturbed grasp: the gripper's boxes at the approach opening, swept straight back
/// along the approach, against every object's convex parts and the table. Touching is no collision
/// (ConvexSolid::tolerance). Of a perturbed grasp only the contacts with the grasped object count; its epsilon is 0 if
/// a jaw misses the object, starts inside it or slips.
class LabelOracle {
  public:
    /// Throws Error if the gripper or a parameter is out of range or an object is missing.
    LabelOracle(std::vector<PosedLabelObject> scene, Gripper gripper, LabelParameters parameters = {});

    /// Labels the grasp poses X_WG with jaw opening `openings[i]` on approach (0, or wider than the gripper opens: its
    /// widest). The perturbations of grasp i come from RandomStream(seed, i), in the object's frame, so labels do not
    /// depend on threads or batch order, nor on where the scene stands. Throws Error: sizes differ, or a pose or
    /// opening is not finite or negative.
    std::vector<GraspLabel> label(std::span<const Eigen::Isometry3d> X_WG, std::span<const double> openings,
                                  std::uint64_t seed, LabelDetail detail = LabelDetail::verdict) const;
    /// The same for planar grasps seen by a camera at X_WC.
    std::vector<GraspLabel> label(std::span<const PlanarGrasp> grasps, const CameraIntrinsics& camera,
                                  const Eigen::Isometry3d& X_WC, std::uint64_t seed) const;

    /// A label, and the opening on approach that it holds for.
    struct OpenedLabel {
        GraspLabel label;
        double opening = 0;  ///< metres
    };
    /// Each grasp with the jaws as wide open as they can be without meeting anything on the way: the first of
    /// `free_opening_shares` of the gripper's widest opening that is free, or the last. As a planner would choose.
    std::vector<OpenedLabel> label_at_free_opening(std::span<const Eigen::Isometry3d> X_WG, std::uint64_t seed,
                                                   LabelDetail detail = LabelDetail::verdict) const;
    static constexpr std::array free_opening_shares = {1.0, 0.75, 0.5, 0.25};

    const std::vector<PosedLabelObject>& scene() const { return scene_; }

    /// Whether another object is right above object i somewhere: at more than two points of a grid of 4 mm.
    bool covered(std::size_t i) const { return covered_.at(i); }

  private:
    GraspLabel label_one(const Eigen::Isometry3d& X_WG, double opening, RandomStream random, LabelDetail detail) const;
    bool collides(const Eigen::Isometry3d& X_WG, double opening) const;
    bool touches_elsewhere(const Eigen::Isometry3d& X_WG, double opening, const std::array<double, 2>& reach,
                           double tolerance) const;
    double robust_epsilon(const LabelObject& target, const Eigen::Isometry3d& X_OG, double opening,
                          RandomStream& random) const;

    std::vector<PosedLabelObject> scene_;
    Gripper gripper_;
    LabelParameters parameters_;
    std::vector<bool> covered_;
};

}  // namespace ebgrasp
