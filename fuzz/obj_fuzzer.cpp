#include "ebgrasp/geometry/mesh.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] {
        const Object object = read_object(folder.write("input.obj", fuzz::text(data, size)));
        fuzz::demand(object.mass.center_of_mass_O.allFinite() && object.mass.inertia.allFinite());
    });
    return 0;
}
