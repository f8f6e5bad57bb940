#include "ebgrasp/training/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numbers>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/evaluation/evaluation.hpp"
#include "ebgrasp/evaluation/example_model.hpp"
#include "ebgrasp/training/seed_network.hpp"
#include "synthetic_windows.hpp"
#include "temporary_folder.hpp"
#include "training/event_log_reader.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A few short epochs.
TrainingConfig small_config() {
    TrainingConfig config;
    config.temperature = 1;
    config.epochs = 4;
    config.batch_size = 64;
    config.learning_rate = 1e-3;
    config.device = "cpu";
    config.batch_by = "window";
    config.threads = 1;  // batches are too small for more
    return config;
}

WindowDataset small_dataset() { return synthetic_windows(24, 16, 1); }

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// By how batches are drawn.
class TrainBy : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Batches, TrainBy, testing::Values("example", "window"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(TrainBy, FindsTheRuleOfTheLabels) {
    const WindowDataset dataset = synthetic_windows(60, 32, 2);
    constexpr int epochs = 6;
    TrainingConfig config = small_config();
    config.epochs = epochs;
    config.augment = false;  // the rule with its half turn takes longer to learn
    config.batch_by = GetParam();
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors";
    const TrainingResult result = train(dataset, config, path);

    ASSERT_EQ(result.epochs.size(), std::size_t{epochs});
    EXPECT_LT(result.epochs.back().training_loss, 0.7 * result.epochs.front().training_loss);
    EXPECT_LT(result.epochs.back().success_energies[1], result.epochs.back().failure_energies[1]);
    EXPECT_GT(result.metrics.at("roc_auc").get<double>(), 0.9);

    // The deployed runtime of the checkpoint says the same, and is calibrated.
    const Checkpoint checkpoint = read_checkpoint(path);
    const std::vector<std::size_t> validation = dataset.indices(Split::validation);
    const Evaluation evaluation =
        evaluate(make_example_model(checkpoint)->energies(dataset.examples, validation),
                 example_labels(dataset.examples, validation),
                 {.temperature = 1, .batch_size = 64, .calibration = calibration_of(checkpoint)});
    EXPECT_NEAR(evaluation.roc_auc, result.metrics.at("roc_auc").get<double>(), 1e-3);
    EXPECT_NEAR(evaluation.loss, result.metrics.at("loss").get<double>(), 1e-3);
    EXPECT_LT(evaluation.ece, 0.1);
}

TEST(Train, KeepsTheEpochOfLowestValidationLoss) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors";
    int calls = 0;
    const TrainingResult result = train(small_dataset(), small_config(), path,
                                        [&](const EpochReport& report) { EXPECT_EQ(report.epoch, ++calls); });
    EXPECT_EQ(calls, 4);
    double lowest = std::numeric_limits<double>::infinity();
    int best = 0;
    for (const EpochReport& report : result.epochs)
        if (report.validation_loss < lowest) {
            lowest = report.validation_loss;
            best = report.epoch;
        }
    EXPECT_EQ(result.best_epoch, best);
    EXPECT_EQ(result.metrics.at("loss").get<double>(), lowest);
    const Checkpoint checkpoint = read_checkpoint(path);
    EXPECT_EQ(checkpoint.info.at("provenance").at("epoch"), best);
    EXPECT_EQ(checkpoint.info.at("config").get<TrainingConfig>().temperature, 1);
    for (const char* key : {"calibration", "view", "normalization", "metrics"})
        EXPECT_TRUE(checkpoint.info.contains(key));

    EXPECT_EQ(checkpoint.info.at("config").at("split_by"), "object");

    const std::string log = read_file(path.string() + ".csv", 1 << 20);
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 5);
    EXPECT_THAT(log, testing::StartsWith("epoch,training_loss,validation_loss,"));
}

TEST(Train, SplitsAsTheDataSayUnlessToldOtherwise) {
    WindowDataset dataset = small_dataset();
    TrainingConfig config;
    EXPECT_EQ(training_split(config, dataset), SplitBy::object);
    dataset.config = {{"split_by", "image"}};
    EXPECT_EQ(training_split(config, dataset), SplitBy::window);
    config.split_by = "example";
    EXPECT_EQ(training_split(config, dataset), SplitBy::example);
    config.split_by = "data";
    dataset.config = {{"split_by", 3}};
    EXPECT_THAT(message_of([&] { training_split(config, dataset); }), HasSubstr("config.split_by is 3"));

    dataset.config = {{"split_by", "example"}, {"split", {0.5, 0.3, 0.2}}};
    config = small_config();
    config.epochs = 1;
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors";
    train(dataset, config, path);
    const json info = read_checkpoint(path).info;
    EXPECT_EQ(info.at("config").at("split_by"), "example");
    EXPECT_EQ(info.at("provenance").at("training_examples"), dataset.indices(Split::train, SplitBy::example, 1).size());
}

