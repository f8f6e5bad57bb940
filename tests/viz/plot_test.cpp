#include "ebgrasp/viz/plot.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/random.hpp"
#include "viz/pictures.hpp"

namespace ebgrasp {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Ticks, AreRoundMultiplesInsideTheLimits) {
    RandomStream random(1);
    for (int trial = 0; trial < 2000; ++trial) {
        const double scale = std::pow(10.0, random.uniform(-8, 8)), low = random.normal() * scale;
        const Limits limits{low, low + scale * random.uniform(0.01, 3)};
        const int count = 2 + static_cast<int>(random.index(8));
        const auto ticks = tick_positions(limits, count);
        ASSERT_GE(ticks.size(), 2u);
        EXPECT_LE(ticks.size(), std::max<std::size_t>(static_cast<std::size_t>(count) + 1, 5));
        const double step = ticks[1] - ticks[0], slack = 1e-6 * step;
        const double mantissa = step / std::pow(10.0, std::floor(std::log10(step) + 1e-6));
        EXPECT_TRUE(std::abs(mantissa - 1) < 1e-6 || std::abs(mantissa - 2) < 1e-6 || std::abs(mantissa - 5) < 1e-6)
            << step;
        EXPECT_GE(ticks.front(), limits.low - slack);
        EXPECT_LT(ticks.front() - step, limits.low + slack);  // none is missing at either end
        EXPECT_LE(ticks.back(), limits.high + slack);
        EXPECT_GT(ticks.back() + step, limits.high - slack);

        const auto labels = tick_labels(ticks);
        for (std::size_t i = 0; i < ticks.size(); ++i) EXPECT_NEAR(std::stod(labels[i]), ticks[i], 1e-3 * step);
    }
}

