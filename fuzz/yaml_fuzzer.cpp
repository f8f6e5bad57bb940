#include "ebgrasp/core/config.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] { parse_json(fuzz::text(data, size), "input").dump(); });
    fuzz::value_or_error([&] {
        // as written: there NaN equals NaN, and Unicode's noncharacters, which YAML cannot hold, are U+FFFD
        const std::string written = to_yaml(read_yaml(folder.write("input.yaml", fuzz::text(data, size))));
        fuzz::demand(to_yaml(read_yaml(folder.write("output.yaml", written))) == written);
    });
    return 0;
}
