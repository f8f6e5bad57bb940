#include "ebgrasp/judge/journal.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;

const nlohmann::json identity = {{"seed", 1}, {"noise", {{"gamma_shape", 0.1}}}};

TrialRecord record(const std::string& planner, std::size_t trial) {
    TrialRecord made;
    made.planner = planner;
    made.model = "abc";
    made.trial = trial;
    made.objects = {"cup", "box"};
    made.ungraspable = 3;
    made.attempts = {{"slipped", 1, 0.1, ""}, {"no_grasp", -1, 2.5, "nothing \"there\"\n\xff"}};
    made.end = "no_grasp";
    return made;
}

template <typename Do>
std::string error_of(Do&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

class JournalTest : public testing::Test {
  protected:
    TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "report.json.trials";
};

TEST_F(JournalTest, FindsWhatWasAddedBefore) {
    {
        Journal journal(file, identity);
        journal.add(record("a", 4));
        journal.add(record("b", 4));
    }
    const Journal journal(file, identity);
    const auto found = journal.find("a", "abc", 4);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->objects, record("a", 4).objects);
    EXPECT_EQ(found->ungraspable, 3u);
    EXPECT_EQ(found->attempts.at(0).mode, "slipped");
    EXPECT_EQ(found->attempts.at(0).object, 1);
    EXPECT_EQ(found->attempts.at(0).plan_milliseconds, 0.1);
    EXPECT_EQ(found->end, "no_grasp");
    EXPECT_FALSE(journal.find("a", "abc", 5).has_value());
    EXPECT_FALSE(journal.find("a", "other weights", 4).has_value());
    EXPECT_FALSE(journal.find("c", "abc", 4).has_value());
}

/// Whatever a kill leaves of the last line: all whole lines count, and the file goes on after them.
TEST_F(JournalTest, SurvivesACutAtEveryByte) {
    {
        Journal journal(file, identity);
        journal.add(record("a", 0));
        journal.add(record("a", 1));
    }
    const std::string whole = read_file(file);
    const std::size_t header = whole.find('\n') + 1, first = whole.find('\n', header) + 1;
    for (std::size_t size = header; size < whole.size(); ++size) {
        std::ofstream(file, std::ios::binary) << whole.substr(0, size);
        Journal journal(file, identity);
        EXPECT_EQ(journal.find("a", "abc", 0).has_value(), size >= first) << size;
        EXPECT_FALSE(journal.find("a", "abc", 1).has_value());
        if (size < first) journal.add(record("a", 0));
        journal.add(record("a", 1));
        EXPECT_EQ(read_file(file), whole) << size;
    }
}

TEST_F(JournalTest, AnotherRunsFileIsRefused) {
    Journal(file, identity).add(record("a", 0));
    const std::string before = read_file(file);
    auto other = identity;
    other["noise"]["gamma_shape"] = 0.2;
    EXPECT_THAT(error_of([&] { Journal(file, other); }), HasSubstr("/identity/noise/gamma_shape differs"));
    EXPECT_EQ(read_file(file), before);
}

TEST_F(JournalTest, DamageIsAnError) {
    Journal(file, identity).add(record("a", 0));
    const std::string whole = read_file(file);
    const std::string header = whole.substr(0, whole.find('\n') + 1);
    const auto error = [&](const std::string& text) {
        write_file_atomically(file, text);
        return error_of([&] { Journal(file, identity); });
    };
    EXPECT_THAT(error(header + "{\"planner\": 1}\n"), HasSubstr("line 2 is damaged"));
    EXPECT_THAT(error(header + std::string(10000, '[') + "\n"), HasSubstr("line 2 is damaged"));
    EXPECT_THAT(error("no journal"), HasSubstr("is no journal"));
    EXPECT_THAT(error("{}\n"), HasSubstr("is of another run"));
    nlohmann::json wrong = record("a", 0);
    wrong["attempts"][1]["why"] = "";
    wrong["attempts"][0]["object"] = 2;
    EXPECT_THAT(error(header + wrong.dump() + "\n"), HasSubstr("names object 2 of 2"));
    wrong["attempts"][0] = {
        {"mode", "success"}, {"object", -1}, {"plan_milliseconds", 1}, {"why", ""}, {"probability", -1}};
    EXPECT_THAT(error(header + wrong.dump() + "\n"), HasSubstr("names object -1"));
}

/// The values of the reference implementation's test suite.
TEST(Fingerprint, IsFnv1a) {
    EXPECT_EQ(fingerprint(""), "cbf29ce484222325");
    EXPECT_EQ(fingerprint("a"), "af63dc4c8601ec8c");
    EXPECT_EQ(fingerprint("foobar"), "85944171f73967e8");
}

}  // namespace
}  // namespace ebgrasp
