// Progress of long work on stderr: a bar with rate and ETA on a terminal, sparse plain lines otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace ebgrasp {

/// Counts work done; thread-safe. Prints ten times a second on a terminal, every ten seconds elsewhere, and a last
/// line; nothing for work of less than a second.
class Progress {
  public:
    /// `title` is what is being done, `total` the number of `unit`s of work (0: unknown).
    Progress(std::string title, std::size_t total, std::string unit = "");
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Reports `count` more units done, with an optional remark shown at the end of the line.
    void advance(std::size_t count = 1, const std::string& remark = "");

    /// Silences all progress output of the process (`--quiet`).
    static void silence();

  private:
    void print(bool last);

    std::string title_, unit_, remark_;
    std::size_t total_, done_ = 0;
    bool terminal_, printed_ = false;
    std::chrono::steady_clock::time_point start_, last_print_;
    std::mutex mutex_;
};

}  // namespace ebgrasp
