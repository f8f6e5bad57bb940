#include "ebgrasp/image/camera.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    const std::string text(fuzz::text(data, size));
    const std::string file = folder.write("input.yaml", text);
    fuzz::value_or_error([&] { read_intrinsics(file).validate("input"); });
    if (text.find('/') == text.npos) fuzz::value_or_error([&] { read_intrinsics(text); });
    return 0;
}
