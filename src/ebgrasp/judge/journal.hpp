// The finished trials of a run, so that a killed run goes on where it stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "ebgrasp/judge/report.hpp"

namespace ebgrasp {

/// 64 bits of FNV-1a (Fowler, Noll and Vo) in hexadecimal: tells contents apart, does not protect from forgery.
std::string fingerprint(std::string_view bytes);

/// A line of a journal after the first. `source` names it in error messages. Throws Error.
TrialRecord parse_trial(std::string_view line, const std::string& source);

/// A file of JSON lines: what the trials depend on, then one TrialRecord per line, each written as soon as it is known.
/// A last line that a kill cut short is dropped.
class Journal {
  public:
    /// Goes on with `path`, or begins it. Throws Error: the file is of trials with another `identity`, damaged, or
    /// cannot be written.
    Journal(std::filesystem::path path, const nlohmann::json& identity);

    std::optional<TrialRecord> find(const std::string& planner, const std::string& model, std::size_t trial) const;
    /// Thread-safe. Throws Error if the disk is full.
    void add(const TrialRecord& record);

  private:
    using Key = std::tuple<std::string, std::string, std::size_t>;

    void read(const nlohmann::json& header);

    std::filesystem::path path_;
    std::map<Key, TrialRecord> records_;
    std::ofstream out_;
    std::mutex mutex_;
};

}  // namespace ebgrasp
