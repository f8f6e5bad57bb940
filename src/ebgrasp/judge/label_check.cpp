#include "ebgrasp/judge/label_check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <numbers>
#include <optional>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/core/progress.hpp"
#include "ebgrasp/evaluation/metrics.hpp"
#include "ebgrasp/labels/candidates.hpp"

namespace ebgrasp {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

/// What one object in one pose yields.
struct PoseResult {
    std::vector<CheckedGrasp> grasps;
    std::optional<CheckedGrasp> best;  ///< the best-labelled of many
};

/// Uniform in angle among the directions within `max_tilt` of straight down.
Vector3d random_approach(double max_tilt, RandomStream& random) {
    const double tilt = random.uniform(0, max_tilt), azimuth = random.uniform(0, 2 * std::numbers::pi);
    return {std::sin(tilt) * std::cos(azimuth), std::sin(tilt) * std::sin(azimuth), -std::cos(tilt)};
}

PoseResult check_pose(const std::vector<PreparedObject>& objects, const LabelCheckOptions& options,
                      const Gripper& gripper, RandomStream random) {
    const std::size_t index = random.index(objects.size());
    const Isometry3d yaw(Eigen::AngleAxisd(random.uniform(0, 2 * std::numbers::pi), Vector3d::UnitZ()));
    const PosedLabelObject target{objects[index].label, yaw * sample_pose(objects[index], random).X_TO};
    const PosedObject posed{&target.object->object(), target.X_WO};
    const Vector3d approach = random_approach(options.max_tilt, random);
    const LabelOracle oracle({target}, gripper, options.labels);
    TrialWorld world({&posed, 1}, gripper, options.trial);

    const auto check = [&](const Isometry3d& X_WG, bool antipodal, const GraspLabel& label) {
        return CheckedGrasp{index, target.X_WO, X_WG, antipodal, label, world.run(X_WG, 0).outcome};
    };
    const auto antipodal = [&](std::size_t count) {
        return antipodal_candidates(target, approach, gripper.pad_friction, gripper, count, random);
    };
    const auto label = [&](const std::vector<Isometry3d>& X_WG) {
        return oracle.label(X_WG, std::vector<double>(X_WG.size(), 0.0), random(), LabelDetail::graded);
    };

    PoseResult result;
    auto X_WG = antipodal(
        static_cast<std::size_t>(std::lround(options.antipodal_share * static_cast<double>(options.grasps_per_pose))));
    const std::size_t antipodals = X_WG.size();
    const auto uniform = uniform_candidates(target, approach, options.grasps_per_pose - antipodals, random);
    X_WG.insert(X_WG.end(), uniform.begin(), uniform.end());
    const auto labels = label(X_WG);
    for (std::size_t i = 0; i < X_WG.size(); ++i) result.grasps.push_back(check(X_WG[i], i < antipodals, labels[i]));

    const auto candidates = antipodal(options.ceiling_candidates);
    const auto candidate_labels = label(candidates);
    const auto best = std::ranges::max_element(
        candidate_labels, {}, [](const GraspLabel& l) { return l.success() ? l.robust_epsilon : -1.0; });
    if (best != candidate_labels.end() && best->success())
        result.best = check(candidates[std::size_t(best - candidate_labels.begin())], true, *best);
    return result;
}

/// `success[i]` against the prediction score[i] > threshold.
ThresholdFit fit_threshold(const std::vector<std::pair<double, bool>>& scored) {
    if (scored.empty()) return {};
    auto sorted = scored;
    std::ranges::sort(sorted);
    const auto successes = static_cast<double>(std::ranges::count(sorted, true, &std::pair<double, bool>::second));
    const double failures = static_cast<double>(sorted.size()) - successes;

    ThresholdFit fit;
    double agreeing = successes;  // at a threshold below all scores
    fit.best_threshold = -1;
    double best = agreeing, failures_below = 0, ordered_pairs = 0;
    for (auto first = sorted.begin(); first != sorted.end();) {  // groups of equal score
        const auto last =
            std::ranges::find_if(first, sorted.end(), [&](const auto& s) { return s.first > first->first; });
        const auto good = static_cast<double>(std::count_if(first, last, [](const auto& s) { return s.second; }));
        const double bad = static_cast<double>(last - first) - good;
        ordered_pairs += good * (failures_below + 0.5 * bad);
        failures_below += bad;
        agreeing += bad - good;
        if (agreeing > best) {
            best = agreeing;
            fit.best_threshold = last == sorted.end() ? first->first : 0.5 * (first->first + last->first);
        }
        first = last;
    }
    fit.area = successes > 0 && failures > 0 ? ordered_pairs / (successes * failures) : std::nan("");
    fit.best_agreement = best / static_cast<double>(sorted.size());
    return fit;
}

GradeCheck check_grades(const std::vector<CheckedGrasp>& grasps) {
    GradeCheck check;
    std::vector<double> predicted;
    std::vector<float> scores;
    std::vector<std::uint8_t> held;
    for (const CheckedGrasp& grasp : grasps) {
        const double probability = hold_probability(grasp.label);
        if (probability == 0) continue;
        predicted.push_back(probability);
        scores.push_back(static_cast<float>(-probability));
        held.push_back(grasp.outcome == Outcome::success);
        auto& evenness = check.evenness[unevenness_class(grasp.label)];
        ++evenness.grasps;
        evenness.held += held.back();
        evenness.predicted += probability;
    }
    check.area = roc_auc(scores, held);
    check.calibration_error = expected_calibration_error(predicted, held);
    return check;
}

FrictionCheck check_friction(const std::vector<PreparedObject>& objects, const LabelCheckOptions& options,
                             double friction) {
    Gripper gripper = options.gripper;
    gripper.pad_friction = friction;
    const std::size_t poses = (options.grasps + options.grasps_per_pose - 1) / options.grasps_per_pose;
    std::vector<PoseResult> results(poses);
    Progress progress(fmt::format("friction {}", friction), poses, "poses");
    parallel_for(poses, [&](std::size_t i) {
        results[i] = check_pose(objects, options, gripper, RandomStream(options.seed, i));
        progress.advance();
    });

    FrictionCheck check;
    check.friction = friction;
    check.poses = poses;
    std::vector<std::pair<double, bool>> robust, plain;
    for (const PoseResult& result : results) {
        for (const CheckedGrasp& grasp : result.grasps) {
            check.grasps.push_back(grasp);
            const bool held = grasp.outcome == Outcome::success;
            ++check.confusion[grasp.label.success()][held];
            if (grasp.label.verdict != Verdict::success && grasp.label.verdict != Verdict::not_robust) continue;
            robust.emplace_back(grasp.label.robust_epsilon, held);
            plain.emplace_back(grasp.label.epsilon, held);
        }
        if (result.best) check.best.push_back(*result.best);
    }
    check.agreement =
        static_cast<double>(check.confusion[0][0] + check.confusion[1][1]) / static_cast<double>(check.grasps.size());
    check.robust_epsilon = fit_threshold(robust);
    check.epsilon = fit_threshold(plain);
    check.grades = check_grades(check.grasps);
    return check;
}

std::size_t successes(const std::vector<CheckedGrasp>& grasps) {
    return std::size_t(std::ranges::count(grasps, Outcome::success, &CheckedGrasp::outcome));
}

/// Adds one to the number under the outcome's name.
void count(nlohmann::json& counts, Outcome outcome) {
    nlohmann::json& n = counts[std::string(to_string(outcome))];
    n = n.is_null() ? 1 : n.get<int>() + 1;
}

nlohmann::json to_json(const ThresholdFit& fit) {
    return {{"area", fit.area}, {"best_threshold", fit.best_threshold}, {"best_agreement", fit.best_agreement}};
}

nlohmann::json to_json(const GradeCheck& check) {
    nlohmann::json evenness = nlohmann::json::array();
    for (const auto& [grasps, held, predicted] : check.evenness)
        evenness.push_back({{"grasps", grasps}, {"held", held}, {"predicted", predicted}});
    return {{"area", check.area}, {"expected_calibration_error", check.calibration_error}, {"evenness", evenness}};
}

}  // namespace

