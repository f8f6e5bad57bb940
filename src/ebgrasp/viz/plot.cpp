#include "ebgrasp/viz/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

using Point = Eigen::Vector2d;

constexpr double kDataMargin = 0.04;

// A canvas with axes: grid, then `draw(canvas, axes)` confined to the plot's area, then the frame.
template <typename Draw>
Canvas plot(const PlotOptions& options, const Rect& area, Draw&& draw) {
    Canvas canvas(options.height, options.width);
    Axes axes(canvas, area, options);
    axes.draw_grid();
    canvas.clip(area);
    draw(canvas, axes);
    canvas.unclip();
    axes.draw_frame();
    return canvas;
}

std::vector<double> joined(std::span<const Series> series, std::vector<double> Series::*values) {
    std::vector<double> all;
    for (const auto& one : series) all.insert(all.end(), (one.*values).begin(), (one.*values).end());
    return all;
}

struct LegendEntry {
    std::string label;
    Color color;
    enum class Kind { line, dashes, dot, patch } kind;
};

constexpr Color kReferenceGray{130, 130, 130};

// Draws the legend in the corner of `area` that covers the fewest of the drawn `points`.
void draw_legend(Canvas& canvas, const Rect& area, std::vector<LegendEntry> entries, std::span<const Point> points,
                 double font) {
    std::erase_if(entries, [](const auto& entry) { return entry.label.empty(); });
    if (entries.empty()) return;
    const TextStyle style{.size = font};
    double width = 0;
    for (const auto& entry : entries) width = std::max(width, text_width(entry.label, style));
    const double line = 1.5 * font, sample = 1.8 * font, pad = 0.6 * font;
    Rect best{0, 0, width + sample + 3 * pad, line * static_cast<double>(entries.size()) + pad};
    std::ptrdiff_t fewest = -1;
    for (const double bottom : {0.0, 1.0})
        for (const double right : {1.0, 0.0}) {
            const Rect box{area.x + pad + right * (area.width - best.width - 2 * pad),
                           area.y + pad + bottom * (area.height - best.height - 2 * pad), best.width, best.height};
            const auto covered = std::count_if(points.begin(), points.end(), [&](const Point& p) {
                return p.x() > box.x && p.x() < box.right() && p.y() > box.y && p.y() < box.bottom();
            });
            if (fewest < 0 || covered < fewest) best = box, fewest = covered;
        }
    canvas.rectangle(best, kWhite.with_alpha(225));
    canvas.outline(best, kGridGray, 1);
    double y = best.y + pad / 2 + line / 2;
    for (const auto& entry : entries) {
        const double x = best.x + pad;
        switch (entry.kind) {
            case LegendEntry::Kind::line:
                canvas.line({x, y}, {x + sample, y}, entry.color, 2.5);
                break;
            case LegendEntry::Kind::dashes:
                canvas.dashed_line({x, y}, {x + sample, y}, entry.color, 2);
                break;
            case LegendEntry::Kind::dot:
                canvas.disc({x + sample / 2, y}, 0.3 * font, entry.color);
                break;
            case LegendEntry::Kind::patch:
                canvas.rectangle({x, y - 0.4 * font, sample, 0.8 * font}, entry.color);
                break;
        }
        canvas.text({x + sample + pad, y}, entry.label, style);
        y += line;
    }
}

std::string with_decimals(double value, int decimals) {
    std::array<char, 64> buffer;
    std::snprintf(buffer.data(), buffer.size(), std::abs(value) < 1e6 ? "%.*f" : "%.*e", decimals, value);
    return buffer.data();
}

}  // namespace

Picture line_plot(std::span<const Series> series, const PlotOptions& user_options) {
    for (const auto& one : series)
        require(one.x.size() == one.y.size(), "series '", one.label, "' has ", one.x.size(), " x and ", one.y.size(),
                " y values; they must be as many");
    PlotOptions options = user_options;
    const bool scattered = std::any_of(series.begin(), series.end(), [](const auto& one) { return !one.line; });
    if (!options.x.limits) options.x.limits = limits_of(joined(series, &Series::x), scattered ? kDataMargin : 0);
    if (!options.y.limits) options.y.limits = limits_of(joined(series, &Series::y), kDataMargin);

    std::vector<LegendEntry> legend;
    std::vector<Point> all;
    const Rect area = plot_area(options);
    Canvas drawn = plot(options, area, [&](Canvas& canvas, const Axes& axes) {
        for (std::size_t i = 0; i < series.size(); ++i) {
            const auto& [label, x, y, line, markers] = series[i];
            const Color color = series_color(i);
            std::vector<Point> run;
            for (std::size_t k = 0; k <= x.size(); ++k) {
                const Point point = k < x.size() ? axes.at(x[k], y[k]) : Point::Constant(NAN);
                if (point.allFinite()) {
                    run.push_back(point);
                    continue;
                }
                if (line) canvas.polyline(run, color, 2.5);
                for (const auto& p : run) {
                    if (markers || !line) canvas.disc(p, 0.25 * options.font, line ? color : color.with_alpha(150));
                    all.push_back(p);
                }
                run.clear();
            }
            legend.push_back({label, color, line ? LegendEntry::Kind::line : LegendEntry::Kind::dot});
        }
    });
    draw_legend(drawn, area, legend, all, options.font);
    return drawn.picture();
}

