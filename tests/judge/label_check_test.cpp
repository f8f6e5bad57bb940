#include "ebgrasp/judge/label_check.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "ebgrasp/labels/hold_probability.hpp"

namespace ebgrasp {
namespace {

std::vector<PreparedObject> boxes() {
    std::vector<PreparedObject> objects;
    for (const Eigen::Vector3d& extents : {Eigen::Vector3d(0.06, 0.04, 0.03), Eigen::Vector3d(0.03, 0.12, 0.04)}) {
        Object object = make_object("box", {make_box(extents)});
        auto poses = stable_poses(object);
        objects.push_back({std::make_shared<const LabelObject>(std::move(object)), std::move(poses)});
    }
    return objects;
}

LabelCheckOptions options() {
    LabelCheckOptions options;
    options.grasps = 96;
    options.frictions = {0.3, 0.8};
    options.ceiling_candidates = 40;
    options.gripper = load_gripper("robotiq_2f85");
    return options;
}

const LabelCheck& checked() {
    static const LabelCheck check = check_labels(boxes(), options());
    return check;
}

bool held(const CheckedGrasp& grasp) { return grasp.outcome == Outcome::success; }

/// Past collisions and contacts: what the threshold on epsilon decides.
std::vector<CheckedGrasp> decided(const FrictionCheck& check) {
    std::vector<CheckedGrasp> grasps;
    std::ranges::copy_if(check.grasps, std::back_inserter(grasps), [](const CheckedGrasp& grasp) {
        return grasp.label.verdict == Verdict::success || grasp.label.verdict == Verdict::not_robust;
    });
    return grasps;
}

TEST(LabelCheck, CountsItsGrasps) {
    ASSERT_EQ(checked().frictions.size(), 2u);
    for (const FrictionCheck& check : checked().frictions) {
        EXPECT_EQ(check.grasps.size(), 96u);
        double agreeing = 0;
        for (const bool label : {false, true})
            for (const bool holds : {false, true}) {
                const auto count = std::ranges::count_if(check.grasps, [&](const CheckedGrasp& grasp) {
                    return grasp.label.success() == label && held(grasp) == holds;
                });
                EXPECT_EQ(std::ptrdiff_t(check.confusion[label][holds]), count);
                if (label == holds) agreeing += double(count);
            }
        EXPECT_DOUBLE_EQ(check.agreement, agreeing / 96);
        EXPECT_GT(check.confusion[1][1], 0u) << "or nothing is compared";
    }
}

TEST(LabelCheck, GradesAreOfTheGraspsThatCloseOnAnObject) {
    for (const FrictionCheck& check : checked().frictions) {
        double pairs = 0, ordered = 0;
        std::array<std::array<std::size_t, 2>, 3> counts = {};
        for (const CheckedGrasp& grasp : check.grasps) {
            const double p = hold_probability(grasp.label);
            if (p == 0) continue;
            ++counts[std::size_t(grasp.label.unevenness * 1000 + 0.5)][held(grasp)];
            for (const CheckedGrasp& other : check.grasps) {
                const double q = hold_probability(other.label);
                if (q == 0 || !held(grasp) || held(other)) continue;
                pairs += 1;
                ordered += p > q ? 1 : p == q ? 0.5 : 0;
            }
        }
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ(check.grades.evenness[i].grasps, counts[i][0] + counts[i][1]) << i;
            EXPECT_EQ(check.grades.evenness[i].held, counts[i][1]) << i;
        }
        ASSERT_GT(pairs, 0);
        EXPECT_NEAR(check.grades.area, ordered / pairs, 1e-9);
    }
}

TEST(LabelCheck, ThresholdsAreTheBestOfAll) {
    for (const FrictionCheck& check : checked().frictions) {
        const auto grasps = decided(check);
        ASSERT_GT(grasps.size(), 5u);
        const auto agreement = [&](double threshold) {
            const auto right = std::ranges::count_if(grasps, [&](const CheckedGrasp& grasp) {
                return (grasp.label.robust_epsilon > threshold) == held(grasp);
            });
            return double(right) / double(grasps.size());
        };
        double best = agreement(-1);
        for (const auto& grasp : grasps) best = std::max(best, agreement(grasp.label.robust_epsilon));
        EXPECT_DOUBLE_EQ(check.robust_epsilon.best_agreement, best);
        EXPECT_DOUBLE_EQ(agreement(check.robust_epsilon.best_threshold), best);

        double won = 0, pairs = 0;
        for (const auto& good : grasps)
            for (const auto& bad : grasps)
                if (held(good) && !held(bad)) {
                    const double difference = good.label.robust_epsilon - bad.label.robust_epsilon;
                    won += difference > 0 ? 1 : difference == 0 ? 0.5 : 0;
                    ++pairs;
                }
        if (pairs > 0) {
            EXPECT_NEAR(check.robust_epsilon.area, won / pairs, 1e-12);
        }
    }
}

TEST(LabelCheck, TheBestLabelledGraspsOfBoxesHold) {
    for (const FrictionCheck& check : checked().frictions) {
        ASSERT_GT(check.best.size(), 5u);
        const auto holding = std::ranges::count_if(check.best, held);
        EXPECT_GE(double(holding), 0.9 * double(check.best.size())) << "at friction " << check.friction;
        for (const CheckedGrasp& grasp : check.best) EXPECT_TRUE(grasp.label.success());
    }
}

TEST(LabelCheck, TheSameOnAnyNumberOfThreads) {
    const ThreadLimit one(1);
    EXPECT_EQ(to_json(check_labels(boxes(), options())).dump(), to_json(checked()).dump());
}

TEST(LabelCheck, NamesWhatIsOutOfRange) {
    EXPECT_THROW(check_labels({}, options()), Error);
    LabelCheckOptions none = options();
    none.grasps = 0;
    EXPECT_THROW(none.validate(), Error);
    LabelCheckOptions slippery = options();
    slippery.frictions = {-0.1};
    EXPECT_THROW(slippery.validate(), Error);
}

}  // namespace
}  // namespace ebgrasp
