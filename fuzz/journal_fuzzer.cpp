#include "ebgrasp/judge/journal.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    const std::string text(fuzz::text(data, size));
    const std::string header = "{\"format\": \"ebgrasp-trials/1\", \"identity\": {\"seed\": 1}}\n";
    for (const std::string& journal : {text, header + text}) {
        const auto file = folder.write("input.trials", journal);
        fuzz::value_or_error([&] { Journal(file, {{"seed", 1}}); });
    }
    return 0;
}
