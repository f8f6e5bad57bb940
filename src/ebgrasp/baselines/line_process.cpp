#include "ebgrasp/baselines/line_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds patience_at_end(1000);  // for a program whose input ended
constexpr milliseconds patience_after(200);    // for one that closed its output, to learn its exit code

struct Pipe {
    FileDescriptor read_end, write_end;

    Pipe() {
        int ends[2];
        require(pipe2(ends, O_CLOEXEC) == 0, "no pipe: ", std::strerror(errno));
        read_end = FileDescriptor(ends[0]);
        write_end = FileDescriptor(ends[1]);
    }
};

void make_nonblocking(const FileDescriptor& file) { fcntl(file.number(), F_SETFL, O_NONBLOCK); }

/// `sh -c command` with these as standard input and output, default signals, and a process group of its own.
pid_t spawn_shell(const std::string& command, const FileDescriptor& input, const FileDescriptor& output) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, output.number(), STDOUT_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::array<std::string, 3> words = {"sh", "-c", command};
    std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t process = -1;
    const int error = posix_spawn(&process, "/bin/sh", &files, &attributes, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    require(error == 0, "cannot start a process: ", std::strerror(error));
    return process;
}

/// Keeps SIGPIPE, which a write to a program that ended raises, from ending us.
class SigpipeIgnored {
  public:
    SigpipeIgnored() {
        sigemptyset(&sigpipe_);
        sigaddset(&sigpipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    ~SigpipeIgnored() {
        const timespec now{};
        while (sigtimedwait(&sigpipe_, nullptr, &now) < 0 && errno == EINTR) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    SigpipeIgnored(const SigpipeIgnored&) = delete;
    SigpipeIgnored& operator=(const SigpipeIgnored&) = delete;

  private:
    sigset_t sigpipe_, before_;
};

/// Waits until `file` can be read or written. False if the deadline comes first.
bool wait_for(const FileDescriptor& file, short event, Clock::time_point deadline) {
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd poll_file{file.number(), event, 0};
        const int ready = poll(&poll_file, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (ready > 0) return true;
        require(ready == 0 || errno == EINTR, "poll: ", std::strerror(errno));
    }
}

/// Whether read() or write() has to be tried again when `file` is ready.
bool would_block() { return errno == EAGAIN || errno == EINTR; }

std::string describe(int status) {
    if (WIFSIGNALED(status)) return "was ended by signal " + std::to_string(WTERMSIG(status));
    return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

void FileDescriptor::close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
}

LineProcess::LineProcess(const std::string& command) {
    Pipe input, output;
    process_ = spawn_shell(command, input.read_end, output.write_end);
    input_ = std::move(input.write_end);
    output_ = std::move(output.read_end);
    make_nonblocking(input_);
    make_nonblocking(output_);
}

LineProcess::~LineProcess() { end(patience_at_end); }

std::string LineProcess::ask(std::string_view line, double seconds, std::size_t max_bytes) {
    require(process_ >= 0, "the program has ended");
    const auto deadline = Clock::now() + std::chrono::round<Clock::duration>(std::chrono::duration<double>(seconds));
    try {
        const bool sent = send(std::string(line) + "\n", deadline);
        const auto answer = sent ? receive(deadline, max_bytes) : std::nullopt;
        require(answer.has_value(), "no answer within ", seconds, " s");
        return *answer;
    } catch (const Error&) {
        end({});
        throw;
    }
}

bool LineProcess::send(std::string_view text, Clock::time_point deadline) {
    const SigpipeIgnored no_signal;
    while (!text.empty()) {
        if (!wait_for(input_, POLLOUT, deadline)) return false;
        const ssize_t size = write(input_.number(), text.data(), text.size());
        if (size > 0)
            text.remove_prefix(static_cast<std::size_t>(size));
        else if (!would_block())
            fail("the program ", describe(end(patience_after)));
    }
    return true;
}

std::optional<std::string> LineProcess::receive(Clock::time_point deadline, std::size_t max_bytes) {
    std::array<char, 65536> block;
    std::size_t searched = 0;
    while (true) {
        const std::size_t newline = received_.find('\n', searched);
        searched = received_.size();
        require(std::min(newline, searched) <= max_bytes, "the answer is longer than ", max_bytes, " bytes");
        if (newline != std::string::npos) {
            std::string answer = received_.substr(0, newline);
            received_.erase(0, newline + 1);
            return answer;
        }
        if (!wait_for(output_, POLLIN, deadline)) return std::nullopt;
        const ssize_t size = read(output_.number(), block.data(), block.size());
        if (size > 0)
            received_.append(block.data(), static_cast<std::size_t>(size));
        else if (size == 0 || !would_block())
            fail("the program ", describe(end(patience_after)));
    }
}

int LineProcess::end(Clock::duration patience) {
    if (process_ < 0) return 0;
    input_.close();
    const auto deadline = Clock::now() + patience;
    siginfo_t ended{};
    while (Clock::now() < deadline &&
           waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0)
        std::this_thread::sleep_for(milliseconds(2));
    kill(-process_, SIGKILL);  // whoever is left of its group; the group exists until its first process is waited for
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    output_.close();
    return status;
}

}  // namespace ebgrasp
