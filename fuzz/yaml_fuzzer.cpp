#include "ebgrasp/core/config.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] { parse_json(fuzz::text(data, size), "input").dump(); });
    fuzz::value_or_error([&] {
        const nlohmann::json value = read_yaml(folder.write("input.yaml", fuzz::text(data, size)));
        // as text, in which NaN equals NaN
        fuzz::demand(read_yaml(folder.write("output.yaml", to_yaml(value))).dump() == value.dump());
    });
    return 0;
}
