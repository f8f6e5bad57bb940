// What PNG and TIFF files claim of themselves, checked before a decoder allocates it.
#pragma once

#include <string>
#include <string_view>

namespace ebgrasp {

/// Throws Error unless `file` begins as a PNG or a TIFF whose pixels its bytes can hold. `name` is used in error
/// messages. OpenCV recognises two dozen formats by their content, most of them of no use here.
void check_image_header(std::string_view file, const std::string& name);

}  // namespace ebgrasp