TEST(Ticks, KnownCases) {
    EXPECT_EQ(tick_positions({0, 1}, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
    EXPECT_EQ(tick_positions({-180, 180}, 9, 90), (std::vector<double>{-180, -90, 0, 90, 180}));
    EXPECT_EQ(tick_labels({0, 0.25, 0.5}), (std::vector<std::string>{"0", "0.25", "0.50"}));
    EXPECT_EQ(tick_labels({-2e7, 0, 2e7}), (std::vector<std::string>{"-2e7", "0", "2e7"}));
    EXPECT_EQ(tick_labels({100, 200}), (std::vector<std::string>{"100", "200"}));
}

TEST(Ticks, HostileLimitsHaveNone) {
    for (const Limits limits : {Limits{0, 0}, {1, -1}, {NAN, 1}, {0, kInf}, {-1e308, 1e308}})
        EXPECT_TRUE(tick_positions(limits, 5).empty());
    EXPECT_LE(tick_positions({0, 1e9}, 5, 1e-3).size(), 100u);
    EXPECT_LE(tick_positions({1e15, 1e15 + 1}, 5).size(), 100u);
}

TEST(Limits, SurroundTheFiniteValues) {
    const std::vector<double> values = {3, NAN, -1, kInf, 1e200, 2};
    EXPECT_EQ(limits_of(values).low, -1);
    EXPECT_EQ(limits_of(values).high, 3);
    EXPECT_EQ(limits_of(values, 0.5).low, -3);
    const std::vector<double> constant = {7, 7};
    EXPECT_LT(limits_of(constant).low, 7);
    EXPECT_GT(limits_of(constant).high, 7);
    EXPECT_EQ(limits_of({}).high, 1);
}

PlotOptions unit_options() {
    return {.title = "Title",
            .x = {.label = "x [m]", .limits = Limits{-1, 3}},
            .y = {.label = "y", .limits = Limits{10, 20}}};
}

TEST(Axes, MapBothWays) {
    RandomStream random(3);
    for (const bool reversed : {false, true}) {
        PlotOptions options = unit_options();
        options.y.reversed = reversed;
        Canvas canvas(200, 300);
        const Axes axes(canvas, {50, 20, 200, 100}, options);
        EXPECT_TRUE(axes.at(-1, reversed ? 20 : 10).isApprox(Eigen::Vector2d(50, 120)));
        EXPECT_TRUE(axes.at(3, reversed ? 10 : 20).isApprox(Eigen::Vector2d(250, 20)));
        for (int trial = 0; trial < 50; ++trial) {
            const Eigen::Vector2d data(random.uniform(-5, 5), random.uniform(0, 30)),
                place = axes.at(data.x(), data.y());
            EXPECT_TRUE(axes.data_at(place.x(), place.y()).isApprox(data, 1e-12));
        }
    }
}

TEST(LinePlot, DrawsMarkersAtTheirData) {
    const PlotOptions options = unit_options();
    const std::vector<Series> series = {{"", {0.5}, {12.5}, true, true}, {"", {2.25}, {18}, true, true}};
    const Picture picture = line_plot(series, options);
    Canvas canvas(10, 10);
    const Axes axes(canvas, plot_area(options), options);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto found = pixels_of(picture, series_color(i));
        ASSERT_GT(found.size(), 30u);
        EXPECT_LT((mean_of(found) - axes.at(series[i].x[0], series[i].y[0])).norm(), 0.75);
    }
}

TEST(LinePlot, NonFiniteValuesInterruptTheLine) {
    const PlotOptions options = unit_options();
    const std::vector<Series> series = {{"", {-1, 0, 1, 2, 3}, {15, 15, NAN, 15, 15}}};
    const Rect area = plot_area(options);
    const auto found = pixels_of(line_plot(series, options), series_color(0));
    ASSERT_FALSE(found.empty());
    for (const auto& pixel : found) {
        const double x = -1 + 4 * (pixel.x() - area.x) / area.width;
        EXPECT_TRUE(x < 0.03 || x > 1.97) << x;
    }
}

TEST(Histogram, BarsAreAsHighAsTheirShares) {
    PlotOptions options;
    options.x.limits = Limits{0, 4};
    options.y.limits = Limits{0, 1};
    // 4 bins with shares 1/8, 4/8, 3/8, 0
    const std::vector<Sample> samples = {{"", {0.5, 1.1, 1.2, 1.3, 1.9, 2.1, 2.5, 2.9, NAN}}};
    const Picture picture = histogram(samples, 4, options);
    const Rect area = plot_area(options);
    const double shares[] = {1.0 / 8, 4.0 / 8, 3.0 / 8};
    for (int bin = 0; bin < 3; ++bin) {
        double top = 1e9;
        for (const auto& pixel : pixels_of(picture, series_color(0)))
            if (std::abs(pixel.x() - area.x - (bin + 0.5) * area.width / 4) < area.width / 10)
                top = std::min(top, pixel.y());
        EXPECT_NEAR(top, area.bottom() - shares[bin] * area.height, 1.6) << bin;
    }
}

TEST(Histogram, WeightsCountAsRepetitions) {
    const PlotOptions options{.x = {.label = "x", .limits = Limits{0, 4}}};
    const Color color = series_color(2);
    const Sample repeated{"", {0.5, 0.5, 0.5, 2.5, 7}, {}, color}, weighted{"", {0.5, 2.5, 7}, {3, 1, 1}, color};
    EXPECT_EQ(histogram({&repeated, 1}, 4, options), histogram({&weighted, 1}, 4, options));
    EXPECT_FALSE(pixels_of(histogram({&weighted, 1}, 4, options), color).empty());
    const Sample short_of_one{"", {1, 2}, {1}};
    EXPECT_THROW(histogram({&short_of_one, 1}, 4, options), Error);
}

TEST(BarChart, BarsEndAtTheirValues) {
    PlotOptions options;
    options.x.limits = Limits{0, 1};
    const auto bar_width = [&](double value) {
        const std::vector<Bar> bars = {{"a", value, 0, 0}};
        const Picture picture = bar_chart(bars, options);
        const Color fill = picture.at(picture.height / 2, 300);
        return box_of(pixels_of(picture, fill, 2)).width;
    };
    EXPECT_NEAR(bar_width(0.8) / bar_width(0.4), 2, 0.02);
}

TEST(Reliability, DotsLieAtTheirBins) {
    PlotOptions options{.width = 600, .height = 600};
    const std::vector<ReliabilityBin> bins = {{0.7, 0.4, 0.4, 0.4, 100}, {0.1, 0.9, 0.9, 0.9, 0}};
    const Picture picture = reliability_diagram(bins, options);
    // The legend shows the curve's colour, too: look around the place only.
    options.x = {.label = "x", .limits = Limits{0, 1}};
    options.y = {.label = "y", .limits = Limits{0, 1}};
    Canvas canvas(10, 10);
    const Axes axes(canvas, plot_area(options), options);
    const Eigen::Vector2d dot = axes.at(0.7, 0.4), empty = axes.at(0.1, 0.9);
    const auto at = [&](const Eigen::Vector2d& p) { return picture.at(int(p.y()), int(p.x())); };
    EXPECT_EQ(at(dot), series_color(0));
    EXPECT_NE(at(empty), series_color(0));
}

GridFunction on_grid(int rows, int cols, Limits x, Limits y, double (*z)(double, double)) {
    GridFunction f{rows, cols, {}, x, y};
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < cols; ++j) f.z.push_back(z(x.at(double(j) / (cols - 1)), y.at(double(i) / (rows - 1))));
    return f;
}