void LabelCheckOptions::validate() const {
    const auto in_range = [](const char* name, double value, double low, double high) {
        require(value >= low && value <= high, name, " is ", value, ": give ", low, " to ", high);
    };
    in_range("grasps", static_cast<double>(grasps), 1, 1e7);
    in_range("grasps_per_pose", static_cast<double>(grasps_per_pose), 1, 1e4);
    in_range("antipodal_share", antipodal_share, 0, 1);
    in_range("max_tilt", max_tilt, 0, 1);
    require(!frictions.empty(), "no friction coefficient is given");
    for (const double friction : frictions) in_range("friction", friction, 0.05, 2);
    in_range("ceiling_candidates", static_cast<double>(ceiling_candidates), 0, 1e5);
    gripper.validate("gripper " + gripper.name);
    labels.validate();
    trial.validate();
}

LabelCheck check_labels(const std::vector<PreparedObject>& objects, const LabelCheckOptions& options) {
    options.validate();
    require(!objects.empty(), "there are no objects to check labels on");
    LabelCheck check;
    for (const double friction : options.frictions)
        check.frictions.push_back(check_friction(objects, options, friction));
    return check;
}

nlohmann::json to_json(const LabelCheck& check) {
    nlohmann::json frictions = nlohmann::json::array();
    for (const FrictionCheck& f : check.frictions) {
        nlohmann::json verdicts = nlohmann::json::object(), failures = nlohmann::json::object();
        for (const CheckedGrasp& grasp : f.grasps)
            count(verdicts[std::string(to_string(grasp.label.verdict))], grasp.outcome);
        for (const CheckedGrasp& grasp : f.best)
            if (grasp.outcome != Outcome::success) count(failures, grasp.outcome);
        const auto row = [&](bool label) {
            return nlohmann::json{{"physics_success", f.confusion[label][1]},
                                  {"physics_failure", f.confusion[label][0]}};
        };
        frictions.push_back({{"friction", f.friction},
                             {"grasps", f.grasps.size()},
                             {"confusion", {{"label_success", row(true)}, {"label_failure", row(false)}}},
                             {"agreement", f.agreement},
                             {"verdicts", verdicts},
                             {"robust_epsilon", to_json(f.robust_epsilon)},
                             {"epsilon", to_json(f.epsilon)},
                             {"hold_probability", to_json(f.grades)},
                             {"ceiling",
                              {{"poses", f.poses},
                               {"attempts", f.best.size()},
                               {"successes", successes(f.best)},
                               {"failures", failures}}}});
    }
    return {{"frictions", frictions}};
}

