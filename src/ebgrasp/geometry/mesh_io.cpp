#include <algorithm>
#include <array>
#include <assimp/BaseImporter.h>
#include <assimp/Importer.hpp>
#include <assimp/scene.h>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/geometry/mesh.hpp"
#include "ebgrasp/geometry/mesh_formats.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_bytes = std::size_t{256} << 20;
constexpr std::size_t max_vertices = 2'000'000;
constexpr double max_extent = 10.0;            // metres
constexpr double max_volume_deviation = 0.05;  // of a hull from what it replaces, before a warning

/// A triangle mesh as read; it may be open, concave or of several pieces.
struct Surface {
    std::vector<Eigen::Vector3d> vertices;
    std::vector<Eigen::Vector3i> triangles;
};

/// The part of `surface` made of `triangles`, with only the vertices they use.
Surface extract(const Surface& surface, const std::vector<Eigen::Vector3i>& triangles) {
    Surface part;
    std::map<int, int> new_index;
    for (const Eigen::Vector3i& triangle : triangles) {
        Eigen::Vector3i renumbered;
        for (int i = 0; i < 3; ++i) {
            const auto [entry, added] = new_index.try_emplace(triangle[i], static_cast<int>(part.vertices.size()));
            if (added) part.vertices.push_back(surface.vertices[static_cast<std::size_t>(triangle[i])]);
            renumbered[i] = entry->second;
        }
        part.triangles.push_back(renumbered);
    }
    return part;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower;
}

/// Takes the next line off `text`, without its end.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

/// Takes the next word off `text`; empty at its end.
std::string_view take_word(std::string_view& text) {
    constexpr std::string_view blanks = " \t\r\n\v\f";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(blanks));
    text.remove_prefix(word.size());
    return word;
}

/// The words of a text, one after the other; then empty words.
class Words {
  public:
    explicit Words(std::string_view text) : rest_(text) {}

    std::string_view next() { return take_word(rest_); }

  private:
    std::string_view rest_;
};

/// The number that `text` starts with, if that is all of it or `end` follows.
template <typename Number>
std::optional<Number> parse_number(std::string_view text, char end = '\0') {
    if (text.starts_with('+')) text.remove_prefix(1);
    Number value{};
    const char* const last = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc{} || (stop != last && *stop != end)) return std::nullopt;
    return value;
}

/// A polygon as a fan of triangles, corner by corner. Fans do, since parts become hulls.
class Fan {
  public:
    explicit Fan(std::vector<Eigen::Vector3i>& triangles) : triangles_(triangles) {}

    void add(int vertex) {
        if (corners_ < 3) {
            triangle_[corners_] = vertex;
        } else {
            triangle_ = {triangle_[0], triangle_[2], vertex};
        }
        if (++corners_ >= 3) triangles_.push_back(triangle_);
    }
    int corners() const { return corners_; }

  private:
    std::vector<Eigen::Vector3i>& triangles_;
    Eigen::Vector3i triangle_ = Eigen::Vector3i::Zero();
    int corners_ = 0;
};

// --- OBJ

/// An OBJ file: its whole surface, and the triangles of each `o` group in the order of the file. Faces before the
/// first `o` (all of them, in a file without any) come first, in a group of their own.
struct ObjFile {
    Surface surface;
    std::vector<std::vector<Eigen::Vector3i>> groups{1};
    bool has_groups = false;
};

class ObjParser {
  public:
    explicit ObjParser(std::string name) : name_(std::move(name)) {}

    ObjFile parse(std::string_view text) {
        while (!text.empty()) {
            ++line_;
            const std::string_view line = take_line(text);
            parse_line(Words(line.substr(0, line.find('#'))));
        }
        return std::move(file_);
    }

  private:
    void parse_line(Words words) {
        const std::string_view keyword = words.next();
        if (keyword == "v") parse_vertex(words);
        if (keyword == "f") parse_face(words);
        if (keyword == "o") {
            file_.has_groups = true;
            file_.groups.emplace_back();
        }
    }

    void parse_vertex(Words& words) {
        Eigen::Vector3d vertex;
        for (double& coordinate : vertex) {
            const std::string_view word = words.next();
            const auto value = parse_number<double>(word);
            check(value && std::isfinite(*value), "a vertex needs three finite numbers, not '", word, "'");
            coordinate = *value;
        }
        check(file_.surface.vertices.size() < max_vertices, "more than ", max_vertices, " vertices");
        file_.surface.vertices.push_back(vertex);
    }

