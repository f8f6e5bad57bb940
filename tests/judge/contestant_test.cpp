#include "ebgrasp/judge/contestant.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/render.hpp"
#include "ebgrasp/labels/candidates.hpp"
#include "ebgrasp/planning/jaws.hpp"
#include "ebgrasp/planning/planner.hpp"
#include "energy/random_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;
using testing::HasSubstr;

/// Upright boxes on the table, and a camera that sees them.
struct World {
    struct Box {
        Vector3d extents;
        double x, y, yaw;
    };

    std::vector<PosedLabelObject> objects;
    Isometry3d X_WC = Isometry3d::Identity();

    explicit World(const std::vector<Box>& boxes) {
        for (const auto& [extents, x, y, yaw] : boxes) {
            Isometry3d X_WO(Eigen::Translation3d(x, y, extents.z() / 2));
            X_WO.rotate(Eigen::AngleAxisd(yaw, Vector3d::UnitZ()));
            objects.push_back({std::make_shared<LabelObject>(make_object("box", {make_box(extents)})), X_WO});
        }
        RandomStream random(3);
        CameraDistribution cameras;
        cameras.min_elevation = cameras.max_elevation = 0.2;
        X_WC = sample_camera(cameras, random);
    }

    LabelOracle truth() const { return LabelOracle(objects, Gripper{}); }

    PlanRequest request(int count = 10, std::uint64_t seed = 1) const {
        std::vector<PosedObject> posed;
        for (const auto& [object, X_WO] : objects) posed.push_back({&object->object(), X_WO});
        return {.image = render_depth(posed, X_WC, CameraIntrinsics{}).image, .mask = {}, .count = count, .seed = seed};
    }
};

std::string no_models(const std::string& name) { fail("no model '", name, "' here"); }

std::unique_ptr<Contestant> make(const std::string& name) { return make_contestant(name, Gripper{}, no_models); }

PlanResult plan(const Contestant& contestant, const World& world, const PlanRequest& request) {
    const LabelOracle truth = world.truth();
    return contestant.plan({request, world.X_WC, truth});
}

std::vector<Isometry3d> in_world(const World& world, const PlanResult& result) {
    std::vector<Isometry3d> X_WG;
    for (const auto& planned : result.grasps) X_WG.push_back(world.X_WC * planned.X_CG);
    return X_WG;
}

const World one_box({{{0.04, 0.10, 0.05}, 0.02, -0.01, 0.4}});

TEST(MakeContestant, KnowsItsNames) {
    for (const std::string name : {"antipodal", "random", "oracle", "exec:cat", "exec:python3 planner.py --port 1:2"})
        EXPECT_EQ(make(name)->name(), name);
    const auto error_of = [](const std::string& name) -> std::string {
        try {
            make(name);
        } catch (const Error& error) {
            return error.what();
        }
        return "none";
    };
    for (const char* name : {"", "magic", "oracle:x", "random:", "Energy:seed"})
        EXPECT_THAT(error_of(name), HasSubstr("unknown planner '" + std::string(name) + "'; known are energy:MODEL"));
    EXPECT_THAT(error_of("energy"), HasSubstr("energy:MODEL"));
    EXPECT_THAT(error_of("energy-rank:"), HasSubstr("energy-rank:MODEL"));
    EXPECT_THAT(error_of("exec:"), HasSubstr("exec:COMMAND"));
    EXPECT_EQ(error_of("energy:mine"), "no model 'mine' here");
    EXPECT_EQ(error_of("gqcnn-cem"), "no model 'gqcnn' here");
    EXPECT_EQ(error_of("percnn:other"), "no model 'other' here");
}

TEST(MakeContestant, EnergyRankIsEnergyWithoutItsDescent) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "model.safetensors").string();
    write_checkpoint(random_seed_checkpoint(1), path);
    const auto find = [&](const std::string&) { return path; };
    const PlanRequest request = one_box.request();
    const auto plan_by = [&](const std::string& name) {
        return plan(*make_contestant(name, Gripper{}, find), one_box, request);
    };
    PlannerOptions options;
    options.descent.steps = 0;
    const PlanResult expected = Planner(load_energy_model(path), Gripper{}, options).plan(request);
    const PlanResult ranked = plan_by("energy-rank:m"), descended = plan_by("energy:m");
    ASSERT_FALSE(expected.grasps.empty()) << expected.reason;
    ASSERT_EQ(ranked.grasps.size(), expected.grasps.size());
    for (std::size_t i = 0; i < expected.grasps.size(); ++i) {
        EXPECT_EQ(ranked.grasps[i].X_CG.matrix(), expected.grasps[i].X_CG.matrix());
        EXPECT_EQ(ranked.grasps[i].energy, expected.grasps[i].energy);
    }
    // The same samples: what comes out of the ranking is what descends.
    for (const std::size_t stage : {1, 2}) {
        EXPECT_EQ(ranked.stages[stage].name, descended.stages[stage].name);
        EXPECT_EQ(ranked.stages[stage].out, descended.stages[stage].out);
    }
    EXPECT_EQ(descended.stages[4].name, "descent");
    EXPECT_EQ(ranked.stages[4].name, "jaws");
    EXPECT_LE(descended.grasps[0].energy, ranked.grasps[0].energy + 1e-9) << "the starts are candidates, too";
}

