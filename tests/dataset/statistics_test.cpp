#include "ebgrasp/dataset/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <set>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/npy.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;

// -- Distribution

TEST(Distribution, AgreesWithSortedValues) {
    RandomStream random(1);
    std::vector<double> values;
    Distribution distribution(-2, 2, 4000);
    for (int i = 0; i < 5001; ++i) values.push_back(random.normal(0.3, 0.4));
    for (const double value : values) distribution.add(value);
    std::ranges::sort(values);
    const double n = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
    double variance = 0;
    for (const double value : values) variance += (value - mean) * (value - mean) / n;

    EXPECT_EQ(distribution.count(), values.size());
    EXPECT_EQ(distribution.min(), values.front());
    EXPECT_EQ(distribution.max(), values.back());
    EXPECT_NEAR(distribution.mean(), mean, 1e-12);
    EXPECT_NEAR(distribution.standard_deviation(), std::sqrt(variance), 1e-12);
    for (const double share : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0})
        EXPECT_NEAR(distribution.quantile(share), values[static_cast<std::size_t>(share * (n - 1))], 0.001) << share;

    const auto counts = distribution.histogram(-1, 1, 20);
    for (std::size_t bin = 0; bin < 20; ++bin) {
        const double low = -1 + 0.1 * static_cast<double>(bin);
        EXPECT_EQ(counts[bin], static_cast<std::size_t>(std::ranges::count_if(
                                   values, [&](double value) { return value >= low && value < low + 0.1; })))
            << bin;
    }
}

TEST(Distribution, CountsWhatIsBeyondItsRangeOrNotFinite) {
    Distribution distribution(0, 1, 10);
    EXPECT_TRUE(std::isnan(distribution.min()));
    EXPECT_TRUE(std::isnan(distribution.quantile(0.5)));
    EXPECT_TRUE(std::isnan(distribution.standard_deviation()));
    for (const double value : {-7.0, 0.0, 1.0, 1.0, 9e99, double{NAN}, std::numeric_limits<double>::infinity()})
        distribution.add(value);
    EXPECT_EQ(distribution.count(), 5);
    EXPECT_EQ(distribution.non_finite(), 2);
    EXPECT_EQ(distribution.quantile(0), -7);
    EXPECT_EQ(distribution.quantile(0.25), 0);
    EXPECT_NEAR(distribution.quantile(0.5), 1, 0.1);
    EXPECT_EQ(distribution.quantile(1), 9e99);
    EXPECT_EQ(distribution.histogram(0, 1, 10).back(), 2);
    EXPECT_THROW(Distribution(1, 1, 10), Error);
    EXPECT_THROW(Distribution(0, NAN, 10), Error);
    EXPECT_THROW(Distribution(0, 1, 0), Error);
    EXPECT_THROW(Distribution(0, 1, std::size_t{1} << 60), Error);
}

// -- DatasetStatistics

/// Random examples of four objects, the last without a success.
WindowExamples random_examples(std::size_t windows, std::size_t grasps_per_window, RandomStream random) {
    WindowExamples e;
    for (std::size_t w = 0; w < windows; ++w) {
        for (int i = 0; i < 1024; ++i) e.windows.push_back(static_cast<float>(random.uniform(0.6, 0.8)));
        e.window_object.push_back(static_cast<std::int32_t>(w % 4));
        for (std::size_t g = 0; g < grasps_per_window; ++g) {
            const bool success = w % 4 != 3 && random.bernoulli(0.3);
            for (const double value : {random.uniform(0, 31), random.uniform(0, 31), random.uniform(0.6, 0.8),
                                       random.uniform(-1.57, 1.57), random.uniform(0, 0.08)})
                e.grasps.push_back(static_cast<float>(value));
            e.grasp_window.push_back(static_cast<std::int32_t>(w));
            e.robust_epsilon.push_back(static_cast<float>(random.uniform(success ? 0.002 : 0, success ? 0.01 : 0.002)));
            e.epsilon.push_back(static_cast<float>(random.uniform(0, 0.02)));
            e.verdict.push_back(success ? 0 : static_cast<std::uint8_t>(1 + random.index(3)));
        }
    }
    return e;
}

constexpr std::array<Split, 5> kSplits = {Split::train, Split::train, Split::validation, Split::test, Split::test};

