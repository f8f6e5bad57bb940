#include "ebgrasp/judge/journal.hpp"

#include <fmt/format.h>
#include <utility>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

constexpr const char* format_name = "ebgrasp-trials/1";

/// The first key whose values differ.
std::string difference(const nlohmann::json& a, const nlohmann::json& b) {
    const nlohmann::json patch = nlohmann::json::diff(a, b);
    return patch.empty() ? "" : patch.front().at("path").get<std::string>();
}

}  // namespace

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

Journal::Journal(fs::path path, const nlohmann::json& identity) : path_(std::move(path)) {
    const nlohmann::json header = {{"format", format_name}, {"identity", identity}};
    if (fs::exists(path_) && fs::file_size(path_) > 0)
        read(header);
    else
        write_file_atomically(path_, header.dump() + "\n");
    out_.open(path_, std::ios::binary | std::ios::app);
    require(out_.good(), path_.string(), ": cannot be written");
}

void Journal::read(const nlohmann::json& header) {
    const std::string text = read_file(path_);
    std::size_t line = 0, begin = 0;
    const auto undamaged = [&](const auto& parse, std::string_view content) {
        try {
            return parse(content, "it");
        } catch (const Error& error) {
            fail(path_.string(), ": line ", line, " is damaged (", error.what(), "); remove the file");
        }
    };
    for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
        ++line;
        const std::string_view content = std::string_view(text).substr(begin, end - begin);
        if (line == 1) {
            const nlohmann::json given = undamaged(parse_json, content);
            require(given == header, path_.string(), ": holds trials of another run (", difference(given, header),
                    " differs); remove it or choose another --output");
        } else {
            TrialRecord record = undamaged(parse_trial, content);
            Key key{record.planner, record.model, record.trial};
            records_.insert_or_assign(std::move(key), std::move(record));
        }
    }
    require(line > 0, path_.string(), ": is no journal of trials; remove it or choose another --output");
    fs::resize_file(path_, begin);
}

std::optional<TrialRecord> Journal::find(const std::string& planner, const std::string& model,
                                         std::size_t trial) const {
    const auto found = records_.find({planner, model, trial});
    return found == records_.end() ? std::nullopt : std::optional(found->second);
}

void Journal::add(const TrialRecord& record) {
    constexpr auto replace = nlohmann::json::error_handler_t::replace;  // what a program says need not be UTF-8
    const std::string line = nlohmann::json(record).dump(-1, ' ', false, replace) + "\n";
    const std::lock_guard lock(mutex_);
    out_.write(line.data(), static_cast<std::streamsize>(line.size())).flush();
    require(out_.good(), path_.string(), ": cannot be written; is the disk full?");
}

}  // namespace ebgrasp
