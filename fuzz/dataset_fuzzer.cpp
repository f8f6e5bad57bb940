#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    folder.write("dataset.json", fuzz::text(data, size));
    fuzz::value_or_error([&] { dataset_format(folder.path()); });
    fuzz::value_or_error([&] { split_shares(read_window_header(folder.path()).config); });
    fuzz::value_or_error([&] { read_scene_header(folder.path()); });
    return 0;
}
