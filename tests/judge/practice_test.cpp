#include "ebgrasp/judge/practice.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/simulation/trial.hpp"
#include "synthetic_scene.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;

/// A bar that is easily held, and a plate of which fingers find little.
struct Table {
    Object bar = make_object("bar", {make_box({0.03, 0.09, 0.04})}),
           plate = make_object("plate", {make_box({0.12, 0.12, 0.014})});
    std::vector<PosedObject> scene = {{&bar, Eigen::Isometry3d(Eigen::Translation3d(0.05, 0.02, 0.02))},
                                      {&plate, Eigen::Isometry3d(Eigen::Translation3d(-0.08, -0.03, 0.007))}};
    Eigen::Isometry3d X_WC = camera_above(0.7, 0.15);
    DepthImage image = render_depth(scene, X_WC, CameraIntrinsics{}).image;
    Gripper gripper = load_gripper("robotiq_2f85");
};

std::shared_ptr<const EnergyModel> field() { return load_energy_model(EBGRASP_SOURCE_DIR "/models/field.safetensors"); }

TEST(Practice, ExecutesThePlannersGraspsInTheSceneAsItStands) {
    const Table table;
    PracticeParameters parameters;
    parameters.grasps = 6;
    const auto executed = practice_with(field(), parameters)(table.image, table.X_WC, table.scene, table.gripper);
    ASSERT_EQ(executed.size(), 6u);
    int held = 0;
    for (const ExecutedGrasp& e : executed) {
        TrialWorld fresh(table.scene, table.gripper);  // no grasp leaves anything behind for the next
        EXPECT_EQ(e.holds, fresh.run(table.X_WC * e.X_CG, e.opening).outcome == Outcome::success);
        held += e.holds;
    }
    EXPECT_GT(held, 0);
}

TEST(Practice, GraspsAreApart) {
    const Table table;
    PracticeParameters parameters;
    parameters.nms_distance = 0.02;
    parameters.nms_angle = 2;
    const auto executed = practice_with(field(), parameters)(table.image, table.X_WC, table.scene, table.gripper);
    ASSERT_GT(executed.size(), 1u);
    for (std::size_t i = 0; i < executed.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            EXPECT_GT((executed[i].X_CG.translation() - executed[j].X_CG.translation()).norm(), 0.02);
}

TEST(Practice, RefusesParametersOutOfRange) {
    PracticeParameters parameters;
    parameters.grasps = 0;
    EXPECT_THROW(practice_with(field(), parameters), Error);
    parameters = {};
    parameters.nms_angle = -1;
    EXPECT_THROW(practice_with(field(), parameters), Error);
}

class PracticeJournalTest : public testing::Test {
  protected:
    /// Two grasps of no particular scene; counts how often it was asked.
    Practice stub() {
        return [this](const DepthImage&, const Eigen::Isometry3d&, std::span<const PosedObject>, const Gripper&) {
            ++asked;
            Eigen::Isometry3d X_CG(Eigen::Translation3d(0.1, -0.2, 0.61) *
                                   Eigen::AngleAxisd(0.3 + asked, Eigen::Vector3d::UnitZ()));
            return std::vector<ExecutedGrasp>{{X_CG, 0.05, true}, {X_CG.inverse(), 0.07, false}};
        };
    }
    std::vector<ExecutedGrasp> play(PracticeJournal& journal, int source, std::size_t scene) {
        return journal.remembered(source, scene, stub())(DepthImage{}, Eigen::Isometry3d::Identity(), {}, Gripper{});
    }

    TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "field.safetensors.practice";
    int asked = 0;
};

TEST_F(PracticeJournalTest, NoGraspIsExecutedTwice) {
    std::vector<ExecutedGrasp> first, second;
    {
        PracticeJournal journal(file, {{"seed", 1}});
        first = play(journal, 0, 7);
        second = play(journal, 1, 7);
    }
    EXPECT_EQ(asked, 2);
    PracticeJournal journal(file, {{"seed", 1}});
    for (const auto& [source, before] : {std::pair(0, first), std::pair(1, second)}) {
        const auto again = play(journal, source, 7);
        ASSERT_EQ(again.size(), before.size());
        for (std::size_t i = 0; i < again.size(); ++i) {
            EXPECT_EQ(again[i].X_CG.matrix(), before[i].X_CG.matrix());
            EXPECT_EQ(again[i].opening, before[i].opening);
            EXPECT_EQ(again[i].holds, before[i].holds);
        }
    }
    EXPECT_EQ(asked, 2);
    play(journal, 0, 8);
    EXPECT_EQ(asked, 3);
}

TEST_F(PracticeJournalTest, DamageIsAnError) {
    {
        PracticeJournal journal(file, {});
        play(journal, 0, 0);
    }
    std::ofstream(file, std::ios::app) << "{\"source\": 0, \"scene\": 1, \"grasps\": [{\"opening\": 0.1}]}\n";
    try {
        PracticeJournal journal(file, {});
        FAIL();
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("line 3 is damaged"));
    }
}

}  // namespace
}  // namespace ebgrasp
