// The finished trials of a run, so that a killed run goes on where it stopped.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "ebgrasp/core/line_journal.hpp"
#include "ebgrasp/judge/report.hpp"

namespace ebgrasp {

/// 64 bits of FNV-1a (Fowler, Noll and Vo) in hexadecimal: tells contents apart, does not protect from forgery.
std::string fingerprint(std::string_view bytes);

/// A line of a journal after the first. `source` names it in error messages. Throws Error.
TrialRecord parse_trial(std::string_view line, const std::string& source);

/// One TrialRecord per line.
class Journal {
  public:
    /// As LineJournal.
    Journal(std::filesystem::path path, const nlohmann::json& identity);

    std::optional<TrialRecord> find(const std::string& planner, const std::string& model, std::size_t trial) const;
    /// Thread-safe. Throws Error if the disk is full.
    void add(const TrialRecord& record) { lines_.add(record); }

  private:
    using Key = std::tuple<std::string, std::string, std::size_t>;

    std::map<Key, TrialRecord> records_;  ///< those of the file as it was found
    LineJournal lines_;
};

}  // namespace ebgrasp
