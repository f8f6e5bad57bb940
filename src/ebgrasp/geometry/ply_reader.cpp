#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/text.hpp"
#include "ebgrasp/geometry/mesh_readers.hpp"
#include "ebgrasp/geometry/mesh_text.hpp"

namespace ebgrasp {
namespace {

/// A scalar type of PLY: its size, and its value from bytes in the machine's order.
struct PlyType {
    std::size_t bytes;
    double (*decode)(const char*);
};

template <typename Scalar>
double decode(const char* bytes) {
    Scalar value;
    std::memcpy(&value, bytes, sizeof value);
    return static_cast<double>(value);
}

PlyType ply_type(std::string_view type, const std::string& name) {
    constexpr PlyType int8 = {1, decode<std::int8_t>}, uint8 = {1, decode<std::uint8_t>};
    constexpr PlyType int16 = {2, decode<std::int16_t>}, uint16 = {2, decode<std::uint16_t>};
    constexpr PlyType int32 = {4, decode<std::int32_t>}, uint32 = {4, decode<std::uint32_t>};
    constexpr PlyType float32 = {4, decode<float>}, float64 = {8, decode<double>};
    static const std::map<std::string_view, PlyType> types = {
        {"char", int8},     {"int8", int8},       {"uchar", uint8},    {"uint8", uint8},
        {"short", int16},   {"int16", int16},     {"ushort", uint16},  {"uint16", uint16},
        {"int", int32},     {"int32", int32},     {"uint", uint32},    {"uint32", uint32},
        {"float", float32}, {"float32", float32}, {"double", float64}, {"float64", float64}};
    const auto found = types.find(type);
    require(found != types.end(), name, ": unknown type of a property '", type, "'");
    return found->second;
}

/// A header that names the elements (vertex, face, ...), how many there are, and their properties, scalars or lists;
/// then their values, as words or packed. assimp's reader crashes, leaks and runs for hours on damaged files.
class PlyParser {
  public:
    PlyParser(std::string_view text, std::string name) : rest_(text), name_(std::move(name)) {}

    Surface parse() {
        parse_header();
        for (const Element& element : elements_) {
            for (std::size_t i = 0; i < element.count; ++i) parse_element(element);
        }
        return std::move(surface_);
    }

  private:
    enum class Use { x, y, z, polygon, strips, none };
    struct Property {
        PlyType type;
        std::optional<PlyType> length;  // of a list
        Use use;
    };
    struct Element {
        std::string_view name;
        std::size_t count;
        std::vector<Property> properties;
    };

    void parse_header() {
        require(lower_case(Words(take_line(rest_)).next()) == "ply", name_, ": is no PLY file");
        std::string_view format;
        for (std::string_view keyword; keyword != "end_header";) {
            require(!rest_.empty(), name_, ": has no end_header; is the file truncated?");
            Words words(take_line(rest_));
            keyword = words.next();
            if (keyword == "format") format = words.next();
            if (keyword == "element") elements_.push_back({words.next(), count(words.next()), {}});
            if (keyword == "property") parse_property(words);
        }
        ascii_ = format == "ascii";
        const bool big = format == "binary_big_endian";
        require(ascii_ || big || format == "binary_little_endian", name_, ": unknown format '", format,
                "'; ascii, binary_little_endian and binary_big_endian can be read");
        swapped_ = big != (std::endian::native == std::endian::big);
        for (const Element& element : elements_) {
            const auto has = [&](Use use) { return std::ranges::count(element.properties, use, &Property::use) == 1; };
            require(!element.properties.empty(), name_, ": its element ", element.name, " has no properties");
            if (element.name != "vertex") continue;
            require(vertices_ == 0, name_, ": has two elements of vertices");
            require(has(Use::x) && has(Use::y) && has(Use::z), name_, ": its vertices need an x, a y and a z");
            require(element.count <= max_mesh_vertices, name_, ": has ", element.count, " vertices, above ",
                    max_mesh_vertices);
            vertices_ = element.count;
        }
    }

