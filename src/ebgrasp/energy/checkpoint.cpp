#include "ebgrasp/energy/checkpoint.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/file.hpp"

namespace ebgrasp {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, and are copied as they are");

constexpr const char* format_name = "ebgrasp-checkpoint/1";
constexpr std::size_t length_bytes = sizeof(std::uint64_t);
constexpr std::size_t max_header_bytes = std::size_t{16} << 20;
constexpr std::size_t max_file_bytes = std::size_t{1} << 30;
constexpr std::size_t max_rank = 8;

/// JSON text of a value whose strings may be no UTF-8.
std::string json_text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// A name out of an untrusted file, fit for one line of an error message.
std::string quoted(const std::string& name) { return json_text(name.substr(0, 80)); }

std::string shape_text(const std::vector<std::size_t>& shape) { return json(shape).dump(); }

bool all_finite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

/// The product of `shape`, or nothing if it exceeds `limit`.
std::optional<std::size_t> element_count(const std::vector<std::size_t>& shape, std::size_t limit) {
    std::size_t count = 1;
    for (const std::size_t extent : shape) {
        if (extent != 0 && count > limit / extent) return {};
        count *= extent;
    }
    return count;
}

json parse_header(std::string_view bytes, const std::string& source) {
    require(bytes.size() >= length_bytes, source, ": has ", bytes.size(), " bytes, too few for a safetensors file");
    std::uint64_t length;
    std::memcpy(&length, bytes.data(), length_bytes);
    require(length <= max_header_bytes, source, ": claims a header of ", length, " bytes, above the limit of ",
            max_header_bytes, "; it is no safetensors file");
    require(length <= bytes.size() - length_bytes, source, ": is truncated inside its header of ", length, " bytes");
    json header = parse_json(bytes.substr(length_bytes, length), source + ": header");
    require(header.is_object(), source, ": has no JSON object as its header; it is no safetensors file");
    return header;
}

/// One entry of the header, before its bytes are looked at.
struct Entry {
    std::string name;
    std::vector<std::size_t> shape;
    std::size_t begin, end;
};

std::vector<std::size_t> sizes(const json& entry, const char* key, const std::string& where) {
    const auto list = entry.find(key);
    require(list != entry.end() && list->is_array() && list->size() <= max_rank, where, ": has no list '", key,
            "' of at most ", max_rank, " numbers");
    std::vector<std::size_t> values;
    for (const json& value : *list) {
        require(value.is_number_unsigned(), where, ": '", key, "' must hold whole numbers from 0");
        values.push_back(value.get<std::size_t>());
    }
    return values;
}

Entry parse_entry(const std::string& name, const json& entry, std::size_t data_bytes, const std::string& source) {
    const std::string where = source + ": tensor " + quoted(name);
    require(entry.is_object(), where, ": is not described by an object");
    const auto dtype = entry.find("dtype");
    require(dtype != entry.end() && *dtype == "F32", where, ": is not of dtype F32");
    const auto shape = sizes(entry, "shape", where);
    const auto range = sizes(entry, "data_offsets", where);
    require(range.size() == 2 && range[0] <= range[1] && range[1] <= data_bytes, where,
            ": data_offsets lie outside the ", data_bytes, " bytes of data; the file is damaged or truncated");
    const auto count = element_count(shape, data_bytes / sizeof(float));
    require(count && *count * sizeof(float) == range[1] - range[0], where, ": shape ", shape_text(shape),
            " does not fit its ", range[1] - range[0], " bytes");
    return {name, shape, range[0], range[1]};
}

std::string metadata_string(const json& metadata, const char* key, const std::string& source) {
    const auto value = metadata.find(key);
    require(value != metadata.end() && value->is_string(), source, ": metadata has no text '", key,
            "'; the file is no checkpoint of ebgrasp");
    return value->get<std::string>();
}

void read_metadata(const json& header, const std::string& source, Checkpoint& checkpoint) {
    const auto metadata = header.find("__metadata__");
    require(metadata != header.end() && metadata->is_object(), source,
            ": has no __metadata__; the file is no checkpoint of ebgrasp");
    const std::string format = metadata_string(*metadata, "format", source);
    require(format == format_name, source, ": is of format ", quoted(format), ", this version reads ", format_name);
    checkpoint.model = metadata_string(*metadata, "model", source);
    checkpoint.info = parse_json(metadata_string(*metadata, "info", source), source + ": metadata 'info'");
    require(checkpoint.info.is_object(), source, ": metadata 'info' is not the text of a JSON object");
}

/// safetensors asks that the tensors cover the data without gap or overlap.
void require_contiguous(std::vector<Entry>& entries, std::size_t data_bytes, const std::string& source) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    std::size_t covered = 0;
    for (const Entry& entry : entries) {
        require(entry.begin == covered, source, ": tensor ", quoted(entry.name),
                entry.begin < covered ? " overlaps another" : " leaves a gap before it", "; the file is damaged");
        covered = entry.end;
    }
    require(covered == data_bytes, source, ": holds ", data_bytes - covered, " bytes that belong to no tensor");
}

}  // namespace

