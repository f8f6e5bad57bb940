// Objects as unions of closed convex parts, so that renderer, labeller and physics see one geometry.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace ebgrasp {

/// A closed, convex triangle mesh: vertices in metres, triangles counter-clockwise seen from outside.
struct ConvexPart {
    std::vector<Eigen::Vector3d> vertices;
    std::vector<Eigen::Vector3i> triangles;

    /// True inside and on the surface.
    bool contains(const Eigen::Vector3d& p_O) const;
};

/// The convex hull of `points` (qhull). Throws Error if they are fewer than 4, not finite, or flat.
ConvexPart convex_hull(std::span<const Eigen::Vector3d> points);

/// Mass properties at uniform density; overlaps of parts count twice (the parts are the object).
struct MassProperties {
    double volume = 0;                                           ///< m^3
    Eigen::Vector3d center_of_mass_O = Eigen::Vector3d::Zero();  ///< metres, in the object frame O
    Eigen::Matrix3d inertia = Eigen::Matrix3d::Zero();  ///< about the centre of mass, per kilogram of mass (m^2)
};

/// A rigid object. Frame O: as in its file (for our own objects, the origin is the bounding box's centre).
struct Object {
    std::string name;
    std::vector<ConvexPart> parts;
    MassProperties mass;

    Eigen::AlignedBox3d bounds() const;
    /// True inside and on the surface of any part.
    bool contains(const Eigen::Vector3d& p_O) const;
    std::size_t triangle_count() const;
};

MassProperties mass_properties(std::span<const ConvexPart> parts);

/// Builds an object: hulls every part's vertices (so that the parts are convex whatever was given) and computes its
/// mass properties. Throws Error if no part has a volume.
Object make_object(std::string name, std::vector<ConvexPart> parts);

/// Reads an object in metres (scaled by `scale`). An OBJ with `o` groups is a union of convex parts, one per group;
/// what assimp reads of mesh_formats.hpp is split into connected components, each replaced by its hull, with a warning
/// if that changes its volume by more than 5 %. Throws Error: unreadable, NaN, empty, or larger than 10 m.
Object read_object(const std::filesystem::path& path, double scale = 1.0);
/// Writes the OBJ layout that read_object reads back (`o part_i` groups, metres), atomically.
void write_object(const Object& object, const std::filesystem::path& path);

}  // namespace ebgrasp
