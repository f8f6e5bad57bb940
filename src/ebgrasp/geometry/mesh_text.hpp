// Text of mesh files, taken apart.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace ebgrasp {

/// Takes the next line off `text`, without its end.
inline std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

/// Takes the next word off `text`; empty at its end.
inline std::string_view take_word(std::string_view& text) {
    constexpr std::string_view blanks = " \t\r\n\v\f";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

/// The words of a text, one after the other; then empty words.
class Words {
  public:
    explicit Words(std::string_view text) : rest_(text) {}

    std::string_view next() { return take_word(rest_); }

  private:
    std::string_view rest_;
};

/// The number that `text` starts with, if that is all of it or `end` follows.
template <typename Number>
std::optional<Number> parse_number(std::string_view text, char end = '\0') {
    if (text.starts_with('+')) text.remove_prefix(1);
    Number value{};
    const char* const last = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc{} || (stop != last && *stop != end)) return std::nullopt;
    return value;
}

}  // namespace ebgrasp
