#include "ebgrasp/image/camera_pose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// The camera at (0.5, -0.1, 0.8), turned by 180 degrees about the base's x axis: it looks straight down.
Eigen::Isometry3d looking_down() {
    Eigen::Isometry3d X_BC = Eigen::Isometry3d::Identity();
    X_BC.linear() << 1, 0, 0, 0, -1, 0, 0, 0, -1;
    X_BC.translation() << 0.5, -0.1, 0.8;
    return X_BC;
}

CameraPose from_file(const std::string& name, const std::string& text) {
    const TemporaryFolder folder;
    write_file_atomically(folder.path() / name, text);
    return read_camera_pose((folder.path() / name).string());
}

TEST(CameraPose, IsReadFromNumbersInRosOrder) {
    EXPECT_TRUE(read_camera_pose("0.5,-0.1,0.8,1,0,0,0").X_BC.isApprox(looking_down()));
    EXPECT_EQ(read_camera_pose("0,0,0,0,0,0,1").base_frame, "base_link");
}

TEST(CameraPose, IsReadFromMatricesTransformsAndTf) {
    EXPECT_TRUE(from_file("a.yaml", "- [1, 0, 0, 0.5]\n- [0, -1, 0, -0.1]\n- [0, 0, -1, 0.8]\n- [0, 0, 0, 1]\n")
                    .X_BC.isApprox(looking_down()));
    EXPECT_TRUE(from_file("b.json", R"({"matrix": [[1,0,0,0.5],[0,-1,0,-0.1],[0,0,-1,0.8],[0,0,0,1]]})")
                    .X_BC.isApprox(looking_down()));
    const std::string content = "translation: {x: 0.5, y: -0.1, z: 0.8}\nrotation: {x: 1.0, y: 0, z: 0, w: 0}\n";
    EXPECT_TRUE(from_file("c.yaml", content).X_BC.isApprox(looking_down()));
    const CameraPose stamped =
        from_file("d.yaml",
                  "header: {frame_id: world}\nchild_frame_id: camera\ntransform:\n"
                  "  translation: {x: 0.5, y: -0.1, z: 0.8}\n  rotation: {x: 1, y: 0, z: 0, w: 0}\n");
    EXPECT_TRUE(stamped.X_BC.isApprox(looking_down()));
    EXPECT_EQ(stamped.base_frame, "world");
    const CameraPose tf = from_file("e.tf", "camera\nrobot\n0.5 -0.1 0.8\n1 0 0\n0 -1 0\n0 0 -1\n");
    EXPECT_TRUE(tf.X_BC.isApprox(looking_down()));
    EXPECT_EQ(tf.base_frame, "robot");
}

TEST(CameraPose, NamesWhatIsWrong) {
    const auto expect_error = [](const std::string& text, const std::string& message) {
        EXPECT_THAT([&] { read_camera_pose(text); }, ThrowsMessage<Error>(HasSubstr(message))) << text;
    };
    const auto expect_file_error = [](const std::string& name, const std::string& text, const std::string& message) {
        EXPECT_THAT([&] { from_file(name, text); },
                    ThrowsMessage<Error>(testing::AllOf(HasSubstr(name), HasSubstr(message))));
    };
    expect_error("nowhere.yaml", "neither a camera pose file nor seven numbers");
    expect_error("1,2,3", "seven numbers");
    expect_error("0,0,0,1,1,0,0", "length 1.41");
    expect_error("nan,0,0,1,0,0,0", "not finite");
    expect_file_error("a.yaml", "[[1, 0], [0, 1]]", "2 rows; it must have 4");
    expect_file_error("a.yaml", "matrix: {a: 1, b: 2, c: 3, d: 4}", "must be a list of rows");
    expect_file_error("a.yaml", "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]]", "determinant is negative");
    expect_file_error("a.yaml", "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]", "end with 0, 0, 0, 1");
    expect_file_error("a.yaml", "[[1, 0, 0, x], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]", "not a number");
    expect_file_error("a.yaml", "translation: {x: 0, y: 0, z: 0}\nrotation: {x: 0, y: 0, z: 0}\n",
                      "rotation.w is missing");
    expect_file_error("a.yaml", "pose: 3\n", "neither a 4 x 4 matrix nor a transform");
    expect_file_error("a.tf", "camera\nrobot\n0.5 -0.1 0.8\n1 0 0\n", "is no .tf file");
}

}  // namespace
}  // namespace ebgrasp