TEST(MakeContestant, StartsAndStepsMayBeNamed) {
    const TemporaryFolder folder;
    const auto path = (folder.path() / "model.safetensors").string();
    write_checkpoint(random_seed_checkpoint(1), path);
    std::string found;
    const auto find = [&](const std::string& name) { return found = name, path; };
    const PlanRequest request = one_box.request();
    PlannerOptions options;
    options.seeds = 5;
    options.descent.steps = 3;
    const PlanResult expected = Planner(load_energy_model(path), Gripper{}, options).plan(request);
    const PlanResult result = plan(*make_contestant("energy:m@5x3", Gripper{}, find), one_box, request);
    EXPECT_EQ(found, "m");
    ASSERT_FALSE(expected.grasps.empty()) << expected.reason;
    ASSERT_EQ(result.grasps.size(), expected.grasps.size());
    for (std::size_t i = 0; i < expected.grasps.size(); ++i)
        EXPECT_EQ(result.grasps[i].X_CG.matrix(), expected.grasps[i].X_CG.matrix());
    for (const char* name : {"energy:m@", "energy:m@5", "energy:m@x3", "energy:m@0x3", "energy:m@5x", "energy:m@5x3x",
                             "energy:m@5x-1", "energy:m@99999x3", "energy-free:m@5x99999999999"})
        EXPECT_THROW(make_contestant(name, Gripper{}, find), Error) << name;
}

TEST(Contestants, ExecIsToldTheCameraPose) {
    // It answers the camera's own position as a grasp's success probability and score.
    const auto exec = make(
        "exec:python3 -c \"\nimport json, sys\nfor line in sys.stdin:\n    r = json.loads(line)\n    "
        "print(json.dumps({'format': 'ebgrasp-grasps/1', 'id': r['id'], 'grasps': [{'row': 9, 'col': 9, 'depth': 0.6, "
        "'angle': 0, 'score': r['camera_pose']['position'][2]}]}), flush=True)\n\"");
    const PlanResult result = plan(*exec, one_box, one_box.request());
    EXPECT_NEAR(result.grasps.at(0).energy, -one_box.X_WC.translation().z(), 1e-6);
}

/// The mean robust epsilon over a thousand perturbations, other ones than the planner saw.
std::vector<double> true_quality(const LabelOracle& truth, const std::vector<Isometry3d>& X_WG,
                                 const std::vector<double>& openings) {
    constexpr int repeats = 40;
    std::vector<double> quality(X_WG.size());
    for (int i = 0; i < repeats; ++i) {
        const auto labels = truth.label(X_WG, openings, 1000 + static_cast<std::uint64_t>(i));
        for (std::size_t k = 0; k < quality.size(); ++k) quality[k] += labels[k].robust_epsilon / repeats;
    }
    return quality;
}

TEST(Oracle, PlansTheBestLabelledGraspsStraightDown) {
    const PlanResult result = plan(*make("oracle"), one_box, one_box.request(10));
    ASSERT_EQ(result.grasps.size(), 10u);
    const LabelOracle truth = one_box.truth();
    const auto X_WG = in_world(one_box, result);
    std::vector<double> openings;
    for (const auto& planned : result.grasps) openings.push_back(planned.grasp.width);
    const auto quality = true_quality(truth, X_WG, openings);
    RandomStream random(99);
    const auto others =
        antipodal_candidates(one_box.objects[0], -Vector3d::UnitZ(), Gripper{}.pad_friction, Gripper{}, 200, random);
    const auto other_quality = true_quality(truth, others, std::vector<double>(others.size(), 0.0));
    const double best_other = *std::ranges::max_element(other_quality);
    EXPECT_GT(quality[0], 0.85 * best_other);
    for (std::size_t i = 0; i < X_WG.size(); ++i) {
        EXPECT_GT(quality[i], 0.6 * best_other);
        EXPECT_NEAR(-result.grasps[i].energy, quality[i], 0.3 * best_other);
        EXPECT_LT((X_WG[i].linear().col(2) + Vector3d::UnitZ()).norm(), 1e-9);
        EXPECT_GE(X_WG[i].translation().z(), lowest_center(Gripper{}));
        if (i > 0) {
            EXPECT_LE(result.grasps[i - 1].energy, result.grasps[i].energy);
        }
    }
    const PlanStage& stage = result.stages.at(0);
    std::size_t dropped = 0;
    for (const auto& [reason, count] : stage.dropped) dropped += count;
    EXPECT_EQ(stage.in, stage.out + dropped);
}

TEST(Oracle, OpensLessWhereNeighboursAreClose) {
    // Bars side by side, 25 mm apart: the fingers (12 mm) fit between them only if the jaws do not open all the way.
    const Vector3d bar(0.02, 0.14, 0.05);
    const World row({{bar, -0.045, 0, 0}, {bar, 0, 0, 0}, {bar, 0.045, 0, 0}});
    const PlanResult result = plan(*make("oracle"), row, row.request(1));
    ASSERT_EQ(result.grasps.size(), 1u) << result.reason;
    EXPECT_LT(result.grasps[0].grasp.width, Gripper{}.max_opening);
    const std::vector<double> opening = {result.grasps[0].grasp.width};
    EXPECT_TRUE(row.truth().label(in_world(row, result), opening, 5)[0].success());
}

TEST(Oracle, SaysWhenThereIsNothingToGrasp) {
    const World slab({{{0.2, 0.2, 0.05}, 0, 0, 0}});
    const PlanResult result = plan(*make("oracle"), slab, slab.request());
    EXPECT_TRUE(result.grasps.empty());
    EXPECT_THAT(result.reason, HasSubstr("no grasp of this scene succeeds"));
}

TEST(Contestants, AreFunctionsOfTheirSeed) {
    for (const std::string name : {"oracle", "antipodal", "random"}) {
        const auto contestant = make(name);
        const auto best = [&](std::uint64_t seed) {
            return Eigen::Matrix4d(plan(*contestant, one_box, one_box.request(1, seed)).grasps.at(0).X_CG.matrix());
        };
        EXPECT_EQ(best(1), best(1)) << name;
        EXPECT_NE(best(1), best(2)) << name;
    }
}

}  // namespace
}  // namespace ebgrasp
