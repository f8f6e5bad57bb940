#include <fmt/format.h>
#include <iostream>
#include <map>

#include "commands.hpp"
#include "depth_input.hpp"
#include "ebgrasp/baselines/planner_factory.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/quantile.hpp"

namespace ebgrasp::app {
namespace {

struct BenchmarkOptions {
    std::string what, intrinsics, gripper = "robotiq_2f85", output;
    std::vector<std::string> depths, planners = {"energy:field"};
    int repeats = 20, count = 10;
};

/// What one planner took, milliseconds.
struct Timing {
    double first = 0;                                   ///< the first plan, with what is loaded and allocated by it
    std::vector<double> plans;                          ///< all others
    std::map<std::string, std::vector<double>> stages;  ///< of all others
    std::vector<std::string> stage_order;
    double multiply_adds = 0;  ///< mean of a plan, in millions
    double grasps = 0;         ///< mean of a plan
};

Timing time_planner(const GraspPlanner& planner, std::span<const PlanRequest> requests, int repeats) {
    Timing timing;
    timing.first = planner.plan(requests.front()).milliseconds;
    for (int repeat = 0; repeat < repeats; ++repeat)
        for (PlanRequest request : requests) {
            request.seed = static_cast<std::uint64_t>(repeat);
            const PlanResult result = planner.plan(request);
            timing.plans.push_back(result.milliseconds);
            timing.multiply_adds += 1e-6 * result.multiply_adds;
            timing.grasps += static_cast<double>(result.grasps.size());
            for (const PlanStage& stage : result.stages) {
                auto& values = timing.stages[stage.name];
                if (values.empty()) timing.stage_order.push_back(stage.name);
                values.push_back(stage.milliseconds);
            }
        }
    timing.multiply_adds /= static_cast<double>(timing.plans.size());
    timing.grasps /= static_cast<double>(timing.plans.size());
    return timing;
}

nlohmann::json to_json(const std::string& name, const Timing& timing) {
    nlohmann::json stages = nlohmann::json::array();
    for (const std::string& stage : timing.stage_order)
        stages.push_back({{"name", stage},
                          {"ms_p50", quantile(timing.stages.at(stage), 0.5)},
                          {"ms_p95", quantile(timing.stages.at(stage), 0.95)}});
    return {{"name", name},
            {"first_ms", timing.first},
            {"ms_p50", quantile(timing.plans, 0.5)},
            {"ms_p95", quantile(timing.plans, 0.95)},
            {"million_multiply_adds", timing.multiply_adds},
            {"grasps", timing.grasps},
            {"stages", stages}};
}

std::string to_table(const std::vector<std::pair<std::string, Timing>>& timings) {
    std::size_t width = 7;
    for (const auto& [name, timing] : timings) width = std::max(width, name.size());
    std::string text = fmt::format("{:{}}  {:>8}  {:>8}  {:>8}  {:>7}  {:>6}  median ms by stage\n", "planner", width,
                                   "first ms", "p50 ms", "p95 ms", "MMAC", "grasps");
    for (const auto& [name, timing] : timings) {
        text +=
            fmt::format("{:{}}  {:8.1f}  {:8.1f}  {:8.1f}  {:>7}  {:6.1f} ", name, width, timing.first,
                        quantile(timing.plans, 0.5), quantile(timing.plans, 0.95),
                        timing.multiply_adds > 0 ? fmt::format("{:.0f}", timing.multiply_adds) : "-", timing.grasps);
        for (const std::string& stage : timing.stage_order)
            text += fmt::format(" {} {:.1f}", stage, quantile(timing.stages.at(stage), 0.5));
        text += "\n";
    }
    return text;
}

void run(const BenchmarkOptions& options, const CommonOptions& common) {
    std::vector<PlanRequest> requests;
    for (const std::string& depth : options.depths) {
        DepthInput input;
        input.depth = depth;
        input.intrinsics = options.intrinsics;
        requests.push_back(input.read());
        requests.back().count = options.count;
    }
    const Gripper gripper = load_gripper(options.gripper);
    std::vector<std::pair<std::string, Timing>> timings;
    nlohmann::json planners = nlohmann::json::array();
    for (const std::string& name : options.planners) {
        const auto planner = make_planner(name, gripper, find_model);
        require(
            planner != nullptr, "unknown planner '", name,
            "'; known are energy:MODEL, energy-rank:MODEL, energy-free:MODEL, gqcnn-cem, percnn, antipodal, random");
        timings.emplace_back(name, time_planner(*planner, requests, options.repeats));
        planners.push_back(to_json(name, timings.back().second));
    }
    const nlohmann::json report = {{"images", options.depths.size()},
                                   {"repeats", options.repeats},
                                   {"count", options.count},
                                   {"gripper", gripper.name},
                                   {"planners", planners}};
    if (!options.output.empty()) write_file_atomically(options.output, report.dump(2) + "\n");
    if (common.json)
        print_json(report);
    else
        std::cout << to_table(timings);
}

}  // namespace

void add_benchmark(CLI::App& app) {
    add_command<BenchmarkOptions>(
        app, "benchmark", "Time planners on depth images",
        "ebgrasp benchmark plan --depth a.npy b.npy --intrinsics camera.intr --planner energy:field,gqcnn-cem,percnn",
        [](CLI::App& command, BenchmarkOptions& o) {
            command.add_option("what", o.what, "plan: latency of whole plans, and of their stages")
                ->required()
                ->check(CLI::IsMember({"plan"}));
            command.add_option("--depth", o.depths, "Depth images, as for `plan`")->required();
            command.add_option("--intrinsics", o.intrinsics, "Of all of them");
            command.add_option("--planner", o.planners, "Planners, separated by commas, as for `simulate`")
                ->delimiter(',')
                ->capture_default_str();
            command.add_option("--gripper", o.gripper, "Gripper: a YAML file or a preset")->capture_default_str();
            command.add_option("-n,--count", o.count, "Grasps to return at most")->capture_default_str();
            command.add_option("--repeats", o.repeats, "Plans of each image, after the first")
                ->check(CLI::Range(1, 100'000))
                ->capture_default_str();
            command.add_option("--output", o.output, "Write the report here (JSON)");
        },
        run);
}

}  // namespace ebgrasp::app
