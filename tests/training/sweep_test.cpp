#include "ebgrasp/training/sweep.hpp"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "synthetic_windows.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// With a third split by object.
WindowDataset dataset_with_tests() {
    WindowDataset dataset = synthetic_windows(40, 16, 1);
    for (std::size_t object = 34; object < 40; ++object) dataset.objects[object].split = Split::test;
    return dataset;
}

json small_sweep() {
    return {{"training",
             {{"epochs", 2},
              {"batch_size", 64},
              {"learning_rate", 1e-3},
              {"device", "cpu"},
              {"threads", 1},
              {"batch_by", "window"},
              {"split_by", "example"}}},
            {"runs", json::array({{{"name", "tau1"}, {"temperature", 1}},
                                  {{"name", "by-object"}, {"temperature", 10}, {"split_by", "object"}}})}};
}

std::vector<SweepRun> small_runs() { return sweep_from_json(small_sweep(), "test").runs; }

TEST(SweepConfig, RunsOverrideWhatTheyShare) {
    json given = small_sweep();
    given["data"] = "some/data";
    const SweepConfig config = sweep_from_json(given, "test");
    EXPECT_EQ(config.data, "some/data");
    EXPECT_EQ(config.output, "");
    ASSERT_EQ(config.runs.size(), 2U);
    EXPECT_EQ(config.runs[0].name, "tau1");
    EXPECT_EQ(config.runs[0].config.temperature, 1);
    EXPECT_EQ(config.runs[0].config.split_by, "example");
    EXPECT_EQ(config.runs[0].config.batch_size, 64);
    EXPECT_EQ(config.runs[1].config.split_by, "object");
    EXPECT_EQ(config.runs[1].config.epochs, 2);
    EXPECT_EQ(config.runs[1].config.loss, "nce");  // TrainingConfig's own
}

TEST(SweepConfig, NamesWhatIsWrong) {
    const auto message = [](const std::function<void(json&)>& change) {
        json given = small_sweep();
        change(given);
        return message_of([&] { sweep_from_json(given, "sweep.yaml"); });
    };
    EXPECT_EQ(message([](json&) {}), "no error");
    EXPECT_THAT(message([](json& g) { g = 3; }), HasSubstr("no mapping"));
    EXPECT_THAT(message([](json& g) { g["run"] = 1; }), HasSubstr("unknown key 'run'"));
    EXPECT_THAT(message([](json& g) { g["data"] = 1; }), HasSubstr("'data' must name a folder"));
    EXPECT_THAT(message([](json& g) { g.erase("runs"); }), HasSubstr("at least one run"));
    EXPECT_THAT(message([](json& g) { g["runs"] = "all"; }), HasSubstr("at least one run"));
    EXPECT_THAT(message([](json& g) { g["training"] = 1; }), HasSubstr("'training' is no mapping"));
    EXPECT_THAT(message([](json& g) { g["runs"][0].erase("name"); }), HasSubstr("with a 'name'"));
    EXPECT_THAT(message([](json& g) { g["runs"][0]["name"] = "../up"; }), HasSubstr("\"../up\""));
    EXPECT_THAT(message([](json& g) { g["runs"][0]["name"] = "by-object"; }),
                HasSubstr("two runs are named by-object"));
    EXPECT_THAT(message([](json& g) { g["runs"][1]["temprature"] = 1; }),
                testing::AllOf(HasSubstr("run by-object"), HasSubstr("temprature")));
    EXPECT_THAT(message([](json& g) { g["runs"][1]["temperature"] = -1; }),
                testing::AllOf(HasSubstr("run by-object"), HasSubstr("temperature is -1")));
}

