// The label oracle: does a grasp hold? Answers for any planar grasp or grasp pose against a posed scene of one or
// several objects on a table.
//
// success = collision-free approach, and within the gripper's opening, and robust epsilon > threshold
#pragma once

#include <Eigen/Geometry>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "ebgrasp/geometry/mesh.hpp"
#include "ebgrasp/geometry/ray_scene.hpp"
#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/labels/wrench_quality.hpp"

namespace ebgrasp {

/// Standard deviations of the Monte-Carlo perturbations (each axis independent, normal).
struct Uncertainty {
    double grasp_translation = 0.0025;   ///< metres
    double grasp_rotation = 0.001;       ///< radians
    double object_translation = 0.0025;  ///< metres
    double object_rotation = 0.01;       ///< radians
    double friction = 0.1;               ///< of the friction coefficient
    int samples = 25;
};

struct LabelParameters {
    WrenchParameters wrench;
    Uncertainty uncertainty;
    double threshold = 0.002;         ///< of the robust epsilon (Dex-Net 2.0)
    double approach_distance = 0.10;  ///< metres of straight approach that must be free of collision
    double table_clearance = 0.0;     ///< metres the gripper must stay above the table
};

/// An object with everything that labelling needs of it, made once and shared by all of its poses and scenes.
class LabelObject {
  public:
    explicit LabelObject(Object object);

    const Object& object() const { return object_; }
    const RayScene& rays() const { return rays_; }

  private:
    Object object_;
    RayScene rays_;
};

struct PosedLabelObject {
    std::shared_ptr<const LabelObject> object;
    Eigen::Isometry3d X_WO;
};

/// Why a grasp fails, in the order in which it is found out.
enum class Verdict : std::uint8_t {
    success,
    gripper_collision,  ///< a finger or the palm meets an object or the table on the way
    no_contact,         ///< a jaw closes on nothing
    different_objects,  ///< the jaws touch two different objects
    too_wide,           ///< a jaw starts inside the object: it is wider than the opening
    too_narrow,         ///< the object is thinner than the gripper closes
    not_robust,         ///< robust epsilon at or below the threshold
};
std::string_view to_string(Verdict verdict);

struct GraspLabel {
    Verdict verdict = Verdict::no_contact;
    int object = -1;            ///< index of the grasped object in the scene
    double opening = 0;         ///< metres between the contacts (0 without contacts)
    double epsilon = 0;         ///< Ferrari-Canny L1 of the unperturbed grasp
    double robust_epsilon = 0;  ///< mean over the perturbations
    bool success() const { return verdict == Verdict::success; }
};

/// Labels grasps in the world frame W, table at z = 0. Thread-safe once made.
class LabelOracle {
  public:
    LabelOracle(std::vector<PosedLabelObject> scene, Gripper gripper, LabelParameters parameters = {});

    /// Labels the grasp poses X_WG with jaw opening `openings[i]` on approach (0: widest). The perturbations of
    /// grasp i come from RandomStream(seed, i), so labels do not depend on threads or batch order.
    std::vector<GraspLabel> label(std::span<const Eigen::Isometry3d> X_WG, std::span<const double> openings,
                                  std::uint64_t seed) const;
    /// The same for planar grasps seen by a camera at X_WC.
    std::vector<GraspLabel> label(std::span<const PlanarGrasp> grasps, const CameraIntrinsics& camera,
                                  const Eigen::Isometry3d& X_WC, std::uint64_t seed) const;

    const std::vector<PosedLabelObject>& scene() const { return scene_; }

  private:
    std::vector<PosedLabelObject> scene_;
    Gripper gripper_;
    LabelParameters parameters_;
};

}  // namespace ebgrasp
