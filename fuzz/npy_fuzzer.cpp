#include "ebgrasp/core/npy.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::value_or_error([&] {
        const NpyArray array = parse_npy(fuzz::text(data, size), "input");
        fuzz::value_or_error([&] { array.as<float>(); });
        fuzz::value_or_error([&] { array.as<double>(); });
        fuzz::value_or_error([&] { array.as<std::uint8_t>(); });
        fuzz::value_or_error([&] { array.as<std::uint16_t>(); });
        fuzz::value_or_error([&] { array.as<std::int32_t>(); });
        fuzz::value_or_error([&] { array.as<std::int64_t>(); });
        const NpyArray again = parse_npy(to_npy(array), "output");
        fuzz::demand(again.dtype == array.dtype && again.shape == array.shape && again.bytes == array.bytes);
    });
    return 0;
}