Picture histogram(std::span<const Sample> samples, int bins, const PlotOptions& user_options) {
    constexpr int kMaxBins = 10000;
    require(bins >= 1 && bins <= kMaxBins, "a histogram of ", bins, " bins was asked for; it must be in [1, ", kMaxBins,
            "]");
    PlotOptions options = user_options;
    if (!options.x.limits) {
        std::vector<double> all;
        for (const auto& sample : samples) all.insert(all.end(), sample.values.begin(), sample.values.end());
        options.x.limits = limits_of(all);
    }
    std::vector<std::vector<double>> shares;
    double highest = 0;
    for (const auto& [label, values, weights, color] : samples) {
        require(weights.empty() || weights.size() == values.size(), "sample '", label, "' has ", values.size(),
                " values and ", weights.size(), " weights; they must be as many");
        std::vector<double> share(static_cast<std::size_t>(bins), 0.0);
        double total = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (!std::isfinite(values[i])) continue;
            const double weight = weights.empty() ? 1 : weights[i];
            total += weight;
            const double bin = options.x.limits->fraction(values[i]) * bins;
            if (!(bin >= 0 && bin <= bins)) continue;
            share[static_cast<std::size_t>(std::min(bin, bins - 1.0))] += weight;
        }
        for (double& value : share) value /= total > 0 ? total : 1;
        highest = std::max(highest, *std::max_element(share.begin(), share.end()));
        shares.push_back(std::move(share));
    }
    if (!options.y.limits) options.y.limits = Limits{0, highest > 0 ? 1.08 * highest : 1};

    std::vector<LegendEntry> legend;
    std::vector<Point> tops;
    const Rect area = plot_area(options);
    Canvas drawn = plot(options, area, [&](Canvas& canvas, const Axes& axes) {
        for (std::size_t i = 0; i < samples.size(); ++i) {
            const Color color = samples[i].color.value_or(series_color(i));
            std::vector<Point> outline = {axes.at(options.x.limits->low, 0)};
            for (int bin = 0; bin < bins; ++bin)
                for (const int edge : {bin, bin + 1})
                    outline.push_back(axes.at(options.x.limits->at(double(edge) / bins), shares[i][std::size_t(bin)]));
            outline.push_back(axes.at(options.x.limits->high, 0));
            canvas.polygon(outline, color.with_alpha(90));
            canvas.polyline(outline, color, 2.5);
            tops.insert(tops.end(), outline.begin(), outline.end());
            legend.push_back({samples[i].label, color.with_alpha(150), LegendEntry::Kind::patch});
        }
    });
    draw_legend(drawn, area, legend, tops, options.font);
    return drawn.picture();
}

Picture bar_chart(std::span<const Bar> bars, const PlotOptions& user_options) {
    PlotOptions options = user_options;
    std::vector<double> ends = {0};
    for (const auto& bar : bars) ends.insert(ends.end(), {bar.value, bar.low, bar.high});
    if (!options.x.limits) {
        const Limits tight = limits_of(ends);
        options.x.limits = {tight.low < 0 ? tight.low - 0.15 * (tight.high - tight.low) : 0,
                            tight.high + 0.15 * (tight.high - tight.low)};
    }
    const double font = options.font, count = std::max(1.0, double(bars.size()));
    double label_width = 0;
    for (const auto& bar : bars) label_width = std::max(label_width, text_width(bar.label, {.size = font}));
    options.y = {.label = "", .limits = Limits{0, count}, .reversed = true, .ticks = false};
    Rect area = plot_area(options);
    const double shift = std::min(label_width + 1.5 * font, 0.5 * options.width) - area.x;
    area = {area.x + shift, area.y, area.width - shift, area.height};

    const auto labels = tick_labels(tick_positions(*options.x.limits, 8));
    const auto point = labels.empty() ? std::string::npos : labels.back().find('.');
    const int decimals = (point == std::string::npos ? 0 : static_cast<int>(labels.back().size() - point - 1)) + 1;

    Canvas canvas(options.height, options.width);
    Axes axes(canvas, area, options);
    axes.draw_grid(true, false);
    for (std::size_t i = 0; i < bars.size(); ++i) {
        const auto& [label, value, low, high, color] = bars[i];
        const double y = static_cast<double>(i) + 0.5;
        const Point root = axes.at(0, y - 0.32), tip = axes.at(value, y + 0.32);
        canvas.rectangle({std::min(root.x(), tip.x()), root.y(), std::abs(tip.x() - root.x()), tip.y() - root.y()},
                         color.value_or(series_color(0)).with_alpha(190));
        double end = std::max(tip.x(), root.x());
        if (low < high) {
            const Point a = axes.at(low, y), b = axes.at(high, y);
            const Point cap(0, 0.3 * font);
            canvas.line(a, b, kInk, 2);
            canvas.line(a - cap, a + cap, kInk, 2);
            canvas.line(b - cap, b + cap, kInk, 2);
            end = std::max(end, b.x());
        }
        canvas.text({end + 0.5 * font, axes.at(0, y).y()}, with_decimals(value, decimals), {.size = font});
        canvas.text({area.x - 0.6 * font, axes.at(0, y).y()}, label, {.size = font, .anchor_x = 1});
    }
    axes.draw_frame();
    return canvas.picture();
}

