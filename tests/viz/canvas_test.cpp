#include "ebgrasp/viz/canvas.hpp"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/random.hpp"
#include "temporary_folder.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

constexpr Color kRed{255, 0, 0}, kBlue{0, 0, 255};

TEST(Color, MapsEndAtTheirPublishedColors) {
    EXPECT_EQ(map_color(ColorMap::gray, 0.0), kBlack);
    EXPECT_EQ(map_color(ColorMap::gray, 1.0), kWhite);
    EXPECT_EQ(map_color(ColorMap::viridis, 0.0), (Color{68, 1, 84}));
    EXPECT_EQ(map_color(ColorMap::viridis, 0.5), (Color{33, 145, 140}));
    EXPECT_EQ(map_color(ColorMap::viridis, 1.0), (Color{253, 231, 37}));
    EXPECT_EQ(map_color(ColorMap::diverging, 0.5), (Color{247, 247, 247}));
    EXPECT_EQ(map_color(ColorMap::viridis, -3.0), map_color(ColorMap::viridis, 0.0));
    EXPECT_EQ(map_color(ColorMap::viridis, 1e300), map_color(ColorMap::viridis, 1.0));
    EXPECT_EQ(map_color(ColorMap::viridis, NAN), map_color(ColorMap::score, NAN));
}

TEST(Color, SequentialMapsGrowBrighterAllAlong) {
    for (const ColorMap map : {ColorMap::gray, ColorMap::viridis, ColorMap::score}) {
        double last = -1;
        for (int i = 0; i <= 100; ++i) {
            const Color color = map_color(map, i / 100.0);
            const double luminance = 0.2126 * color.r + 0.7152 * color.g + 0.0722 * color.b;
            EXPECT_GT(luminance, last - 0.5) << i;
            last = luminance;
        }
    }
}

TEST(Picture, IsReadBackFromPngUnchanged) {
    RandomStream random(1);
    Picture picture(37, 53);
    for (auto& byte : picture.rgb) byte = static_cast<std::uint8_t>(random.index(256));
    const TemporaryFolder folder;
    write_png(picture, folder.path() / "deep/picture.png");
    EXPECT_EQ(read_picture(folder.path() / "deep/picture.png"), picture);
}

TEST(Picture, DamagedFilesAreErrors) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "p.png";
    write_png(Picture(20, 20, kRed), path);
    const std::string bytes = read_file(path);
    for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{20}}) {
        write_file_atomically(path, bytes.substr(0, size));
        EXPECT_THROW(read_picture(path), Error) << size;
    }
    EXPECT_THROW(read_picture(folder.path() / "missing.png"), Error);
    EXPECT_THROW(write_png(Picture(), path), Error);
    EXPECT_THROW(Picture(0, 5), Error);
    EXPECT_THROW(Picture(5, 1 << 20), Error);
    EXPECT_THROW(Canvas(9000, 10), Error);
}

TEST(Canvas, LinesLieWhereTheyAreDrawn) {
    RandomStream random(2);
    for (int trial = 0; trial < 20; ++trial) {
        const Eigen::Vector2d a(random.uniform(20, 180), random.uniform(20, 130));
        const Eigen::Vector2d b(random.uniform(20, 180), random.uniform(20, 130));
        Canvas canvas(150, 200);
        canvas.line(a, b, kBlack, 3);
        const Picture picture = canvas.picture();
        double ink = 0;
        for (int row = 0; row < picture.height; ++row)
            for (int col = 0; col < picture.width; ++col) {
                const double darkness = (255 - picture.at(row, col).r) / 255.0;
                const Eigen::Vector2d p(col + 0.5, row + 0.5);
                const double s = std::clamp((p - a).dot(b - a) / (b - a).squaredNorm(), 0.0, 1.0);
                const double distance = (p - a - s * (b - a)).norm();
                EXPECT_TRUE(distance > 0.7 || darkness > 0.8);
                EXPECT_TRUE(distance < 3.2 || darkness == 0);
                ink += darkness;
            }
        EXPECT_NEAR(ink / (b - a).norm(), 3, 0.5 + 10 / (b - a).norm());  // the width, and round ends
    }
}