const StoredTensor& Checkpoint::tensor(const std::string& name, const std::vector<std::size_t>& shape) const {
    const auto found = tensors.find(name);
    require(found != tensors.end(), "checkpoint of model ", quoted(model), " has no tensor '", name, "'");
    require(found->second.shape == shape, "checkpoint of model ", quoted(model), ": tensor '", name, "' has shape ",
            shape_text(found->second.shape), ", expected ", shape_text(shape));
    return found->second;
}

Checkpoint parse_checkpoint(std::string_view bytes, const std::string& source) {
    const json header = parse_header(bytes, source);
    Checkpoint checkpoint;
    read_metadata(header, source, checkpoint);

    std::uint64_t header_bytes;
    std::memcpy(&header_bytes, bytes.data(), length_bytes);
    const std::string_view data = bytes.substr(length_bytes + header_bytes);
    std::vector<Entry> entries;
    for (const auto& [name, entry] : header.items())
        if (name != "__metadata__") entries.push_back(parse_entry(name, entry, data.size(), source));
    require_contiguous(entries, data.size(), source);

    for (const Entry& entry : entries) {
        StoredTensor tensor{entry.shape, std::vector<float>((entry.end - entry.begin) / sizeof(float))};
        if (!tensor.values.empty())
            std::memcpy(tensor.values.data(), data.data() + entry.begin, entry.end - entry.begin);
        require(all_finite(tensor.values), source, ": tensor ", quoted(entry.name), " holds NaN or infinite values");
        checkpoint.tensors.emplace(entry.name, std::move(tensor));
    }
    return checkpoint;
}

std::string checkpoint_bytes(const Checkpoint& checkpoint, const std::string& source) {
    json header;
    header["__metadata__"] = {
        {"format", format_name}, {"model", checkpoint.model}, {"info", json_text(checkpoint.info)}};
    std::size_t offset = 0;
    for (const auto& [name, tensor] : checkpoint.tensors) {
        require(element_count(tensor.shape, tensor.values.size()) == tensor.values.size(), source, ": tensor ",
                quoted(name), " has ", tensor.values.size(), " values for shape ", shape_text(tensor.shape));
        require(all_finite(tensor.values), source, ": tensor ", quoted(name), " holds NaN or infinite values");
        const std::size_t end = offset + tensor.values.size() * sizeof(float);
        header[name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = json_text(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begin on a multiple of 8 bytes

    const std::uint64_t length = text.size();
    std::string bytes(length_bytes, '\0');
    std::memcpy(bytes.data(), &length, length_bytes);
    bytes.reserve(length_bytes + text.size() + offset);
    bytes += text;
    for (const auto& [name, tensor] : checkpoint.tensors)
        bytes.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float));
    return bytes;
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
    return parse_checkpoint(read_file(path, max_file_bytes), path.string());
}

void write_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path) {
    write_file_atomically(path, checkpoint_bytes(checkpoint, path.string()));
}

}  // namespace ebgrasp
