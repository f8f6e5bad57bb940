#include "ebgrasp/image/point_cloud.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <vector>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr std::size_t max_side = 16384;

/// Takes the next line off `text`, without its end.
std::string_view take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// Takes the next word off `text`; empty at its end.
std::string_view take_word(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    const auto end = std::min(text.find_first_of(" \t\r\n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

std::vector<std::string_view> words(std::string_view line) {
    std::vector<std::string_view> all;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) all.push_back(word);
    return all;
}

template <typename T>
T parse(std::string_view word, const std::string& name) {
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    require(error == std::errc() && end == word.data() + word.size(), name, ": '", word.substr(0, 40),
            "' is not a number that can be read here");
    return value;
}

/// One or more scalars of a point's record.
struct Field {
    std::string name;
    std::size_t bytes;  // of one
    bool is_float;
    std::size_t count = 1;
};

/// The points of a cloud file: records of fields, as text or as packed bytes.
class Records {
  public:
    Records(std::string_view& data, bool ascii, const std::vector<Field>& fields, const std::string& name)
        : data_(data), ascii_(ascii), fields_(fields), name_(name) {
        const auto z = std::find_if(fields.begin(), fields.end(), [](const Field& f) { return f.name == "z"; });
        require(z != fields.end(), name, ": has no field z");
        require(z->is_float && (z->bytes == 4 || z->bytes == 8), name, ": its field z is not a float");
        require(z->count == 1, name, ": its field z has ", z->count, " values per point");
        z_ = static_cast<std::size_t>(z - fields.begin());
    }

    /// Takes `count` records off the data and returns their z.
    std::vector<float> take_z(std::size_t count) { return ascii_ ? take_ascii(count) : take_binary(count); }

  private:
    std::vector<float> take_ascii(std::size_t count) {
        std::size_t before = 0, after = 0;  // numbers of a record beside z
        for (std::size_t i = 0; i < fields_.size(); ++i)
            if (i != z_) (i < z_ ? before : after) += fields_[i].count;
        // every number takes at least two characters
        require(count <= (data_.size() / 2 + 1) / (before + 1 + after), name_, ": ends within its points");
        const auto next = [&] {
            const auto word = take_word(data_);
            require(!word.empty(), name_, ": ends within its points");
            return word;
        };
        std::vector<float> z(count);
        for (float& value : z) {
            for (std::size_t i = 0; i < before; ++i) next();
            value = parse<float>(next(), name_);
            for (std::size_t i = 0; i < after; ++i) next();
        }
        return z;
    }

    std::vector<float> take_binary(std::size_t count) {
        std::size_t offset = 0, stride = 0;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (i == z_) offset = stride;
            stride += fields_[i].bytes * fields_[i].count;
        }
        require(count <= data_.size() / stride, name_, ": has ", data_.size(), " bytes of points where ", count, " x ",
                stride, " are needed");
        std::vector<float> z(count);
        for (std::size_t i = 0; i < count; ++i) {
            const char* at = data_.data() + i * stride + offset;
            if (fields_[z_].bytes == 4) {
                std::memcpy(&z[i], at, 4);
            } else {
                double value;
                std::memcpy(&value, at, 8);
                z[i] = static_cast<float>(value);
            }
        }
        data_.remove_prefix(count * stride);
        return z;
    }

    std::string_view& data_;
    bool ascii_;
    const std::vector<Field>& fields_;
    const std::string& name_;
    std::size_t z_ = 0;
};

void check_grid(std::size_t rows, std::size_t cols, const std::string& name) {
    require(rows >= 2 && cols >= 2, name, ": is not organised (", cols, " x ", rows,
            " points); a depth image needs a point for every pixel");
    require(rows <= max_side && cols <= max_side, name, ": is ", cols, " x ", rows, " points, above the limit of ",
            max_side, " per side");
}

DepthArray to_array(const std::vector<float>& z, std::size_t rows, std::size_t cols) {
    return Eigen::Map<const DepthArray>(z.data(), static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(cols));
}

struct PlyHeader {
    bool ascii = true;
    std::size_t cols = 0, rows = 0, vertices = 0, range_cells = 0;
    std::vector<Field> vertex_fields;
    std::vector<std::string> elements;  // in the file's order
};

Field ply_field(std::string_view type, std::string_view field, const std::string& name) {
    static const std::map<std::string_view, std::pair<std::size_t, bool>> types = {
        {"char", {1, false}},  {"uchar", {1, false}},  {"int8", {1, false}},  {"uint8", {1, false}},
        {"short", {2, false}}, {"ushort", {2, false}}, {"int16", {2, false}}, {"uint16", {2, false}},
        {"int", {4, false}},   {"uint", {4, false}},   {"int32", {4, false}}, {"uint32", {4, false}},
        {"float", {4, true}},  {"float32", {4, true}}, {"double", {8, true}}, {"float64", {8, true}}};
    const auto found = types.find(type);
    require(found != types.end(), name, ": unknown property type '", type, "'");
    const auto [bytes, is_float] = found->second;
    return {std::string(field), bytes, is_float};
}

PlyHeader take_ply_header(std::string_view& file, const std::string& name) {
    require(take_line(file) == "ply", name, ": is not a PLY file");
    PlyHeader header;
    while (true) {
        require(!file.empty(), name, ": its header does not end");
        const auto line = words(take_line(file));
        if (line.empty() || line[0] == "comment") continue;
        if (line[0] == "end_header") break;
        if (line[0] == "format" && line.size() == 3) {
            require(line[1] == "ascii" || line[1] == "binary_little_endian", name, ": its format is ", line[1],
                    "; ascii and binary_little_endian can be read");
            header.ascii = line[1] == "ascii";
        } else if (line[0] == "obj_info" && line.size() == 3) {
            if (line[1] == "num_cols") header.cols = parse<std::size_t>(line[2], name);
            if (line[1] == "num_rows") header.rows = parse<std::size_t>(line[2], name);
        } else if (line[0] == "element" && line.size() == 3) {
            header.elements.emplace_back(line[1]);
            if (line[1] == "vertex") header.vertices = parse<std::size_t>(line[2], name);
            if (line[1] == "range_grid") header.range_cells = parse<std::size_t>(line[2], name);
        } else if (line[0] == "property" && !header.elements.empty() && header.elements.back() == "vertex") {
            require(line.size() == 3, name, ": its vertices have a list property, which a depth image cannot have");
            header.vertex_fields.push_back(ply_field(line[1], line[2], name));
        } else if (line[0] == "property" && !header.elements.empty() && header.elements.back() == "range_grid") {
            require(line.size() == 5 && line[1] == "list" && ply_field(line[2], "", name).bytes == 1 &&
                        ply_field(line[3], "", name).bytes == 4,
                    name, ": its range_grid is not a list of int");
        }
    }
    return header;
}

/// z of every cell of a range grid, whose cells hold no or one vertex index.
std::vector<float> place_in_grid(std::string_view data, bool ascii, const std::vector<float>& z, std::size_t cells,
                                 const std::string& name) {
    const auto take = [&](std::size_t bytes) -> std::size_t {
        if (ascii) return parse<std::size_t>(take_word(data), name);
        require(data.size() >= bytes, name, ": ends within its range grid");
        std::uint32_t value = 0;
        std::memcpy(&value, data.data(), bytes);
        data.remove_prefix(bytes);
        return value;
    };
    require(cells <= data.size(), name, ": ends within its range grid");
    std::vector<float> grid(cells, 0.0f);
    for (float& cell : grid) {
        const std::size_t count = take(1);
        require(count <= 1, name, ": a cell of its range grid has ", count, " points");
        if (count == 0) continue;
        const std::size_t index = take(4);
        require(index < z.size(), name, ": its range grid refers to point ", index, " of ", z.size());
        cell = z[index];
    }
    return grid;
}

}  // namespace