TEST(Sweep, TellsWhatTrainingSawOfItsTests) {
    const WindowDataset dataset = dataset_with_tests();
    const TemporaryFolder folder;
    const std::vector<SweepRow> rows = run_sweep(dataset, small_runs(), folder.path());
    ASSERT_EQ(rows.size(), 2U);

    const SweepRow &by_example = rows[0], &by_object = rows[1];
    EXPECT_EQ(by_example.trained_by, SplitBy::example);
    EXPECT_EQ(by_object.trained_by, SplitBy::object);
    for (const SweepRow& row : rows) {
        EXPECT_EQ(row.epochs, 2);
        ASSERT_EQ(row.tests.size(), 2U);
        EXPECT_EQ(row.tests[0].split_by, SplitBy::example);
        EXPECT_EQ(row.tests[1].split_by, SplitBy::object);
        EXPECT_EQ(row.tests[1].evaluation.positives + row.tests[1].evaluation.negatives, 6U * 16U);
    }
    // Its own tests are new to a run; those of the other split are mostly not.
    EXPECT_EQ(by_example.tests[0].seen_examples, 0);
    EXPECT_GT(by_example.tests[0].seen_windows, 0.99) << "16 grasps share a window";
    EXPECT_NEAR(by_example.tests[1].seen_examples, 0.8, 0.12);
    EXPECT_EQ(by_object.tests[1].seen_examples, 0);
    EXPECT_EQ(by_object.tests[1].seen_windows, 0);
    EXPECT_NEAR(by_object.tests[0].seen_examples, 28.0 / 40, 0.15);

    // The numbers are those of the checkpoint on those examples.
    const Checkpoint checkpoint = read_checkpoint(folder.path() / "by-object.safetensors");
    const std::vector<std::size_t> test = dataset.indices(Split::test);
    const Evaluation expected = evaluate(make_example_model(checkpoint)->energies(dataset.examples, test),
                                         example_labels(dataset.examples, test),
                                         {.temperature = 10, .calibration = calibration_of(checkpoint)});
    EXPECT_EQ(by_object.tests[1].evaluation.roc_auc, expected.roc_auc);
    EXPECT_EQ(by_object.tests[1].evaluation.loss, expected.loss);
    EXPECT_EQ(by_object.tests[1].evaluation.ece, expected.ece);
}

TEST(Sweep, WritesOneTableInThreeFormats) {
    const TemporaryFolder folder;
    const std::vector<SweepRow> rows = run_sweep(dataset_with_tests(), small_runs(), folder.path());

    const json summary = json::parse(read_file(folder.path() / "summary.json"));
    EXPECT_EQ(summary, sweep_json(rows));
    ASSERT_EQ(summary.at("runs").size(), 2U);
    const json& first = summary["runs"][0];
    EXPECT_EQ(first.at("name"), "tau1");
    EXPECT_EQ(first.at("config").at("temperature"), 1);
    EXPECT_EQ(first.at("authors").at("loss"), 0.73);
    EXPECT_EQ(first.at("authors").at("alignment"), 0.838);
    EXPECT_FALSE(summary["runs"][1].contains("authors")) << "they did not train by object";
    for (const char* split : {"example", "object"})
        for (const char* key : {"loss", "alignment", "alignment_spread", "roc_auc", "average_precision",
                                "precision_at_recall_50", "ece", "positives", "negatives", "seen_examples"})
            EXPECT_TRUE(first.at("tests").at(split).contains(key)) << split << " " << key;

    std::istringstream csv(read_file(folder.path() / "summary.csv"));
    std::string line;
    int lines = 0;
    for (; std::getline(csv, line); ++lines) EXPECT_EQ(std::ranges::count(line, ','), 23) << line;
    EXPECT_EQ(lines, 5);

    const std::string markdown = read_file(folder.path() / "summary.md");
    EXPECT_THAT(markdown, HasSubstr("| tau1 | 1 | 2 |"));
    EXPECT_THAT(markdown, HasSubstr("| 0.73 |"));
    EXPECT_THAT(markdown, HasSubstr("| by-object | object | 2 |"));
}

TEST(Sweep, KilledAndResumedEndsInTheSameBytes) {
    const WindowDataset dataset = dataset_with_tests();
    const std::vector<SweepRun> runs = small_runs();
    const TemporaryFolder whole, killed;
    run_sweep(dataset, runs, whole.path());

    // Killed when the first run was done and the second had one of its epochs behind it.
    TrainingConfig half = runs[1].config;
    half.epochs = 1;
    train(dataset, runs[0].config, killed.path() / "tau1.safetensors");
    train(dataset, half, killed.path() / "by-object.safetensors");
    run_sweep(dataset, runs, killed.path());
    for (const char* file : {"tau1.safetensors", "by-object.safetensors", "summary.json", "summary.csv", "summary.md"})
        EXPECT_TRUE(read_file(whole.path() / file) == read_file(killed.path() / file)) << file;

    const auto written = std::filesystem::last_write_time(whole.path() / "tau1.safetensors.state");
    run_sweep(dataset, runs, whole.path());
    EXPECT_EQ(std::filesystem::last_write_time(whole.path() / "tau1.safetensors.state"), written) << "trained again";
}

TEST(Sweep, NeedsTestExamples) {
    const TemporaryFolder folder;
    EXPECT_THAT(message_of([&] { run_sweep(synthetic_windows(24, 16, 1), small_runs(), folder.path()); }),
                HasSubstr("no test examples by object"));
}

}  // namespace
}  // namespace ebgrasp
