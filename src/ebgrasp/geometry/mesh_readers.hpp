// Readers of mesh files, one for each format, behind read_object (geometry/mesh.hpp).
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ebgrasp {

inline constexpr std::size_t max_mesh_bytes = std::size_t{256} << 20;
inline constexpr std::size_t max_mesh_vertices = 2'000'000;

/// A triangle mesh as read; it may be open, concave or of several pieces.
struct Surface {
    std::vector<Eigen::Vector3d> vertices;
    std::vector<Eigen::Vector3i> triangles;
};

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

/// An OBJ file: its whole surface, and the triangles of each `o` group in the order of the file. Faces before the
/// first `o` (all of them, in a file without any) come first, in a group of their own.
struct ObjFile {
    Surface surface;
    std::vector<std::vector<Eigen::Vector3i>> groups{1};
    bool has_groups = false;
};

/// `name` stands before the errors that these throw on files that are damaged.
ObjFile parse_obj(std::string_view text, const std::string& name);
Surface parse_off(std::string_view text, const std::string& name);
Surface parse_ply(std::string_view bytes, const std::string& name);
/// Collada, glTF and STL, by assimp.
Surface read_with_assimp(const std::filesystem::path& path);

}  // namespace ebgrasp
