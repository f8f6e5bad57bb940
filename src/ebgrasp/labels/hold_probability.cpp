#include "ebgrasp/labels/hold_probability.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace ebgrasp {
namespace {

// Logistic regression on 6 864 executed grasps of the kind that fields learn from (docs/simulation.md).
constexpr std::array<double, unevenness_classes> log_odds = {3.0, 2.1, 1.5};  // at an epsilon of 0.002
constexpr double per_doubling = 0.74;                                         // of epsilon
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
    const double covered = label.verdict == Verdict::covered ? when_covered : 0.0;
    return 1 / (1 + std::exp(-(log_odds[unevenness_class(label)] + per_doubling * doublings + covered)));
}

std::size_t unevenness_class(const GraspLabel& label) {
    return std::size_t(std::ranges::count_if(unevenness_steps, [&](double step) { return label.unevenness >= step; }));
}

}  // namespace ebgrasp
