// A file of JSON lines that grows while a run goes on, so that a killed run need not begin anew.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace ebgrasp {

/// What the lines depend on comes first, then a line for each result, written as soon as it is known. A last line that
/// a kill cut short is dropped.
class LineJournal {
  public:
    /// Goes on with `path`, or begins it. `read` is called with each line after the first; it throws Error if the line
    /// is damaged. Throws Error: the file is of another `format` or `identity`, damaged, or cannot be written.
    LineJournal(std::filesystem::path path, const std::string& format, const nlohmann::json& identity,
                const std::function<void(std::string_view line)>& read);

    /// Thread-safe. Throws Error if the disk is full.
    void add(const nlohmann::json& line);

  private:
    void read_all(const nlohmann::json& header, const std::function<void(std::string_view)>& read);

    std::filesystem::path path_;
    std::ofstream out_;
    std::mutex mutex_;
};

}  // namespace ebgrasp
