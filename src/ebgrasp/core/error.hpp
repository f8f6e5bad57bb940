// Errors, in three tiers:
//   assert            an invariant of ours is broken (a bug; debug builds only)
//   ebgrasp::Error    the caller's input is unusable; the message names the value, the bound and the mend
//   a result value    an expected outcome, such as "no grasp found" (never an exception)
#pragma once

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>

namespace ebgrasp {

/// Unusable input: a file, an option or an argument. `what()` is one line for the user.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Throws Error with its arguments streamed into one line: `fail("depth is ", d, " m, above ", bound)`.
template <typename... Parts>
[[noreturn]] void fail(const Parts&... parts) {
    std::ostringstream message;
    (message << ... << parts);
    throw Error(message.str());
}

/// `fail(parts...)` unless `condition` holds.
template <typename... Parts>
void require(bool condition, const Parts&... parts) {
    if (!condition) fail(parts...);
}

}  // namespace ebgrasp
