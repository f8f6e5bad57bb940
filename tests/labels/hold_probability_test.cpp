#include "ebgrasp/labels/hold_probability.hpp"

#include <array>
#include <gtest/gtest.h>

namespace ebgrasp {
namespace {

GraspLabel closed(Verdict verdict, double robust_epsilon, double unevenness) {
    GraspLabel label;
    label.verdict = verdict;
    label.object = 0;
    label.robust_epsilon = robust_epsilon;
    label.unevenness = unevenness;
    return label;
}

TEST(HoldProbability, IsNoneForGraspsThatDoNotCloseOnAnObject) {
    for (const Verdict verdict : {Verdict::too_wide, Verdict::gripper_collision, Verdict::no_contact,
                                  Verdict::different_objects, Verdict::too_narrow})
        EXPECT_EQ(hold_probability(closed(verdict, 0.01, 0)), 0) << to_string(verdict);
}

// The table of docs/simulation.md: of 6 864 grasps that were executed, the share that held.
TEST(HoldProbability, IsTheShareThatHeld) {
    struct Row {
        double unevenness;
        std::array<double, 4> held;  // at an epsilon of 0.0007, 0.0014, 0.0028 and 0.0057
    };
    for (const auto& [unevenness, held] :
         {Row{0.0, {0.80, 0.97, 0.99, 1.00}}, {0.001, {0.71, 0.84, 0.95, 0.99}}, {0.002, {0.49, 0.78, 0.89, 0.98}}})
        for (std::size_t i = 0; i < held.size(); ++i) {
            const GraspLabel label =
                closed(Verdict::not_robust, std::array{0.0007, 0.0014, 0.0028, 0.0057}[i], unevenness);
            EXPECT_NEAR(hold_probability(label), held[i], 0.11) << unevenness << ' ' << i;
        }
    EXPECT_NEAR(hold_probability(closed(Verdict::uneven_contact, 0, 0.002)), 0.16, 0.05);  // 2 063 of them
}

TEST(HoldProbability, RisesWithEpsilonAndFallsWithUnevenness) {
    double before = 0;
    for (const double epsilon : {0.0, 0.0003, 0.001, 0.002, 0.005, 0.008}) {
        const double even = hold_probability(closed(Verdict::success, epsilon, 0)),
                     slightly = hold_probability(closed(Verdict::success, epsilon, 0.001)),
                     uneven = hold_probability(closed(Verdict::uneven_contact, epsilon, 0.002));
        EXPECT_GE(even, before);
        EXPECT_GT(even, slightly);
        EXPECT_GT(slightly, uneven);
        EXPECT_GT(even, hold_probability(closed(Verdict::covered, epsilon, 0)));
        EXPECT_LT(even, 1);
        before = even;
    }
}

}  // namespace
}  // namespace ebgrasp