TEST(Contour, OfAQuadraticIsACircleOfTheRightRadius) {
    const auto f = on_grid(81, 61, {-2, 2}, {-2, 2}, [](double x, double y) { return x * x + y * y; });
    for (const double radius : {0.3, 1.0, 1.7}) {
        double length = 0;
        for (const auto& [from, to] : contour_lines(f, radius * radius)) {
            EXPECT_NEAR(from.norm(), radius, 2e-3);  // linear interpolation errs by h^2 / (8 r)
            EXPECT_NEAR(to.norm(), radius, 2e-3);
            length += (to - from).norm();
        }
        EXPECT_NEAR(length, 2 * M_PI * radius, 0.01 * 2 * M_PI * radius);
    }
    EXPECT_TRUE(contour_lines(f, -1).empty());
    EXPECT_TRUE(contour_lines(f, 100).empty());
}

TEST(Contour, ClosedLevelsHaveNoLooseEnds) {
    RandomStream random(4);
    GridFunction f{12, 15, {}, {0, 1}, {0, 1}};
    for (int i = 0; i < f.rows; ++i)
        for (int j = 0; j < f.cols; ++j) {
            const bool border = i == 0 || j == 0 || i == f.rows - 1 || j == f.cols - 1;
            f.z.push_back(border ? -1 : random.normal());
        }
    std::vector<Eigen::Vector2d> ends;
    for (const auto& [from, to] : contour_lines(f, 0.1)) ends.insert(ends.end(), {from, to});
    ASSERT_GT(ends.size(), 50u);
    for (const auto& end : ends)
        EXPECT_EQ(std::count_if(ends.begin(), ends.end(), [&](const auto& e) { return (e - end).norm() < 1e-9; }), 2);
}

TEST(Contour, SegmentsSeparateBelowFromAbove) {
    // Both diagonals of a saddle: the two segments may not cross, and cut off the corners unlike the mean.
    for (const double tilt : {-0.5, 0.5}) {
        const GridFunction f{2, 2, {1 + tilt, -1 + tilt, -1 + tilt, 1 + tilt}, {0, 1}, {0, 1}};
        const auto segments = contour_lines(f, 0);
        ASSERT_EQ(segments.size(), 2u);
        for (const auto& [from, to] : segments) {
            const Eigen::Vector2d middle = (from + to) / 2;
            const double main_diagonal =
                std::abs(middle.x() - middle.y());  // 0 on the diagonal of the positive corners
            const double other_diagonal = std::abs(middle.x() + middle.y() - 1);
            EXPECT_TRUE(tilt > 0 ? other_diagonal < main_diagonal : main_diagonal < other_diagonal);
        }
    }
    GridFunction undefined{2, 3, {-1, 1, NAN, -1, 1, 1}, {0, 1}, {0, 1}};
    EXPECT_EQ(contour_lines(undefined, 0).size(), 1u);
}

