// A program that answers every line on its standard input with a line on its standard output.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>

namespace ebgrasp {

/// An open file descriptor (-1: none), closed at the end.
class FileDescriptor {
  public:
    explicit FileDescriptor(int number = -1) : number_(number) {}
    ~FileDescriptor() { close(); }
    FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    int number() const { return number_; }
    void close();

  private:
    int number_;
};

class LineProcess {
  public:
    /// Starts `command` by the shell, in a process group of its own; what it writes to standard error goes where ours
    /// goes. Throws Error if the system starts no more processes; a command that does not exist fails when asked.
    explicit LineProcess(const std::string& command);
    /// Closes the program's input, and ends its process group when it has ended, or after a second.
    ~LineProcess();
    LineProcess(const LineProcess&) = delete;
    LineProcess& operator=(const LineProcess&) = delete;

    /// The answer to `line` (which has to fit a pipe: 64 KiB), both without newline. Throws Error if it does not come
    /// within `seconds`, is longer than `max_bytes`, or the program ends; the process group has been ended then, and
    /// cannot be asked again.
    std::string ask(std::string_view line, double seconds, std::size_t max_bytes);

  private:
    using Clock = std::chrono::steady_clock;

    /// False, and nothing, if the deadline comes first.
    bool send(std::string_view text, Clock::time_point deadline);
    std::optional<std::string> receive(Clock::time_point deadline, std::size_t max_bytes);
    /// Waits until the program has ended, for `patience` at most, then ends its group. Returns its wait status.
    int end(Clock::duration patience);

    pid_t process_ = -1;  ///< also its group; -1 when ended
    FileDescriptor input_, output_;
    std::string received_;  ///< not yet part of an answer
};

}  // namespace ebgrasp
