#include "ebgrasp/judge/report.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/quantile.hpp"
#include "ebgrasp/evaluation/metrics.hpp"
#include "ebgrasp/judge/statistics.hpp"

namespace ebgrasp {
namespace {

double ratio(std::size_t part, std::size_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole)
                     : std::numeric_limits<double>::quiet_NaN();
}

PlannerResult planner_result(const std::vector<TrialRecord>& trials, bool rounds) {
    PlannerResult result;
    result.name = trials.front().planner;
    std::vector<double> milliseconds, probabilities;
    std::vector<std::uint8_t> outcomes;  // of the attempts with probabilities
    for (const TrialRecord& trial : trials) {
        result.placed += trial.objects.size();
        result.removed += trial.removed();
        if (rounds) ++result.ends[trial.end];
        for (const AttemptRecord& attempt : trial.attempts) {
            milliseconds.push_back(attempt.plan_milliseconds);
            if (rounds && attempt.mode == kNoGrasp) continue;
            ++result.attempts;
            if (attempt.probability >= 0) {
                probabilities.push_back(attempt.probability);
                outcomes.push_back(attempt.success());
            }
            if (attempt.success())
                ++result.successes;
            else
                ++result.failures[attempt.mode];
        }
    }
    result.interval95 = wilson_interval(result.successes, result.attempts);
    result.plan_ms_p50 = quantile(milliseconds, 0.50);
    result.plan_ms_p95 = quantile(milliseconds, 0.95);
    if (!probabilities.empty()) {
        result.ece = expected_calibration_error(probabilities, outcomes, 10);
        result.mean_probability =
            std::accumulate(probabilities.begin(), probabilities.end(), 0.0) / double(probabilities.size());
    }
    return result;
}

PairedResult paired_result(const std::vector<TrialRecord>& a, const std::vector<TrialRecord>& b) {
    PairedResult result{.a = a.front().planner, .b = b.front().planner};
    for (std::size_t t = 0; t < a.size(); ++t) {
        if (a[t].removed() > b[t].removed())
            ++result.a_better;
        else if (a[t].removed() < b[t].removed())
            ++result.b_better;
        else
            ++result.ties;
    }
    result.p_value = mcnemar_p_value(result.a_better, result.b_better);
    return result;
}

std::vector<PairedResult> paired_results(const std::vector<std::vector<TrialRecord>>& records) {
    std::vector<PairedResult> pairs;
    for (std::size_t i = 0; i < records.size(); ++i)
        for (std::size_t j = i + 1; j < records.size(); ++j) pairs.push_back(paired_result(records[i], records[j]));
    std::vector<double> p_values;
    for (const PairedResult& pair : pairs) p_values.push_back(pair.p_value);
    const auto adjusted = holm_adjusted(p_values);
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p_holm = adjusted[i];
    return pairs;
}

std::vector<ObjectResult> object_results(const std::vector<std::vector<TrialRecord>>& records) {
    std::map<std::string, ObjectResult> objects;
    for (const TrialRecord& trial : records.front())
        for (const std::string& name : trial.objects) ++objects[name].placed;
    for (auto& [name, object] : objects) {
        object.name = name;
        for (const auto& trials : records) object.removed[trials.front().planner] = 0;
    }
    for (const auto& trials : records)
        for (const TrialRecord& trial : trials)
            for (const AttemptRecord& attempt : trial.attempts)
                if (attempt.success())
                    ++objects.at(trial.objects.at(static_cast<std::size_t>(attempt.object))).removed[trial.planner];
    std::vector<ObjectResult> results;
    for (auto& [name, object] : objects) results.push_back(std::move(object));
    return results;
}

std::string listed(const std::map<std::string, std::size_t>& counts) {
    std::string text;
    for (const auto& [name, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
    return text;
}

}  // namespace

std::size_t TrialRecord::removed() const {
    return static_cast<std::size_t>(std::ranges::count_if(attempts, &AttemptRecord::success));
}

double PlannerResult::success_rate() const { return ratio(successes, attempts); }
double PlannerResult::declutter_rate() const { return ratio(removed, placed); }

Report make_report(const std::string& protocol, const std::vector<std::vector<TrialRecord>>& records) {
    require(!records.empty() && !records.front().empty(), "there are no trials to report");
    Report report;
    report.protocol = protocol;
    report.trials = records.front().size();
    for (const auto& trials : records) {
        require(trials.size() == report.trials, trials.front().planner, " has ", trials.size(), " trials of ",
                report.trials);
        report.planners.push_back(planner_result(trials, protocol != "single"));
    }
    report.paired = paired_results(records);
    report.objects = object_results(records);
    for (const TrialRecord& trial : records.front()) {
        report.ungraspable += trial.ungraspable;
        report.unsettled += trial.unsettled;
    }
    return report;
}

nlohmann::json to_json(const Report& report) {
    nlohmann::json planners = nlohmann::json::array(), paired = nlohmann::json::array(),
                   objects = nlohmann::json::array();
    const auto number = [](double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(); };
    for (const PlannerResult& planner : report.planners) {
        planners.push_back({{"name", planner.name},
                            {"attempts", planner.attempts},
                            {"successes", planner.successes},
                            {"success_rate", planner.success_rate()},
                            {"interval95", {planner.interval95.low, planner.interval95.high}},
                            {"declutter_rate", planner.declutter_rate()},
                            {"failures", planner.failures},
                            {"plan_ms_p50", planner.plan_ms_p50},
                            {"plan_ms_p95", planner.plan_ms_p95},
                            {"ece", number(planner.ece)},
                            {"mean_probability", number(planner.mean_probability)}});
        if (!planner.ends.empty()) planners.back()["ends"] = planner.ends;
    }
    for (const PairedResult& pair : report.paired)
        paired.push_back({{"a", pair.a},
                          {"b", pair.b},
                          {"a_better", pair.a_better},
                          {"b_better", pair.b_better},
                          {"ties", pair.ties},
                          {"p_value", pair.p_value},
                          {"p_holm", pair.p_holm}});
    for (const ObjectResult& object : report.objects)
        objects.push_back({{"name", object.name}, {"placed", object.placed}, {"removed", object.removed}});
    return {{"protocol", report.protocol},
            {"seed", report.seed},
            {"trials", report.trials},
            {"planners", planners},
            {"paired", paired},
            {"objects", objects},
            {"ungraspable", report.ungraspable},
            {"unsettled", report.unsettled},
            {"options", report.options}};
}

std::string to_table(const Report& report) {
    const bool rounds = report.protocol != "single";
    std::size_t width = 7;
    for (const PlannerResult& planner : report.planners) width = std::max(width, planner.name.size());
    std::string text = fmt::format(
        "{}: {} {}; drawn again: {} ungraspable, {} not at rest\n\n{:{}}  success %  95 % interval  "
        "attempts{}  plan ms p50    p95    ECE  failures\n",
        report.protocol, report.trials, rounds ? "rounds" : "scenes", report.ungraspable, report.unsettled, "planner",
        width, rounds ? "  declutter %" : "");
    for (const PlannerResult& planner : report.planners) {
        text +=
            fmt::format("{:{}}  {:9.1f}  {:5.1f} .. {:5.1f}  {:8}", planner.name, width, 100 * planner.success_rate(),
                        100 * planner.interval95.low, 100 * planner.interval95.high, planner.attempts);
        if (rounds) text += fmt::format("  {:11.1f}", 100 * planner.declutter_rate());
        text += fmt::format("  {:11.1f}  {:5.1f}  {:>5}  {}\n", planner.plan_ms_p50, planner.plan_ms_p95,
                            std::isfinite(planner.ece) ? fmt::format("{:.3f}", planner.ece) : "-",
                            listed(planner.failures));
    }
    if (!report.paired.empty())
        text += fmt::format("\n{}; exact p (adjusted for {} pairs)\n",
                            rounds ? "rounds in which one removed more objects" : "scenes in which only one succeeded",
                            report.paired.size());
    for (const PairedResult& pair : report.paired)
        text += fmt::format("{:>{}} {:5} : {:<5} {:{}}  p {:.2g} ({:.2g})\n", pair.a, width, pair.a_better,
                            pair.b_better, pair.b, width, pair.p_value, pair.p_holm);
    return text;
}

}  // namespace ebgrasp