void write_dataset(const fs::path& folder, const std::vector<WindowExamples>& shards) {
    nlohmann::json names = nlohmann::json::array(), objects = nlohmann::json::array();
    for (std::size_t i = 0; i < shards.size(); ++i) {
        names.push_back("shard_" + std::to_string(i));
        write_window_shard(folder / names.back().get<std::string>(), shards[i]);
    }
    for (std::size_t i = 0; i < kSplits.size(); ++i)  // the fifth has no example
        objects.push_back({{"name", "object_" + std::to_string(i)}, {"split", to_string(kSplits[i])}});
    const nlohmann::json header = {
        {"format", "ebgrasp-windows/1"}, {"config", {{"seed", 3}}}, {"objects", objects}, {"shards", names}};
    write_file_atomically(folder / "dataset.json", header.dump());
}

TEST(DatasetStatistics, AgreesWithBruteForceOverTheWholeDataSet) {
    const TemporaryFolder folder;
    write_dataset(folder.path(), {random_examples(40, 3, RandomStream(1)), random_examples(25, 7, RandomStream(2))});
    const DatasetStatistics statistics = dataset_statistics(folder.path());
    const WindowDataset data = read_window_dataset(folder.path());
    const WindowExamples& e = data.examples;

    const auto successes = static_cast<std::size_t>(std::ranges::count(e.verdict, 0));
    EXPECT_EQ(statistics.labels.examples, e.size());
    EXPECT_EQ(statistics.labels.positives, successes);
    EXPECT_EQ(statistics.images, e.window_count());
    for (const Split split : {Split::train, Split::validation, Split::test}) {
        const auto indices = data.indices(split);
        const SplitCount& count = statistics.splits.at(split);
        EXPECT_EQ(count.examples, indices.size());
        EXPECT_EQ(count.positives, std::ranges::count_if(indices, [&](auto i) { return e.success(i); }));
        EXPECT_EQ(count.objects, std::ranges::count(kSplits, split));
        std::set<std::int32_t> windows;
        for (const auto i : indices) windows.insert(e.grasp_window[i]);
        EXPECT_EQ(count.images, windows.size());
    }
    ASSERT_EQ(statistics.objects.size(), 5);
    for (std::int32_t object = 0; object < 5; ++object) {
        LabelCount expected;
        for (std::size_t i = 0; i < e.size(); ++i)
            if (e.window_object[static_cast<std::size_t>(e.grasp_window[i])] == object) expected.add(e.success(i));
        EXPECT_EQ(statistics.objects[static_cast<std::size_t>(object)].examples, expected.examples);
        EXPECT_EQ(statistics.objects[static_cast<std::size_t>(object)].positives, expected.positives);
    }
    EXPECT_EQ(statistics.objects[3].positives, 0);
    EXPECT_EQ(statistics.objects[4].share(), 0);
    for (std::uint8_t verdict = 0; verdict < 4; ++verdict)
        EXPECT_EQ(statistics.verdicts.at(verdict), std::ranges::count(e.verdict, verdict));

    EXPECT_EQ(statistics.image_depth.count(), e.windows.size());
    EXPECT_EQ(statistics.image_depth.max(), std::ranges::max(e.windows));
    for (std::size_t k = 0; k < 5; ++k) {
        float least = std::numeric_limits<float>::max();
        for (std::size_t i = 0; i < e.size(); ++i) least = std::min(least, e.grasps[5 * i + k]);
        EXPECT_EQ(statistics.grasp[k].min(), least) << k;
        EXPECT_EQ(statistics.grasp[k].count(), e.size());
    }
    double robust_sum = 0;
    for (std::size_t i = 0; i < e.size(); ++i) robust_sum += e.success(i) ? e.robust_epsilon[i] : 0;
    EXPECT_EQ(statistics.robust_epsilon[1].count(), successes);
    EXPECT_EQ(statistics.epsilon[0].count(), e.size() - successes);
    EXPECT_NEAR(statistics.robust_epsilon[1].mean(), robust_sum / double(successes), 1e-9);
    for (std::size_t pixel = 0; pixel < 1024; ++pixel) {
        LabelCount expected;
        for (std::size_t i = 0; i < e.size(); ++i)
            if (std::abs(e.grasps[5 * i] - float(pixel / 32)) < 0.5f &&
                std::abs(e.grasps[5 * i + 1] - float(pixel % 32)) < 0.5f)
                expected.add(e.success(i));
        EXPECT_EQ(statistics.positions[pixel].examples, expected.examples) << pixel;
        EXPECT_EQ(statistics.positions[pixel].positives, expected.positives) << pixel;
    }
    EXPECT_EQ(statistics.repetitions.images, 0);
    EXPECT_EQ(statistics.repetitions.examples, 0);
    EXPECT_EQ(statistics.repetitions.shared_images, 0);
}

void copy_window(const WindowExamples& from, std::size_t source, WindowExamples& to, std::size_t target) {
    std::copy_n(&from.windows[1024 * source], 1024, &to.windows[1024 * target]);
}

