#include "ebgrasp/grasp/gripper.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] {
        const Gripper gripper = load_gripper(folder.write("input.yaml", fuzz::text(data, size)));
        const std::string written = to_yaml(gripper);
        fuzz::demand(to_yaml(load_gripper(folder.write("output.yaml", written))) == written);
    });
    return 0;
}
