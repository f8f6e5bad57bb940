// Anything that answers a depth image with ranked grasps: ours, the baselines, other people's programs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/image/support_plane.hpp"
#include "ebgrasp/planning/energy_terms.hpp"

namespace ebgrasp {

/// What a planner is asked.
struct PlanRequest {
    DepthImage image;                    ///< of a table or the floor of a bin, and what lies on it
    Mask mask;                           ///< grasp only here; empty (0 x 0): anywhere
    int count = 10;                      ///< grasps to return at most
    std::uint64_t seed = 0;              ///< same request and seed, same answer
    std::vector<EnergyTerm> terms = {};  ///< added to the energy; planners that descend none ignore them
    /// Grasps that have failed here, in the camera's frame: none like them is returned (see is_like).
    std::vector<Eigen::Isometry3d> failed_X_CG = {};
    /// The camera's pose in a world whose table is z = 0, if known. Ours find the support plane in the image instead.
    std::optional<Eigen::Isometry3d> X_WC = {};
};

/// One grasp of the answer.
struct PlannedGrasp {
    PlanarGrasp grasp;       ///< in the request's image; the approach is the support plane's normal, see X_CG
    Eigen::Isometry3d X_CG;  ///< the grasp's pose in the camera's frame
    double energy;           ///< lower is better; planners that score grasps give -score
    std::optional<double> success_probability;  ///< calibrated; none if the planner knows none
};

/// What one stage of the plan took in, let through and dropped, by reason. The first one, "scene" (support plane and
/// overhead view), counts the image; the others count candidates.
struct PlanStage {
    std::string name;                            ///< "scene", "proposals", "jaws", ...
    std::size_t in = 0;                          ///< how many came
    std::size_t out = 0;                         ///< how many went on
    std::map<std::string, std::size_t> dropped;  ///< how many, by reason
    double milliseconds = 0;                     ///< that it took
};

/// A planner's answer.
struct PlanResult {
    std::vector<PlannedGrasp> grasps;   ///< best first
    std::vector<PlanStage> stages;      ///< in the order in which they ran
    std::string reason;                 ///< why there are no grasps; empty if there are
    std::optional<SupportPlane> plane;  ///< that the planner found in the image
    double milliseconds = 0;            ///< that the plan took
    double multiply_adds = 0;           ///< that networks took, if the planner counts them
};

/// Whether two grasps are within 20 mm and 0.5 rad (of the closing axes, which have no sign) of each other.
bool is_like(const Eigen::Isometry3d& a, const Eigen::Isometry3d& b);

/// The interface of all planners.
class GraspPlanner {
  public:
    virtual ~GraspPlanner() = default;

    /// What reports call it.
    virtual std::string name() const = 0;

    /// Never throws for want of a grasp: the result then says what each stage dropped. Throws Error for unusable input
    /// (no valid depth, a mask of another size), and if a program outside of this process fails to answer. May be
    /// called from several threads.
    virtual PlanResult plan(const PlanRequest& request) const = 0;
};

}  // namespace ebgrasp
