#include "ebgrasp/geometry/mesh.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    const std::string_view bytes = fuzz::text(data, size);
    const char* const name = bytes.starts_with("ply")    ? "input.ply"
                             : bytes.starts_with("OFF")  ? "input.off"
                             : bytes.starts_with("glTF") ? "input.glb"
                             : bytes.starts_with("{")    ? "input.gltf"
                             : bytes.starts_with("<")    ? "input.dae"
                                                         : "input.stl";
    fuzz::value_or_error([&] { read_object(folder.write(name, bytes)); });
    return 0;
}
