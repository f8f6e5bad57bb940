#include "ebgrasp/baselines/program_planner.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numbers>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/image/image_io.hpp"
#include "synthetic_scene.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;
using testing::HasSubstr;

/// A request with a small image of a box on a table.
PlanRequest small_request(std::uint64_t seed = 0) {
    static const CameraIntrinsics camera{60, 80, 65, 65, 39.5, 29.5};
    static const Eigen::Isometry3d X_WC = camera_above(0.7, 0.15, 0.4);
    static const SyntheticScene scene = synthetic_scene({{0, 0, 0.3, {0.05, 0.1, 0.05}}}, X_WC, camera);
    return {.image = scene.image, .mask = {}, .count = 10, .seed = seed, .X_WC = X_WC};
}

/// A planner whose program is this Python, in which `answer(**fields)` prints an answer to `request`.
class Program {
  public:
    explicit Program(const std::string& body, const ProgramLimits& limits = {}) {
        const auto path = folder_.path() / "program.py";
        std::ofstream(path) << "import json, sys, time\n"
                               "grasp = {'row': 20, 'col': 30, 'depth': 0.6, 'angle': 0.5, 'score': 1}\n"
                               "def answer(**fields):\n"
                               "    print(json.dumps({'format': 'ebgrasp-grasps/1', 'id': request['id'],\n"
                               "                      'grasps': [grasp]} | fields), flush=True)\n"
                            << body;
        planner_ = std::make_unique<ProgramPlanner>("python3 " + path.string(), Gripper{}, limits);
    }

    PlanResult plan(const PlanRequest& request = small_request()) const { return planner_->plan(request); }

    std::string error_of(const PlanRequest& request = small_request()) const {
        try {
            plan(request);
            return "none";
        } catch (const Error& error) {
            return error.what();
        }
    }

  private:
    TemporaryFolder folder_;
    std::unique_ptr<ProgramPlanner> planner_;
};

const std::string for_each_request = "for line in sys.stdin:\n    request = json.loads(line)\n    ";

TEST(ProgramPlanner, IsStartedOnceAndKept) {
    const Program program("count = 0\n" + for_each_request +
                          "count += 1\n    answer(grasps=[grasp | {'score': count}])\n");
    for (int i = 1; i <= 3; ++i) {
        const PlanResult result = program.plan();
        ASSERT_EQ(result.grasps.size(), 1u);
        EXPECT_EQ(result.grasps[0].energy, -i);
        EXPECT_NEAR(result.grasps[0].grasp.row, 20, 1e-9);
        EXPECT_EQ(result.grasps[0].grasp.width, 0) << "the gripper's widest";
        EXPECT_GT(result.milliseconds, 0);
    }
}

TEST(ProgramPlanner, TellsTheProgramWhatARobotWouldKnow) {
    const TemporaryFolder folder;
    const auto copied = [&](const char* name) { return folder.path() / name; };
    const Program program("import shutil\n" + for_each_request + "folder = '" + folder.path().string() +
                          "/'\n"
                          "    shutil.copy(request['depth'], folder + 'depth.npy')\n"
                          "    if request['mask']: shutil.copy(request['mask'], folder + 'mask.npy')\n"
                          "    shutil.copy(request['gripper'], folder + 'gripper.yaml')\n"
                          "    json.dump(request, open(folder + 'request.json', 'w'))\n"
                          "    answer()\n");
    PlanRequest request = small_request(7);
    request.count = 3;
    request.failed_X_CG = {Eigen::Isometry3d(Eigen::Translation3d(0.1, 0, 0.6))};
    request.mask = (request.image.depth < 0.66f).cast<std::uint8_t>();
    program.plan(request);

    const auto told = nlohmann::json::parse(std::ifstream(copied("request.json")));
    EXPECT_EQ(told["format"], "ebgrasp-request/1");
    EXPECT_EQ(told["count"], 3);
    EXPECT_EQ(told["seed"], 7);
    const CameraIntrinsics& camera = request.image.camera;
    EXPECT_EQ(told["intrinsics"]["fx"], camera.fx);
    EXPECT_EQ(told["intrinsics"]["width"], camera.width);
    const auto p = told["camera_pose"]["position"].get<std::array<double, 3>>();
    const auto q = told["camera_pose"]["quaternion_wxyz"].get<std::array<double, 4>>();
    EXPECT_LT((Vector3d(p[0], p[1], p[2]) - request.X_WC->translation()).norm(), 1e-6);
    EXPECT_LT((Eigen::Quaterniond(q[0], q[1], q[2], q[3]).toRotationMatrix() - request.X_WC->linear()).norm(), 1e-6);
    ASSERT_EQ(told["failed"].size(), 1u);
    EXPECT_NEAR(told["failed"][0]["position"][2].get<double>(), 0.6, 1e-6);
    CameraIntrinsics sizeless = camera;
    sizeless.height = sizeless.width = 0;
    EXPECT_TRUE((read_depth_image(copied("depth.npy"), sizeless).depth == request.image.depth).all());
    EXPECT_TRUE(((read_mask(copied("mask.npy"), camera.height, camera.width) > 0) == (request.mask > 0)).all());
    EXPECT_EQ(to_yaml(load_gripper(copied("gripper.yaml").string())), to_yaml(Gripper{}));

    request.mask = Mask();
    request.X_WC.reset();
    program.plan(request);
    const auto less = nlohmann::json::parse(std::ifstream(copied("request.json")));
    EXPECT_TRUE(less["mask"].is_null());
    EXPECT_TRUE(less["camera_pose"].is_null());
}

