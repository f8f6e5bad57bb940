#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/core/text.hpp"
#include "ebgrasp/geometry/mesh.hpp"
#include "ebgrasp/geometry/mesh_formats.hpp"
#include "ebgrasp/geometry/mesh_readers.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;

constexpr double max_extent = 10.0;            // metres
constexpr double max_volume_deviation = 0.05;  // of a hull from what it replaces, before a warning

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
    if (extension == ".off") return connected_components(parse_off(read_file(path, max_mesh_bytes), path.string()));
    if (extension == ".ply") return connected_components(parse_ply(read_file(path, max_mesh_bytes), path.string()));
    if (extension != ".obj") return connected_components(read_with_assimp(path));

    ObjFile file = parse_obj(read_file(path, max_mesh_bytes), path.string());
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
