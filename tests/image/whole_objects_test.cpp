#include <gtest/gtest.h>
#include <vector>

#include "ebgrasp/image/support_plane.hpp"
#include "synthetic_scene.hpp"

namespace ebgrasp {
namespace {

constexpr double min_height = 0.006;
const Eigen::Isometry3d X_WC = camera_above(0.7, 0.1);

SupportPlane table() { return {X_WC.rotation().transpose() * Eigen::Vector3d::UnitZ(), X_WC.translation().z(), 1.0}; }

/// The share of the pixels of box i that belongs to an object.
double share(const Mask& objects, const SyntheticScene& scene, int i) {
    const auto box = scene.boxes == static_cast<std::uint8_t>(i + 1);
    return static_cast<double>((box && objects != 0).count()) / static_cast<double>(box.count());
}

TEST(WholeObjects, AreWhatStandsOnTheTable) {
    const std::vector<TableBox> boxes = {{0.05, 0.02, 0.4, {0.08, 0.05, 0.06}},    // an object
                                         {-0.1, -0.05, 1.1, {0.12, 0.1, 0.03}},    // another
                                         {0.0, 0.12, 0.2, {0.05, 0.05, 0.004}},    // as flat as paper
                                         {0.12, 0.12, 0.0, {0.008, 0.008, 0.03}},  // a crumb
                                         {-0.05, -0.42, 0.0, {0.3, 0.2, 0.1}},     // furniture that reaches in
                                         {0.19, 0.05, 0.0, {0.03, 0.5, 0.02}}};    // a wall
    for (const CameraIntrinsics& camera :
         {CameraIntrinsics{}, CameraIntrinsics{1200, 1600, 1312, 1312, 799.5, 599.5}}) {
        const auto scene = synthetic_scene(boxes, X_WC, camera);
        const Mask objects = whole_objects(scene.image, table(), min_height);
        // the lowest of the sides, 6 mm, do not count
        for (const int i : {0, 1}) EXPECT_GT(share(objects, scene, i), 0.95) << i;
        for (const int i : {2, 3, 4, 5}) EXPECT_EQ(share(objects, scene, i), 0.0) << i;
        EXPECT_EQ(((scene.boxes == 0) && (objects != 0)).count(), 0);
    }
}

TEST(WholeObjects, AreApartFromAWallThatTheyStandBefore) {
    // in the image the box covers the wall's foot; they are one raised region, but the depth jumps between them
    const std::vector<TableBox> boxes = {{0.0, 0.0, 0.0, {0.06, 0.06, 0.12}}, {0.0, 0.12, 0.0, {0.6, 0.12, 0.05}}};
    const auto scene = synthetic_scene(boxes, camera_above(0.7, 0.6, -1.5708));
    const auto X_WC = camera_above(0.7, 0.6, -1.5708);
    const SupportPlane plane{X_WC.rotation().transpose() * Eigen::Vector3d::UnitZ(), X_WC.translation().z(), 1.0};
    const Mask objects = whole_objects(scene.image, plane, min_height);
    EXPECT_GT(share(objects, scene, 0), 0.95);
    EXPECT_LT(share(objects, scene, 1), 0.02);
}

TEST(WholeObjects, MissingDepthBelongsToNone) {
    auto scene = synthetic_scene({{0.0, 0.0, 0.3, {0.08, 0.08, 0.05}}}, X_WC);
    const Mask whole = whole_objects(scene.image, table(), min_height);
    for (int i = 0; i < scene.image.depth.size(); i += 7)
        scene.image.depth.data()[i] = i % 2 ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    const Mask objects = whole_objects(scene.image, table(), min_height);
    for (int i = 0; i < objects.size(); ++i) EXPECT_EQ(objects.data()[i], i % 7 == 0 ? 0 : whole.data()[i]) << i;
}

TEST(WholeObjects, ThereAreNoneOnAnEmptyTable) {
    const auto scene = synthetic_scene({}, X_WC);
    EXPECT_EQ((whole_objects(scene.image, table(), min_height) != 0).count(), 0);
}

}  // namespace
}  // namespace ebgrasp
