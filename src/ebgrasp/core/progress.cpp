#include "ebgrasp/core/progress.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace ebgrasp {
namespace {

std::atomic<bool> silenced = false;

std::string clock_time(double seconds) {
    const auto s = static_cast<long>(seconds + 0.5);
    return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                     : fmt::format("{}:{:02}", s / 60, s % 60);
}

}  // namespace

Progress::Progress(std::string title, std::size_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_print_(start_) {}

Progress::~Progress() {
    const bool worth_a_line = std::chrono::steady_clock::now() - start_ > std::chrono::seconds(1);
    if (!silenced && (printed_ || worth_a_line)) print(true);
}

void Progress::silence() { silenced = true; }

void Progress::advance(std::size_t count, const std::string& remark) {
    const std::lock_guard lock(mutex_);
    done_ += count;
    if (!remark.empty()) remark_ = remark;
    if (silenced) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - last_print_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10))) return;
    last_print_ = now;
    print(false);
}

void Progress::print(bool last) {
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
    std::string line = title_;
    if (total_ > 0) {
        const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
        if (terminal_) {
            const auto filled = static_cast<std::size_t>(share * 24);
            line += " [" + std::string(filled, '#') + std::string(24 - filled, '.') + "]";
        }
        line += fmt::format(" {:3.0f} % {}/{}", 100 * share, done_, total_);
    } else {
        line += fmt::format(" {}", done_);
    }
    if (!unit_.empty()) line += " " + unit_;
    line += rate >= 10 ? fmt::format(", {:.0f}/s", rate) : fmt::format(", {:.2f}/s", rate);
    if (last)
        line += fmt::format(", took {}", clock_time(elapsed));
    else if (total_ > done_ && rate > 0)
        line += fmt::format(", ETA {}", clock_time(static_cast<double>(total_ - done_) / rate));
    if (!remark_.empty()) line += ", " + remark_;
    std::fprintf(stderr, terminal_ ? "\r\033[K%s%s" : "%s%s", line.c_str(), terminal_ && !last ? "" : "\n");
    std::fflush(stderr);
    printed_ = true;
}

}  // namespace ebgrasp