DepthArray read_pcd_depth(std::string_view file, const std::string& name) {
    std::map<std::string, std::vector<std::string_view>, std::less<>> header;
    while (!header.contains("DATA")) {
        require(!file.empty() && header.size() < 16, name, ": is not a PCD file (its header does not end)");
        auto line = words(take_line(file));
        if (line.empty() || line[0].starts_with('#')) continue;
        const std::string key(line[0]);
        line.erase(line.begin());
        header[key] = line;
    }
    const auto& format = header["DATA"];
    require(!format.empty() && (format[0] == "ascii" || format[0] == "binary"), name, ": its data is ",
            format.empty() ? "of no kind" : format[0], "; ascii and binary can be read (pcl_convert_pcd_ascii_binary)");
    for (const char* key : {"FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT"})
        require(!header[key].empty(), name, ": its PCD header has no ", key);
    const std::size_t cols = parse<std::size_t>(header["WIDTH"][0], name);
    const std::size_t rows = parse<std::size_t>(header["HEIGHT"][0], name);
    check_grid(rows, cols, name);

    const auto &names = header["FIELDS"], &sizes = header["SIZE"], &types = header["TYPE"], &counts = header["COUNT"];
    require(sizes.size() == names.size() && types.size() == names.size() &&
                (counts.empty() || counts.size() == names.size()),
            name, ": FIELDS, SIZE, TYPE and COUNT of its PCD header differ in length");
    std::vector<Field> fields;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto bytes = parse<std::size_t>(sizes[i], name);
        const auto count = counts.empty() ? 1 : parse<std::size_t>(counts[i], name);
        require(bytes >= 1 && bytes <= 8 && count <= 4096, name, ": field ", names[i], " has an impossible size");
        if (count > 0) fields.push_back({std::string(names[i]), bytes, types[i] == "F", count});
    }
    return to_array(Records(file, format[0] == "ascii", fields, name).take_z(rows * cols), rows, cols);
}

DepthArray read_ply_depth(std::string_view file, const std::string& name) {
    const PlyHeader header = take_ply_header(file, name);
    require(header.rows > 0 && header.cols > 0, name,
            ": is not organised (no 'obj_info num_cols' and 'num_rows' in its header); a depth image needs a point for "
            "every pixel");
    check_grid(header.rows, header.cols, name);
    require(!header.elements.empty() && header.elements[0] == "vertex", name, ": its first element is not vertex");
    const std::size_t cells = header.rows * header.cols;
    require(header.vertices <= cells, name, ": has ", header.vertices, " points for ", cells, " pixels");
    std::vector<float> z = Records(file, header.ascii, header.vertex_fields, name).take_z(header.vertices);
    if (z.size() < cells || header.range_cells > 0) {
        require(header.range_cells == cells && header.elements.size() > 1 && header.elements[1] == "range_grid", name,
                ": has ", z.size(), " points for ", cells, " pixels and no range_grid to place them");
        z = place_in_grid(file, header.ascii, z, cells, name);
    }
    return to_array(z, header.rows, header.cols);
}

}  // namespace ebgrasp
