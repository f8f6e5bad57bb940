#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/geometry/mesh.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "geometry_checks.hpp"

namespace ebgrasp {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class MeshIo : public ::testing::Test {
  protected:
    MeshIo() : folder_(fs::temp_directory_path() / ("ebgrasp_mesh_io_" + std::to_string(getpid()))) {}
    ~MeshIo() override { fs::remove_all(folder_); }

    fs::path file(const std::string& name, const std::string& text) const {
        write_file_atomically(folder_ / name, text);
        return folder_ / name;
    }
    void expect_error(const std::string& text, const std::string& message, double scale = 1) const {
        const fs::path path = file("bad.obj", text);
        EXPECT_THAT([&] { read_object(path, scale); }, ThrowsMessage<Error>(HasSubstr(message))) << text;
    }

    fs::path folder_;
};

const std::string tetrahedron = "v 0 0 0\nv 0.1 0 0\nv 0 0.1 0\nv 0 0 0.1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n";

TEST_F(MeshIo, RoundTripKeepsGeometry) {
    for (std::uint64_t i = 0; i < 10; ++i) {
        const Object object = procedural_object(1, i);
        write_object(object, folder_ / "object.obj");
        const Object back = read_object(folder_ / "object.obj");
        EXPECT_EQ(back.name, "object");
        ASSERT_EQ(back.parts.size(), object.parts.size());
        EXPECT_NEAR(back.mass.volume / object.mass.volume, 1, 1e-12);
        EXPECT_LT((back.mass.center_of_mass_O - object.mass.center_of_mass_O).norm(), 1e-9);
        EXPECT_TRUE(back.bounds().isApprox(object.bounds(), 0));
    }
}

TEST_F(MeshIo, GroupsAreConvexParts) {
    std::string text = "# comment\nmtllib x.mtl\no first\n" + tetrahedron + "o empty\no second # remark\r\n";
    text += "v +1 0 0 1.0\r\nv\t1.1 0 0\nv 1 0.1 0\nv 1e0 0 1e-1\nf -4/1/1 -2//2 -3\nf -4 -3/1 -1\nf 6 7 8\nf 5 8 7\n";
    const Object object = read_object(file("two.obj", text));
    ASSERT_EQ(object.parts.size(), 2u);
    for (const auto& part : object.parts) EXPECT_EQ(unmatched_edges(part), 0);
    EXPECT_NEAR(object.mass.volume, 2 * 1e-3 / 6, 1e-15);
    EXPECT_NEAR(object.bounds().max().x(), 1.1, 1e-15);
}

TEST_F(MeshIo, PolygonsAndScale) {
    const std::string box =
        "v 0 0 0\nv 40 0 0\nv 40 20 0\nv 0 20 0\nv 0 0 10\nv 40 0 10\nv 40 20 10\nv 0 20 10\n"
        "f 4 3 2 1\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8\n";
    for (const char* group : {"", "o box\n"}) {
        const Object object = read_object(file("box.obj", group + box), 0.001);
        EXPECT_EQ(object.parts.size(), 1u);
        EXPECT_NEAR(object.mass.volume, 8e-6, 1e-18);
    }
    expect_error(box, "--scale 0.001");
    expect_error(box, "scale", 0.0);
    expect_error(box, "scale", -1.0);
}

TEST_F(MeshIo, UngroupedMeshIsSplitIntoComponents) {
    // Every triangle has vertices of its own, as in an STL.
    std::string text;
    int next = 1;
    const auto add = [&](const ConvexPart& part, double x) {
        for (const auto& triangle : part.triangles) {
            for (const int corner : triangle) {
                const Eigen::Vector3d& v = part.vertices[static_cast<std::size_t>(corner)];
                text +=
                    "v " + std::to_string(v.x() + x) + " " + std::to_string(v.y()) + " " + std::to_string(v.z()) + "\n";
            }
            text +=
                "f " + std::to_string(next) + " " + std::to_string(next + 1) + " " + std::to_string(next + 2) + "\n";
            next += 3;
        }
    };
    add(make_box({0.02, 0.02, 0.02}), 0);
    add(make_box({0.01, 0.04, 0.02}), 0.1);
    const Object object = read_object(file("two.obj", text));
    ASSERT_EQ(object.parts.size(), 2u);
    EXPECT_NEAR(object.mass.volume, 16e-6, 1e-15);
}

TEST_F(MeshIo, OtherFormatsThroughAssimp) {
    const std::string off = "OFF\n4 4 6\n0 0 0\n0.1 0 0\n0 0.1 0\n0 0 0.1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n";
    EXPECT_NEAR(read_object(file("t.off", off)).mass.volume, 1e-3 / 6, 1e-10);
    std::string stl = "solid t\n";
    const char* corners[4][3] = {{"0 0 0", "0 0.1 0", "0.1 0 0"},
                                 {"0 0 0", "0.1 0 0", "0 0 0.1"},
                                 {"0.1 0 0", "0 0.1 0", "0 0 0.1"},
                                 {"0 0 0", "0 0 0.1", "0 0.1 0"}};
    for (const auto& triangle : corners) {
        stl += "facet normal 0 0 0\nouter loop\n";
        for (const char* corner : triangle) stl += std::string("vertex ") + corner + "\n";
        stl += "endloop\nendfacet\n";
    }
    EXPECT_NEAR(read_object(file("t.stl", stl + "endsolid t\n")).mass.volume, 1e-3 / 6, 1e-10);

    EXPECT_THROW(read_object(file("garbage.stl", "not a mesh")), Error);
    EXPECT_THROW(read_object(file("t.blend", stl)), Error);  // assimp would look into it
    EXPECT_THROW(read_object(file("garbage.ply", "ply\nformat ascii 1.0\nelement vertex 4000000000\n")), Error);
    EXPECT_THROW(read_object(file("unknown.xyz123", "1 2 3")), Error);
    EXPECT_THROW(read_object(folder_ / "missing.stl"), Error);
    EXPECT_THROW(read_object(folder_), Error);
}

/// A cube of side 0.1 as PLY, as strips of triangles or as squares, with properties that nobody needs.
std::string ply_cube(const std::string& format, bool strips) {
    std::string text = "ply\nformat " + format + " 1.0\ncomment a cube\nelement vertex 8\nproperty uchar red\n";
    text += "property float x\nproperty double y\nproperty float z\nproperty list ushort int16 neighbours\n";
    text += strips ? "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
                   : "element face 6\nproperty list uchar uint vertex_index\nend_header\n";
    const auto add = [&]<typename Scalar>(Scalar value) {
        std::string bytes(sizeof value, '\0');
        std::memcpy(bytes.data(), &value, sizeof value);
        if (format == "binary_big_endian") std::ranges::reverse(bytes);  // tests run on little-endian machines
        text += format == "ascii" ? std::to_string(value) + " " : bytes;
    };
    for (int i = 0; i < 8; ++i) {
        add(std::uint8_t{200});
        add(0.1f * static_cast<float>(i & 1));
        add(0.1 * (i >> 1 & 1));
        add(0.1f * static_cast<float>(i >> 2));
        add(std::uint16_t{2});
        add(std::int16_t{-7});
        add(std::int16_t{7});
    }
    if (strips) {
        const std::vector<int> corners = {0, 1, 4, 5, 6, 7, 2, 3, 0, 1, -1, 1, 3, 5, 7, -1, 0, 4, 2, 6};
        add(static_cast<int>(corners.size()));
        for (const int corner : corners) add(corner);
    } else {
        for (const auto& square : {"0231", "4576", "0154", "1375", "3267", "2046"}) {
            add(std::uint8_t{4});
            for (int k = 0; k < 4; ++k) add(static_cast<std::uint32_t>(square[k] - '0'));
        }
    }
    return text;
}

TEST_F(MeshIo, PlyInAllItsFormats) {
    for (const char* format : {"ascii", "binary_little_endian", "binary_big_endian"}) {
        for (const bool strips : {false, true}) {
            const Object cube = read_object(file("cube.ply", ply_cube(format, strips)));
            ASSERT_EQ(cube.parts.size(), 1u);
            EXPECT_EQ(cube.parts[0].vertices.size(), 8u);
            EXPECT_NEAR(cube.mass.volume, 1e-3, 1e-10) << format;
        }
    }
}

TEST_F(MeshIo, DamagedPlyFilesAreErrors) {
    const auto expect = [&](const std::string& text, const std::string& message) {
        const fs::path path = file("bad.ply", text);
        EXPECT_THAT([&] { read_object(path); }, ThrowsMessage<Error>(HasSubstr("bad.ply: " + message))) << text;
    };
    const std::string vertices = "element vertex 3\nproperty float x\nproperty float y\nproperty float z\n";
    const std::string faces = "element face 1\nproperty list uchar int vertex_indices\n";
    const std::string head = "ply\nformat ascii 1.0\n" + vertices + faces + "end_header\n";
    expect("plywood\n", "is no PLY file");
    expect("ply\nformat ascii 1.0\n" + vertices, "has no end_header; is the file truncated?");
    expect("ply\nformat ascii 1.0\nelement vertex 4000000000\n", "has no end_header");
    expect("ply\nformat ascii 1.0\nend_header\n", "has no faces");
    expect("ply\n" + vertices + faces + "end_header\n", "unknown format ''");
    expect("ply\nformat utf8 1.0\nend_header\n", "unknown format 'utf8'");
    expect("ply\nformat ascii 1.0\nelement vertex -1\nend_header\n",
           "'-1' stands where a number of elements is needed");
    expect("ply\nformat ascii 1.0\nelement face 1\nend_header\n", "its element face has no properties");
    expect("ply\nformat ascii 1.0\nproperty float x\nend_header\n", "has a property before its first element");
    expect("ply\nformat ascii 1.0\nelement vertex 1\nproperty half x\nend_header\n",
           "unknown type of a property 'half'");
    expect("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n",
           "its vertices need an x, a y and a z");
    expect("ply\nformat ascii 1.0\n" + vertices + vertices + "end_header\n", "has two elements of vertices");
    expect(head + "0 0 0 1 0 0 0 1", "ends before its last element; is the file truncated?");
    expect(head + "0 0 0 1 0 0 0 1 zero", "'zero' stands where a number is needed");
    expect(head + "0 0 0 1 0 0 0 1 nan 3 0 1 2", "has a vertex that is not finite");
    expect(head + "0 0 0 1 0 0 0 1 0 3 0 1 3", "no vertex 3 of 3");
    expect(head + "0 0 0 1 0 0 0 1 0 3 0 1 0.5", "0.5 stands where a count or an index is needed");
    expect(head + "0 0 0 1 0 0 0 1 0 -3 0 1 2", "-3 stands where a count or an index is needed");
    expect(head + "0 0 0 1 0 0 0 1 0 0", "has no faces");  // a face without corners
}

TEST_F(MeshIo, MeshesStandWhereTheirNodesPutThem) {
    std::string scene = read_file(fs::path(EBGRASP_SOURCE_DIR) / "fuzz/corpus/mesh/a.dae");  // one tetrahedron
    scene.replace(scene.find("Z_UP"), 4, "Y_UP");                                            // assimp turns other files
    const std::string instance = "<instance_geometry url=\"#g\"/>";
    const std::size_t at = scene.find(instance);
    scene.insert(at,
                 "<translate>0 0 0.004</translate><node id=\"m\"><translate>0 0.005 1</translate><scale>2 2 2</scale>" +
                     instance + "</node>");
    const Object object = read_object(file("two.dae", scene));
    ASSERT_EQ(object.parts.size(), 2u);
    EXPECT_TRUE(object.bounds().min().isApprox(Eigen::Vector3d(0, 0, 0.004), 1e-6)) << object.bounds().min();
    EXPECT_TRUE(object.bounds().max().isApprox(Eigen::Vector3d(0.2, 0.205, 1.204), 1e-6)) << object.bounds().max();
}

TEST_F(MeshIo, HostileFilesAreErrorsWithTheirLine) {
    expect_error("", "has no faces");
    expect_error("o part\nv 0 0 0\n", "has no faces");
    expect_error("v 0 0\n", "bad.obj:1: a vertex needs three finite numbers");
    expect_error("v 0 nan 0\n", "not 'nan'");
    expect_error("v 0 0 inf\n", "not 'inf'");
    expect_error("v 0 1e999 0\n", "not '1e999'");
    expect_error("v 0 0,5 0\n", "not '0,5'");
    expect_error("v 0 0 0\nf 1 1\n", "bad.obj:2: a face with 2 vertices; is the file truncated?");
    expect_error("v 0 0 0\nf\n", "a face with 0 vertices");
    expect_error(tetrahedron + "f 1 2 5\n", "no vertex '5' among the 4");
    expect_error(tetrahedron + "f 1 2 -5\n", "no vertex '-5'");
    expect_error(tetrahedron + "f 1 2 0\n", "no vertex '0'");
    expect_error(tetrahedron + "f 1 2 99999999999999999999\n", "no vertex '99999999999999999999'");
    expect_error(tetrahedron + "f 1 2 3x\n", "no vertex '3x'");
    expect_error("f 1 2 3\n" + tetrahedron, "no vertex '1' among the 0");
    expect_error("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "no part has a volume");
    expect_error("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 1 1\n", "no part has a volume");
    expect_error(tetrahedron, "above 10 m", 1000);
    expect_error(tetrahedron, "bad.obj", 1e308);
    EXPECT_THAT([&] { read_object(folder_ / "missing.obj"); }, ThrowsMessage<Error>(HasSubstr("no such file")));
}

TEST_F(MeshIo, AnyDamageIsAnErrorOrAnObject) {
    const std::string obj = "o a\n" + tetrahedron + "o b\n" + tetrahedron;
    const std::pair<std::string, std::string> wholes[] = {{"damaged.obj", obj},
                                                          {"damaged.ply", ply_cube("ascii", false)},
                                                          {"damaged.ply", ply_cube("binary_little_endian", true)}};
    RandomStream random(7);
    for (int trial = 0; trial < 200; ++trial) {
        for (const auto& [name, whole] : wholes) {
            std::string text = whole.substr(0, random.index(whole.size() + 1));
            for (std::size_t hits = random.index(4); hits > 0 && !text.empty(); --hits) {
                text[random.index(text.size())] = static_cast<char>(random.index(256));
            }
            try {
                EXPECT_GT(read_object(file(name, text)).mass.volume, 0);
            } catch (const Error&) {
            }
        }
    }
}

}  // namespace
}  // namespace ebgrasp