void copy_grasp(const WindowExamples& from, std::size_t source, WindowExamples& to, std::size_t target) {
    std::copy_n(&from.grasps[5 * source], 5, &to.grasps[5 * target]);
}

TEST(DatasetStatistics, FindsPlantedRepetitionsAndLeaks) {
    auto first = random_examples(12, 2, RandomStream(1)), second = random_examples(12, 2, RandomStream(2));
    copy_window(first, 0, first, 4);   // object 0 again
    copy_window(first, 0, second, 1);  // object 1, also of the training split, in another shard
    copy_window(first, 5, second, 7);  // from training into test
    copy_window(first, 2, second, 3);  // from validation into test ...
    copy_window(first, 2, second, 0);  // ... and into training
    copy_grasp(first, 0, first, 8);    // window 0's first grasp, in its copy: a repeated example
    copy_grasp(first, 0, second, 3);   // and once more, in the other shard
    copy_grasp(first, 2, first, 20);   // the same grasp in another window is none
    const TemporaryFolder folder;
    write_dataset(folder.path(), {first, second});
    const Repetitions found = dataset_statistics(folder.path()).repetitions;
    EXPECT_EQ(found.images, 5);
    EXPECT_EQ(found.examples, 2);
    EXPECT_EQ(found.shared_images, 2);
}

