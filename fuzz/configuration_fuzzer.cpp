#include "ebgrasp/core/config.hpp"
#include "ebgrasp/generation/generation_config.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] {
        const nlohmann::json given = read_yaml(folder.write("input.yaml", fuzz::text(data, size)));
        fuzz::value_or_error([&] { config_from_json<LabelParameters>(given, "input").validate(); });
        fuzz::value_or_error([&] { config_from_json<GenerationConfig>(given, "input").validate(); });
    });
    return 0;
}
