// Does the label mean anything? The oracle's labels beside the same grasps executed in physics.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebgrasp/generation/object_set.hpp"
#include "ebgrasp/labels/hold_probability.hpp"
#include "ebgrasp/simulation/trial.hpp"

namespace ebgrasp {

struct LabelCheckOptions {
    std::uint64_t seed = 1;
    std::size_t grasps = 3000;                        ///< for each friction coefficient
    std::size_t grasps_per_pose = 8;                  ///< share one object in one stable pose, drawn by its probability
    double antipodal_share = 0.6;                     ///< the others are uniform over the object's box
    double max_tilt = 0.1;                            ///< radians between the approach and straight down, at most
    std::vector<double> frictions = {0.3, 0.5, 0.8};  ///< of the pads, one run each
    std::size_t ceiling_candidates = 200;  ///< antipodal candidates of each pose, of which the one with the highest
                                           ///< robust epsilon is executed as well, for the ceiling; 0: none
    Gripper gripper;                       ///< its pad friction is not used
    LabelParameters labels;
    TrialOptions trial;

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};

/// A grasp, its label and what happened.
struct CheckedGrasp {
    std::size_t object;  ///< index into the objects
    Eigen::Isometry3d X_WO, X_WG;
    bool antipodal;  ///< otherwise uniform
    GraspLabel label;
    Outcome outcome;
};

/// How well "epsilon > threshold" predicts the outcome of the grasps that the oracle finds free of collision and
/// closing on one object; over all thresholds.
struct ThresholdFit {
    double area = 0;            ///< under the ROC curve
    double best_threshold = 0;  ///< the one that agrees with physics most often
    double best_agreement = 0;  ///< ... share of these grasps
};

/// hold_probability() against the outcomes of the grasps that close on one object without collision.
struct GradeCheck {
    /// Grasps whose fingers touch elsewhere less than 1 mm before their centres do, 1 to 2 mm, earlier.
    struct Evenness {
        std::size_t grasps = 0, held = 0;
        double predicted = 0;  ///< sum of their probabilities
    };
    std::array<Evenness, unevenness_classes> evenness;
    double area = 0;               ///< under the ROC curve
    double calibration_error = 0;  ///< expected
};

/// The grasps of one friction coefficient.
struct FrictionCheck {
    double friction = 0;
    std::vector<CheckedGrasp> grasps;
    std::array<std::array<std::size_t, 2>, 2> confusion{};  ///< [label says success][physics says success]
    double agreement = 0;                                   ///< share of the grasps on the diagonal
    ThresholdFit robust_epsilon, epsilon;
    GradeCheck grades;
    std::size_t poses = 0;           ///< objects in poses that the grasps are of
    std::vector<CheckedGrasp> best;  ///< the best-labelled grasp of each pose for which the label knows a success
};

struct LabelCheck {
    std::vector<FrictionCheck> frictions;
};

/// Draws objects and stable poses, grasps of both kinds with the jaws at their widest, labels and executes them.
/// Parallel; a pure function of its arguments. The same objects stand in the same poses at every friction. Throws Error
/// if there are no objects or an option is out of range.
LabelCheck check_labels(const std::vector<PreparedObject>& objects, const LabelCheckOptions& options);

/// {"frictions": [{"friction", "grasps", "confusion": {"label_success": {"physics_success", "physics_failure"},
/// "label_failure": {...}}, "agreement", "verdicts": {verdict: {outcome: n}}, "robust_epsilon": {"area",
/// "best_threshold", "best_agreement"}, "epsilon": {...}, "hold_probability": {"area", "expected_calibration_error",
/// "evenness": [{"grasps", "held", "predicted"}]}, "ceiling": {"poses", "attempts", "successes", "failures":
/// {outcome: n}}}]}
nlohmann::json to_json(const LabelCheck& check);
/// The same for a terminal.
std::string to_table(const LabelCheck& check);

}  // namespace ebgrasp
