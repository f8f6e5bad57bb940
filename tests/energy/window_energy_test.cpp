#include "ebgrasp/energy/window_energy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "energy/random_checkpoint.hpp"

namespace ebgrasp {
namespace {

using testing::ElementsAre;

/// E = depth of the window's pixel (0, 0) + row + 10 col + 100 depth + 1000 angle.
class LinearNetwork : public WindowNetwork {
  public:
    WindowBatch encode(const WindowBatch& windows) const override { return windows.leftCols(1); }
    void evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                  std::span<float> energies, GraspBatch* gradients) const override {
        const Eigen::RowVector4f slope(1, 10, 100, 1000);
        for (std::size_t i = 0; i < energies.size(); ++i)
            energies[i] = codes(code_index[i], 0) + grasps.row(static_cast<Eigen::Index>(i)).dot(slope);
        if (gradients) *gradients = slope.replicate(grasps.rows(), 1);
    }
};

WindowEnergyModel linear_model(std::optional<Calibration> calibration = {}) {
    return {"linear", std::make_unique<LinearNetwork>(), calibration};
}

/// depth(row, col) = row + col / 1000, so that a value tells its pixel.
DepthImage telling_view(int height, int width) {
    DepthImage view;
    view.camera.height = height;
    view.camera.width = width;
    view.depth.resize(height, width);
    for (int row = 0; row < height; ++row)
        for (int col = 0; col < width; ++col) view.depth(row, col) = static_cast<float>(row + col * 1e-3);
    return view;
}

Mask empty_region(int height, int width) { return Mask::Zero(height, width); }

TEST(CoverRegion, CentresAWindowOnEachComponent) {
    Mask region = empty_region(480, 640);
    region.block(100, 200, 41, 61).setOnes();  // centre (120, 230)
    region.block(300, 400, 11, 11).setOnes();  // centre (305, 405)
    EXPECT_THAT(cover_region(region), ElementsAre(WindowOrigin{120 - 48, 230 - 48}, WindowOrigin{305 - 48, 405 - 48}));
}

TEST(CoverRegion, JoinsDiagonalNeighboursOnly) {
    Mask region = empty_region(200, 200);
    region.block(50, 50, 10, 10).setOnes();
    region.block(60, 60, 10, 10).setOnes();  // touches the first at a corner
    EXPECT_THAT(cover_region(region), ElementsAre(WindowOrigin{window_origin(59.5), window_origin(59.5)}));
    region.block(60, 60, 10, 10).setZero();
    region.block(61, 60, 10, 10).setOnes();
    EXPECT_EQ(cover_region(region).size(), 2U);
}

TEST(CoverRegion, FollowsAWindingComponent) {
    Mask region = empty_region(90, 90);  // a spiral's arms meet only far from where they begin: one component
    region.row(0).setOnes();
    region.col(89).setOnes();
    region.row(89).setOnes();
    region.block(20, 0, 70, 1).setOnes();
    region.block(20, 0, 1, 70).setOnes();
    EXPECT_EQ(cover_region(region).size(), 1U);
}

TEST(CoverRegion, LeavesOutSpecksBesideObjects) {
    Mask region = empty_region(200, 200);
    region(10, 10) = 1;
    EXPECT_EQ(cover_region(region).size(), 1U);
    region.block(100, 100, 30, 30).setOnes();
    EXPECT_THAT(cover_region(region), ElementsAre(WindowOrigin{window_origin(114.5), window_origin(114.5)}));
}

TEST(CoverRegion, CoversEveryPixelOfAnyRegion) {
    for (int trial = 0; trial < 60; ++trial) {
        RandomStream random(3, trial);
        Mask region = empty_region(480, 640);
        const auto pick = [&](int low, int high) {
            return low + static_cast<int>(random.index(static_cast<std::size_t>(high - low)));
        };
        for (int i = pick(1, 5); i > 0; --i) {
            const int height = pick(10, 300), width = pick(10, 300);
            region.block(pick(0, 480 - height), pick(0, 640 - width), height, width).setOnes();
        }
        const auto windows = cover_region(region);
        EXPECT_LE(windows.size(), 256U);
        Mask covered = empty_region(480, 640);
        for (const auto& [row, col] : windows) {
            const int top = std::max(row, 0), left = std::max(col, 0);
            covered.block(top, left, std::min(row + 96, 480) - top, std::min(col + 96, 640) - left).setOnes();
        }
        EXPECT_FALSE((region > covered).any()) << "trial " << trial;
    }
}

TEST(CoverRegion, CoversTheWholeViewWithoutARegion) {
    EXPECT_EQ(cover_region(empty_region(480, 640)).size(), 9U * 13U);
    EXPECT_EQ(cover_region(empty_region(20, 30)).size(), 1U);
}

TEST(CoverRegion, IsBoundedOnHugeAndSpeckledViews) {
    EXPECT_LE(cover_region(empty_region(1500, 1500)).size(), 256U);
    Mask checkerboard = empty_region(1000, 1000);
    for (int i = 0; i < 1000; i += 3)
        for (int j = 0; j < 1000; j += 3) checkerboard(i, j) = 1;
    EXPECT_LE(cover_region(checkerboard).size(), 256U);
    EXPECT_THROW(cover_region(Mask()), Error);
}

TEST(WindowEnergyModel, SubsamplesWindowsAndRepeatsTheBorder) {
    const DepthImage view = telling_view(200, 300);
    WindowBatch windows(1, window_pixels);
    sample_window(view.depth, -5, 280, {windows.data(), window_pixels});
    const auto at = [&](int i, int j) { return windows(0, i * window_size + j); };
    EXPECT_FLOAT_EQ(at(0, 0), 0.280f);     // row -5 repeats row 0
    EXPECT_FLOAT_EQ(at(2, 1), 1.283f);     // row 1, col 283
    EXPECT_FLOAT_EQ(at(31, 31), 88.299f);  // col 373 repeats col 299
}

TEST(WindowEnergyModel, AsksTheNearestWindowInItsOwnPixels) {
    const DepthImage view = telling_view(400, 400);
    Mask region = empty_region(400, 400);
    region.block(80, 80, 41, 41).setOnes();    // origin (52, 52), centre (100, 100)
    region.block(280, 280, 41, 41).setOnes();  // origin (252, 252), centre (300, 300)
    const WindowEnergyModel model = linear_model();
    const auto encoded = model.encode(view, region, {});
    const std::vector<PlanarGrasp> grasps = {{100, 106, 0.5, 0.25}, {190, 195, 0.5, 0.25}, {210, 205, 0.5, 0.25}};
    std::vector<double> energies(3);
    std::vector<GraspGradient> gradients(3);
    encoded->evaluate(grasps, energies, gradients);
    const auto expected = [&](const PlanarGrasp& g, int origin) {
        return view.depth(origin, origin) + (g.row - origin) / 3 + 10 * (g.col - origin) / 3 + 100 * g.depth +
               1000 * g.angle;
    };
    EXPECT_NEAR(energies[0], expected(grasps[0], 52), 1e-3);
    EXPECT_NEAR(energies[1], expected(grasps[1], 52), 1e-3);
    EXPECT_NEAR(energies[2], expected(grasps[2], 252), 1e-3);
    for (const GraspGradient& gradient : gradients)
        EXPECT_TRUE(gradient.isApprox(GraspGradient(1.0 / 3, 10.0 / 3, 100, 1000), 1e-6));
    std::vector<double> again(3);
    encoded->evaluate(grasps, again);
    EXPECT_EQ(energies, again);
    encoded->evaluate({}, {});
}

// The true network through cropping and subsampling: along any straight path the energy changes by the integral of the
// gradient. (Pointwise differences in float are spoilt by the kinks of the ReLUs.)
TEST(WindowEnergyModel, GradientsAreThoseOfTheEnergies) {
    const WindowEnergyModel model("seed", std::make_unique<SeedRuntime>(random_seed_checkpoint(3)));
    DepthImage view = telling_view(150, 150);
    view.depth = 0.68f + 0.02f * (view.depth * 3.0f).sin();
    Mask region = empty_region(150, 150);
    region.block(60, 60, 20, 20).setOnes();
    const auto encoded = model.encode(view, region, {});

    constexpr std::size_t points = 4000;
    const GraspGradient start(60, 62, 0.63, -1.2);
    for (const GraspGradient& move :
         {GraspGradient(20, 0, 0, 0), GraspGradient(0, 25, 0, 0), GraspGradient(0, 0, 0.06, 0),
          GraspGradient(0, 0, 0, 2.5), GraspGradient(20, 25, 0.06, 2.5)}) {
        const auto grasp_at = [&](double t) {
            const GraspGradient y = start + t * move;
            return PlanarGrasp{y[0], y[1], y[2], y[3]};
        };
        std::vector<PlanarGrasp> path;
        for (std::size_t i = 0; i < points; ++i) path.push_back(grasp_at((static_cast<double>(i) + 0.5) / points));
        std::vector<double> energies(points), ends(2);
        std::vector<GraspGradient> gradients(points);
        encoded->evaluate(path, energies, gradients);
        encoded->evaluate(std::vector{grasp_at(0), grasp_at(1)}, ends);
        double integral = 0;
        for (const GraspGradient& gradient : gradients) integral += gradient.dot(move) / points;
        EXPECT_NEAR(integral, ends[1] - ends[0], 1e-4) << move.transpose();
    }
}

TEST(WindowEnergyModel, RefusesWhatDoesNotFit) {
    const WindowEnergyModel model = linear_model();
    const DepthImage view = telling_view(100, 100);
    EXPECT_THROW(model.encode(view, empty_region(100, 99), {}), Error);
    DepthImage holes = view;
    holes.depth(3, 3) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(model.encode(holes, empty_region(100, 100), {}), Error);
    const auto encoded = model.encode(view, empty_region(100, 100), {});
    std::vector<double> energies(2);
    std::vector<GraspGradient> gradients(2);
    EXPECT_THROW(encoded->evaluate(std::vector<PlanarGrasp>(3), energies), Error);
    EXPECT_THROW(encoded->evaluate(std::vector<PlanarGrasp>(2), energies, std::span(gradients).first(1)), Error);
}

TEST(WindowEnergyModel, GivesProbabilitiesIfCalibrated) {
    const DepthImage view = telling_view(100, 100);
    const std::array grasps = {PlanarGrasp{40, 50, 0.7, 0.2, 0}, PlanarGrasp{60, 45, 0.69, -1, 0}};
    const auto plain = linear_model();
    EXPECT_FALSE(plain.calibrated());
    EXPECT_TRUE(plain.encode(view, empty_region(100, 100), {})->success_probabilities(grasps).empty());

    const auto calibrated = linear_model(PlattScaling{0.002, -1.0});
    EXPECT_TRUE(calibrated.calibrated());
    const auto encoded = calibrated.encode(view, empty_region(100, 100), {});
    std::array<double, 2> energies;
    encoded->evaluate(grasps, energies);
    const auto probabilities = encoded->success_probabilities(grasps);
    ASSERT_EQ(probabilities.size(), 2u);
    for (std::size_t i : {0, 1}) EXPECT_NEAR(probabilities[i], 1 / (1 + std::exp(0.002 * energies[i] - 1)), 1e-15);
}

TEST(LoadEnergyModel, BuildsTheModelThatWasSaved) {
    const std::string path = testing::TempDir() + "model.safetensors";
    Checkpoint checkpoint = random_seed_checkpoint(2);
    checkpoint.info["calibration"] = {{"slope", 0.5}, {"offset", -0.1}};
    checkpoint.info["view"] = {{"focal_length", 300.0}, {"distance", 0.5}};
    write_checkpoint(checkpoint, path);
    const auto model = load_energy_model(path);
    EXPECT_EQ(model->name(), "seed");
    EXPECT_EQ(model->view().focal_length, 300.0);
    EXPECT_EQ(model->view().distance, 0.5);
    EXPECT_TRUE(model->calibrated());

    const auto complaint = [&](const auto& damage) -> std::string {
        Checkpoint damaged = checkpoint;
        damage(damaged);
        write_checkpoint(damaged, path);
        try {
            load_energy_model(path);
            return "";
        } catch (const Error& error) {
            return error.what();
        }
    };
    using testing::HasSubstr;
    EXPECT_EQ(complaint([](Checkpoint& c) { c.info.erase("calibration"); }), "");
    EXPECT_THAT(complaint([](Checkpoint& c) { c.model = "oracle"; }), HasSubstr("oracle"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["calibration"] = "no"; }), HasSubstr("calibration"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["calibration"]["slope"] = nullptr; }), HasSubstr("slope"));
    EXPECT_THAT(complaint([](Checkpoint& c) { c.info["view"]["distance"] = 0; }), HasSubstr("distance"));
    EXPECT_THROW(load_energy_model(testing::TempDir() + "none.safetensors"), Error);
}

}  // namespace
}  // namespace ebgrasp