Picture reliability_diagram(std::span<const ReliabilityBin> bins, const PlotOptions& user_options) {
    PlotOptions options = user_options;
    if (options.x.label.empty()) options.x.label = "predicted success probability";
    if (options.y.label.empty()) options.y.label = "observed success rate";
    options.x.limits = options.y.limits = Limits{0, 1};
    double total = 0, largest = 0;
    for (const auto& bin : bins) {
        total += static_cast<double>(bin.count);
        largest = std::max(largest, static_cast<double>(bin.count));
    }
    const double font = options.font;
    const Rect area = plot_area(options);
    std::vector<Point> dots;
    Canvas drawn = plot(options, area, [&](Canvas& canvas, const Axes& axes) {
        canvas.dashed_line(axes.at(0, 0), axes.at(1, 1), kReferenceGray, 2);
        const double bar_width = 0.6 / std::max<double>(1, static_cast<double>(bins.size()));
        for (const auto& bin : bins) {
            if (bin.count == 0) continue;
            constexpr double kTallest = 0.2;  // of the plot's height
            const Point corner = axes.at(bin.predicted - bar_width / 2, kTallest * double(bin.count) / largest);
            const Point foot = axes.at(bin.predicted + bar_width / 2, 0);
            canvas.rectangle({corner.x(), corner.y(), foot.x() - corner.x(), foot.y() - corner.y()},
                             kReferenceGray.with_alpha(90));
        }
        for (const auto& bin : bins) {
            if (bin.count == 0) continue;
            const Point low = axes.at(bin.predicted, bin.low), high = axes.at(bin.predicted, bin.high);
            const Point cap(0.25 * font, 0);
            canvas.line(low, high, series_color(0), 2.5);
            canvas.line(low - cap, low + cap, series_color(0), 2.5);
            canvas.line(high - cap, high + cap, series_color(0), 2.5);
            dots.push_back(axes.at(bin.predicted, bin.observed));
        }
        canvas.polyline(dots, series_color(0), 2.5);
        for (const auto& dot : dots) canvas.disc(dot, 0.28 * font, series_color(0));
    });
    draw_legend(drawn, area,
                {{"observed, with interval", series_color(0), LegendEntry::Kind::line},
                 {"perfect calibration", kReferenceGray, LegendEntry::Kind::dashes},
                 {"share of examples", kReferenceGray.with_alpha(90), LegendEntry::Kind::patch}},
                dots, font);
    return drawn.picture();
}

namespace {

void check(const GridFunction& f) {
    constexpr int kMaxSize = 16384;
    require(f.rows >= 2 && f.cols >= 2 && f.rows <= kMaxSize && f.cols <= kMaxSize, "a grid of ", f.rows, " x ", f.cols,
            " was given to be drawn; both sizes must be in [2, ", kMaxSize, "]");
    require(f.z.size() == std::size_t(f.rows) * std::size_t(f.cols), "a grid of ", f.rows, " x ", f.cols, " has ",
            f.z.size(), " values");
}

double z_at(const GridFunction& f, int row, int col) {
    return f.z[std::size_t(row) * std::size_t(f.cols) + std::size_t(col)];
}

// Bilinear; (x, y) is clamped into the grid.
double interpolate(const GridFunction& f, double x, double y) {
    const double col = std::clamp(f.x.fraction(x), 0.0, 1.0) * (f.cols - 1);
    const double row = std::clamp(f.y.fraction(y), 0.0, 1.0) * (f.rows - 1);
    const int c = std::min(static_cast<int>(col), f.cols - 2), r = std::min(static_cast<int>(row), f.rows - 2);
    const double u = col - c, v = row - r;
    return (1 - v) * ((1 - u) * z_at(f, r, c) + u * z_at(f, r, c + 1)) +
           v * ((1 - u) * z_at(f, r + 1, c) + u * z_at(f, r + 1, c + 1));
}

}  // namespace

