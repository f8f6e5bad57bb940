#include "ebgrasp/planning/diagnosis.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/npy.hpp"
#include "ebgrasp/core/random.hpp"
#include "ebgrasp/image/image_io.hpp"
#include "synthetic_scene.hpp"
#include "temporary_folder.hpp"

namespace ebgrasp {
namespace {

using testing::HasSubstr;

const std::vector<TableBox> one_box = {{0.02, 0.01, 0.3, {0.05, 0.08, 0.04}}};

/// A camera's image of a box: with half a millimetre of noise, as every sensor has.
SyntheticScene seen(double distance = 0.7, double tilt = 0.1) {
    SyntheticScene scene = synthetic_scene(one_box, camera_above(distance, tilt));
    RandomStream random(1);
    for (float& z : scene.image.depth.reshaped()) z += static_cast<float>(random.normal(0, 0.0005));
    return scene;
}

/// The findings with something to mend, as "what: mend".
std::vector<std::string> complaints(const std::vector<Finding>& findings) {
    std::vector<std::string> texts;
    for (const Finding& finding : findings)
        if (!finding.ok()) texts.push_back(finding.what + ": " + finding.value + " -> " + finding.mend);
    return texts;
}

auto only(const char* what, const char* part) {
    return testing::ElementsAre(testing::AllOf(testing::StartsWith(what), HasSubstr(part)));
}

TEST(ExamineImage, FindsNothingWrongWithAGoodOne) {
    const SyntheticScene scene = seen();
    EXPECT_THAT(complaints(examine_image(scene.image, scene.boxes)), testing::IsEmpty());
    const auto findings = examine_image(scene.image, {});
    EXPECT_THAT(findings[3].value, HasSubstr("tilted by 5.7 degrees")) << "0.1 rad";
}

TEST(ExamineImage, SeesMissingDepth) {
    SyntheticScene scene = seen();
    RandomStream random(2);
    for (float& z : scene.image.depth.reshaped())
        if (random.bernoulli(0.4)) z = random.bernoulli(0.5) ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(complaints(examine_image(scene.image, {})), only("missing depth", "40"));
}

TEST(ExamineImage, SeesEightBitPictures) {
    SyntheticScene scene = seen(0.7, 0.4);
    const float low = scene.image.depth.minCoeff(), high = 3.0f;  // a picture of all that the sensor can see
    scene.image.depth = low + (255 * (scene.image.depth - low) / (high - low)).round() / 255 * (high - low);
    EXPECT_THAT(complaints(examine_image(scene.image, {})), testing::Contains(HasSubstr("8 bits per pixel")));
}

TEST(ExamineImage, SeesIntrinsicsThatCannotBe) {
    SyntheticScene scene = seen();
    scene.image.camera.cx = 640;
    EXPECT_THAT(complaints(examine_image(scene.image, {})), testing::Contains(HasSubstr("of another resolution")));
    scene.image.camera = {480, 640, 525, 300, 319.5, 239.5};
    EXPECT_THAT(complaints(examine_image(scene.image, {})),
                testing::Contains(HasSubstr("differ by more than a quarter")));
    scene.image.camera = {480, 640, 0.8, 0.8, 319.5, 239.5};  // normalised by the width
    EXPECT_THAT(complaints(examine_image(scene.image, {})),
                testing::Contains(HasSubstr("no depth camera has such a view")));
}

TEST(ExamineImage, SeesThePlaneAndWhatStandsOnIt) {
    EXPECT_THAT(complaints(examine_image(seen(0.7, 0.6).image, {})), only("support plane", "more than 30 degrees"));
    EXPECT_THAT(complaints(examine_image(seen(2.2, 0.1).image, {})), testing::Contains(HasSubstr("0.3 to 1.5 m")));
    const SyntheticScene empty = synthetic_scene({}, camera_above(0.7, 0.1));
    EXPECT_THAT(complaints(examine_image(empty.image, {})), only("objects", "nothing stands on the plane"));
    DepthImage noise = empty.image;
    RandomStream random(3);
    for (float& z : noise.depth.reshaped()) z = static_cast<float>(random.uniform(0.3, 1.2));
    EXPECT_THAT(complaints(examine_image(noise, {})), testing::Contains(HasSubstr("none found")));
}

TEST(ExamineImage, SeesMasksThatDoNotFit) {
    SyntheticScene scene = seen();
    EXPECT_THAT(complaints(examine_image(scene.image, Mask::Ones(10, 20))),
                only("mask", "20 x 10 pixels, the image 640 x 480"));
    EXPECT_THAT(complaints(examine_image(scene.image, Mask::Zero(480, 640))), only("mask", "is empty"));
    const Mask inverted = (scene.boxes == 0).cast<std::uint8_t>();
    EXPECT_THAT(complaints(examine_image(scene.image, inverted)), only("mask", "inverted"));
    scene.image.depth = (scene.boxes > 0).select(0.0f, scene.image.depth);  // a glass box
    EXPECT_THAT(complaints(examine_image(scene.image, scene.boxes)), testing::Contains(HasSubstr("hardly any depth")));
}

class ExamineFiles : public testing::Test {
  protected:
    std::string path(const char* name) const { return (folder_.path() / name).string(); }
    template <typename T>
    std::string write(const char* name, const DepthArray& depth) const {
        const std::vector<T> values(depth.data(), depth.data() + depth.size());
        write_npy<T>(path(name), values, {std::size_t(depth.rows()), std::size_t(depth.cols())});
        return path(name);
    }