TEST(ProgramPlanner, KeepsTheBestGrasps) {
    const Program program(for_each_request +
                          "answer(grasps=[grasp | {'score': s, 'width': 0.01 * s} for s in (3, 1, 5, 2, 4)])\n");
    PlanRequest request = small_request();
    request.count = 3;
    const PlanResult result = program.plan(request);
    ASSERT_EQ(result.grasps.size(), 3u);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(result.grasps[static_cast<std::size_t>(i)].energy, i - 5);
        EXPECT_NEAR(result.grasps[static_cast<std::size_t>(i)].grasp.width, 0.01 * (5 - i), 1e-12);
    }
    EXPECT_EQ(result.stages.at(0).dropped.at("beyond_count"), 2u);
}

TEST(ProgramPlanner, NoGraspIsNoFailure) {
    const PlanResult result = Program(for_each_request + "answer(grasps=[], reason='nothing there')\n").plan();
    EXPECT_TRUE(result.grasps.empty());
    EXPECT_EQ(result.reason, "program: nothing there");
    EXPECT_EQ(Program(for_each_request + "answer(grasps=[])\n").plan().reason, "program: no grasps");
}

TEST(ProgramPlanner, RefusesLies) {
    const auto says = [](const std::string& statement) {
        return Program(for_each_request + statement + "\n").error_of();
    };
    EXPECT_THAT(says("print('Loading model...', flush=True)"), HasSubstr("the answer 'Loading model...': is no JSON"));
    EXPECT_THAT(says("sys.stdout.buffer.write(b'\\x1b[31m\\xff\\n'); sys.stdout.flush()"),
                HasSubstr("the answer '?[31m?': is no JSON"));
    EXPECT_THAT(says("print('', flush=True)"), HasSubstr("no JSON"));
    EXPECT_THAT(says("print('[' * 1000000, flush=True)"), HasSubstr("nested more than 32"));
    EXPECT_THAT(says("print('[]', flush=True)"), HasSubstr("id"));
    EXPECT_THAT(says("answer(id=request['id'] + 1)"), HasSubstr("id"));
    EXPECT_THAT(says("grasp['row'] = float('nan'); answer()"), HasSubstr("no JSON"));
    EXPECT_THAT(says("grasp['row'] = 60; answer()"), HasSubstr("grasp 0: row 60"));  // tests/planning has more of these
    const std::string long_error = says("answer(format='\\x07' * 100000)");
    EXPECT_THAT(long_error, HasSubstr("format is ?????"));
    EXPECT_LT(long_error.size(), 500u);
    // 10 million grasps, and megabytes without a newline.
    EXPECT_THAT(says("sys.stdout.write('{\"id\": 1, \"grasps\": [' + '{},' * 10**7); sys.stdout.flush()"),
                HasSubstr("longer than 8388608 bytes"));
}

TEST(ProgramPlanner, LosesTheTrialButNotTheRun) {
    ProgramLimits limits;
    limits.seconds = limits.first_seconds = 2;
    const Program program(for_each_request +
                              "if request['seed'] == 1: time.sleep(1000)\n"
                              "    if request['seed'] == 2: sys.exit(5)\n"
                              "    if request['seed'] == 3: print('garbage')\n"
                              "    answer()\n",
                          limits);
    EXPECT_EQ(program.plan().grasps.size(), 1u);
    EXPECT_THAT(program.error_of(small_request(1)), HasSubstr("no answer within 2 s"));
    EXPECT_EQ(program.plan().grasps.size(), 1u);
    EXPECT_THAT(program.error_of(small_request(2)), HasSubstr("exit code 5"));
    EXPECT_EQ(program.plan().grasps.size(), 1u);
    EXPECT_THAT(program.error_of(small_request(3)), HasSubstr("no JSON"));
    EXPECT_EQ(program.plan().grasps.size(), 1u) << "the real answer to the garbled request is not taken for this one's";
}

TEST(ProgramPlanner, NoticesASecondLine) {
    const Program program(for_each_request + "answer()\n    answer()\n");
    EXPECT_EQ(program.plan().grasps.size(), 1u);
    EXPECT_THAT(program.error_of(), HasSubstr("id"));
}

