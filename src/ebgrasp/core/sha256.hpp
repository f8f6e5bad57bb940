// SHA-256 (FIPS 180-4): tells whether a file is the one that it should be.
#pragma once

#include <string>
#include <string_view>

namespace ebgrasp {

/// The digest as 64 hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace ebgrasp
