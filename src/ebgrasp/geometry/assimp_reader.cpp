#include <algorithm>
#include <assimp/BaseImporter.h>
#include <assimp/Importer.hpp>
#include <assimp/scene.h>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/text.hpp"
#include "ebgrasp/geometry/mesh_formats.hpp"
#include "ebgrasp/geometry/mesh_readers.hpp"
#include "ebgrasp/geometry/mesh_text.hpp"

namespace ebgrasp {
namespace {

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
        require(value && *value <= max_mesh_bytes, name_, ": ", name, " is '", text,
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

}  // namespace

Surface read_with_assimp(const std::filesystem::path& path) {
    const std::string bytes = read_file(path, max_mesh_bytes);
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
        require(first + mesh->mNumVertices <= max_mesh_vertices, path.string(), ": more than ", max_mesh_vertices,
                " vertices");
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

}  // namespace ebgrasp
