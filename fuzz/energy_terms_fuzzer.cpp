#include "ebgrasp/core/config.hpp"
#include "ebgrasp/planning/energy_terms.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    const auto read_mask = [](const std::string&) { return Mask::Ones(4, 4).eval(); };
    fuzz::value_or_error(
        [&] { parse_energy_terms(parse_json(fuzz::text(data, size), "input"), Gripper{}, read_mask); });
    fuzz::value_or_error([&] {
        parse_energy_terms(read_yaml(folder.write("input.yaml", fuzz::text(data, size))), Gripper{}, read_mask);
    });
    return 0;
}