TEST(DatasetStatistics, DrawsSamplesOfEveryVerdictThatAreExamplesOfTheData) {
    const TemporaryFolder folder;
    write_dataset(folder.path(), {random_examples(40, 3, RandomStream(1)), random_examples(25, 7, RandomStream(2))});
    const WindowExamples e = read_window_dataset(folder.path()).examples;
    const auto samples = dataset_statistics(folder.path(), 6, 1).samples;
    std::set<std::size_t> chosen;
    for (std::uint8_t verdict = 0; verdict < 4; ++verdict) {
        ASSERT_EQ(samples.at(verdict).size(), 6);
        for (const ExampleSample& sample : samples.at(verdict)) {
            std::size_t i = 0;
            while (i < e.size() && !std::equal(sample.grasp.begin(), sample.grasp.end(), &e.grasps[5 * i])) ++i;
            ASSERT_LT(i, e.size());
            const auto window = static_cast<std::size_t>(e.grasp_window[i]);
            EXPECT_TRUE(std::equal(sample.window.begin(), sample.window.end(), &e.windows[1024 * window]));
            EXPECT_EQ(sample.verdict, e.verdict[i]);
            EXPECT_EQ(sample.robust_epsilon, e.robust_epsilon[i]);
            EXPECT_EQ(sample.epsilon, e.epsilon[i]);
            chosen.insert(i);
        }
    }
    EXPECT_EQ(chosen.size(), 4 * 6);  // none twice

    const auto first_grasps = [&](std::uint64_t seed) {
        std::vector<float> rows;
        const DatasetStatistics statistics = dataset_statistics(folder.path(), 6, seed);
        for (const auto& sample : statistics.samples.at(0)) rows.push_back(sample.grasp[0]);
        return rows;
    };
    EXPECT_EQ(first_grasps(1), first_grasps(1));
    EXPECT_NE(first_grasps(1), first_grasps(2));
    // More than there are: all of them.
    EXPECT_EQ(dataset_statistics(folder.path(), 10'000, 1).samples.at(0).size(), std::ranges::count(e.verdict, 0));
    EXPECT_TRUE(dataset_statistics(folder.path()).samples.empty());
}

TEST(DatasetStatistics, NonFiniteEpsilonsAreCountedAndDamageIsNamed) {
    auto examples = random_examples(8, 2, RandomStream(1));
    examples.verdict[3] = 1;
    examples.epsilon[3] = NAN;
    examples.robust_epsilon[3] = std::numeric_limits<float>::infinity();
    const TemporaryFolder folder;
    write_dataset(folder.path(), {examples});
    const DatasetStatistics statistics = dataset_statistics(folder.path());
    EXPECT_EQ(statistics.epsilon[0].non_finite(), 1);
    EXPECT_EQ(statistics.robust_epsilon[0].non_finite(), 1);
    EXPECT_EQ(statistics.epsilon[1].non_finite(), 0);

    const auto message = [&] {
        try {
            dataset_statistics(folder.path());
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("no error");
    };
    const auto windows = examples.windows;
    examples.windows[77] = NAN;
    write_npy<float>(folder.path() / "shard_0/windows.npy", examples.windows, {8, 32, 32});
    EXPECT_THAT(message(), testing::HasSubstr("windows.npy holds NaN"));
    write_npy<float>(folder.path() / "shard_0/windows.npy", windows, {8, 32, 32});
    examples.window_object[5] = 5;
    write_npy<std::int32_t>(folder.path() / "shard_0/window_object.npy", examples.window_object, {8});
    EXPECT_THAT(message(), testing::HasSubstr("object 5 of 5"));
}

TEST(DatasetStatistics, ReadsScenes) {
    const int height = 120, width = 200;
    RandomStream random(4);
    std::vector<SceneRecord> scenes(3);
    for (std::size_t i = 0; i < scenes.size(); ++i) {
        SceneRecord& scene = scenes[i];
        scene.height = height, scene.width = width;
        scene.intrinsics = {525, 525, 99.5, 59.5};
        scene.instances.resize(std::size_t(height * width));
        for (int k = 0; k < height * width; ++k)
            scene.depth.push_back(static_cast<std::uint16_t>(6000 + random.index(1000)));
        scene.depth[7] = 0;
        scene.split = i == 2 ? Split::test : Split::train;
        scene.objects = {{static_cast<std::int32_t>(i), Eigen::Isometry3d::Identity()}};
    }
    scenes[1].objects.push_back({0, Eigen::Isometry3d::Identity()});
    scenes[2].depth = scenes[0].depth;                                        // a leak
    scenes[0].grasps = {{60, 100, 0.65f, 0.1f, 0.03f, 0.004f, 0.01f, 0, 0},   // object 0
                        {10, 195, 0.66f, 0.2f, 0, 0, 0, 3, -1}};              // object 0, the only one
    scenes[1].grasps = {{50, 50, 0.64f, 0.3f, 0.02f, 0.001f, 0.002f, 6, 1},   // object 0
                        {20, 20, 0.63f, 0.4f, 0, 0, 0, 3, -1}};               // of none
    scenes[2].grasps = {{60, 100, 0.65f, 0.1f, 0.03f, 0.004f, 0.01f, 0, 0}};  // object 2, repeats the first
    const TemporaryFolder folder;
    write_scene_shard(folder.path() / "shard_0", std::span(scenes).first(2));
    write_scene_shard(folder.path() / "shard_1", std::span(scenes).last(1));
    write_dataset_header(folder.path(), "ebgrasp-scenes/1",
                         {nlohmann::json::object(),
                          {{"a", Split::train}, {"b", Split::train}, {"c", Split::test}},
                          {"shard_0", "shard_1"}});

    const DatasetStatistics statistics = dataset_statistics(folder.path(), 5);
    EXPECT_EQ(statistics.images, 3);
    EXPECT_EQ(statistics.height, height);
    EXPECT_EQ(statistics.labels.examples, 5);
    EXPECT_EQ(statistics.labels.positives, 2);
    EXPECT_EQ(statistics.splits.at(Split::train).images, 2);
    EXPECT_EQ(statistics.splits.at(Split::test).positives, 1);
    EXPECT_EQ(statistics.objects[0].examples, 3);
    EXPECT_EQ(statistics.objects[1].examples, 0);
    EXPECT_EQ(statistics.objects[2].positives, 1);
    EXPECT_EQ(statistics.missing_pixels, 3);
    EXPECT_EQ(statistics.image_depth.count(), 3 * height * width - 3);
    EXPECT_EQ(statistics.grasp[0].min(), 10);
    EXPECT_EQ(statistics.positions[16 * 32 + 16].examples, 2);  // row 60 of 120, column 100 of 200
    EXPECT_EQ(statistics.repetitions.images, 1);
    EXPECT_EQ(statistics.repetitions.examples, 1);
    EXPECT_EQ(statistics.repetitions.shared_images, 1);

    // The samples show the image around the grasp, every third pixel, the border repeated.
    ASSERT_EQ(statistics.samples.at(3).size(), 2);
    for (const ExampleSample& sample : statistics.samples.at(3)) {
        const SceneRecord& scene = scenes[sample.grasp[3] == 0.2f ? 0 : 1];
        const SceneGrasp& grasp = scene.grasps[1];
        for (int i = 0; i < 32; ++i)
            for (int j = 0; j < 32; ++j) {
                const int row = std::clamp(int(grasp.row) + 3 * i - 48, 0, height - 1);
                const int col = std::clamp(int(grasp.col) + 3 * j - 48, 0, width - 1);
                EXPECT_EQ(sample.window[std::size_t(32 * i + j)],
                          scene.depth_in_metres()[std::size_t(row * width + col)]);
            }
        EXPECT_EQ(sample.grasp[0], 16);
        EXPECT_EQ(sample.grasp[1], 16);
    }
}

}  // namespace
}  // namespace ebgrasp
