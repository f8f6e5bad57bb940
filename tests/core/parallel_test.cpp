#include "ebgrasp/core/parallel.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <vector>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

std::vector<double> draws(int threads) {
    const ThreadLimit limit(threads);
    std::vector<double> values(1000);
    parallel_for(values.size(), [&](std::size_t i) { values[i] = RandomStream(9, i).normal(); });
    return values;
}

TEST(ParallelFor, VisitsEveryIndexOnce) {
    for (const std::size_t grain : {1, 7, 5000}) {
        std::vector<std::atomic<int>> visits(1000);
        parallel_for(
            visits.size(), [&](std::size_t i) { ++visits[i]; }, grain);
        for (const auto& count : visits) EXPECT_EQ(count, 1);
    }
    parallel_for(0, [](std::size_t) { FAIL(); });
}

TEST(ParallelFor, ResultsDoNotDependOnTheNumberOfThreads) {
    const auto one = draws(1);
    EXPECT_EQ(one, draws(2));
    EXPECT_EQ(one, draws(5));
    EXPECT_EQ(one, draws(0));
}

TEST(ParallelFor, RethrowsAnException) {
    const auto thrower = [](std::size_t i) {
        if (i == 77) throw std::out_of_range("77");
    };
    EXPECT_THROW(parallel_for(100, thrower), std::out_of_range);
}

TEST(ThreadLimit, CapsConcurrency) {
    const ThreadLimit limit(1);
    std::atomic<int> inside = 0, most = 0;
    parallel_for(64, [&](std::size_t) {
        most = std::max<int>(most, ++inside);
        --inside;
    });
    EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace ebgrasp