    TemporaryFolder folder_;
    SyntheticScene scene_ = seen();
    std::string intrinsics_ = "525,525,319.5,239.5";
};

TEST_F(ExamineFiles, TellsTheUnitOfTheFile) {
    const std::string metres = write<float>("m.npy", scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({metres, intrinsics_, ""})), testing::IsEmpty());
    const std::string mm = write<float>("mm.npy", 1000 * scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({mm, intrinsics_, ""})),
                only("units", "the file is in millimetres: pass --depth-scale 0.001"));
    EXPECT_THAT(complaints(examine_files({mm, intrinsics_, "", 0.001})), testing::IsEmpty());
    const std::string signed_mm = write<std::int32_t>("i4.npy", 1000 * scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({signed_mm, intrinsics_, ""})),
                only("units", "the unit of int32 is not known"));
    const std::string tenths = write<std::uint16_t>("u2.npy", 10000 * scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({tenths, intrinsics_, "", 0.1})),
                testing::Contains(HasSubstr("--depth-scale 0.001")))
        << "7000 units are 7 m, which could be";
    const std::string nothing = write<float>("0.npy", 0 * scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({nothing, intrinsics_, ""})), only("units", "every depth is missing"));
}

TEST_F(ExamineFiles, ComparesIntrinsicsWithTheImage) {
    const std::string depth = write<float>("m.npy", scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({depth, "", ""})), only("intrinsics", "of another camera"));
    EXPECT_THAT(complaints(examine_files({depth, "nowhere.yaml", ""})),
                only("intrinsics", "neither an intrinsics file nor"));
    std::ofstream(path("hd.yaml")) << "image_width: 1280\nimage_height: 960\n"
                                      "camera_matrix: {data: [1050, 0, 639.5, 0, 1050, 479.5, 0, 0, 1]}\n";
    EXPECT_THAT(complaints(examine_files({depth, path("hd.yaml"), ""})),
                only("intrinsics", "if it was scaled, --intrinsics 525,525,319.5,239.5"));
    std::ofstream(path("wide.yaml")) << "width: 1280\nheight: 720\nK: [900, 0, 640, 0, 900, 360, 0, 0, 1]\n";
    EXPECT_THAT(complaints(examine_files({depth, path("wide.yaml"), ""})), only("intrinsics", "cropped"));
    const std::string small = write<float>("small.npy", scene_.image.depth.topRows(100));
    EXPECT_THAT(complaints(examine_files({small, "", ""})), only("intrinsics", "only images of 640 x 480"));
}

TEST_F(ExamineFiles, MakesFindingsOfWhatCannotBeRead) {
    EXPECT_THAT(complaints(examine_files({"nowhere.npy", "", ""})), only("depth file", "no such file"));
    const std::string depth = write<float>("m.npy", scene_.image.depth);
    EXPECT_THAT(complaints(examine_files({depth, intrinsics_, path("nowhere.png")})), only("mask", "no such file"));
    write_mask(scene_.boxes, path("mask.png"));
    EXPECT_THAT(complaints(examine_files({depth, intrinsics_, path("mask.png")})), testing::IsEmpty());
}

}  // namespace
}  // namespace ebgrasp
