// Scenes as the planner meets them, with the truth at hand: what the dense energy field learns from.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/energy/field.hpp"
#include "ebgrasp/generation/scene_sampler.hpp"

namespace ebgrasp {

struct FieldSceneParameters {
    std::array<double, 3> kinds = {0.4, 0.2, 0.4};                                ///< shares of single, packed and pile
    std::vector<std::string> grippers = {"robotiq_2f85", "franka_hand", "yumi"};  ///< presets or files, drawn alike
    double gripper_scale = 0.1;  ///< lengths of the fingers and the opening vary by up to this share
    int side = 160;              ///< grid pixels; a multiple of view_grid_multiple
    int edge_proposals = 160;    ///< grasps of the planner's antipodal kind that a scene holds,
    int uniform_proposals = 64;  ///< of the planner's uniform kind,
    int antipodal = 96;          ///< and antipodal on the true surface
    bool graded = false;         ///< labels are hold_probability()s, not 1 for a success and 0 for all else

    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(FieldSceneParameters, kinds, grippers, gripper_scale, side, edge_proposals,
                                   uniform_proposals, antipodal, graded)

/// A scene seen through a noisy camera, the support plane fitted to its image, and grasps with their labels. Grasps are
/// planar in the overhead view V, approaching along its z axis; labels tell whether they hold when they are executed
/// where the planner believes them to be.
struct FieldScene {
    FieldGrid grid;
    CameraIntrinsics camera;  ///< V's
    Eigen::Isometry3d X_WV;
    Gripper gripper;
    LabelOracle oracle;
    bool graded = false;  ///< as in FieldSceneParameters
    std::vector<PlanarGrasp> grasps;
    std::vector<float> hold;   ///< of `grasps`: the probability that each holds, [0, 1]
    std::size_t executed = 0;  ///< the last of `grasps`, whose `hold` is what they did in physics

    /// The same of any other grasps, the jaws as wide open as they can be; a pure function of its arguments.
    std::vector<float> label(std::span<const PlanarGrasp> asked, std::uint64_t seed) const;
};

/// A grasp that was executed in a scene, and whether it held.
struct ExecutedGrasp {
    Eigen::Isometry3d X_CG;
    double opening;  ///< metres
    bool holds;
};

/// Chooses grasps by what the camera sees and executes each in the scene as it stands.
using Practice = std::function<std::vector<ExecutedGrasp>(const DepthImage& image, const Eigen::Isometry3d& X_WC,
                                                          std::span<const PosedObject> scene, const Gripper& gripper)>;

/// Draws scenes of `objects` with the cameras, noise and labels of `config`. Scenes in which no plane is found, nothing
/// is seen, or no grasp of those drawn succeeds are drawn again.
class FieldSceneSampler {
  public:
    /// `splits` as for SceneSampler.
    FieldSceneSampler(std::vector<PreparedObject> objects, std::vector<Split> splits, const GenerationConfig& config,
                      const FieldSceneParameters& parameters, const Settle& settle);

    /// A pure function of the state of `random` and of `practice`, if any, which is called once. Throws Error after 100
    /// vain attempts.
    FieldScene sample(RandomStream& random, const Practice& practice = {}) const;

  private:
    std::optional<FieldScene> attempt(RandomStream& random, const Practice& practice) const;
    Gripper draw_gripper(RandomStream& random) const;

    GenerationConfig config_;
    FieldSceneParameters parameters_;
    std::vector<Gripper> grippers_;
    std::vector<SceneSampler> samplers_;  ///< of single, packed and pile
};

}  // namespace ebgrasp