TEST(ProgramPlanner, HasTimeToStart) {
    ProgramLimits limits;
    limits.seconds = 0.3;
    limits.first_seconds = 20;
    const Program program("time.sleep(0.6)\n" + for_each_request +
                              "if request['seed'] == 1: time.sleep(0.6)\n"
                              "    answer()\n",
                          limits);
    EXPECT_EQ(program.plan().grasps.size(), 1u);
    EXPECT_THAT(program.error_of(small_request(1)), HasSubstr("no answer within 0.3 s"));
}

TEST(ProgramPlanner, ACommandThatCannotRunFailsEveryRequest) {
    const ProgramPlanner planner("exec /nowhere/no_such_program 2>/dev/null", Gripper{});
    for (int i = 0; i < 2; ++i) {
        try {
            planner.plan(small_request());
            FAIL();
        } catch (const Error& error) {
            EXPECT_THAT(error.what(), HasSubstr("exit code 127"));
        }
    }
}

TEST(ProgramPlanner, AnswersThreadsOneAfterTheOther) {
    const Program program(for_each_request + "answer(grasps=[grasp | {'score': request['seed']}])\n");
    std::vector<double> energies(40);
    parallel_for(energies.size(),
                 [&](std::size_t i) { energies[i] = program.plan(small_request(i)).grasps.at(0).energy; });
    for (std::size_t i = 0; i < energies.size(); ++i) EXPECT_EQ(energies[i], -static_cast<double>(i));
}

TEST(ProgramPlanner, PlanarGraspsApproachAsTheListSays) {
    const PlanRequest request = small_request();
    for (const auto& [approach, expected_C] :
         {std::pair{"camera_axis", Vector3d(0, 0, 1)},
          std::pair{"support_plane_normal", Vector3d(request.X_WC->linear().transpose() * -Vector3d::UnitZ())}}) {
        const std::string list = "answer(approach='" + std::string(approach) + "')\n";
        const PlannedGrasp planned = Program(for_each_request + list).plan(request).grasps.at(0);
        EXPECT_LT((planned.X_CG.linear().col(2) - expected_C).norm(), 1e-9);
        EXPECT_TRUE((planned.X_CG.linear().transpose() * planned.X_CG.linear()).isIdentity(1e-9));
        EXPECT_NEAR(planned.grasp.row, 20, 1e-9);
        EXPECT_NEAR(planned.grasp.angle, 0.5, 1e-9);
        EXPECT_NEAR(planned.X_CG.translation().z(), 0.6, 1e-12);
    }
    PlanRequest poseless = request;
    poseless.X_WC.reset();
    EXPECT_THAT(Program(for_each_request + "answer(approach='support_plane_normal')\n").error_of(poseless),
                HasSubstr("support plane is not known"));
}

TEST(ProgramLimits, AreChecked) {
    ProgramLimits limits;
    limits.seconds = 0;
    EXPECT_THROW(ProgramPlanner("cat", Gripper{}, limits), Error);
}

TEST(ExampleProgram, GraspsABoxAcrossItsShortSide) {
    const ProgramPlanner planner("python3 " EBGRASP_SOURCE_DIR "/examples/planner_protocol/planner.py", Gripper{});
    for (const double yaw : {0.2, 1.0, 2.2}) {
        const TableBox box{0.02, -0.03, yaw, {0.04, 0.12, 0.05}};
        const Eigen::Isometry3d X_WC = camera_above(0.7, 0.2, 0.5);
        const SyntheticScene scene = synthetic_scene({box}, X_WC);
        for (const bool masked : {false, true}) {
            PlanRequest request{.image = scene.image, .mask = {}, .X_WC = X_WC};
            if (masked) request.mask = (scene.boxes > 0).cast<std::uint8_t>();
            const PlanResult result = planner.plan(request);
            ASSERT_EQ(result.grasps.size(), 1u);
            const Eigen::Isometry3d X_WG = X_WC * result.grasps[0].X_CG;
            EXPECT_LT((X_WG.linear().col(2) + Vector3d::UnitZ()).norm(), 1e-6) << "straight down";
            EXPECT_GT(std::abs(X_WG.linear().col(0).dot(Vector3d(std::cos(yaw), std::sin(yaw), 0))), 0.99);
            EXPECT_LT(std::hypot(X_WG.translation().x() - box.x, X_WG.translation().y() - box.y), 0.012);
            EXPECT_NEAR(X_WG.translation().z(), 0.022, 0.004);
        }
    }
    const SyntheticScene table = synthetic_scene({}, camera_above(0.7, 0.2));
    PlanRequest request{.image = table.image, .mask = {}, .X_WC = camera_above(0.7, 0.2)};
    EXPECT_TRUE(planner.plan(request).grasps.empty());
}

}  // namespace
}  // namespace ebgrasp
