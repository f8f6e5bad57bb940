#include "ebgrasp/viz/descent_movie.hpp"

#include <gtest/gtest.h>

#include "ebgrasp/core/error.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

/// A flat image in which one grasp moves from the left to the right while its energy falls, and one stays.
DescentPanel panel() {
    DescentPanel panel;
    panel.image = {DepthArray::Constant(32, 32, 0.7f),
                   {.height = 32, .width = 32, .fx = 175, .fy = 175, .cx = 15.5, .cy = 15.5}};
    panel.contrast = {0.6, 0.7};  // drawn black
    panel.side = 32;
    panel.paths = {{{{8, 6, 0.69, 0, 0.02}, {8, 15, 0.69, 0, 0.02}, {8, 24, 0.69, 0, 0.02}}, {5, 2, -1}},
                   {{{24, 16, 0.69, 0, 0.02}, {24, 16, 0.69, 0, 0.02}, {24, 16, 0.69, 0, 0.02}}, {5, 5, 5}}};
    return panel;
}

const DescentMovieOptions kOptions{.trail = 0, .size = 320};

TEST(DescentFrame, ShowsGraspsWhereTheyAreAfterEachStep) {
    for (const std::size_t step : {0, 1, 2}) {
        const Picture frame = descent_frame(std::array{panel()}, step, kOptions);
        std::vector<Eigen::Vector2d> bright;  // the moving glyph, in the image's upper half
        for (int row = 20; row < 140; ++row)
            for (int col = 8; col < 312; ++col) {
                const Color c = frame.at(row, col);
                if (c.r > 120 || c.g > 120 || c.b > 120) bright.emplace_back(col, row);
            }
        ASSERT_FALSE(bright.empty());
        const double zoom = 10, expected = (6 + 9.0 * double(step) + 0.5) * zoom;
        EXPECT_NEAR(mean_of(bright).x(), expected, 12) << "step " << step;
    }
}

TEST(DescentFrame, FramesHaveOneSizeAndDiffer) {
    const std::array panels = {panel(), panel(), panel(), panel()};
    const Picture first = descent_frame(panels, 0, kOptions), last = descent_frame(panels, 2, kOptions);
    EXPECT_EQ(first.width, last.width);
    EXPECT_EQ(first.height, last.height);
    EXPECT_NE(first, last);
    EXPECT_EQ(last, descent_frame(panels, 2, kOptions));
}

TEST(DescentFrame, RefusesPathsThatDoNotFit) {
    EXPECT_THROW(descent_frame({}, 0), Error);
    EXPECT_THROW(descent_frame(std::array{panel()}, 3), Error);
    DescentPanel broken = panel();
    broken.paths[1].energies.pop_back();
    EXPECT_THROW(descent_frame(std::array{broken}, 0), Error);
    broken.paths.clear();
    EXPECT_THROW(descent_frame(std::array{broken}, 0), Error);
}

}  // namespace
}  // namespace ebgrasp
