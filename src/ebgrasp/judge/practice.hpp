// Practice: grasps that a planner chose in training scenes, executed in physics. What a field learns from besides
// labels.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "ebgrasp/core/line_journal.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/generation/field_scenes.hpp"

namespace ebgrasp {

struct PracticeParameters {
    std::string model;            ///< name or file of the weights whose planner chooses; empty: no practice
    int grasps = 24;              ///< executed in a scene, at most, [1, 1000]
    double nms_distance = 0.006;  ///< metres; two of them are farther apart than this ...
    double nms_angle = 0.25;      ///< ... or than this (radians)

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(PracticeParameters, model, grasps, nms_distance, nms_angle)

/// The best grasps of the planner of `model`, however unlikely, each executed in MuJoCo (simulation/trial.hpp) in the
/// scene as it stands. Thread-safe.
Practice practice_with(std::shared_ptr<const EnergyModel> model, const PracticeParameters& parameters);

/// What practice was like, kept in a file: no grasp is executed twice.
class PracticeJournal {
  public:
    /// As LineJournal.
    PracticeJournal(std::filesystem::path path, const nlohmann::json& identity);

    /// In scene number `scene` of the object source number `source`: what the file says was executed there, else
    /// `practice`, which is then written to the file. Refers to this journal. Thread-safe.
    Practice remembered(int source, std::size_t scene, Practice practice);

  private:
    std::map<std::pair<int, std::size_t>, std::vector<ExecutedGrasp>> known_;  ///< those of the file as it was found
    LineJournal lines_;
};

}  // namespace ebgrasp
