#include "ebgrasp/labels/hold_probability.hpp"

#include <algorithm>
#include <cmath>

namespace ebgrasp {
namespace {

// Logistic regression on 6 864 executed grasps of the kind that fields learn from (docs/simulation.md).
constexpr double even = 3.0, slightly_uneven = 2.1, uneven = 1.5;  // log odds at an epsilon of 0.002
constexpr double per_doubling = 0.74;                              // of epsilon
constexpr double when_covered = -0.7;
constexpr double least_epsilon = 0.0001, most_epsilon = 0.008;  // beyond which it makes no difference

}  // namespace

double hold_probability(const GraspLabel& label) {
    switch (label.verdict) {
        case Verdict::too_wide:
        case Verdict::gripper_collision:
        case Verdict::no_contact:
        case Verdict::different_objects:
        case Verdict::too_narrow:
            return 0;
        case Verdict::success:
        case Verdict::not_robust:
        case Verdict::uneven_contact:
        case Verdict::covered:
            break;
    }
    const double doublings = std::log2(std::clamp(label.robust_epsilon, least_epsilon, most_epsilon) / 0.002);
    const double evenness = label.unevenness >= unevenness_steps[1]   ? uneven
                            : label.unevenness >= unevenness_steps[0] ? slightly_uneven
                                                                      : even;
    const double covered = label.verdict == Verdict::covered ? when_covered : 0.0;
    return 1 / (1 + std::exp(-(evenness + per_doubling * doublings + covered)));
}

}  // namespace ebgrasp
