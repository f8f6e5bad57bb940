#include "ebgrasp/core/progress.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Progress, PrintsSparsePlainLinesWithoutATerminal) {
    const std::string text = printed([] {
        Progress progress("rendering", 1000, "images");
        for (int i = 0; i < 1000; ++i) progress.advance(1, i == 999 ? "all good" : "");
    });
    const auto lines = std::count(text.begin(), text.end(), '\n');
    EXPECT_GE(lines, 9);
    EXPECT_LE(lines, 11);
    EXPECT_THAT(text, HasSubstr("rendering  10 % 100/1000 images"));
    EXPECT_THAT(text, HasSubstr("100 % 1000/1000 images"));
    EXPECT_THAT(text, HasSubstr("took"));
    EXPECT_THAT(text, HasSubstr("all good"));
    EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST(Progress, CountsAcrossThreads) {
    const std::string text = printed([] {
        Progress progress("work", 5000);
        parallel_for(5000, [&](std::size_t) { progress.advance(); });
    });
    EXPECT_THAT(text, HasSubstr("100 % 5000/5000"));
}

TEST(Progress, SurvivesOddTotals) {
    EXPECT_THAT(printed([] { Progress("unknown", 0).advance(7); }), HasSubstr("unknown 7"));
    EXPECT_THAT(printed([] { Progress("too much", 3).advance(50); }), HasSubstr("50/3"));
    EXPECT_EQ(printed([] { Progress("nothing done", 3); }), "");
}

}  // namespace
}  // namespace ebgrasp
