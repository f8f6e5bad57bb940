#include "ebgrasp/core/progress.hpp"

#include <algorithm>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What `work` prints to stderr (which is no terminal while it is captured).
template <typename Work>
std::string printed(Work&& work) {
    testing::internal::CaptureStderr();
    work();
    return testing::internal::GetCapturedStderr();
}

/// Longer than the second below which work is not worth a line.
void take_a_while() { std::this_thread::sleep_for(std::chrono::milliseconds(1050)); }

TEST(Progress, SumsUpInOnePlainLineWithoutATerminal) {
    const std::string text = printed([] {
        Progress progress("rendering", 5000, "images");
        parallel_for(4999, [&](std::size_t) { progress.advance(); });
        progress.advance(1, "all good");
        take_a_while();
    });
    EXPECT_EQ(std::ranges::count(text, '\n'), 1);
    EXPECT_THAT(text, HasSubstr("rendering 100 % 5000/5000 images"));
    EXPECT_THAT(text, HasSubstr("took 0:01"));
    EXPECT_THAT(text, HasSubstr("all good"));
    EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST(Progress, SurvivesOddTotals) {
    const std::string text = printed([] {
        Progress unknown("unknown", 0), too_much("too much", 3);
        unknown.advance(7);
        too_much.advance(50);
        take_a_while();
    });
    EXPECT_THAT(text, HasSubstr("unknown 7"));
    EXPECT_THAT(text, HasSubstr("100 % 50/3"));
}

TEST(Progress, BriefWorkIsNotWorthALine) {
    EXPECT_EQ(printed([] { Progress("brief", 3).advance(3); }), "");
    EXPECT_EQ(printed([] { Progress("nothing done", 3); }), "");
}

}  // namespace
}  // namespace ebgrasp
