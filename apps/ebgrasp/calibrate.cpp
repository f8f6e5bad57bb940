#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <iostream>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/evaluation/calibration_fit.hpp"
#include "ebgrasp/evaluation/evaluation.hpp"
#include "ebgrasp/evaluation/example_model.hpp"
#ifdef EBGRASP_WITH_SIMULATION
#include "ebgrasp/judge/journal.hpp"
#endif
#ifdef EBGRASP_WITH_VIZ
#include "ebgrasp/core/binomial.hpp"
#include "ebgrasp/evaluation/metrics.hpp"
#include "ebgrasp/viz/plot.hpp"
#endif

namespace ebgrasp::app {
namespace {

struct CalibrateOptions {
    std::string model = "seed", data, attempts, planner, method = "platt", output, diagram;
};

/// The energies of the examples of one split.
struct LabelledEnergies {
    std::vector<float> energies;
    std::vector<std::uint8_t> success;
};

LabelledEnergies energies_of(const ExampleModel& model, const Checkpoint& checkpoint, const WindowDataset& dataset,
                             Split split) {
    const auto indices = held_out_examples(checkpoint, dataset, split);
    return {model.energies(dataset.examples, indices), example_labels(dataset.examples, indices)};
}

#ifdef EBGRASP_WITH_SIMULATION
/// What the stored calibration makes an energy of, as an energy whose probability is 1 / (1 + exp(energy)), with the
/// outcome in physics: even trials to fit, odd ones to test.
std::array<LabelledEnergies, 2> energies_of_attempts(const CalibrateOptions& options) {
    std::array<LabelledEnergies, 2> by_parity;
    std::istringstream lines(read_file(options.attempts));
    std::string line, planner = options.planner;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        const TrialRecord record =
            parse_trial(line, options.attempts + ": is no journal of `ebgrasp simulate`: a line");
        if (planner.empty()) planner = record.planner;
        if (record.planner != planner) continue;
        for (const AttemptRecord& attempt : record.attempts) {
            if (attempt.probability < 0) continue;
            const double p = std::clamp(attempt.probability, 1e-9, 1 - 1e-9);
            by_parity[record.trial % 2].energies.push_back(static_cast<float>(std::log(1 - p) - std::log(p)));
            by_parity[record.trial % 2].success.push_back(attempt.success());
        }
    }
    for (const LabelledEnergies& part : by_parity)
        require(!part.energies.empty(), options.attempts, ": holds no attempts of planner '", planner,
                "' with probabilities; name it with --planner");
    return by_parity;
}
#endif

/// A calibration and how it does on the test examples.
struct Candidate {
    std::string name;
    Calibration calibration;
    CalibrationScores scores;
};

/// The calibrations to compare: knowing only the share of successes, the one that is stored, and the two fitted ones.
std::vector<Candidate> candidates(const std::optional<Calibration>& stored, const LabelledEnergies& fit,
                                  const LabelledEnergies& test) {
    std::vector<Candidate> list;
    const auto add = [&](const std::string& name, const Calibration& calibration) {
        list.push_back({name, calibration, calibration_scores(calibration, test.energies, test.success)});
    };
    add("base_rate", base_rate(fit.success));
    if (stored) add("stored", *stored);
    add("platt", fit_platt(fit.energies, fit.success));
    add("isotonic", fit_isotonic(fit.energies, fit.success));
    return list;
}

const Candidate& find(const std::vector<Candidate>& list, const std::string& name) {
    return *std::ranges::find(list, name, &Candidate::name);
}

nlohmann::json to_json(const CalibrationScores& scores) {
    const auto number = [](double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(); };
    return {{"ece", number(scores.ece)}, {"brier", number(scores.brier)}, {"log_loss", number(scores.log_loss)}};
}

#ifdef EBGRASP_WITH_VIZ
void write_diagram(const Candidate& chosen, const LabelledEnergies& test, const CalibrateOptions& options) {
    constexpr int bin_count = 10;
    std::vector<ReliabilityBin> bins;
    const auto predicted = probabilities(chosen.calibration, test.energies);
    for (const CalibrationBin& bin : calibration_bins(predicted, test.success, bin_count)) {
        const Interval interval = wilson_interval(bin.successes, bin.count);
        bins.push_back(
            {bin.mean_probability, double(bin.successes) / double(bin.count), interval.low, interval.high, bin.count});
    }
    PlotOptions plot;
    const std::string model = std::filesystem::path(options.model).stem().string();
    plot.title = fmt::format("{}, {} calibration: {} test examples, ECE {:.3f}", model, chosen.name,
                             test.success.size(), chosen.scores.ece);
    plot.x.label = "predicted probability of success";
    plot.y.label = "share of successes, 95 % interval";
    write_png(reliability_diagram(bins, plot), options.diagram);
}
#endif

void store(Checkpoint& checkpoint, const Candidate& chosen, const LabelledEnergies& fit, const LabelledEnergies& test,
           const WindowDataset& dataset, const std::string& output) {
    nlohmann::json stored = chosen.calibration;
    stored["fitted_to"] = {{"split", "validation"},
                           {"split_by", to_string(training_division(checkpoint).by)},
                           {"examples", fit.success.size()},
                           {"dataset_config", dataset.config}};
    stored["test"] = to_json(chosen.scores);
    stored["test"]["examples"] = test.success.size();
    checkpoint.info["calibration"] = stored;
    write_checkpoint(checkpoint, output);
}

void report(const std::vector<Candidate>& list, const LabelledEnergies& fit, const LabelledEnergies& test,
            const CalibrateOptions& options, const CommonOptions& common) {
    if (common.json) {
        nlohmann::json scores;
        for (const Candidate& candidate : list) scores[candidate.name] = to_json(candidate.scores);
        return print_json({{"model", options.model},
                           {"method", options.method},
                           {"output", options.output},
                           {"validation_examples", fit.success.size()},
                           {"test_examples", test.success.size()},
                           {"test", scores}});
    }
    std::cout << fmt::format("{}: fitted to {} examples, judged on {} others of {}\n", options.model,
                             fit.success.size(), test.success.size(),
                             options.data.empty() ? options.attempts : options.data);
    std::cout << fmt::format("  {:<12} {:>8} {:>8} {:>9}\n", "calibration", "ECE", "Brier", "log loss");
    for (const auto& [name, calibration, scores] : list)
        std::cout << fmt::format("  {:<12} {:>8.4f} {:>8.4f} {:>9.4f}\n", name, scores.ece, scores.brier,
                                 scores.log_loss);
    if (options.output.empty())
        std::cout << "nothing is stored; --output FILE writes the weights with the calibration\n";
    else
        std::cout << fmt::format("{}: {} calibration stored\n", options.output, options.method);
}

#ifdef EBGRASP_WITH_SIMULATION
/// The stored calibration, then the one fitted to its probabilities.
PlattScaling chained(const Checkpoint& checkpoint, const PlattScaling& outer) {
    const nlohmann::json stored = calibration_of(checkpoint).value_or(PlattScaling{});
    require(stored.at("method") == "platt", "the stored calibration is isotonic, which --attempts cannot refine");
    return {outer.slope * stored.at("slope").get<double>(),
            outer.slope * stored.at("offset").get<double>() + outer.offset};
}

/// Fits to what happened in physics to the grasps that a planner chose by these weights.
void run_on_attempts(const CalibrateOptions& options, const CommonOptions& common) {
    const std::string path = find_model(options.model);
    Checkpoint checkpoint = read_checkpoint(path);
    require(options.method == "platt", "--attempts fits by --method platt alone");
    const auto [fit, test] = energies_of_attempts(options);
    const std::vector<Candidate> list = candidates(PlattScaling{}, fit, test);
    if (!options.output.empty()) {
        nlohmann::json stored = Calibration(chained(checkpoint, fit_platt(fit.energies, fit.success)));
        stored["fitted_to"] = {{"attempts", fit.success.size()}, {"outcomes", "physics"}};
        stored["test"] = to_json(find(list, "platt").scores);
        stored["test"]["attempts"] = test.success.size();
        checkpoint.info["calibration"] = stored;
        write_checkpoint(checkpoint, options.output);
    }
#ifdef EBGRASP_WITH_VIZ
    if (!options.diagram.empty()) write_diagram(find(list, "platt"), test, options);
#endif
    report(list, fit, test, options, common);
}
#endif

void run(const CalibrateOptions& options, const CommonOptions& common) {
#ifdef EBGRASP_WITH_SIMULATION
    if (!options.attempts.empty()) return run_on_attempts(options, common);
#endif
    require(!options.data.empty(), "give --data (labelled examples) or --attempts (a journal of `simulate`)");
    const std::string path = find_model(options.model);
    const WindowDataset dataset = read_window_dataset(options.data);
    Checkpoint checkpoint = read_checkpoint(path);
    try {
        const auto model = make_example_model(checkpoint);
        const LabelledEnergies fit = energies_of(*model, checkpoint, dataset, Split::validation),
                               test = energies_of(*model, checkpoint, dataset, Split::test);
        const std::vector<Candidate> list = candidates(calibration_of(checkpoint), fit, test);
        const Candidate& chosen = find(list, options.method);
        if (!options.output.empty()) store(checkpoint, chosen, fit, test, dataset, options.output);
#ifdef EBGRASP_WITH_VIZ
        if (!options.diagram.empty()) write_diagram(chosen, test, options);
#endif
        report(list, fit, test, options, common);
    } catch (const Error& error) {
        fail(path, ": ", error.what());
    }
}

}  // namespace

