#include "ebgrasp/viz/shaded_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Eigen::Vector3d;

constexpr Color gray{200, 100, 50};
const CameraIntrinsics camera{40, 60, 50, 50, 29.5, 19.5};

/// The plane through (0, 0, distance) with this normal.
DepthImage plane(double distance, const Vector3d& normal, const CameraIntrinsics& seen_by = camera) {
    DepthImage image{DepthArray(seen_by.height, seen_by.width), seen_by};
    for (int row = 0; row < seen_by.height; ++row)
        for (int col = 0; col < seen_by.width; ++col)
            image.depth(row, col) =
                static_cast<float>(distance * normal.z() / normal.dot(seen_by.deproject(row, col, 1)));
    return image;
}

Mask all(std::uint8_t instance) { return Mask::Constant(camera.height, camera.width, instance); }

/// A lamp that sees nothing, so that nothing lies in shadow.
Lamp free_lamp(const Vector3d& p_CL) { return {{}, Eigen::Isometry3d(Eigen::Translation3d(p_CL))}; }

/// Lambert's law: half of the light is everywhere, the rest falls as the cosine of its angle.
TEST(ShadedView, FollowsLambertsLaw) {
    for (const Vector3d& normal : {Vector3d(0, 0, -1), Vector3d(0.4, -0.2, -1).normalized()})
        for (const Vector3d& p_CL : {Vector3d(0, 0, 0), Vector3d(0.3, -0.5, 0.2)}) {
            const DepthImage image = plane(1, normal);
            const std::vector<Color> colors = {kBlack, gray};
            const Picture picture = shaded_view(image, all(1), colors, free_lamp(p_CL));
            for (int row = 0; row < camera.height; ++row)
                for (int col = 0; col < camera.width; ++col) {
                    const Vector3d p_C = camera.deproject(row, col, image.depth(row, col));
                    const double share = 0.5 + 0.5 * normal.dot((p_CL - p_C).normalized());
                    const Color seen = picture.at(row, col);
                    EXPECT_NEAR(seen.r, share * gray.r, 1) << row << " " << col;
                    EXPECT_NEAR(seen.g, share * gray.g, 1);
                    EXPECT_NEAR(seen.b, share * gray.b, 1);
                }
        }
}

/// The lamp stands at the camera and sees something at half the distance in the left half of its image.
TEST(ShadedView, WhatTheLampDoesNotSeeLiesInShadow) {
    const Vector3d normal(0, 0, -1);
    Lamp lamp{plane(1, normal), Eigen::Isometry3d::Identity()};
    lamp.view.depth.leftCols(30).setConstant(0.5f);
    const Picture picture = shaded_view(plane(1, normal), all(0), std::vector{gray}, lamp);
    for (int row = 1; row < camera.height - 1; ++row) {  // beyond the lamp's image is light
        EXPECT_EQ(picture.at(row, 10).r, gray.r / 2);
        EXPECT_GT(picture.at(row, 50).r, 0.85 * gray.r);  // cos 30 degrees, at most, from the lamp
    }
}

/// A step between two surfaces does not blur their normals: both face the lamp and are as bright as without it.
TEST(ShadedView, EdgesStaySharp) {
    const Vector3d normal(0, 0, -1);
    const CameraIntrinsics far{40, 60, 5000, 5000, 29.5, 19.5};  // rays almost parallel
    DepthImage image = plane(1, normal, far);
    image.depth.leftCols(30) -= 0.1f;
    Mask instances = all(0);
    instances.leftCols(30) = 1;
    const Picture picture = shaded_view(image, instances, std::vector{gray, gray}, free_lamp({0, 0, 0}));
    for (int col = 0; col < camera.width; ++col) EXPECT_NEAR(picture.at(20, col).r, gray.r, 1) << col;
}

TEST(ShadedView, MissingDepthIsWhite) {
    DepthImage image = plane(1, {0, 0, -1});
    image.depth(3, 4) = 0;
    image.depth(5, 6) = std::nanf("");
    const Picture picture = shaded_view(image, all(0), std::vector{gray}, free_lamp({0, 0, 0}));
    EXPECT_EQ(picture.at(3, 4), kWhite);
    EXPECT_EQ(picture.at(5, 6), kWhite);
    EXPECT_NEAR(picture.at(3, 5).r, picture.at(3, 54).r, 1);  // its neighbour is as bright as that on the other side
}

TEST(ShadedView, SizesAndColorsMustFit) {
    const DepthImage image = plane(1, {0, 0, -1});
    EXPECT_THROW(shaded_view(image, all(1), std::vector{gray}, free_lamp({0, 0, 0})), Error);
    EXPECT_THROW(shaded_view(image, Mask::Zero(3, 4), std::vector{gray}, free_lamp({0, 0, 0})), Error);
}

}  // namespace
}  // namespace ebgrasp