TEST(Train, ReportsWhereTheEnergiesLie) {
    const WindowDataset dataset = small_dataset();
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors";
    const TrainingResult result = train(dataset, small_config(), path);
    EXPECT_EQ(json(finished_epochs(path)), json(result.epochs));
    EXPECT_THAT(finished_epochs(folder.path() / "other"), testing::IsEmpty());

    const std::vector<std::size_t> validation = dataset.indices(Split::validation);
    const auto labels = example_labels(dataset.examples, validation);
    const auto successes = static_cast<int>(std::accumulate(labels.begin(), labels.end(), 0));
    for (const EpochReport& report : result.epochs) {
        const EnergyHistogram& energies = report.energies;
        EXPECT_LT(energies.low, energies.high);
        EXPECT_EQ(std::reduce(energies.successes.begin(), energies.successes.end()), successes);
        EXPECT_EQ(std::reduce(energies.failures.begin(), energies.failures.end()),
                  static_cast<int>(labels.size()) - successes);
    }
    // The best epoch's are the checkpoint's.
    const std::vector<float> energies =
        make_example_model(read_checkpoint(path))->energies(dataset.examples, validation);
    const auto [low, high] = std::ranges::minmax(energies);
    const EnergyHistogram& best = result.epochs[static_cast<std::size_t>(result.best_epoch - 1)].energies;
    EXPECT_NEAR(best.low, low, 1e-4);  // fewer than 1000: none is left out
    EXPECT_NEAR(best.high, high, 1e-4);
}

/// One epoch in which all windows are equal, so that batch norm sees the same in every batch, the weights hardly move
/// and the loss is a mean over examples: then the epoch's loss is told by the losses of single examples.
struct StillEpoch {
    StillEpoch(const std::string& batch_by, bool augment) : dataset(synthetic_windows(40, 16, 3)) {
        WindowExamples& examples = dataset.examples;
        for (std::size_t i = window_pixels; i < examples.windows.size(); ++i)
            examples.windows[i] = examples.windows[i % window_pixels];
        config.loss = "bce";
        config.epochs = 1;
        config.batch_size = 56;  // 3.5 windows; 8 batches are the 448 training examples
        config.learning_rate = 1e-30;
        config.dropout = 0;
        config.augment = augment;
        config.batch_by = batch_by;
        const TemporaryFolder folder;
        const auto path = folder.path() / "seed.safetensors";
        loss = train(dataset, config, path).epochs[0].training_loss;

        const torch::NoGradGuard no_grad;
        const Checkpoint checkpoint = read_checkpoint(path);
        load_checkpoint(network, checkpoint);
        network->train();
        normalization = normalization_of(checkpoint);
        const torch::Tensor window = torch::from_blob(examples.windows.data(), {1, 1, window_size, window_size});
        code = network->encode((window - normalization.depth_mean) / normalization.depth_std);
    }

    /// The loss of each training example with its angle turned by `turn`.
    std::vector<double> losses(double turn = 0) {
        std::vector<double> losses;
        for (const std::size_t i : dataset.indices(Split::train)) {
            torch::Tensor grasp = torch::empty({1, 4});
            for (std::size_t k = 0; k < 4; ++k)
                grasp[0][static_cast<std::int64_t>(k)] =
                    (dataset.examples.grasps[5 * i + k] + (k == 3 ? turn : 0) - normalization.grasp_mean[k]) /
                    normalization.grasp_std[k];
            const double energy = network->energies(code, grasp).item<double>();
            losses.push_back(
                std::log1p(std::exp((dataset.examples.success(i) ? energy : -energy) / config.temperature)));
        }
        return losses;
    }

    WindowDataset dataset;
    TrainingConfig config = small_config();
    SeedNetwork network{/*dropout=*/0.0};
    WindowNormalization normalization;
    torch::Tensor code;
    double loss;
};