    void parse_face(Words& words) {
        Fan fan(file_.groups.back());
        for (std::string_view word = words.next(); !word.empty(); word = words.next()) fan.add(parse_index(word));
        check(fan.corners() >= 3, "a face with ", fan.corners(), " vertices; is the file truncated?");
    }

    /// `v`, `v/vt`, `v//vn` or `v/vt/vn`; counted from 1, or from the end if negative.
    int parse_index(std::string_view word) const {
        const auto count = static_cast<int>(file_.surface.vertices.size());
        const auto index = parse_number<int>(word, '/');
        check(index && *index != 0 && *index <= count && *index >= -count, "no vertex '", word, "' among the ", count,
              " read so far");
        return *index > 0 ? *index - 1 : count + *index;
    }

    template <typename... Parts>
    void check(bool condition, const Parts&... parts) const {
        require(condition, name_, ":", line_, ": ", parts...);
    }

    std::string name_;
    std::size_t line_ = 0;
    ObjFile file_;
};

// --- OFF

/// Lines: `OFF`, the numbers of vertices, faces and edges, a vertex each, and a face each: its number of corners, their
/// vertices, and perhaps a colour. assimp's reader crashes on faces without corners.
class OffParser {
  public:
    OffParser(std::string_view text, std::string name) : rest_(text), name_(std::move(name)) {}

    Surface parse() {
        Words first = next_line();
        require(first.next().ends_with("OFF"), name_, ": is no OFF file");
        std::string_view word = first.next();  // the counts may stand beside OFF
        if (word.empty()) word = (first = next_line()).next();
        const auto vertices = count(word), faces = count(first.next());
        require(vertices + faces <= rest_.size(), name_, ": promises ", vertices + faces, " elements in ", rest_.size(),
                " bytes");
        Surface surface;
        for (std::size_t i = 0; i < vertices; ++i) {
            Words words = next_line();
            Eigen::Vector3d& vertex = surface.vertices.emplace_back();
            for (double& coordinate : vertex) coordinate = number<double>(words.next());
        }
        for (std::size_t i = 0; i < faces; ++i) {
            Words words = next_line();
            const std::size_t corners = count(words.next());
            Fan fan(surface.triangles);
            for (std::size_t k = 0; k < corners; ++k) {
                const auto index = count(words.next());
                require(index < vertices, name_, ": no vertex ", index, " of ", vertices);
                fan.add(static_cast<int>(index));
            }
        }
        return surface;
    }

  private:
    /// The words of the next line that has any.
    Words next_line() {
        while (!rest_.empty()) {
            std::string_view line = take_line(rest_);
            line = line.substr(0, line.find('#'));
            if (!Words(line).next().empty()) return Words(line);
        }
        fail(name_, ": ends before its last face; is the file truncated?");
    }

    template <typename Number>
    Number number(std::string_view word) const {
        const auto value = parse_number<Number>(word);
        require(value.has_value(), name_, ": '", word, "' stands where a number is needed");
        return *value;
    }

    std::size_t count(std::string_view word) const {
        const auto value = number<std::size_t>(word);
        require(value <= max_vertices, name_, ": more than ", max_vertices, " vertices or faces");
        return value;
    }

    std::string_view rest_;
    std::string name_;
};

