#include "ebgrasp/image/camera_pose.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    const std::string text(fuzz::text(data, size));
    for (const char* name : {"input.yaml", "input.tf"}) {
        const std::string file = folder.write(name, text);
        fuzz::value_or_error([&] { fuzz::demand(read_camera_pose(file).X_BC.matrix().allFinite()); });
    }
    if (text.find('/') == text.npos) fuzz::value_or_error([&] { read_camera_pose(text); });
    return 0;
}