double mean(std::span<const double> values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

TEST_P(TrainBy, AnEpochTakesEveryExampleOnce) {
    StillEpoch epoch(GetParam(), /*augment=*/false);
    const std::vector<double> losses = epoch.losses();
    ASSERT_EQ(losses.size(), 448U);
    EXPECT_NEAR(epoch.loss, mean(losses), 1e-6);
    EXPECT_GT(std::abs(epoch.loss - mean(std::span(losses).first(447))), 1e-5) << "a missing example would show";
}

TEST_P(TrainBy, AugmentationTurnsHalfOfTheGraspsByPi) {
    StillEpoch epoch(GetParam(), /*augment=*/true);
    const std::vector<double> labelled = epoch.losses();
    std::vector<double> turned = epoch.losses(std::numbers::pi);
    const std::vector<double> turned_back = epoch.losses(-std::numbers::pi);
    const std::vector<std::size_t> training = epoch.dataset.indices(Split::train);
    double expected = 0, variance = 0;  // of the sum over examples, each turned with probability 0.5
    for (std::size_t i = 0; i < labelled.size(); ++i) {
        if (epoch.dataset.examples.grasps[5 * training[i] + 3] > 0) turned[i] = turned_back[i];
        expected += (labelled[i] + turned[i]) / 2;
        variance += std::pow((labelled[i] - turned[i]) / 2, 2);
    }
    const double sum = epoch.loss * static_cast<double>(labelled.size()), deviation = std::sqrt(variance);
    EXPECT_NEAR(sum, expected, 4 * deviation);
    EXPECT_GT(std::abs(std::accumulate(labelled.begin(), labelled.end(), 0.0) - sum), 1e-3) << "none is turned";
    EXPECT_GT(std::abs(std::accumulate(turned.begin(), turned.end(), 0.0) - sum), 1e-3) << "all are turned";
}

// --------------------------------------------------------------------------------------------------- kill and resume

/// The checkpoint's bytes after training that is killed after each of the epochs `kills`.
std::string trained_bytes(const WindowDataset& dataset, const TrainingConfig& config, std::vector<int> kills) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors";
    struct Killed {};
    kills.push_back(0);  // the last call goes through
    for (const int kill : kills) {
        try {
            train(dataset, config, path, [&](const EpochReport& report) {
                if (report.epoch == kill) throw Killed();
            });
        } catch (const Killed&) {
        }
    }
    return read_file(path, std::size_t{1} << 24);
}

TEST_P(TrainBy, KilledAndResumedEndsInTheSameBytes) {
    const WindowDataset dataset = small_dataset();
    TrainingConfig config = small_config();
    config.batch_by = GetParam();
    const std::string whole = trained_bytes(dataset, config, {});
    EXPECT_TRUE(whole == trained_bytes(dataset, config, {2}));
    EXPECT_TRUE(whole == trained_bytes(dataset, config, {1, 3, 4}));
}

TEST(Train, DoesNotDependOnThreads) {
    const WindowDataset dataset = small_dataset();
    TrainingConfig config = small_config();
    const auto tensors = [&](int threads) {
        config.threads = threads;
        Checkpoint checkpoint = parse_checkpoint(trained_bytes(dataset, config, {}), "trained");
        checkpoint.info = {};  // holds the number of threads
        return checkpoint_bytes(checkpoint, "tensors");
    };
    EXPECT_TRUE(tensors(1) == tensors(2));
}

TEST(Train, GoesOnWithMoreEpochsAndReturnsAtOnceWithoutAny) {
    const WindowDataset dataset = small_dataset();
    TrainingConfig config = small_config();
    const TemporaryFolder folder;
    const auto whole = folder.path() / "whole", halves = folder.path() / "halves";
    const TrainingResult expected = train(dataset, config, whole);
    config.epochs = 2;
    train(dataset, config, halves);
    const std::string after_two = read_file(halves, std::size_t{1} << 24);
    EXPECT_EQ(train(dataset, config, halves).epochs.size(), 2U);
    EXPECT_TRUE(read_file(halves, std::size_t{1} << 24) == after_two);

    config.epochs = 4;
    int calls = 0;
    const TrainingResult result = train(dataset, config, halves, [&](const EpochReport&) { ++calls; });
    EXPECT_EQ(calls, 2);
    ASSERT_EQ(result.epochs.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(result.epochs[i].training_loss, expected.epochs[i].training_loss);
        EXPECT_EQ(result.epochs[i].validation_loss, expected.epochs[i].validation_loss);
    }
}

/// What a log of TensorBoard holds of `result`.
void expect_events_of(const TrainingResult& result, const std::filesystem::path& output) {
    const auto file = std::filesystem::path(output.string() + ".events") / "events.out.tfevents.ebgrasp";
    const std::vector<ReadEvent> events = read_events(read_file(file));
    constexpr std::size_t per_epoch = 6;
    ASSERT_EQ(events.size(), 1 + per_epoch * result.epochs.size()) << "each epoch once";
    for (std::size_t i = 0; i < result.epochs.size(); ++i) {
        const EpochReport& report = result.epochs[i];
        const auto* event = &events[1 + per_epoch * i];
        for (std::size_t k = 0; k < per_epoch; ++k) {
            EXPECT_EQ(event[k].step, report.epoch);
            EXPECT_EQ(event[k].wall_time, report.finished);
        }
        EXPECT_EQ(event[0].tag, "loss/training");
        EXPECT_EQ(event[0].value, static_cast<float>(report.training_loss));
        EXPECT_EQ(event[1].tag, "loss/validation");
        EXPECT_EQ(event[1].value, static_cast<float>(report.validation_loss));
        EXPECT_EQ(event[2].tag, "alignment/validation");
        EXPECT_EQ(event[2].value, static_cast<float>(report.validation_alignment));
        EXPECT_EQ(event[4].tag, "energy/successes");
        EXPECT_EQ(event[5].tag, "energy/failures");
        EXPECT_THAT(event[4].buckets, testing::ElementsAreArray(report.energies.successes));
        EXPECT_THAT(event[5].buckets, testing::ElementsAreArray(report.energies.failures));
        EXPECT_NEAR(event[5].bucket_limits.back(), report.energies.high, 1e-9);
        EXPECT_EQ(event[5].histogram_numbers[0], report.energies.low);
    }
}