// --- PLY

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
            require(element.count <= max_vertices, name_, ": has ", element.count, " vertices, above ", max_vertices);
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
        require(number >= 0 && number <= max_file_bytes && number == std::floor(number), name_, ": ", number,
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

// --- other formats

/// Binary glTF is a header of 12 bytes, and chunks: each its length, which assimp believes, its kind and its bytes.
void check_gltf(std::string_view file, const std::string& name) {
    if (!file.starts_with("glTF")) return;
    file.remove_prefix(std::min<std::size_t>(12, file.size()));
    while (!file.empty()) {
        std::uint32_t length = 0;
        require(file.size() >= 8, name, ": ends within the head of a chunk; is the file truncated?");
        std::memcpy(&length, file.data(), sizeof length);
        file.remove_prefix(8);
        require(length <= file.size(), name, ": a chunk claims ", length, " bytes where ", file.size(),
                " are left; is the file truncated?");
        file.remove_prefix(length);
    }
}

/// Checks what assimp believes of a Collada file: that corners are numbers, which it reads for ever otherwise, and that
/// arrays have as many numbers as they and the accessors on them say.
class ColladaCheck {
  public:
    explicit ColladaCheck(std::string name) : name_(std::move(name)) {}

    void check(std::string_view text) {
        require(text.find('\0') == text.npos, name_, ": is no text in UTF-8");
        while (text.remove_prefix(std::min(text.find('<'), text.size())), !text.empty()) {
            const std::string_view end = text.starts_with("<!--") ? "-->" : ">";
            const std::size_t length = text.find(end);
            require(length != text.npos, name_, ": ends within a tag; is the file truncated?");
            const std::string_view tag = text.substr(1, length - 1);
            text.remove_prefix(length + end.size());
            if (end == ">" && !tag.ends_with('/')) check_element(tag, text.substr(0, text.find('<')));
        }
    }

  private:
    void check_element(std::string_view tag, std::string_view content) {
        const std::string_view element = Words(tag).next();
        if (element == "p" || element == "vcount") {
            const std::size_t wrong = content.find_first_not_of("0123456789+- \t\r\n");
            require(wrong == content.npos, name_, ": '", content.substr(std::min(wrong, content.size()), 1),
                    "' stands among the corners of polygons");
        } else if (element == "float_array") {
            const std::size_t promised = number(tag, "count", 0);
            std::size_t numbers = 0;
            for (Words words(content); !words.next().empty();) ++numbers;
            require(promised <= numbers, name_, ": promises an array of ", promised, " numbers and has ", numbers);
            arrays_["#" + std::string(attribute(tag, "id"))] = promised;
        } else if (element == "accessor") {
            accessor_ = tag;
            parameters_ = 0;
        } else if (element == "param") {
            ++parameters_;
        } else if (element == "/accessor") {
            check_accessor();
        }
    }

    void check_accessor() {
        const auto array = arrays_.find(std::string(attribute(accessor_, "source")));
        if (array == arrays_.end()) return;  // of names
        const std::size_t count = number(accessor_, "count", 0), stride = number(accessor_, "stride", 1);
        const std::size_t offset = number(accessor_, "offset", 0);
        const std::size_t end = count == 0 ? 0 : offset + (count - 1) * stride + std::max(stride, parameters_);
        require(end <= array->second, name_, ": takes ", end, " numbers from an array of ", array->second);
    }

    /// The value of an attribute; empty if there is none.
    static std::string_view attribute(std::string_view tag, std::string_view name) {
        for (std::size_t at = tag.find(name); at != tag.npos; at = tag.find(name, at + 1)) {
            std::string_view value = tag.substr(at + name.size());
            const bool whole = at > 0 && std::isspace(static_cast<unsigned char>(tag[at - 1])) != 0;
            if (!whole || !(value.starts_with("=\"") || value.starts_with("='"))) continue;
            return value.substr(2, value.find(value[1], 2) - 2);
        }
        return {};
    }

    std::size_t number(std::string_view tag, std::string_view name, std::size_t otherwise) const {
        const std::string_view text = attribute(tag, name);
        if (text.empty()) return otherwise;
        const auto value = parse_number<std::size_t>(text);
        require(value && *value <= max_file_bytes, name_, ": ", name, " is '", text,
                "', which is no number of elements");
        return *value;
    }

    std::string name_;
    std::map<std::string, std::size_t> arrays_;  // numbers by "#id"
    std::string_view accessor_;                  // the last one's tag
    std::size_t parameters_ = 0;                 // of it
};

/// Without the readers of formats that are not ours, which assimp tries on files that are not what their names say.
void keep_promised_readers(Assimp::Importer& importer) {
    for (std::size_t i = importer.GetImporterCount(); i-- > 0;) {
        Assimp::BaseImporter* const reader = importer.GetImporter(i);
        std::set<std::string> extensions;
        reader->GetExtensionList(extensions);
        if (std::ranges::any_of(extensions, [](const auto& name) { return is_mesh_file("mesh." + name); })) continue;
        importer.UnregisterLoader(reader);
        delete reader;
    }
}

/// A mesh, and its pose in the file's frame.
struct Placed {
    const aiMesh* mesh;
    aiMatrix4x4 X_WM;
};

/// Appends the meshes of `node` and of those below it.
void place(const aiScene& scene, const aiNode& node, const aiMatrix4x4& X_WP, std::vector<Placed>& meshes) {
    const aiMatrix4x4 X_WN = X_WP * node.mTransformation;
    for (const unsigned index : std::span(node.mMeshes, node.mNumMeshes))
        meshes.push_back({scene.mMeshes[index], X_WN});
    for (const aiNode* const child : std::span(node.mChildren, node.mNumChildren)) place(scene, *child, X_WN, meshes);
}

Surface read_with_assimp(const fs::path& path) {
    const std::string bytes = read_file(path, max_file_bytes);
    if (const std::string extension = lower_case(path.extension().string()); extension == ".dae") {
        ColladaCheck(path.string()).check(bytes);
    } else {
        check_gltf(bytes, path.string());
    }
    Assimp::Importer importer;
    keep_promised_readers(importer);
    // Only reading is left to assimp: its step that triangulates ends the program on faces without corners, and the one
    // that places meshes takes translations below 1 cm for none (aiMatrix4x4::IsIdentity).
    const aiScene* const scene = importer.ReadFile(path.string(), 0);
    require(scene != nullptr && scene->mRootNode != nullptr, path.string(), ": cannot be read as a mesh (",
            importer.GetErrorString(), ")");
    std::vector<Placed> meshes;
    place(*scene, *scene->mRootNode, aiMatrix4x4(), meshes);
    // by material, so that the parts of an object keep the order that assimp's step gave them
    std::ranges::stable_sort(meshes, {}, [](const Placed& placed) { return placed.mesh->mMaterialIndex; });

    Surface surface;
    for (const auto& [mesh, X_WM] : meshes) {
        const std::size_t first = surface.vertices.size();
        require(first + mesh->mNumVertices <= max_vertices, path.string(), ": more than ", max_vertices, " vertices");
        const bool moved = X_WM != aiMatrix4x4();
        for (const aiVector3D& p_M : std::span(mesh->mVertices, mesh->mNumVertices)) {
            const aiVector3D p_W = moved ? X_WM * p_M : p_M;
            surface.vertices.emplace_back(p_W.x, p_W.y, p_W.z);
        }
        for (const aiFace& face : std::span(mesh->mFaces, mesh->mNumFaces)) {
            Fan fan(surface.triangles);
            for (const unsigned index : std::span(face.mIndices, face.mNumIndices)) {
                require(index < mesh->mNumVertices, path.string(), ": no vertex ", index, " of ", mesh->mNumVertices);
                fan.add(static_cast<int>(first + index));
            }
        }
    }
    return surface;
}

// --- connected components

/// Makes vertices at the same place one vertex, since many formats repeat them for every triangle.
void weld(Surface& surface) {
    std::vector<int> order(surface.vertices.size());
    std::iota(order.begin(), order.end(), 0);
    const auto position = [&](int i) -> const Eigen::Vector3d& {
        return surface.vertices[static_cast<std::size_t>(i)];
    };
    const auto before = [&](int i, int j) {
        const auto &a = position(i), &b = position(j);
        return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    };
    std::ranges::stable_sort(order, before);
    std::vector<int> representative(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        const bool same = k > 0 && position(order[k]) == position(order[k - 1]);
        const auto i = static_cast<std::size_t>(order[k]);
        representative[i] = same ? representative[static_cast<std::size_t>(order[k - 1])] : order[k];
    }
    for (auto& triangle : surface.triangles) {
        for (int& corner : triangle) corner = representative[static_cast<std::size_t>(corner)];
    }
}

/// Disjoint sets with path halving.
class DisjointSets {
  public:
    explicit DisjointSets(std::size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }

    int find(int i) {
        while (parent(i) != i) i = parent(i) = parent(parent(i));
        return i;
    }
    void join(int i, int j) { parent(find(i)) = find(j); }

  private:
    int& parent(int i) { return parent_[static_cast<std::size_t>(i)]; }

    std::vector<int> parent_;
};

/// The pieces that hang together by shared vertices, in the order of their first triangles.
std::vector<Surface> connected_components(Surface surface) {
    weld(surface);
    DisjointSets sets(surface.vertices.size());
    for (const auto& triangle : surface.triangles) {
        sets.join(triangle[0], triangle[1]);
        sets.join(triangle[1], triangle[2]);
    }
    std::map<int, std::size_t> component_of;
    std::vector<std::vector<Eigen::Vector3i>> components;
    for (const auto& triangle : surface.triangles) {
        const auto [entry, added] = component_of.try_emplace(sets.find(triangle[0]), components.size());
        if (added) components.emplace_back();
        components[entry->second].push_back(triangle);
    }
    std::vector<Surface> pieces;
    pieces.reserve(components.size());
    for (const auto& triangles : components) pieces.push_back(extract(surface, triangles));
    return pieces;
}

std::vector<Surface> read_pieces(const fs::path& path) {
    const std::string extension = lower_case(path.extension().string());
    if (extension == ".off")
        return connected_components(OffParser(read_file(path, max_file_bytes), path.string()).parse());
    if (extension == ".ply")
        return connected_components(PlyParser(read_file(path, max_file_bytes), path.string()).parse());
    if (extension != ".obj") return connected_components(read_with_assimp(path));

    ObjFile file = ObjParser(path.string()).parse(read_file(path, max_file_bytes));
    if (!file.has_groups) {
        file.surface.triangles = std::move(file.groups.front());
        return connected_components(std::move(file.surface));
    }
    std::vector<Surface> pieces;
    for (const auto& triangles : file.groups) {
        if (!triangles.empty()) pieces.push_back(extract(file.surface, triangles));
    }
    return pieces;
}

void check_size(const std::vector<Surface>& pieces, const std::string& name) {
    Eigen::AlignedBox3d box(Eigen::Vector3d::Zero());
    for (const Surface& piece : pieces) {
        for (const Eigen::Vector3d& vertex : piece.vertices) {
            require(vertex.allFinite(), name, ": has a vertex that is not finite");
            box.extend(vertex);
        }
    }
    const double extent = box.sizes().maxCoeff();
    require(extent <= max_extent, name, ": spans ", extent, " m with its origin, above ", max_extent,
            " m; is it in millimetres (--scale 0.001)?");
}

double signed_volume(const Surface& surface) {
    double six_volumes = 0;
    const Eigen::Vector3d& origin = surface.vertices.front();
    for (const auto& triangle : surface.triangles) {
        Eigen::Matrix3d corners;
        for (int i = 0; i < 3; ++i) corners.col(i) = surface.vertices[static_cast<std::size_t>(triangle[i])] - origin;
        six_volumes += corners.determinant();
    }
    return six_volumes / 6;
}

/// Warns if hulls replaced concave or open pieces.
void warn_of_hulls(const std::vector<Surface>& pieces, const Object& object, const std::string& name) {
    double volume = 0;
    for (const Surface& piece : pieces) volume += std::abs(signed_volume(piece));
    const double deviation = object.mass.volume / volume - 1;
    if (!(std::abs(deviation) > max_volume_deviation)) return;
    warn("{}: convex hulls of its {} pieces changed the volume by {:+.0f} %; decompose it into convex parts (o groups)",
         name, pieces.size(), 100 * deviation);
}

void append_number(std::string& text, double value) {
    char buffer[32];
    text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

}  // namespace

bool is_mesh_file(const fs::path& path) {
    const std::string extension = lower_case(path.extension().string());
    return std::ranges::count(mesh_formats, extension) > 0;
}

Object read_object(const fs::path& path, double scale) {
    require(is_mesh_file(path), path.string(), ": unknown kind of mesh file; ",
            fmt::format("{}", fmt::join(mesh_formats, ", ")), " can be read");
    require(std::isfinite(scale) && scale > 0, "the scale of an object must be positive, not ", scale);
    std::vector<Surface> pieces = read_pieces(path);
    require(!pieces.empty(), path.string(), ": has no faces");
    for (Surface& piece : pieces) {
        for (Eigen::Vector3d& vertex : piece.vertices) vertex *= scale;
    }
    check_size(pieces, path.string());

    std::vector<ConvexPart> parts;
    parts.reserve(pieces.size());
    for (const Surface& piece : pieces) parts.push_back({piece.vertices, piece.triangles});
    Object object = make_object(path.stem().string(), std::move(parts));
    warn_of_hulls(pieces, object, path.string());
    return object;
}

void write_object(const Object& object, const fs::path& path) {
    std::string text;
    std::size_t first = 1;  // OBJ counts vertices from 1 through all groups
    for (std::size_t i = 0; i < object.parts.size(); ++i) {
        const ConvexPart& part = object.parts[i];
        text += "o part_" + std::to_string(i) + "\n";
        for (const Eigen::Vector3d& vertex : part.vertices) {
            text += "v";
            for (const double coordinate : vertex) append_number(text += ' ', coordinate);
            text += '\n';
        }
        for (const Eigen::Vector3i& triangle : part.triangles) {
            text += "f";
            for (const int corner : triangle) text += ' ' + std::to_string(first + static_cast<std::size_t>(corner));
            text += '\n';
        }
        first += part.vertices.size();
    }
    write_file_atomically(path, text);
}

}  // namespace ebgrasp