    void parse_property(Words& words) {
        require(!elements_.empty(), name_, ": has a property before its first element");
        Element& element = elements_.back();
        const std::string_view type = words.next();
        Property property{{}, {}, Use::none};
        if (type == "list") property.length = ply_type(words.next(), name_);
        property.type = ply_type(type == "list" ? words.next() : type, name_);
        const std::string_view name = words.next();
        if (property.length) {
            const bool corners = name == "vertex_indices" || name == "vertex_index";
            if (corners && element.name == "face") property.use = Use::polygon;
            if (corners && element.name == "tristrips") property.use = Use::strips;
        } else if (element.name == "vertex") {
            if (name == "x") property.use = Use::x;
            if (name == "y") property.use = Use::y;
            if (name == "z") property.use = Use::z;
        }
        element.properties.push_back(property);
    }

    void parse_element(const Element& element) {
        Eigen::Vector3d vertex = Eigen::Vector3d::Zero();
        for (const Property& property : element.properties) {
            const std::size_t length = property.length ? whole(value(*property.length)) : 1;
            Fan fan(surface_.triangles);
            std::vector<int> strip;
            for (std::size_t i = 0; i < length; ++i) {
                const double number = value(property.type);
                if (property.use <= Use::z) vertex[static_cast<int>(property.use)] = number;
                if (property.use == Use::polygon) fan.add(index(number));
                if (property.use == Use::strips) extend(strip, number);
            }
        }
        if (element.name == "vertex") surface_.vertices.push_back(vertex);
    }

    /// A strip's next vertex, which makes a triangle with the two before, every second one turned; -1 ends the strip.
    void extend(std::vector<int>& strip, double number) {
        if (number == -1) return strip.clear();
        strip.push_back(index(number));
        if (strip.size() < 3) return;
        const int* const last = &strip.back();
        const bool turned = strip.size() % 2 == 0;
        surface_.triangles.emplace_back(last[turned ? -1 : -2], last[turned ? -2 : -1], *last);
    }

    double value(const PlyType& type) {
        if (ascii_) {
            const std::string_view word = take_word(rest_);
            require(!word.empty(), name_, ": ends before its last element; is the file truncated?");
            const auto number = parse_number<double>(word);
            require(number.has_value(), name_, ": '", word, "' stands where a number is needed");
            return type.decode == decode<float> ? static_cast<float>(*number) : *number;
        }
        require(rest_.size() >= type.bytes, name_, ": ends before its last element; is the file truncated?");
        std::array<char, 8> bytes;
        const auto end = std::copy_n(rest_.begin(), type.bytes, bytes.begin());
        if (swapped_) std::reverse(bytes.begin(), end);
        rest_.remove_prefix(type.bytes);
        return type.decode(bytes.data());
    }

    std::size_t whole(double number) const {
        require(number >= 0 && number <= max_mesh_bytes && number == std::floor(number), name_, ": ", number,
                " stands where a count or an index is needed");
        return static_cast<std::size_t>(number);
    }

    int index(double number) const {
        const std::size_t vertex = whole(number);
        require(vertex < vertices_, name_, ": no vertex ", vertex, " of ", vertices_);
        return static_cast<int>(vertex);
    }

    std::size_t count(std::string_view word) const {
        const auto number = parse_number<std::size_t>(word);
        require(number.has_value(), name_, ": '", word, "' stands where a number of elements is needed");
        return *number;
    }

    std::string_view rest_;
    std::string name_;
    bool ascii_ = false, swapped_ = false;
    std::vector<Element> elements_;
    std::size_t vertices_ = 0;
    Surface surface_;
};

}  // namespace

Surface parse_ply(std::string_view bytes, const std::string& name) { return PlyParser(bytes, name).parse(); }

}  // namespace ebgrasp
