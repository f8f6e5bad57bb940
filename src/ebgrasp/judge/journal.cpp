#include "ebgrasp/judge/journal.hpp"

#include <fmt/format.h>
#include <utility>

#include "ebgrasp/core/config.hpp"

namespace ebgrasp {

std::string fingerprint(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
    return fmt::format("{:016x}", hash);
}

TrialRecord parse_trial(std::string_view line, const std::string& source) {
    TrialRecord sample;
    sample.attempts.resize(1);
    const nlohmann::json given = with_integers(parse_json(line, source), sample, source);
    try {
        auto record = given.get<TrialRecord>();
        require_kept(given, record, source);
        for (const AttemptRecord& attempt : record.attempts)
            require(attempt.object >= -1 && attempt.object < static_cast<int>(record.objects.size()) &&
                        (attempt.object >= 0 || !attempt.success()),
                    source, ": names object ", attempt.object, " of ", record.objects.size());
        return record;
    } catch (const nlohmann::json::exception& error) {
        fail(source, ": is no trial (", error.what(), ")");
    }
}

Journal::Journal(std::filesystem::path path, const nlohmann::json& identity)
    : lines_(std::move(path), "ebgrasp-trials/1", identity, [this](std::string_view line) {
          TrialRecord record = parse_trial(line, "it");
          Key key{record.planner, record.model, record.trial};
          records_.insert_or_assign(std::move(key), std::move(record));
      }) {}

std::optional<TrialRecord> Journal::find(const std::string& planner, const std::string& model,
                                         std::size_t trial) const {
    const auto found = records_.find({planner, model, trial});
    return found == records_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace ebgrasp
