#include "ebgrasp/image/camera.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

CameraIntrinsics from_file(const std::string& text) {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / "camera", text);
    return read_intrinsics((folder.path() / "camera").string());
}

void expect_error(const std::string& text, const std::string& message) {
    EXPECT_THAT([&] { from_file(text); }, ThrowsMessage<Error>(AllOf(HasSubstr("camera"), HasSubstr(message))));
}

TEST(CameraIntrinsics, ProjectsByThePinholeModel) {
    const CameraIntrinsics camera{480, 640, 500, 400, 300, 200};
    EXPECT_TRUE(camera.deproject(200, 300, 2).isApprox(Eigen::Vector3d(0, 0, 2)));
    EXPECT_TRUE(camera.deproject(240, 350, 2).isApprox(Eigen::Vector3d(0.2, 0.2, 2)));  // x right, y down
    EXPECT_TRUE(camera.project(camera.deproject(12.5, 630.25, 0.7)).isApprox(Eigen::Vector2d(12.5, 630.25)));
}

TEST(CameraIntrinsics, ValidateNamesTheBound) {
    EXPECT_NO_THROW(CameraIntrinsics{}.validate("here"));
    CameraIntrinsics camera;
    camera.width = 16385;
    EXPECT_THAT([&] { camera.validate("here"); }, ThrowsMessage<Error>(AllOf(HasSubstr("16385"), HasSubstr("16384"))));
    camera = {};
    camera.height = 0;
    EXPECT_THROW(camera.validate("here"), Error);
    camera = {};
    camera.fy = -1;
    EXPECT_THROW(camera.validate("here"), Error);
    camera = {};
    camera.cx = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(camera.validate("here"), Error);
}

TEST(ReadIntrinsics, DexNet) {
    EXPECT_EQ(from_file(R"({"_cy": 191.75, "_cx": 255.5, "_fy": 552.5, "_height": 386, "_fx": 551.5, "_width": 516,
                            "_skew": 0.0, "_K": 0, "_frame": "phoxi"})"),
              (CameraIntrinsics{386, 516, 551.5, 552.5, 255.5, 191.75}));
    expect_error(R"({"_fx": 500, "_fy": 500, "_cx": 3, "_cy": 2, "_height": 10})", "_width");
    expect_error(R"({"_fx": "wide", "_fy": 500, "_cx": 3, "_cy": 2, "_height": 10, "_width": 10})", "_fx");
    expect_error(R"({"_fx": 0, "_fy": 500, "_cx": 3, "_cy": 2, "_height": 10, "_width": 10})", "focal length is 0");
    expect_error(R"({"_fx": 5, "_fy": 5, "_cx": 3, "_cy": 2, "_height": 10, "_width": 10, "_skew": 0.1})", "skew");
    expect_error(R"({"_fx": 5, "_fy": 5, "_cx": 3, "_cy": 2, "_height": 10, "_width": 1e9})", "_width is 1e+09");
    expect_error(R"({"_fx": 5, "_fy": 5, "_cx": 3, "_cy": 2, "_height": 10.5, "_width": 10})", "_height is 10.5");
}

TEST(ReadIntrinsics, RosCalibrationFile) {
    EXPECT_EQ(from_file(R"(image_width: 640
image_height: 480
camera_name: narrow
camera_matrix:
  rows: 3
  cols: 3
  data: [612.5, 0, 320.25, 0., 611, 240.75, 0, 0, 1]
distortion_model: plumb_bob
)"),
              (CameraIntrinsics{480, 640, 612.5, 611, 320.25, 240.75}));
    expect_error("camera_matrix: {rows: 3, cols: 3, data: [1, 0, 1, 0, 1, 1, 0, 0, 1]}", "height");
    expect_error("image_width: 4\nimage_height: 4\ncamera_matrix: {data: [1, 0, 1, 0, 1, 1, 0, 0]}", "9 numbers");
    expect_error("image_width: 4\nimage_height: 4\ncamera_matrix: {data: [1, 2, 1, 0, 1, 1, 0, 0, 1]}", "[fx, 0, cx");
    expect_error("image_width: 4\nimage_height: 4\ncamera_matrix: {data: [a, 0, 1, 0, 1, 1, 0, 0, 1]}", "9 numbers");
}

TEST(ReadIntrinsics, RosMessageOfEitherVersion) {
    const CameraIntrinsics expected{720, 1280, 900, 901, 640, 360};
    for (const std::string key : {"K", "k"})
        EXPECT_EQ(from_file("header: {frame_id: camera}\nheight: 720\nwidth: 1280\n" + key +
                            ": [900.0, 0.0, 640.0, 0.0, 901.0, 360.0, 0.0, 0.0, 1.0]\n---\n"),
                  expected);
}

TEST(ReadIntrinsics, FourNumbers) {
    EXPECT_EQ(read_intrinsics("525,526.5,319.5,-2"), (CameraIntrinsics{0, 0, 525, 526.5, 319.5, -2}));
    for (const char* text : {"525,525,319.5", "525,525,319.5,239.5,", "525,525,319.5,239.5,1", "525,525,x,239.5", "",
                             "nosuch.intr", "525;525;1;1"})
        EXPECT_THAT([&] { read_intrinsics(text); }, ThrowsMessage<Error>(HasSubstr("neither an intrinsics file")));
    EXPECT_THROW(read_intrinsics("nan,525,1,1"), Error);
    EXPECT_THROW(read_intrinsics("-525,525,1,1"), Error);
}

TEST(ReadIntrinsics, OtherFilesAreRefused) {
    expect_error("fx: 3", "neither _fx");
    expect_error("[1, 2, 3]", "neither _fx");
    expect_error("", "neither _fx");
    expect_error("{\"_fx\": ", "");
    expect_error(std::string("\x93NUMPY\x01\0v\0", 10), "");
    EXPECT_THROW(read_intrinsics("/tmp"), Error);
}

}  // namespace
}  // namespace ebgrasp
