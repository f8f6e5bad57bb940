// The mesh files that are read.
#pragma once

#include <filesystem>

namespace ebgrasp {

/// Whether the extension is one of mesh_formats, in any case.
bool is_mesh_file(const std::filesystem::path& path);
inline constexpr const char* mesh_formats = ".obj, .stl, .ply, .off, .dae, .glb and .gltf";

}  // namespace ebgrasp
