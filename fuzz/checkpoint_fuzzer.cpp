#include <algorithm>
#include <cstring>

#include "ebgrasp/baselines/gqcnn_planner.hpp"
#include "ebgrasp/baselines/per_pixel_planner.hpp"
#include "ebgrasp/energy/checkpoint.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "fuzz.hpp"

using namespace ebgrasp;

namespace {

/// The input, with zeros for weights that its header promises (up to 4 MiB): the corpus need not hold them.
std::string with_weights(std::string_view input) {
    std::string bytes(input);
    std::uint64_t header = 0;
    if (bytes.size() < sizeof header) return bytes;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header > bytes.size() - sizeof header) return bytes;
    const auto tensors = nlohmann::json::parse(input.substr(sizeof header, header), nullptr, false);
    std::size_t end = 0;
    for (const auto& tensor : tensors.is_object() ? tensors : nlohmann::json::object())
        if (tensor.is_object() && tensor.contains("data_offsets") && tensor["data_offsets"].is_array())
            for (const auto& offset : tensor["data_offsets"])
                if (offset.is_number_unsigned()) end = std::max(end, offset.get<std::size_t>());
    if (end <= 4 << 20) bytes.resize(std::max(bytes.size(), sizeof header + header + end));
    return bytes;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::InputFolder folder;
    fuzz::value_or_error([&] { parse_checkpoint(fuzz::text(data, size), "input"); });
    fuzz::value_or_error([&] {
        const std::string bytes = with_weights(fuzz::text(data, size));
        const std::string written = checkpoint_bytes(parse_checkpoint(bytes, "input"), "input");
        fuzz::demand(checkpoint_bytes(parse_checkpoint(written, "output"), "output") == written);
        const std::string file = folder.write("input.safetensors", bytes);
        fuzz::value_or_error([&] { load_energy_model(file); });
        fuzz::value_or_error([&] { load_gqcnn_planner(file, Gripper{}); });
        fuzz::value_or_error([&] { load_per_pixel_planner(file, Gripper{}); });
    });
    return 0;
}
