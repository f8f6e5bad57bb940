#include "ebgrasp/image/point_cloud.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::value_or_error([&] { read_pcd_depth(fuzz::text(data, size), "input"); });
    fuzz::value_or_error([&] { read_ply_depth(fuzz::text(data, size), "input"); });
    return 0;
}
