#include <algorithm>
#include <array>
#include <assimp/Importer.hpp>
#include <assimp/postprocess.h>
#include <assimp/scene.h>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <optional>
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

// --- OBJ

/// The words of a text, one after the other; then empty words.
class Words {
  public:
    explicit Words(std::string_view text) : rest_(text) {}

    std::string_view next() {
        constexpr std::string_view blanks = " \t\r\n\v\f";
        rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
        const std::string_view word = rest_.substr(0, rest_.find_first_of(blanks));
        rest_.remove_prefix(word.size());
        return word;
    }

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

/// A polygon as a fan of triangles, corner by corner.
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
            const std::size_t end = std::min(text.find('\n'), text.size());
            ++line_;
            parse_line(Words(text.substr(0, std::min(end, text.find('#')))));
            text.remove_prefix(std::min(end + 1, text.size()));
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
            const std::size_t end = std::min(rest_.find('\n'), rest_.size());
            const std::string_view line = rest_.substr(0, std::min(end, rest_.find('#')));
            rest_.remove_prefix(std::min(end + 1, rest_.size()));
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

// --- other formats

/// assimp runs for hours on PLY files that end within their header or promise more elements than they hold.
void check_promises(std::string_view text, const std::string& name) {
    if (!lower_case(text.substr(0, 3)).starts_with("ply")) return;
    const std::size_t header_end = text.find("\nend_header");
    require(header_end != text.npos, name, ": has no end_header; is the file truncated?");
    Words words(text.substr(0, header_end));
    for (auto word = words.next(); !word.empty(); word = words.next()) {
        const auto number = parse_number<double>(word);
        require(!number || *number <= static_cast<double>(text.size()), name, ": promises ", word, " elements in ",
                text.size(), " bytes");
    }
}

Surface read_with_assimp(const fs::path& path) {
    check_promises(read_file(path, max_file_bytes), path.string());
    Assimp::Importer importer;
    // Triangulating is left to us: assimp's ends the program on faces without corners. Fans do, since parts become
    // hulls.
    const aiScene* const scene = importer.ReadFile(path.string(), aiProcess_PreTransformVertices);
    require(scene != nullptr, path.string(), ": cannot be read as a mesh (", importer.GetErrorString(), ")");

    Surface surface;
    for (const aiMesh* mesh : std::span(scene->mMeshes, scene->mNumMeshes)) {
        const std::size_t first = surface.vertices.size();
        require(first + mesh->mNumVertices <= max_vertices, path.string(), ": more than ", max_vertices, " vertices");
        for (const aiVector3D& vertex : std::span(mesh->mVertices, mesh->mNumVertices)) {
            surface.vertices.emplace_back(vertex.x, vertex.y, vertex.z);
        }
        for (const aiFace& face : std::span(mesh->mFaces, mesh->mNumFaces)) {
            if (face.mNumIndices < 3) continue;
            Fan fan(surface.triangles);
            for (const unsigned index : std::span(face.mIndices, face.mNumIndices)) {
                require(index < mesh->mNumVertices, path.string(), ": no vertex ", index);
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
    for (const auto& triangles : components) pieces.push_back(extract(surface, triangles));
    return pieces;
}

std::vector<Surface> read_pieces(const fs::path& path) {
    const std::string extension = lower_case(path.extension().string());
    if (extension == ".off")
        return connected_components(OffParser(read_file(path, max_file_bytes), path.string()).parse());
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
