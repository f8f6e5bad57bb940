#include "ebgrasp/geometry/render.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/ray_scene.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "geometry_checks.hpp"

namespace ebgrasp {
namespace {

CameraIntrinsics small_camera() { return {96, 128, 105.0, 104.0, 63.2, 47.9}; }

Eigen::Isometry3d overhead(double height) {
    Eigen::Isometry3d X_WC = Eigen::Isometry3d::Identity();
    X_WC.linear() = Eigen::Vector3d(1, -1, -1).asDiagonal();
    X_WC.translation().z() = height;
    return X_WC;
}

Eigen::Isometry3d tilted_camera(std::uint64_t key) {
    CameraDistribution distribution;
    distribution.min_distance = 0.3;
    distribution.max_elevation = 1.3;  // so steep that the horizon shows
    distribution.max_roll = 3;
    distribution.max_target_offset = 0.1;
    RandomStream random(31, key);
    return sample_camera(distribution, random);
}

/// The same image by ray casting.
RenderedScene ray_cast(std::span<const PosedObject> objects, const Eigen::Isometry3d& X_WC,
                       const CameraIntrinsics& camera) {
    RenderedScene scene{{DepthArray::Zero(camera.height, camera.width), camera},
                        Mask::Zero(camera.height, camera.width)};
    std::vector<RayScene> ray_scenes;
    for (const auto& posed : objects) ray_scenes.emplace_back(*posed.object);
    for (int row = 0; row < camera.height; ++row) {
        for (int col = 0; col < camera.width; ++col) {
            const Eigen::Vector3d ray_C = camera.deproject(row, col, 1), ray_W = X_WC.linear() * ray_C;
            const double to_table = -X_WC.translation().z() / ray_W.z();
            double depth = to_table > 0 ? to_table : std::numeric_limits<double>::infinity();
            for (std::size_t i = 0; i < objects.size(); ++i) {
                const Eigen::Isometry3d X_OC = objects[i].X_WO.inverse() * X_WC;
                const Ray ray{X_OC.translation().cast<float>(), (X_OC.linear() * ray_C).normalized().cast<float>(),
                              100};
                RayHit hit;
                ray_scenes[i].cast({&ray, 1}, {&hit, 1});
                if (!hit.hit() || hit.distance / ray_C.norm() >= depth) continue;
                depth = hit.distance / ray_C.norm();
                scene.instances(row, col) = static_cast<std::uint8_t>(i + 1);
            }
            if (std::isfinite(depth)) scene.image.depth(row, col) = static_cast<float>(depth);
        }
    }
    return scene;
}

/// Counts pixels whose depth differs by more than 1e-6 of the depth; single-precision rays miss by more at grazing.
int differing_pixels(const RenderedScene& a, const RenderedScene& b, double tolerance = 1e-6) {
    const auto difference = (a.image.depth - b.image.depth).abs().cast<double>();
    return static_cast<int>((difference > tolerance * b.image.depth.max(1.0f).cast<double>()).count());
}

TEST(RenderDepth, TableAloneInClosedForm) {
    const CameraIntrinsics camera = small_camera();
    const RenderedScene straight = render_depth({}, overhead(0.7), camera);
    EXPECT_LT((straight.image.depth - 0.7f).abs().maxCoeff(), 1e-6f);
    EXPECT_EQ(straight.instances.cast<int>().sum(), 0);
    EXPECT_EQ(straight.image.camera, camera);

    bool horizon = false;
    for (std::uint64_t key = 0; key < 20; ++key) {
        const Eigen::Isometry3d X_WC = tilted_camera(key);
        const RenderedScene scene = render_depth({}, X_WC, camera);
        for (int row = 0; row < camera.height; ++row) {
            for (int col = 0; col < camera.width; ++col) {
                const double z = -X_WC.translation().z() / (X_WC.linear() * camera.deproject(row, col, 1)).z();
                const float depth = scene.image.depth(row, col);
                EXPECT_NEAR(depth, std::max(z, 0.0), 2e-7 * std::abs(z));
                horizon |= z < 0;
            }
        }
    }
    EXPECT_TRUE(horizon);
}

TEST(RenderDepth, BoxTopAndSphereInClosedForm) {
    const CameraIntrinsics camera = small_camera();
    const Object box = make_object("box", {make_box({0.2, 0.1, 0.05})});
    Eigen::Isometry3d X_WO = Eigen::Isometry3d::Identity();
    X_WO.translation().z() = 0.025;
    const PosedObject posed{&box, X_WO};
    const RenderedScene scene = render_depth({&posed, 1}, overhead(0.7), camera);
    for (int row = 0; row < camera.height; ++row) {
        for (int col = 0; col < camera.width; ++col) {
            const Eigen::Vector3d on_top = camera.deproject(row, col, 0.65);
            const bool on_box = std::abs(on_top.x()) <= 0.1 && std::abs(on_top.y()) <= 0.05;
            EXPECT_NEAR(scene.image.depth(row, col), on_box ? 0.65 : 0.7, 1e-6);
            EXPECT_EQ(scene.instances(row, col), on_box);
        }
    }

    const double radius = 0.1;
    const Object sphere = make_object("sphere", {make_superquadric({radius, radius, radius}, 1, 1, 200)});
    X_WO.translation().z() = radius;
    const PosedObject ball{&sphere, X_WO};
    const RenderedScene round = render_depth({&ball, 1}, overhead(0.7), camera);
    const Eigen::Vector3d center(0, 0, 0.6);
    for (int row = 0; row < camera.height; ++row) {
        for (int col = 0; col < camera.width; ++col) {
            const Eigen::Vector3d ray = camera.deproject(row, col, 1).normalized();
            const double miss = ray.cross(center).norm();
            if (std::abs(miss - radius) < 3e-3) continue;
            const double along = ray.dot(center) - std::sqrt(std::max(0.0, radius * radius - miss * miss));
            EXPECT_NEAR(round.image.depth(row, col), miss < radius ? along * ray.z() : 0.7, 1e-4);
        }
    }
}

TEST(RenderDepth, AgreesWithRayCastingOnRandomScenes) {
    const CameraIntrinsics camera = small_camera();
    int object_pixels = 0;
    for (std::uint64_t key = 0; key < 40; ++key) {
        RandomStream random(32, key);
        std::vector<Object> objects;
        for (std::uint64_t i = 0; i < 5; ++i) objects.push_back(procedural_object(33, 5 * key + i));
        std::vector<PosedObject> posed;
        for (const Object& object : objects) posed.push_back({&object, random_pose(random, 0.1)});
        const RenderedScene scene = render_depth(posed, tilted_camera(key), camera);
        const RenderedScene truth = ray_cast(posed, tilted_camera(key), camera);
        // A pixel centre within rounding of a silhouette may fall to either side.
        EXPECT_LE(differing_pixels(scene, truth), 2) << key;
        EXPECT_LE((scene.instances != truth.instances).count(), 2) << key;
        object_pixels += static_cast<int>((truth.instances > std::uint8_t{0}).count());
    }
    EXPECT_GT(object_pixels, 15000);
}

TEST(RenderDepth, AgreesWithRayCastingWhenObjectsSurroundTheCamera) {
    // Long bars reach behind the camera: nothing is clipped, nothing wraps around.
    const CameraIntrinsics camera = small_camera();
    const Object bar = make_object("bar", {make_box({3, 0.05, 0.05}), make_cylinder(0.04, 2)});
    for (std::uint64_t key = 0; key < 40; ++key) {
        RandomStream random(34, key);
        const Eigen::Isometry3d X_WC = tilted_camera(key);
        std::vector<PosedObject> posed;
        for (int i = 0; i < 6; ++i) {
            Eigen::Isometry3d X_WO = random_pose(random, 0.3);
            X_WO.translation() += X_WC.translation();
            if (!bar.contains(X_WO.inverse() * X_WC.translation())) posed.push_back({&bar, X_WO});
        }
        const RenderedScene scene = render_depth(posed, X_WC, camera);
        const RenderedScene truth = ray_cast(posed, X_WC, camera);
        EXPECT_LE(differing_pixels(scene, truth, 3e-6), 3) << key;
    }
}

TEST(RenderDepth, LeavesNoCracksBetweenTriangles) {
    // Pixel centres exactly on shared edges and vertices: a grid of facets whose corners project to whole pixels.
    const CameraIntrinsics camera{65, 65, 64, 64, 32, 32};
    const Object box = make_object("box", {make_box({1, 1, 1})});
    Eigen::Isometry3d X_WO = Eigen::Isometry3d::Identity();
    for (int quarter = 0; quarter < 4; ++quarter) {
        X_WO.linear() = Eigen::AngleAxisd(quarter * std::acos(0.0), Eigen::Vector3d::UnitZ()).toRotationMatrix();
        X_WO.translation().z() = 0.5;
        const PosedObject posed{&box, X_WO};
        const RenderedScene scene = render_depth({&posed, 1}, overhead(2), camera);
        EXPECT_LT((scene.image.depth.block(1, 1, 63, 63) - 1.0f).abs().maxCoeff(), 1e-6f);
    }
    // and a fine sphere that fills the image
    const Object sphere = make_object("sphere", {make_superquadric({1, 1, 1}, 1, 1, 128)});
    X_WO.translation().z() = 1;
    const PosedObject posed{&sphere, X_WO};
    for (std::uint64_t key = 0; key < 20; ++key) {
        const CameraIntrinsics shifted{
            96, 96, 300, 300, 47.0 + 0.5 * static_cast<double>(key % 2), 47.0 + 0.5 * static_cast<double>(key / 2 % 2)};
        const RenderedScene scene = render_depth({&posed, 1}, overhead(3), shifted);
        EXPECT_EQ((scene.instances != std::uint8_t{1}).count(), 0);
    }
}

TEST(RenderDepth, MovesWithCameraAndScene) {
    const CameraIntrinsics camera = small_camera();
    const Object object = procedural_object(35, 2);
    const Eigen::Isometry3d X_WO = stable_poses(object).front().X_TO;
    for (std::uint64_t key = 0; key < 10; ++key) {
        RandomStream random(36, key);
        Eigen::Isometry3d move(Eigen::AngleAxisd(random.uniform(-3, 3), Eigen::Vector3d::UnitZ()));
        move.translation().x() = random.uniform(-1, 1);
        move.translation().y() = random.uniform(-1, 1);
        const PosedObject before{&object, X_WO}, after{&object, move * X_WO};
        const RenderedScene a = render_depth({&before, 1}, tilted_camera(key), camera);
        const RenderedScene b = render_depth({&after, 1}, move * tilted_camera(key), camera);
        EXPECT_LE(differing_pixels(a, b), 1);
    }
}

TEST(RenderDepth, AWindowIsACutOfTheWholeImage) {
    const CameraIntrinsics camera;
    const Object object = procedural_object(37, 4);
    const PosedObject posed{&object, stable_poses(object).front().X_TO};
    RandomStream random(38);
    const Eigen::Isometry3d X_WC = sample_camera({}, random);
    const RenderedScene whole = render_depth({&posed, 1}, X_WC, camera);
    CameraIntrinsics window = camera;
    window.height = window.width = 96;
    window.cx -= 270;
    window.cy -= 190;
    const RenderedScene cut = render_depth({&posed, 1}, X_WC, window);
    EXPECT_LT((cut.image.depth - whole.image.depth.block(190, 270, 96, 96)).abs().maxCoeff(), 1e-6f);
    EXPECT_GT(cut.instances.cast<int>().sum(), 0);
}

TEST(RenderDepth, RefusesAbsurdArguments) {
    CameraIntrinsics camera = small_camera();
    EXPECT_THROW(render_depth(std::vector<PosedObject>(256), overhead(1), camera), Error);
    camera.width = 2'000'000'000;
    EXPECT_THROW(render_depth({}, overhead(1), camera), Error);
}

TEST(SampleCamera, LooksAtItsTargetWithinTheDistribution) {
    CameraDistribution distribution;
    distribution.min_elevation = 0.1;
    distribution.max_elevation = 0.3;
    Eigen::Vector2d mean = Eigen::Vector2d::Zero();
    for (std::uint64_t key = 0; key < 500; ++key) {
        RandomStream random(39, key);
        const Eigen::Isometry3d X_WC = sample_camera(distribution, random);
        const Eigen::Vector3d position = X_WC.translation();
        EXPECT_TRUE((X_WC.linear() * X_WC.linear().transpose()).isIdentity(1e-12));
        EXPECT_NEAR(X_WC.linear().determinant(), 1, 1e-12);
        EXPECT_LT((X_WC.inverse() * Eigen::Vector3d::Zero()).head<2>().norm(), 1e-12) << "the origin is in the centre";
        EXPECT_GE(position.norm(), 0.65);
        EXPECT_LT(position.norm(), 0.75);
        const double elevation = std::acos(position.z() / position.norm());
        EXPECT_GE(elevation, 0.1 - 1e-12);
        EXPECT_LE(elevation, 0.3);
        EXPECT_LT(X_WC.linear()(2, 1), 0) << "y looks down";
        EXPECT_NEAR(X_WC.linear()(2, 0), 0, 1e-12) << "x is level without roll";
        mean += position.head<2>().normalized() / 500;
    }
    EXPECT_LT(mean.norm(), 0.1) << "azimuths are uniform";
}

TEST(SampleCamera, OffsetsAndRollsWithinBounds) {
    CameraDistribution distribution;
    distribution.max_roll = 0.2;
    distribution.max_target_offset = 0.05;
    double max_roll = 0, max_offset = 0;
    for (std::uint64_t key = 0; key < 500; ++key) {
        RandomStream random(40, key);
        const Eigen::Isometry3d X_WC = sample_camera(distribution, random);
        const Eigen::Vector3d axis = X_WC.linear().col(2);
        const Eigen::Vector3d target = X_WC.translation() - X_WC.translation().z() / axis.z() * axis;
        max_offset = std::max(max_offset, target.head<2>().lpNorm<Eigen::Infinity>());
        max_roll = std::max(max_roll, std::abs(std::asin(X_WC.linear()(2, 0))));
    }
    EXPECT_LE(max_offset, 0.05);
    EXPECT_GT(max_offset, 0.045);
    EXPECT_LE(max_roll, 0.2);
}

}  // namespace
}  // namespace ebgrasp
