// Depth image in, ranked grasps out.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/image/support_plane.hpp"
#include "ebgrasp/planning/descent.hpp"

namespace ebgrasp {

struct PlannerOptions {
    std::size_t proposals = 512;    ///< grasps whose energy is read, half of them antipodal at most
    double antipodal_share = 0.75;  ///< of the proposals
    std::size_t seeds = 128;        ///< best proposals that descend
    DescentOptions descent;
    double min_height = 0.006;    ///< metres above the plane from which a surface belongs to an object
    double nms_distance = 0.015;  ///< metres; of two grasps closer than this ...
    double nms_angle = 0.5;       ///< ... and than this (radians) only the better is returned
    SupportPlaneOptions plane;
};

struct PlanRequest {
    DepthImage image;
    Mask mask;       ///< grasp only here; empty (0 x 0): anywhere
    int count = 10;  ///< grasps to return at most
    std::uint64_t seed = 0;
};

struct PlannedGrasp {
    PlanarGrasp grasp;       ///< in the request's image; the approach is the support plane's normal, see X_CG
    Eigen::Isometry3d X_CG;  ///< the grasp's pose in the camera's frame
    double energy;
    std::optional<double> success_probability;
};

/// What one stage of the plan took in, let through and dropped, by reason. The first one, "scene" (support plane and
/// overhead view), counts the image; the others count candidates.
struct PlanStage {
    std::string name;
    std::size_t in = 0, out = 0;
    std::map<std::string, std::size_t> dropped;
    double milliseconds = 0;
};

struct PlanResult {
    std::vector<PlannedGrasp> grasps;  ///< best first
    std::vector<PlanStage> stages;
    std::string reason;  ///< why there are no grasps; empty if there are
    std::optional<SupportPlane> plane;
    double milliseconds = 0;
};

/// Plans grasps by descending an energy. Immutable; plan() may be called from several threads.
class Planner {
  public:
    Planner(std::shared_ptr<const EnergyModel> model, Gripper gripper, PlannerOptions options = {});

    /// Never throws for want of a grasp: the result then says what each stage dropped. Throws Error for unusable input
    /// (no valid depth, a mask of another size).
    PlanResult plan(const PlanRequest& request) const;

    const Gripper& gripper() const { return gripper_; }
    const EnergyModel& model() const { return *model_; }

  private:
    std::shared_ptr<const EnergyModel> model_;
    Gripper gripper_;
    PlannerOptions options_;
};

}  // namespace ebgrasp