TEST(ContourPlot, ColorsAndMarksLieAtTheirData) {
    const auto f = on_grid(61, 61, {-2, 2}, {-1, 3},
                           [](double x, double y) { return std::pow(x - 0.4, 2) + std::pow(y - 1.6, 2); });
    ContourOptions contours{.scale = {}, .levels = 0, .color_bar = false, .marks = {}, .path = {}};
    PlotOptions options{.title = "", .x = {.label = "x"}, .y = {.label = "y", .reversed = true}};
    const auto lowest = pixels_of(contour_plot(f, contours, options), map_color(ColorMap::viridis, 0), 2);
    contours.marks = {{0.4, 1.6}};
    const auto mark = pixels_of(contour_plot(f, contours, options), {213, 0, 50});
    ASSERT_FALSE(lowest.empty());
    ASSERT_FALSE(mark.empty());
    options.x.limits = f.x, options.y.limits = f.y;
    Canvas canvas(10, 10);
    const Axes axes(canvas, plot_area(options), options);
    EXPECT_LT((mean_of(lowest) - axes.at(0.4, 1.6)).norm(), 2);
    EXPECT_LT((mean_of(mark) - axes.at(0.4, 1.6)).norm(), 0.75);
}

TEST(Plots, HostileInputIsDrawnOrRefused) {
    const std::vector<double> wild = {NAN, kInf, -kInf, 1e308, -1e308, 0, 5e-324};
    const std::vector<double> turned(wild.rbegin(), wild.rend());
    const std::vector<Series> series = {{"wild", wild, turned}, {"", {}, {}}, {"dots", wild, wild, false, true}};
    EXPECT_NO_THROW(line_plot(series, {}));
    EXPECT_NO_THROW(line_plot({}, {.title = std::string(5000, 'W')}));
    EXPECT_NO_THROW(histogram(std::vector<Sample>{{"", wild}, {"", {}}}, 7, {}));
    EXPECT_NO_THROW(histogram({}, 7, {}));
    EXPECT_NO_THROW(bar_chart(std::vector<Bar>{{"", NAN, NAN, kInf}, {"b", 1e308, -1e308, 1e308}}, {}));
    EXPECT_NO_THROW(bar_chart({}, {}));
    EXPECT_NO_THROW(reliability_diagram(std::vector<ReliabilityBin>{{NAN, kInf, 0, 2, 3}}, {}));
    EXPECT_NO_THROW(line_plot(series, {.width = 5, .height = 5}));
    const GridFunction undefined{2, 3, {NAN, kInf, -kInf, 1e308, -1e308, 0}, {0, 1}, {0, 1}};
    EXPECT_NO_THROW(contour_plot(undefined, {}, {}));

    EXPECT_THROW(line_plot(std::vector<Series>{{"", {1, 2}, {1}}}, {}), Error);
    EXPECT_THROW(histogram({}, 0, {}), Error);
    EXPECT_THROW(line_plot({}, {.width = 0}), Error);
    EXPECT_THROW(contour_plot({2, 2, {1, 2, 3}, {}, {}}, {}, {}), Error);
    EXPECT_THROW(contour_plot({1, 1, {1}, {}, {}}, {}, {}), Error);
    EXPECT_THROW(contour_plot({1 << 30, 1 << 30, {}, {}, {}}, {}, {}), Error);
}

}  // namespace
}  // namespace ebgrasp
