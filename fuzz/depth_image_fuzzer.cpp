#include "ebgrasp/image/image_io.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    const std::string_view bytes = fuzz::text(data, size);
    const auto file = folder.write(bytes.starts_with("\x93NUMPY") ? "input.npy" : "input.png", bytes);
    const CameraIntrinsics camera{0, 0, 525, 525, 319.5, 239.5};
    fuzz::value_or_error([&] { read_depth_image(file, camera); });
    fuzz::value_or_error([&] { read_depth_image(file, camera, 0.001); });
    fuzz::value_or_error([&] { read_any_mask(file); });
    return 0;
}
