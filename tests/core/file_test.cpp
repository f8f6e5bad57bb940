#include "ebgrasp/core/file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ebgrasp/core/error.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(File, ReadsBackWhatItWrote) {
    const TemporaryFolder folder;
    const std::string bytes("a\0b\xff\n", 5);
    write_file_atomically(folder.path() / "new" / "deep" / "file", bytes);
    EXPECT_EQ(read_file(folder.path() / "new" / "deep" / "file"), bytes);
    write_file_atomically(folder.path() / "empty", "");
    EXPECT_EQ(read_file(folder.path() / "empty"), "");
}

TEST(File, ReadErrorsNameTheFile) {
    const TemporaryFolder folder;
    EXPECT_THAT([&] { read_file(folder.path() / "missing"); },
                ThrowsMessage<Error>(HasSubstr("missing: no such file")));
    EXPECT_THAT([&] { read_file(folder.path()); }, ThrowsMessage<Error>(HasSubstr("is a folder")));
    write_file_atomically(folder.path() / "big", std::string(100, 'x'));
    EXPECT_THAT([&] { read_file(folder.path() / "big", 99); }, ThrowsMessage<Error>(HasSubstr("limit of 99")));
    EXPECT_THAT([&] { read_file("/dev/zero", 1 << 20); }, ThrowsMessage<Error>(HasSubstr("more than")));
}

TEST(File, AFailedWriteLeavesTheOldFileAndNoOther) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "file";
    write_file_atomically(path, "old");
    EXPECT_THROW(write_file_atomically(path,
                                       [](std::ostream& out) {
                                           out << "half";
                                           fail("interrupted");
                                       }),
                 Error);
    EXPECT_THROW(write_file_atomically(path, [](std::ostream& out) { out.setstate(std::ios::badbit); }), Error);
    EXPECT_EQ(read_file(path), "old");
    EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(File, AFolderIsNotOverwritten) {
    const TemporaryFolder folder;
    fs::create_directories(folder.path() / "sub" / "kept");
    EXPECT_THROW(write_file_atomically(folder.path() / "sub", "x"), Error);
    EXPECT_TRUE(fs::is_directory(folder.path() / "sub" / "kept"));
    EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(File, LinksAndDevicesStayWhatTheyAre) {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "target", "old");
    fs::create_symlink("target", folder.path() / "link");
    write_file_atomically(folder.path() / "link", "new");
    EXPECT_TRUE(fs::is_symlink(folder.path() / "link"));
    EXPECT_EQ(read_file(folder.path() / "target"), "new");

    const fs::path pipe = folder.path() / "pipe";
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    write_file_atomically(pipe, "through");
    char buffer[8] = {};
    EXPECT_EQ(read(reader, buffer, sizeof buffer), 7);
    close(reader);
    EXPECT_STREQ(buffer, "through");
    EXPECT_TRUE(fs::is_fifo(pipe));
}

}  // namespace
}  // namespace ebgrasp
