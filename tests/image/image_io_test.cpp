#include "ebgrasp/image/image_io.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <span>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/npy.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/image/point_cloud.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

const CameraIntrinsics any_size{0, 0, 525, 525, 2, 1.5};

/// A 4 x 5 image of whole millimetres with two missing pixels.
DepthArray small_depth() {
    DepthArray depth(4, 5);
    for (int i = 0; i < depth.size(); ++i) depth.data()[i] = 0.7f + 0.001f * static_cast<float>(i);
    depth(0, 0) = depth(3, 4) = 0.0f;
    return depth;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A little-endian, uncompressed TIFF of one strip, written out by hand from the TIFF 6.0 specification.
std::string tiff(std::uint32_t width, std::uint32_t height, std::uint16_t bits, bool floats,
                 const std::string& pixels) {
    std::string file("II*\0\x08\0\0\0", 8);
    struct Entry {
        std::uint16_t tag, type;
        std::uint32_t count, value;
    };
    const std::uint32_t entries = 10, data_at = 8 + 2 + entries * 12 + 4;
    const std::uint16_t kind = floats ? 3 : 1;
    const std::vector<Entry> directory = {
        {256, 4, 1, width}, {257, 4, 1, height}, {258, 3, 1, bits},
        {259, 3, 1, 1},     {262, 3, 1, 1},      {273, 4, 1, data_at},
        {277, 3, 1, 1},     {278, 4, 1, height}, {279, 4, 1, static_cast<std::uint32_t>(pixels.size())},
        {339, 3, 1, kind}};
    file += bytes_of<std::uint16_t>({static_cast<std::uint16_t>(entries)});
    for (const auto& e : directory)
        file += bytes_of<std::uint16_t>({e.tag, e.type}) + bytes_of<std::uint32_t>({e.count, e.value});
    return file + std::string(4, '\0') + pixels;
}

class ImageIo : public testing::Test {
  protected:
    std::filesystem::path write(const std::string& name, const std::string& bytes) const {
        write_file_atomically(folder_.path() / name, bytes);
        return folder_.path() / name;
    }
    DepthImage read(const std::string& name, const std::string& bytes, std::optional<double> scale = {}) const {
        return read_depth_image(write(name, bytes), any_size, scale);
    }
    void expect_error(const std::string& name, const std::string& bytes, const std::string& message) const {
        EXPECT_THAT([&] { read(name, bytes); }, ThrowsMessage<Error>(AllOf(HasSubstr(name), HasSubstr(message))));
    }
    template <typename T>
    std::string npy(const std::vector<T>& values, const std::vector<std::size_t>& shape) const {
        return npy_header<T>(shape) + bytes_of(values);
    }

    TemporaryFolder folder_;
};

TEST_F(ImageIo, DepthRoundTrips) {
    const DepthImage image{small_depth(), {4, 5, 525, 525, 2, 1.5}};
    for (const char* name : {"d.npy", "d.png", "d.tiff", "D.TIF"}) {
        write_depth_image(image, folder_.path() / name);
        const DepthImage back = read_depth_image(folder_.path() / name, any_size);
        EXPECT_EQ(back.camera, image.camera);
        EXPECT_LT((back.depth - image.depth).abs().maxCoeff(), 1e-6f) << name;
    }
    EXPECT_THROW(write_depth_image(image, folder_.path() / "d.jpg"), Error);
    EXPECT_THROW(write_depth_image({DepthArray::Constant(2, 2, 66.0f), {}}, folder_.path() / "far.png"), Error);
}

TEST_F(ImageIo, UnitsFollowTheFormat) {
    const std::vector<std::uint16_t> millimetres(6, 812);
    EXPECT_FLOAT_EQ(read("a.npy", npy<std::uint16_t>(millimetres, {2, 3})).depth(1, 2), 0.812f);
    EXPECT_FLOAT_EQ(read("a.npy", npy<std::uint16_t>(millimetres, {2, 3}), 0.0005).depth(1, 2), 0.406f);
    EXPECT_FLOAT_EQ(read("a.npy", npy<double>(std::vector<double>(6, 0.9), {2, 3, 1})).depth(1, 2), 0.9f);
    EXPECT_FLOAT_EQ(read("a.npy", npy<std::int32_t>(std::vector<std::int32_t>(6, 9000), {2, 3}), 1e-4).depth(0, 0),
                    0.9f);
    expect_error("a.npy", npy<std::int32_t>(std::vector<std::int32_t>(6, 900), {2, 3}), "--depth-scale");
    EXPECT_FLOAT_EQ(read("a.tif", tiff(3, 2, 32, true, bytes_of(std::vector<float>(6, 0.65f)))).depth(1, 1), 0.65f);
    EXPECT_FLOAT_EQ(read("a.tif", tiff(3, 2, 16, false, bytes_of(millimetres))).depth(1, 1), 0.812f);
}

TEST_F(ImageIo, RowsAndColumnsAreNotSwapped) {
    std::vector<float> values(6, 1.0f);
    values[1 * 3 + 2] = 2.0f;
    EXPECT_EQ(read("a.npy", npy<float>(values, {2, 3})).depth(1, 2), 2.0f);
    EXPECT_EQ(read("a.tif", tiff(3, 2, 32, true, bytes_of(values))).depth(1, 2), 2.0f);
}

TEST_F(ImageIo, ImplausibleMediansNameTheLikelyScale) {
    expect_error("a.npy", npy<float>(std::vector<float>(6, 712.0f), {2, 3}),
                 "median depth is 712 m; did you mean --depth-scale 0.001?");
    expect_error("a.npy", npy<std::uint16_t>(std::vector<std::uint16_t>(6, 2), {2, 3}),
                 "median depth is 0.002 m; did you mean --depth-scale 1?");
    expect_error("a.npy", npy<float>(std::vector<float>(6, 1e-9f), {2, 3}), "not between 0.05 and 20");
    expect_error("a.npy", npy<float>(std::vector<float>(6, 0.0f), {2, 3}), "every depth is missing");
    expect_error("a.npy", npy<float>(std::vector<float>(6, std::nanf("")), {2, 3}), "every depth is missing");
    for (const double scale : {0.0, -1.0, std::numeric_limits<double>::infinity()})
        EXPECT_THROW(read("a.npy", npy<float>(std::vector<float>(6, 1.0f), {2, 3}), scale), Error);
}

TEST_F(ImageIo, OddDepthsAreMissing) {
    const float inf = std::numeric_limits<float>::infinity();
    const DepthImage image = read("a.npy", npy<float>({1.0f, -1.0f, inf, -inf, std::nanf(""), 0.0f}, {2, 3}));
    EXPECT_EQ(image.depth(0, 0), 1.0f);
    EXPECT_EQ(image.depth.cast<bool>().count(), 1);
}

TEST_F(ImageIo, IntrinsicsOfAnotherResolutionAreRefused) {
    const auto path = write("a.npy", npy<float>(std::vector<float>(6, 1.0f), {2, 3}));
    EXPECT_THAT(
        [&] {
            read_depth_image(path, {720, 1280, 900, 900, 640, 360});
        },
        ThrowsMessage<Error>(HasSubstr("intrinsics are for 1280x720 but the image is 3x2")));
    EXPECT_THROW(read_depth_image(path, {3, 2, 900, 900, 1, 1}), Error);
    EXPECT_NO_THROW(read_depth_image(path, {2, 3, 900, 900, 1, 1}));
}

TEST_F(ImageIo, UnusableFilesAreRefused) {
    expect_error("a.npy", npy<float>(std::vector<float>(8, 1.0f), {2, 2, 2}), "dimensions");
    expect_error("a.npy", npy<float>(std::vector<float>(8, 1.0f), {8}), "dimensions");
    expect_error("a.npy", npy<float>({}, {0, 5}), "image side is 0");
    expect_error("a.npy", npy<float>(std::vector<float>(16385, 1.0f), {1, 16385}), "16384");
    expect_error("a.npy", "", "not a .npy file");
    expect_error("a.jpg", "x", "unknown kind");
    expect_error("depth", "x", "unknown kind");
    expect_error("a.png", "", "not a readable image");
    expect_error("a.png", "\x89PNG\r\n\x1a\n and no more", "not a readable image");
    expect_error("a.tif", tiff(100000, 100000, 16, false, "xx"), "it claims 100000 x 100000 pixels");
    expect_error("a.png", "\xff\xd8\xff\xe0 a JPEG", "neither a PNG nor a TIFF");
    expect_error("a.tif", tiff(3, 2, 8, false, "abcdef"), "1 channels of 8 bits");
    write_mask(Mask::Ones(2, 3), folder_.path() / "mask.png");
    EXPECT_THAT([&] { read_depth_image(folder_.path() / "mask.png", any_size); },
                ThrowsMessage<Error>(HasSubstr("1 channels of 8 bits")));
    EXPECT_THAT([&] { read_depth_image(folder_.path() / "missing.npy", any_size); },
                ThrowsMessage<Error>(HasSubstr("no such file")));
}

TEST_F(ImageIo, MasksRoundTrip) {
    Mask mask = Mask::Zero(3, 4);
    mask(2, 1) = 1;
    mask(0, 3) = 255;
    for (const char* name : {"m.png", "m.npy"}) {
        write_mask(mask, folder_.path() / name);
        const Mask back = read_mask(folder_.path() / name, 3, 4);
        EXPECT_EQ((back != 0).count(), 2);
        EXPECT_TRUE(back(2, 1) != 0 && back(0, 3) != 0);
    }
    EXPECT_THAT([&] { read_mask(folder_.path() / "m.png", 4, 3); },
                ThrowsMessage<Error>(HasSubstr("the mask is 4x3 but the image is 3x4")));
    write_mask(Mask::Zero(3, 4), folder_.path() / "empty.png");
    EXPECT_THAT([&] { read_mask(folder_.path() / "empty.png", 3, 4); }, ThrowsMessage<Error>(HasSubstr("is empty")));
    EXPECT_THROW(write_mask(mask, folder_.path() / "m.jpg"), Error);
    // labels of more than 8 bits, and masks of floats
    write("labels.tif", tiff(2, 1, 16, false, bytes_of<std::uint16_t>({256, 0})));
    EXPECT_EQ((read_mask(folder_.path() / "labels.tif", 1, 2) != 0).count(), 1);
    write("floats.npy", npy<float>({0.25f, 0.0f}, {1, 2}));
    EXPECT_EQ((read_mask(folder_.path() / "floats.npy", 1, 2) != 0).count(), 1);
}

// --- organised clouds

std::string pcd(const std::string& header_changes, const std::string& format, const std::string& points) {
    std::string header = header_changes.empty()
                             ? "FIELDS x y z rgb\nSIZE 4 4 4 4\nTYPE F F F U\nCOUNT 1 1 1 1\nWIDTH 3\nHEIGHT 2\n"
                             : header_changes;
    return "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\n" + header +
           "VIEWPOINT 0 0 0 1 0 0 0\nPOINTS 6\nDATA " + format + "\n" + points;
}

std::string ply(const std::string& format, const std::string& elements, const std::string& data) {
    return "ply\nformat " + format + " 1.0\ncomment made by hand\nobj_info num_cols 3\nobj_info num_rows 2\n" +
           elements + "end_header\n" + data;
}

const std::string vertices =
    "element vertex 6\nproperty float x\nproperty float y\nproperty double z\nproperty uchar red\n";

TEST_F(ImageIo, PcdTextAndBinary) {
    std::string text, binary;
    for (int i = 0; i < 6; ++i) {
        const float z = i == 4 ? std::nanf("") : 0.5f + 0.1f * static_cast<float>(i);
        text += "0.25 -1e-3 " + (i == 4 ? "nan" : std::to_string(z)) + " 4278190080\r\n";
        binary += bytes_of<float>({0.25f, -1e-3f, z}) + bytes_of<std::uint32_t>({7});
    }
    for (const DepthImage& image : {read("a.pcd", pcd("", "ascii", text)), read("a.pcd", pcd("", "binary", binary))}) {
        EXPECT_EQ(image.height(), 2);
        EXPECT_EQ(image.width(), 3);
        EXPECT_NEAR(image.depth(0, 2), 0.7, 1e-6);
        EXPECT_NEAR(image.depth(1, 2), 1.0, 1e-6);
        EXPECT_EQ(image.depth(1, 1), 0.0f);
    }
    const std::string wide = "FIELDS normal z\nSIZE 2 8\nTYPE I F\nCOUNT 3 1\nWIDTH 2\nHEIGHT 2\n";
    std::string records;
    for (const double z : {0.5, 0.6, 0.7, 0.8}) records += std::string(6, 'n') + bytes_of<double>({z});
    EXPECT_NEAR(read("a.pcd", pcd(wide, "binary", records)).depth(1, 1), 0.8, 1e-6);
}

TEST_F(ImageIo, BadPcdFilesAreRefused) {
    const auto fields = [](const std::string& rest) { return "FIELDS x y z\nSIZE 4 4 4\nTYPE F F F\n" + rest; };
    expect_error("a.pcd", pcd("", "binary_compressed", ""), "binary_compressed; ascii and binary");
    expect_error("a.pcd", pcd(fields("WIDTH 6\nHEIGHT 1\n"), "ascii", ""), "not organised");
    expect_error("a.pcd", pcd(fields("WIDTH 99999\nHEIGHT 2\n"), "ascii", ""), "16384");
    expect_error("a.pcd", pcd(fields("WIDTH 16384\nHEIGHT 16384\n"), "binary", "xyz"), "bytes of points");
    expect_error("a.pcd", pcd(fields("WIDTH 16384\nHEIGHT 16384\n"), "ascii", "1 2 3"), "ends within");
    expect_error("a.pcd", pcd("", "ascii", "0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1 0 0 0 1"), "ends within");
    expect_error("a.pcd", pcd(fields("WIDTH -3\nHEIGHT 2\n"), "ascii", ""), "'-3'");
    expect_error("a.pcd", pcd(fields("WIDTH 3\n"), "ascii", ""), "no HEIGHT");
    expect_error("a.pcd", pcd("FIELDS x y\nSIZE 4 4\nTYPE F F\nWIDTH 3\nHEIGHT 2\n", "ascii", ""), "no field z");
    expect_error("a.pcd", pcd("FIELDS z\nSIZE 4\nTYPE I\nWIDTH 3\nHEIGHT 2\n", "ascii", ""), "not a float");
    expect_error("a.pcd", pcd("FIELDS x z\nSIZE 4\nTYPE F F\nWIDTH 3\nHEIGHT 2\n", "ascii", ""), "differ in length");
    expect_error("a.pcd", pcd("FIELDS z\nSIZE 4\nTYPE F\nCOUNT 2\nWIDTH 3\nHEIGHT 2\n", "ascii", ""),
                 "2 values per point");
    expect_error("a.pcd", pcd("FIELDS z\nSIZE 99\nTYPE F\nWIDTH 3\nHEIGHT 2\n", "ascii", ""), "impossible size");
    expect_error("a.pcd", pcd("", "ascii", "0 0 deep 0" + std::string(60, ' ')), "'deep' is not a number");
    expect_error("a.pcd", "", "not a PCD file");
    expect_error("a.pcd", "hello\nworld\n", "not a PCD file");
}

TEST_F(ImageIo, PlyTextAndBinary) {
    std::string text, binary;
    for (int i = 0; i < 6; ++i) {
        const double z = 0.5 + 0.1 * i;
        text += "0 0 " + std::to_string(z) + " 255\n";
        binary += bytes_of<float>({0, 0}) + bytes_of<double>({z}) + "r";
    }
    for (const DepthImage& image :
         {read("a.ply", ply("ascii", vertices, text)), read("a.ply", ply("binary_little_endian", vertices, binary))}) {
        EXPECT_EQ(image.height(), 2);
        EXPECT_EQ(image.width(), 3);
        EXPECT_NEAR(image.depth(1, 0), 0.8, 1e-6);
    }
}

TEST_F(ImageIo, PlyRangeGridPlacesTheValidPoints) {
    const std::string elements =
        "element vertex 2\nproperty float z\nelement range_grid 6\nproperty list uchar int vertex_indices\n";
    const std::string grid_text = "0\n1 1\n0\n1 0\n0\n0\n";
    std::string grid_binary = std::string(1, '\0') + '\1' + bytes_of<std::int32_t>({1}) + std::string(1, '\0') + '\1' +
                              bytes_of<std::int32_t>({0}) + std::string(2, '\0');
    for (const DepthImage& image :
         {read("a.ply", ply("ascii", elements, "0.5\n0.75\n" + grid_text)),
          read("a.ply", ply("binary_little_endian", elements, bytes_of<float>({0.5f, 0.75f}) + grid_binary))}) {
        EXPECT_EQ(image.depth(0, 1), 0.75f);
        EXPECT_EQ(image.depth(1, 0), 0.5f);
        EXPECT_EQ(image.depth.cast<bool>().count(), 2);
    }
    expect_error("a.ply", ply("ascii", elements, "0.5\n0.75\n0 1 7 0 0 0 0"), "refers to point 7 of 2");
    expect_error("a.ply", ply("ascii", elements, "0.5\n0.75\n0 2 0 1"), "has 2 points");
    expect_error("a.ply", ply("binary_little_endian", elements, bytes_of<float>({0.5f, 0.75f}) + "\1"), "ends within");
}

TEST_F(ImageIo, BadPlyFilesAreRefused) {
    expect_error("a.ply", "ply\nformat ascii 1.0\nelement vertex 1\nproperty float z\nend_header\n1\n",
                 "not organised");
    expect_error("a.ply", ply("binary_big_endian", vertices, ""), "binary_big_endian");
    expect_error("a.ply", ply("ascii", vertices, "0 0 1 0"), "ends within");
    expect_error("a.ply", ply("binary_little_endian", vertices, "short"), "bytes of points");
    expect_error("a.ply", ply("ascii", "element vertex 5\nproperty float z\n", "1 1 1 1 1"), "no range_grid");
    expect_error("a.ply", ply("ascii", "element vertex 99999999999\nproperty float z\n", "1"), "points for 6 pixels");
    expect_error("a.ply",
                 "ply\nformat ascii 1.0\nobj_info num_cols 16384\nobj_info num_rows 16384\nelement vertex 0\n"
                 "property float z\nelement range_grid 268435456\nend_header\n0\n",
                 "ends within its range grid");
    expect_error("a.ply", ply("ascii", "element face 1\nproperty float z\nelement vertex 6\nproperty float z\n", "1"),
                 "first element is not vertex");
    expect_error("a.ply", ply("ascii", "element vertex 6\nproperty list uchar int z\n", "1"), "list property");
    expect_error("a.ply", ply("ascii", "element vertex 6\nproperty quad z\n", "1"), "unknown property type 'quad'");
    expect_error("a.ply", "ply\nformat ascii 1.0\n", "header does not end");
    expect_error("a.ply", "solid stl\n", "not a PLY file");
}

TEST(PointCloud, DamageNeverCrashes) {
    std::string points;
    for (int i = 0; i < 6; ++i) points += bytes_of<float>({0, 0, 1}) + bytes_of<std::uint32_t>({7});
    const std::string clouds[2] = {
        pcd("", "binary", points),
        ply("ascii",
            "element vertex 2\nproperty float z\nelement range_grid 6\nproperty list uchar int vertex_indices\n",
            "0.5\n0.75\n0\n1 1\n0\n1 0\n0\n0\n")};
    RandomStream random(1);
    for (int trial = 0; trial < 20000; ++trial) {
        std::string file = clouds[trial % 2];
        for (int flips = 0; flips < 3; ++flips) file[random.index(file.size())] = static_cast<char>(random.index(256));
        try {
            trial % 2 == 0 ? read_pcd_depth(file, "a") : read_ply_depth(file, "a");
        } catch (const Error&) {
        }
    }
}

}  // namespace
}  // namespace ebgrasp