std::vector<LineSegment> contour_lines(const GridFunction& f, double level) {
    check(f);
    std::vector<LineSegment> segments;
    for (int row = 0; row + 1 < f.rows; ++row)
        for (int col = 0; col + 1 < f.cols; ++col) {
            // The cell's corners in turn, and the crossings on the edges between each and its successor.
            constexpr std::array<std::array<int, 2>, 4> kCorners = {{{0, 0}, {0, 1}, {1, 1}, {1, 0}}};
            std::array<double, 4> z;
            std::array<Point, 4> corner;
            for (std::size_t i = 0; i < 4; ++i) {
                const int r = row + kCorners[i][0], c = col + kCorners[i][1];
                z[i] = z_at(f, r, c) - level;
                corner[i] = {f.x.at(double(c) / (f.cols - 1)), f.y.at(double(r) / (f.rows - 1))};
            }
            const double mean = (z[0] + z[1] + z[2] + z[3]) / 4;
            if (std::isnan(mean)) continue;
            std::vector<Point> crossings;
            for (std::size_t i = 0; i < 4; ++i) {
                const std::size_t next = (i + 1) % 4;
                if ((z[i] < 0) != (z[next] < 0))
                    crossings.push_back(corner[i] + z[i] / (z[i] - z[next]) * (corner[next] - corner[i]));
            }
            if (crossings.size() == 2) segments.push_back({crossings[0], crossings[1]});
            if (crossings.size() == 4) {
                // The saddle's centre is joined with the pair of corners of its own sign: corner 0's neighbours
                // (edges 3 and 0) are cut off together if corner 0 is of the other sign.
                const bool cut_off_first = (z[0] < 0) != (mean < 0);
                segments.push_back({crossings[0], crossings[cut_off_first ? 3 : 1]});
                segments.push_back({crossings[2], crossings[cut_off_first ? 1 : 3]});
            }
        }
    return segments;
}

Picture contour_plot(const GridFunction& f, const ContourOptions& contours, PlotOptions options) {
    check(f);
    ColorScale scale = contours.scale;
    if (!(scale.limits.low < scale.limits.high)) scale.limits = limits_of(f.z);
    options.x.limits = f.x;
    options.y.limits = f.y;
    const double font = options.font;
    const double bar_space = contours.color_bar ? color_bar_width(scale, font) + font : 0;
    const Rect area = plot_area(options, bar_space);
    const int levels = std::clamp(contours.levels, 0, 100);
    const auto band_color = [&](double z) {
        if (levels == 0 || std::isnan(z)) return scale.color(z);
        const double band = std::clamp(std::floor(scale.limits.fraction(z) * levels), 0.0, levels - 1.0);
        return scale.at((band + 0.5) / levels);
    };
    Canvas drawn = plot(options, area, [&](Canvas& canvas, const Axes& axes) {
        canvas.shade(area, [&](double x, double y) {
            const Point data = axes.data_at(x, y);
            return band_color(interpolate(f, data.x(), data.y()));
        });
        for (int i = 1; i < levels; ++i)
            for (const auto& [from, to] : contour_lines(f, scale.limits.at(double(i) / levels)))
                canvas.line(axes.at(from.x(), from.y()), axes.at(to.x(), to.y()), Color{0, 0, 0, 90}, 1);
        std::vector<Point> path;
        for (const auto& point : contours.path) path.push_back(axes.at(point.x(), point.y()));
        canvas.polyline(path, kBlack, 5);
        canvas.polyline(path, kWhite, 3);
        if (!path.empty()) canvas.disc(path.front(), 0.25 * font, kWhite);
        for (const auto& mark : contours.marks) {
            const Point center = axes.at(mark.x, mark.y);
            canvas.disc(center, 0.38 * font, kWhite);
            canvas.disc(center, 0.28 * font, Color{213, 0, 50});
            if (!mark.filled) canvas.disc(center, 0.16 * font, kWhite);
        }
    });
    if (contours.color_bar) draw_color_bar(drawn, {area.right() + font, area.y, bar_space, area.height}, scale, font);
    return drawn.picture();
}

}  // namespace ebgrasp
