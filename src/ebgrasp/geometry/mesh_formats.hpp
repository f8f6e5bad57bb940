// The mesh files that are read.
#pragma once

#include <array>
#include <filesystem>
#include <string_view>

namespace ebgrasp {

inline constexpr std::array<std::string_view, 7> mesh_formats = {".obj", ".stl", ".ply", ".off",
                                                                 ".dae", ".glb", ".gltf"};

/// Whether the extension is one of mesh_formats, in any case.
bool is_mesh_file(const std::filesystem::path& path);

}  // namespace ebgrasp
