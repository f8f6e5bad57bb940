#include "ebgrasp/core/line_journal.hpp"

#include <utility>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace fs = std::filesystem;

namespace {

/// The first key whose values differ.
std::string difference(const nlohmann::json& a, const nlohmann::json& b) {
    const nlohmann::json patch = nlohmann::json::diff(a, b);
    return patch.empty() ? "" : patch.front().at("path").get<std::string>();
}

}  // namespace

LineJournal::LineJournal(fs::path path, const std::string& format, const nlohmann::json& identity,
                         const std::function<void(std::string_view)>& read)
    : path_(std::move(path)) {
    const nlohmann::json header = {{"format", format}, {"identity", identity}};
    if (fs::exists(path_) && fs::file_size(path_) > 0)
        read_all(header, read);
    else
        write_file_atomically(path_, header.dump() + "\n");
    out_.open(path_, std::ios::binary | std::ios::app);
    require(out_.good(), path_.string(), ": cannot be written");
}

void LineJournal::read_all(const nlohmann::json& header, const std::function<void(std::string_view)>& read) {
    const std::string text = read_file(path_);
    std::size_t line = 0, begin = 0;
    const auto undamaged = [&](const auto& parse) {
        try {
            return parse();
        } catch (const Error& error) {
            fail(path_.string(), ": line ", line, " is damaged (", error.what(), "); remove the file");
        }
    };
    for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
        ++line;
        const std::string_view content = std::string_view(text).substr(begin, end - begin);
        if (line > 1) {
            undamaged([&] { read(content); });
            continue;
        }
        const nlohmann::json given = undamaged([&] { return parse_json(content, "it"); });
        require(given == header, path_.string(), ": is of another run (", difference(given, header),
                " differs); remove it or choose another --output");
    }
    require(line > 0, path_.string(), ": is no journal of a run; remove it or choose another --output");
    fs::resize_file(path_, begin);
}

void LineJournal::add(const nlohmann::json& line) {
    constexpr auto replace = nlohmann::json::error_handler_t::replace;  // what a program says need not be UTF-8
    const std::string text = line.dump(-1, ' ', false, replace) + "\n";
    const std::lock_guard lock(mutex_);
    out_.write(text.data(), static_cast<std::streamsize>(text.size())).flush();
    require(out_.good(), path_.string(), ": cannot be written; is the disk full?");
}

}  // namespace ebgrasp
