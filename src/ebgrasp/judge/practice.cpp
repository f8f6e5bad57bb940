#include "ebgrasp/judge/practice.hpp"

#include <array>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/planning/planner.hpp"
#include "ebgrasp/simulation/trial.hpp"

namespace ebgrasp {
namespace {

/// A line of the journal.
struct PracticeRecord {
    struct Grasp {
        std::array<double, 12> X_CG = {};  ///< upper three rows, row by row
        double opening = 0;
        bool holds = false;
    };
    int source = 0;
    std::size_t scene = 0;
    std::vector<Grasp> grasps;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PracticeRecord::Grasp, X_CG, opening, holds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PracticeRecord, source, scene, grasps)

using PoseRows = Eigen::Matrix<double, 3, 4, Eigen::RowMajor>;

PracticeRecord parse_practice(std::string_view line) {
    try {
        return parse_json(line, "it").get<PracticeRecord>();
    } catch (const nlohmann::json::exception& error) {
        fail("it is no practice (", error.what(), ")");
    }
}

}  // namespace

void PracticeParameters::validate() const {
    require(grasps >= 1 && grasps <= 1000, "practice: grasps is ", grasps, ", must be in [1, 1000]");
    require(nms_distance >= 0 && nms_distance <= 1, "practice: nms_distance is ", nms_distance,
            ", must be in [0, 1] m");
    require(nms_angle >= 0 && nms_angle <= 2, "practice: nms_angle is ", nms_angle, ", must be in [0, 2] rad");
}

Practice practice_with(std::shared_ptr<const EnergyModel> model, const PracticeParameters& parameters) {
    parameters.validate();
    PlannerOptions options;
    options.nms_distance = parameters.nms_distance;
    options.nms_angle = parameters.nms_angle;
    options.min_probability = 0;
    return [model, options, count = parameters.grasps](const DepthImage& image, const Eigen::Isometry3d& X_WC,
                                                       std::span<const PosedObject> scene, const Gripper& gripper) {
        PlanRequest request;
        request.image = image;
        request.count = count;
        const PlanResult plan = Planner(model, gripper, options).plan(request);
        TrialWorld world(scene, gripper);
        std::vector<ExecutedGrasp> executed;
        for (const PlannedGrasp& y : plan.grasps) {
            const Outcome outcome = world.run(X_WC * y.X_CG, y.grasp.width).outcome;
            executed.push_back({y.X_CG, y.grasp.width, outcome == Outcome::success});
        }
        return executed;
    };
}

PracticeJournal::PracticeJournal(std::filesystem::path path, const nlohmann::json& identity)
    : lines_(std::move(path), "ebgrasp-practice/1", identity, [this](std::string_view line) {
          const PracticeRecord record = parse_practice(line);
          auto& executed = known_[{record.source, record.scene}];
          executed.clear();
          for (const auto& grasp : record.grasps) {
              executed.push_back({Eigen::Isometry3d::Identity(), grasp.opening, grasp.holds});
              executed.back().X_CG.affine() = Eigen::Map<const PoseRows>(grasp.X_CG.data());
          }
      }) {}

Practice PracticeJournal::remembered(int source, std::size_t scene, Practice practice) {
    return [this, source, scene, practice = std::move(practice)](const DepthImage& image, const Eigen::Isometry3d& X_WC,
                                                                 std::span<const PosedObject> objects,
                                                                 const Gripper& gripper) {
        if (const auto found = known_.find({source, scene}); found != known_.end()) return found->second;
        auto executed = practice(image, X_WC, objects, gripper);
        PracticeRecord record{source, scene, {}};
        for (const ExecutedGrasp& e : executed) {
            record.grasps.push_back({{}, e.opening, e.holds});
            Eigen::Map<PoseRows>(record.grasps.back().X_CG.data()) = e.X_CG.affine();
        }
        lines_.add(record);
        return executed;
    };
}

}  // namespace ebgrasp
