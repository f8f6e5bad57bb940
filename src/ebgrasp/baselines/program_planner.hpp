// Any program as a planner, over the line protocol of docs/planner-protocol.md.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "ebgrasp/baselines/line_process.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/planning/grasp_planner.hpp"

namespace ebgrasp {

struct ProgramLimits {
    double seconds = 10;        ///< for an answer, (0, 86400] ...
    double first_seconds = 30;  ///< ... and for the first after a start, loading included
    std::size_t max_answer_bytes = std::size_t{8} << 20;

    /// Throws Error naming the first field that is out of range.
    void validate() const;
};

/// An answer's line as the plan for `request`, of which `id` is the number; its `count` best grasps are kept. Throws
/// Error.
PlanResult parse_answer(const std::string& line, std::uint64_t id, const PlanRequest& request);

/// Asks one process, started by the first request and kept for all others. Its grasps are taken as they are: whether
/// they fit the gripper and the scene is the program's business. Requests of several threads wait for each other; the
/// plan's milliseconds are those of the program alone.
class ProgramPlanner : public GraspPlanner {
  public:
    /// `command` is run by the shell.
    ProgramPlanner(std::string command, const Gripper& gripper, const ProgramLimits& limits = {});
    ~ProgramPlanner() override;

    std::string name() const override { return "exec:" + command_; }

    /// Throws Error if the program ends, does not answer in time or not by the protocol. The next request starts it
    /// anew then.
    PlanResult plan(const PlanRequest& request) const override;

  private:
    std::string ask(const std::string& line) const;

    std::string command_;
    ProgramLimits limits_;
    std::filesystem::path folder_;  ///< of the files that requests name
    mutable std::mutex mutex_;      ///< of all below
    mutable std::unique_ptr<LineProcess> process_;
    mutable std::uint64_t requests_ = 0;
};

}  // namespace ebgrasp
