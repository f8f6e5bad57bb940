// What a label says of physics: not whether the label calls a grasp a success, but how likely it holds.
#pragma once

#include "ebgrasp/labels/oracle.hpp"

namespace ebgrasp {

/// Probability that a grasp with this graded label (LabelDetail::graded) holds when it is executed as in
/// simulation/trial.hpp: 0 if it collides or does not close on one object, else a logistic function of how evenly the
/// fingers touch and of log epsilon, fitted to executed grasps (docs/simulation.md, "How likely does it hold?").
double hold_probability(const GraspLabel& label);

/// How many of unevenness_steps a graded label reaches: 0 touches evenly.
std::size_t unevenness_class(const GraspLabel& label);
inline constexpr std::size_t unevenness_classes = unevenness_steps.size() + 1;

}  // namespace ebgrasp
