#include "ebgrasp/viz/landscape.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

constexpr double kPi = std::numbers::pi;

// A bowl, quadratic in row, col and depth, and periodic in angle.
class Bowl : public EncodedView {
  public:
    explicit Bowl(const PlanarGrasp& lowest) : lowest_(lowest) {}
    void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                  std::span<GraspGradient>) const override {
        ASSERT_EQ(grasps.size(), energies.size());
        ++batches;
        for (std::size_t i = 0; i < grasps.size(); ++i) energies[i] = energy(grasps[i]);
    }
    double energy(const PlanarGrasp& y) const {
        const double row = (y.row - lowest_.row) / 4, col = (y.col - lowest_.col) / 5;
        const double depth = (y.depth - lowest_.depth) / 0.01, turn = std::sin(y.angle - lowest_.angle);
        return row * row + col * col + depth * depth + 4 * turn * turn - 2;
    }
    mutable int batches = 0;

  private:
    PlanarGrasp lowest_;
};

const PlanarGrasp kCenter{210.25, 333.5, 0.681, 0.4, 0.05};

TEST(Landscape, PanelsHoldTheModelsEnergies) {
    const Bowl bowl(kCenter);
    const LandscapeOptions options{.pixels = 6, .depth = 0.02, .samples = 21};
    const auto panels = landscape_panels(bowl, kCenter, options);
    EXPECT_EQ(bowl.batches, 6);
    // (col, row): x = col - 6 + 12 j / 20, y likewise
    for (int i = 0; i < 21; i += 5)
        for (int j = 0; j < 21; j += 4) {
            PlanarGrasp grasp = kCenter;
            grasp.col += -6 + 0.6 * j;
            grasp.row += -6 + 0.6 * i;
            EXPECT_NEAR(panels[0].energy.z[std::size_t(21 * i + j)], bowl.energy(grasp), 1e-9);
        }
    EXPECT_NEAR(panels[1].energy.y.low, 661, 1e-9);  // millimetres
    EXPECT_NEAR(panels[1].energy.y.high, 701, 1e-9);
    const auto lowest = [](const GridFunction& f) { return *std::min_element(f.z.begin(), f.z.end()); };
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(lowest(panels[i].energy), -2, 1e-9);
}

TEST(Landscape, AnglesAreShownOverTwoPeriods) {
    const auto panels = landscape_panels(Bowl(kCenter), kCenter, {.samples = 41});
    for (std::size_t i = 3; i < 6; ++i) {
        const GridFunction& f = panels[i].energy;
        EXPECT_EQ(f.y.low, -180);
        EXPECT_EQ(f.y.high, 180);
        for (int row = 0; row + 20 < 41; ++row)
            for (int col = 0; col < 41; ++col)
                EXPECT_NEAR(f.z[std::size_t(41 * row + col)], f.z[std::size_t(41 * (row + 20) + col)], 1e-9);
    }
}

TEST(Landscape, MarksTheMinimum) {
    const Picture picture = energy_landscape(Bowl(kCenter), kCenter, {.title = ""});
    const auto marks = pixels_of(picture, {213, 0, 50});
    ASSERT_FALSE(marks.empty());
    // Panels are 560 x 480: compare the mark with the middle of the darkest band in each of the upper three.
    const Color darkest = map_color(ColorMap::viridis, 0.5 / 12);
    for (int panel = 0; panel < 3; ++panel) {
        const auto inside = [&](std::vector<Eigen::Vector2d> points) {
            std::erase_if(points, [&](const auto& p) { return p.y() > 480 || int(p.x()) / 560 != panel; });
            return points;
        };
        const auto mark = inside(marks), lowest = inside(pixels_of(picture, darkest, 1));
        ASSERT_GT(mark.size(), 20u);
        ASSERT_GT(lowest.size(), 100u);
        EXPECT_LT((mean_of(mark) - mean_of(lowest)).norm(), 2.0) << panel;
    }
}

TEST(Landscape, DescentPathIsDrawnWithoutJumps) {
    LandscapeOptions options{.title = "", .samples = 21};
    const Picture without = energy_landscape(Bowl(kCenter), kCenter, options);
    for (int i = 0; i <= 10; ++i) {  // the angle passes from 1.6 (wrapped: -1.54) to the centre's 0.4
        PlanarGrasp grasp = kCenter;
        grasp.angle = wrap_angle(1.6 - 0.12 * i);
        grasp.col += 4 - 0.4 * i;
        options.path.push_back(grasp);
    }
    const Picture with = energy_landscape(Bowl(kCenter), kCenter, options);
    // In (col, angle), all that changed lies above the centre's angle: a jump by pi would have gone below it.
    const Rect panel{0, 480, 560, 480};
    double lowest = 0, highest = 1e9;
    for (int row = int(panel.y); row < int(panel.bottom()); ++row)
        for (int col = 0; col < int(panel.right()); ++col)
            if (with.at(row, col) != without.at(row, col)) {
                lowest = std::max(lowest, double(row));
                highest = std::min(highest, double(row));
            }
    EXPECT_LT(highest, lowest);
    const double height_of_pi = (lowest - highest) / 1.2 * kPi;  // 1.2 rad were drawn
    EXPECT_NEAR(height_of_pi, 480 / 2.0 - 55, 40);               // two periods fill the panel's plot
}

TEST(Landscape, HostileInputIsDrawnOrRefused) {
    class Undefined : public EncodedView {
        void evaluate(std::span<const PlanarGrasp>, std::span<double> energies,
                      std::span<GraspGradient>) const override {
            const double wild[] = {NAN, std::numeric_limits<double>::infinity(), -1e308, 1e308, 0};
            for (std::size_t i = 0; i < energies.size(); ++i) energies[i] = wild[i % 5];
        }
    };
    EXPECT_NO_THROW(energy_landscape(Undefined(), kCenter, {.samples = 8}));
    const Bowl bowl(kCenter);
    EXPECT_THROW(energy_landscape(bowl, kCenter, {.samples = 2}), Error);
    EXPECT_THROW(energy_landscape(bowl, kCenter, {.samples = 100000}), Error);
    EXPECT_THROW(energy_landscape(bowl, kCenter, {.pixels = -1}), Error);
    EXPECT_THROW(energy_landscape(bowl, kCenter, {.depth = 0.8}), Error);
    PlanarGrasp undefined = kCenter;
    undefined.angle = NAN;
    EXPECT_THROW(energy_landscape(bowl, undefined, {}), Error);
}

}  // namespace
}  // namespace ebgrasp
