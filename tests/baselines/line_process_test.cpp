#include "ebgrasp/baselines/line_process.hpp"

#include <chrono>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "ebgrasp/core/error.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

constexpr std::size_t megabyte = 1 << 20;

/// What `command` is accused of when asked once.
std::string failure_of(const std::string& command, double seconds = 20) {
    LineProcess process(command);
    try {
        return "answered " + process.ask("question", seconds, megabyte);
    } catch (const Error& error) {
        EXPECT_THROW(process.ask("again", 1, megabyte), Error) << "it is not asked twice";
        return error.what();
    }
}

/// Whether the process exists and is no zombie.
bool is_running(int process) {
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    std::string number, name, state;
    return stat >> number >> name >> state && state != "Z" && state != "X";
}

/// The process id that a script wrote, waited for.
int process_in(const std::filesystem::path& file) {
    for (int attempt = 0; attempt < 1000; ++attempt) {
        int process = 0;
        if (std::ifstream(file) >> process && process > 0) return process;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return -1;
}

bool ends_soon(int process) {
    for (int attempt = 0; attempt < 500 && is_running(process); ++attempt)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return !is_running(process);
}

TEST(LineProcess, AnswersLineByLine) {
    LineProcess process("while read word rest; do echo \"$word?\"; done");
    for (const char* word : {"one", "two", "three"})
        EXPECT_EQ(process.ask(std::string(word) + " more", 20, megabyte), std::string(word) + "?");
}

TEST(LineProcess, TakesAnswersInPieces) {
    LineProcess process("read line; printf 'an '; sleep 0.05; printf 'answer\\nthe next'; read line; echo ' one'");
    EXPECT_EQ(process.ask("", 20, megabyte), "an answer");
    EXPECT_EQ(process.ask("", 20, megabyte), "the next one");
}

TEST(LineProcess, SaysHowTheProgramFailed) {
    EXPECT_EQ(failure_of("read line; exit 3"), "the program ended with exit code 3");
    EXPECT_EQ(failure_of("kill -SEGV $$"), "the program was ended by signal 11");
    EXPECT_EQ(failure_of("exec /nowhere/no_such_program 2>/dev/null"), "the program ended with exit code 127");
    EXPECT_EQ(failure_of("sleep 1000", 0.1), "no answer within 0.1 s");
    EXPECT_EQ(failure_of("while :; do printf x; sleep 0.01; done", 0.2), "no answer within 0.2 s");
    EXPECT_THAT(failure_of("yes | tr -d '\\n'"), testing::HasSubstr("longer than 1048576 bytes"));
    EXPECT_EQ(failure_of("exec >&-; sleep 1000"), "the program was ended by signal 9") << "closed its output";
}

TEST(LineProcess, SurvivesAProgramThatClosesItsInput) {
    // Writing to it raises SIGPIPE, which would end this test.
    LineProcess process("read line; exec 0<&-; echo closed; sleep 1000");
    EXPECT_EQ(process.ask("first", 20, megabyte), "closed");
    EXPECT_THROW(process.ask("second", 20, megabyte), Error);
}

TEST(LineProcess, DoesNotWaitForAProgramThatReadsNothing) {
    LineProcess process("yes");  // answers without being asked
    const std::string line(4096, 'x');
    const auto ask_often = [&] {
        for (int i = 0; i < 100; ++i) process.ask(line, 0.2, megabyte);
    };
    EXPECT_THROW(ask_often(), Error) << "the pipe is full at some time";
}

TEST(LineProcess, EndsTheWholeGroup) {
    const TemporaryFolder folder;
    const auto file = folder.path() / "process";
    {
        LineProcess process("sleep 1000 & echo $! > " + file.string() + "; wait");
        EXPECT_GT(process_in(file), 0);
        EXPECT_THROW(process.ask("", 0.1, megabyte), Error);
        EXPECT_TRUE(ends_soon(process_in(file))) << "the child of one that hung";
    }
    std::filesystem::remove(file);
    {
        LineProcess process("sleep 1000 & echo $! > " + file.string() + "; read line");
        EXPECT_GT(process_in(file), 0);
    }
    EXPECT_TRUE(ends_soon(process_in(file))) << "the child of one that ended with its input";
}

}  // namespace
}  // namespace ebgrasp