TEST(Train, LogsForTensorBoardEachEpochOnceWhateverHappens) {
    const WindowDataset dataset = small_dataset();
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors";
    TrainingConfig config = small_config();
    config.epochs = 2;
    expect_events_of(train(dataset, config, path), path);
    // Killed after the log of the third epoch was written, but not its state.
    const std::string state = read_file(path.string() + ".state");
    config.epochs = 3;
    train(dataset, config, path);
    write_file_atomically(path.string() + ".state", state);
    config.epochs = 4;
    expect_events_of(train(dataset, config, path), path);
}

TEST(Train, RefusesAStateOfAnotherRun) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "seed.safetensors", state = folder.path() / "seed.safetensors.state";
    TrainingConfig config = small_config();
    config.epochs = 1;
    train(small_dataset(), config, path);

    TrainingConfig other = config;
    other.temperature = 2;
    EXPECT_THAT(message_of([&] { train(small_dataset(), other, path); }),
                HasSubstr("another configuration or data set"));
    WindowDataset moved = small_dataset();
    moved.examples.grasp_window[3] = 1;
    EXPECT_THAT(message_of([&] { train(moved, config, path); }), HasSubstr("another configuration or data set"));

    std::filesystem::remove(path);
    EXPECT_THAT(message_of([&] { train(small_dataset(), config, path); }), HasSubstr("is gone"));
    std::filesystem::resize_file(state, 1000);
    EXPECT_THAT(message_of([&] { train(small_dataset(), config, path); }), HasSubstr("truncated"));
}

// ---------------------------------------------------------------------------------------------------------------
// errors

TEST(Train, NamesTheFieldThatIsOutOfRange) {
    const auto message = [](const std::function<void(TrainingConfig&)>& change) {
        TrainingConfig config;
        change(config);
        return message_of([&] { config.validate(); });
    };
    EXPECT_EQ(message([](auto&) {}), "no error");
    EXPECT_THAT(message([](auto& c) { c.model = "tree"; }), HasSubstr("model is tree"));
    EXPECT_THAT(message([](auto& c) { c.loss = "l2"; }), HasSubstr("loss is l2"));
    EXPECT_THAT(message([](auto& c) { c.temperature = 0; }), HasSubstr("temperature is 0"));
    EXPECT_THAT(message([](auto& c) { c.temperature = std::nan(""); }), HasSubstr("temperature is nan"));
    EXPECT_THAT(message([](auto& c) { c.epochs = 0; }), HasSubstr("epochs is 0"));
    EXPECT_THAT(message([](auto& c) { c.batch_size = 1; }), HasSubstr("batch_size is 1"));
    EXPECT_THAT(message([](auto& c) { c.batch_by = "object"; }), HasSubstr("batch_by is object"));
    EXPECT_THAT(message([](auto& c) { c.learning_rate = -1; }), HasSubstr("learning_rate is -1"));
    EXPECT_THAT(message([](auto& c) { c.dropout = 1; }), HasSubstr("dropout is 1"));
    EXPECT_THAT(message([](auto& c) { c.device = "tpu"; }), HasSubstr("device is tpu"));
    EXPECT_THAT(message([](auto& c) { c.threads = -1; }), HasSubstr("threads is -1"));
    EXPECT_THAT(message([](auto& c) { c.split_by = "colour"; }), HasSubstr("colour"));
}

TEST(Train, NeedsSuccessesAndFailures) {
    const TemporaryFolder folder;
    for (const auto verdict : {std::uint8_t{0}, std::uint8_t{1}}) {
        WindowDataset dataset = small_dataset();
        for (const std::size_t i : dataset.indices(Split::validation)) dataset.examples.verdict[i] = verdict;
        EXPECT_THAT(message_of([&] { train(dataset, small_config(), folder.path() / "seed"); }),
                    HasSubstr("validation split has"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Train, SaysThatItDiverged) {
    const TemporaryFolder folder;
    TrainingConfig config = small_config();
    config.temperature = 1e-42;  // energies / temperature overflow
    EXPECT_THAT(message_of([&] { train(small_dataset(), config, folder.path() / "seed"); }),
                HasSubstr("training diverged in epoch 1"));
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ebgrasp
