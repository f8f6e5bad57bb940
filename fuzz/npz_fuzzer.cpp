#include "ebgrasp/dexnet/npz.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] { read_npz(folder.write("input.npz", fuzz::text(data, size))); });
    return 0;
}
