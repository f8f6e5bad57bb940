// Several trainings on the same data, and one table of what they reach.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ebgrasp/evaluation/evaluation.hpp"
#include "ebgrasp/evaluation/example_model.hpp"
#include "ebgrasp/training/trainer.hpp"

namespace ebgrasp {

struct SweepRun {
    std::string name;  ///< letters, digits, '.', '_' and '-'; its files begin with it
    TrainingConfig config;
};

struct SweepConfig {
    std::string data, output;  ///< folders; may be empty
    std::vector<SweepRun> runs;
};

/// From a file such as studies/seed.yaml:
///   data, output   folders (optional)
///   training       fields of TrainingConfig that all runs share
///   runs           a list; each has a `name` and the fields of TrainingConfig in which it differs
/// Throws Error naming the run and field that is unknown, out of range or missing.
SweepConfig sweep_from_json(const nlohmann::json& given, const std::string& source);

/// A run's checkpoint judged on the test examples of one kind of split. Alignment and loss are over batches of 512.
struct SweepTest {
    SplitBy split_by;
    /// Shares of these test examples that the run trained on, and whose window it saw in training: how far the number
    /// says something about what is new.
    double seen_examples, seen_windows;
    Evaluation evaluation;
};

struct SweepRow {
    SweepRun run;
    SplitBy trained_by;  ///< the split that it trained on
    int epochs, best_epoch;
    std::size_t parameters, multiply_adds;  ///< of the network; multiply_adds for one grasp in a window of its own
    std::vector<SweepTest> tests;           ///< by example and by object
};

/// Trains what is left to be trained of `runs`, one after the other, each to `folder/<name>.safetensors` and the files
/// that go with it (trainer.hpp), under one progress bar. After every run the table of those done is written to
/// folder/summary.json, .csv and .md. Call it again after a kill: finished runs are kept, the others go on.
/// Throws Error as train() does.
std::vector<SweepRow> run_sweep(const WindowDataset& dataset, const std::vector<SweepRun>& runs,
                                const std::filesystem::path& folder);

/// The table as data: one object per run, with `tests` by split and, where the seed's authors report this run,
/// `authors`.
nlohmann::json sweep_json(const std::vector<SweepRow>& rows);
/// One line per run and split.
std::string sweep_csv(const std::vector<SweepRow>& rows);
/// Two tables: ours beside the authors' numbers, and all runs on both splits.
std::string sweep_markdown(const std::vector<SweepRow>& rows);

}  // namespace ebgrasp