TEST(Canvas, AreasHaveTheirSizeAndOpacity) {
    Canvas canvas(100, 100);
    canvas.disc({50, 50}, 20, kBlack);
    double ink = 0;
    const Picture disc = canvas.picture();
    for (int row = 0; row < 100; ++row)
        for (int col = 0; col < 100; ++col) ink += (255 - disc.at(row, col).g) / 255.0;
    EXPECT_NEAR(ink, M_PI * 20 * 20, 45);  // within 0.35 px of the radius

    Canvas translucent(40, 40, kWhite);
    translucent.rectangle({10, 10, 20, 20}, kBlue.with_alpha(51));
    EXPECT_EQ(translucent.picture().at(20, 20), (Color{204, 204, 255}));
    EXPECT_EQ(translucent.picture().at(5, 20), kWhite);
}

TEST(Canvas, ClippingConfinesEverything) {
    Canvas canvas(60, 60);
    const Rect inside{20, 10, 15, 30};
    canvas.clip(inside);
    canvas.rectangle({-100, -100, 1000, 1000}, kRed);
    canvas.line({0, 0}, {60, 60}, kBlue.with_alpha(100), 4);
    canvas.disc({20, 10}, 15, kBlue);
    canvas.text({15, 20}, "Clipped text", {.size = 20});
    canvas.shade({0, 0, 60, 60}, [](double, double) { return kRed; });
    canvas.unclip();
    const Picture picture = canvas.picture();
    for (int row = 0; row < 60; ++row)
        for (int col = 0; col < 60; ++col) {
            const bool in = col >= 20 && col < 35 && row >= 10 && row < 40;
            EXPECT_EQ(picture.at(row, col), in ? kRed : kWhite);
        }
}

TEST(Canvas, TextLiesAtItsAnchor) {
    for (const bool upright : {false, true})
        for (const double anchor : {0.0, 0.5, 1.0}) {
            Canvas canvas(300, 300);
            const TextStyle style{.size = 20, .anchor_x = anchor, .anchor_y = 0.5, .upright = upright};
            canvas.text({150, 150}, "HXXXH", style);
            const Rect ink = ink_box(canvas.picture());
            const double width = text_width("HXXXH", style), capitals = 0.7 * style.size;
            const Rect expected = upright ? Rect{150 - capitals / 2, 150 - (1 - anchor) * width, capitals, width}
                                          : Rect{150 - anchor * width, 150 - capitals / 2, width, capitals};
            EXPECT_NEAR(ink.x, expected.x, 3);
            EXPECT_NEAR(ink.y, expected.y, 3);
            EXPECT_NEAR(ink.right(), expected.right(), 3);
            EXPECT_NEAR(ink.bottom(), expected.bottom(), 3);
        }
}

TEST(Canvas, WildCoordinatesAreHarmless) {
    Canvas canvas(50, 50);
    const double inf = std::numeric_limits<double>::infinity();
    for (const double wild : {-inf, inf, inf - inf}) {
        canvas.line({wild, 0}, {10, 10}, kBlack);
        canvas.disc({wild, 5}, 5, kBlack);
        canvas.rectangle({0, wild, 5, 5}, kBlack.with_alpha(9));
        canvas.text({wild, 3}, "text");
        canvas.dashed_line({wild, 0}, {1, 1}, kBlack);
    }
    canvas.polyline({}, kBlack);
    EXPECT_EQ(canvas.picture(), Picture(50, 50));
    canvas.text({25, 25}, std::string(100000, 'x'));
    canvas.text({25, 25}, "\xff\xfe \n\t\x01");
    canvas.text({1e300, -1e300}, "far away");
    canvas.line({-1e300, 25}, {1e300, 25}, kRed, 3);
    EXPECT_EQ(canvas.picture().at(25, 45), kRed);
}

TEST(Sheet, HoldsEveryPanelUnderTheTitle) {
    const std::vector<Picture> panels = {Picture(10, 20, kRed), Picture(14, 10, kBlue), Picture(6, 8, kBlack)};
    const Picture plain = sheet(panels, 2);
    EXPECT_EQ(plain.height, 14 + 6);
    EXPECT_EQ(plain.width, 20 + 10);
    EXPECT_EQ(plain.at(7, 10), kRed);
    EXPECT_EQ(plain.at(1, 10), kWhite);  // centred in its row
    EXPECT_EQ(plain.at(13, 29), kBlue);
    EXPECT_EQ(plain.at(17, 10), kBlack);
    EXPECT_GT(sheet(panels, 2, "Title").height, plain.height);
    EXPECT_EQ(sheet(panels, 99).width, 38);
    EXPECT_THROW(sheet({}, 1), Error);
    EXPECT_THROW(sheet(panels, 0), Error);
}

}  // namespace
}  // namespace ebgrasp