void add_calibrate(CLI::App& app) {
    add_command<CalibrateOptions>(
        app, "calibrate", "Fit the probability of success to a model's energies",
        "ebgrasp calibrate --model seed.safetensors --data data/ --output seed.safetensors --diagram reliability.png",
        [](CLI::App& command, CalibrateOptions& o) {
            command.add_option("--data", o.data, "Folder that `ebgrasp generate` made");
#ifdef EBGRASP_WITH_SIMULATION
            command
                .add_option("--attempts", o.attempts,
                            "Instead of labels, outcomes in physics: the journal (.trials) of `ebgrasp simulate "
                            "--output`, whose planner read these weights")
                ->excludes("--data");
            command.add_option("--planner", o.planner, "Which planner's attempts (default: the first's)");
#endif
            command.add_option("--model", o.model, "Weights: a file, or the name of a shipped model")
                ->capture_default_str();
            command.add_option("--method", o.method, "platt (a logistic curve) or isotonic (any falling curve)")
                ->check(CLI::IsMember({"platt", "isotonic"}))
                ->capture_default_str();
            command.add_option("--output", o.output,
                               "Write the weights with the calibration here; may be the model's own file");
#ifdef EBGRASP_WITH_VIZ
            command.add_option("--diagram", o.diagram, "Draw the reliability diagram on test examples here (.png)");
#endif
        },
        run);
}

}  // namespace ebgrasp::app