std::string to_table(const LabelCheck& check) {
    std::string text = fmt::format(
        "{:>8} {:>7} {:>9} | {:^19} | {:^19} | {:^21} | {:>11}\n{:>8} {:>7} {:>9} | {:>9} {:>9} | "
        "{:>9} {:>9} | {:>6} {:>6} {:>7} | {:>11}\n",
        "", "", "", "label: success", "label: failure", "robust epsilon", "best", "friction", "grasps", "agreement",
        "held", "lost", "held", "lost", "ROC", "best >", "agrees", "held");
    const auto out = std::back_inserter(text);
    for (const FrictionCheck& f : check.frictions)
        fmt::format_to(
            out, "{:>8} {:>7} {:>7.1f} % | {:>9} {:>9} | {:>9} {:>9} | {:>6.3f} {:>6.4f} {:>5.1f} % | {:>5}/{:<5}\n",
            f.friction, f.grasps.size(), 100 * f.agreement, f.confusion[1][1], f.confusion[1][0], f.confusion[0][1],
            f.confusion[0][0], f.robust_epsilon.area, f.robust_epsilon.best_threshold,
            100 * f.robust_epsilon.best_agreement, successes(f.best), f.best.size());
    text += "\nhold_probability of those that close on one object: fingers touch elsewhere earlier by\n";
    fmt::format_to(out, "{:>8} | {:^21} | {:^21} | {:^21} | {:>6} {:>6}\n", "friction", "less than 1 mm", "1 to 2 mm",
                   "more", "ROC", "ECE");
    for (const FrictionCheck& f : check.frictions) {
        fmt::format_to(out, "{:>8}", f.friction);
        for (const auto& [grasps, held, predicted] : f.grades.evenness)
            fmt::format_to(out, " | {:>5}/{:<5} {:>5.1f}%", held, grasps,
                           100 * predicted / static_cast<double>(std::max<std::size_t>(grasps, 1)));
        fmt::format_to(out, " | {:>6.3f} {:>6.3f}\n", f.grades.area, f.grades.calibration_error);
    }
    return text;
}

}  // namespace ebgrasp
