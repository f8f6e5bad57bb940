#include "ebgrasp/viz/axes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace ebgrasp {
namespace {

constexpr double kMaxMagnitude = 1e100;  // beyond it, differences may overflow: not drawn

bool drawable(double value) { return std::isfinite(value) && std::abs(value) < kMaxMagnitude; }

double round_step(double raw) {
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (raw <= factor * power * (1 + 1e-9)) return factor * power;
    return 10 * power;
}

constexpr double kTickLength = 0.35, kTickGap = 0.4, kLabelSize = 1.1, kTitleSize = 1.25,
                 kLabelGap = 1.1;  // in units of the font

}  // namespace

std::vector<double> tick_positions(const Limits& limits, int count, double step) {
    if (!drawable(limits.low) || !drawable(limits.high) || !(limits.high > limits.low)) return {};
    if (step <= 0) {
        step = round_step((limits.high - limits.low) / std::max(count, 1));
        const auto inside = [&](double s) { return std::floor(limits.high / s) - std::ceil(limits.low / s) + 1; };
        for (int i = 0; i < 3 && inside(step) < 2; ++i) step = round_step(step / 2.6);  // the next finer one
    }
    const double slack = 1e-9 * (limits.high - limits.low);
    const double first = std::ceil((limits.low - slack) / step), last = std::floor((limits.high + slack) / step);
    constexpr double kMostTicks = 100;
    std::vector<double> ticks;
    for (double i = first; i <= last && i < first + kMostTicks; ++i) ticks.push_back(i * step + 0.0);  // + 0.0: no -0
    return ticks;
}

std::vector<std::string> tick_labels(const std::vector<double>& ticks) {
    double largest = 0;
    for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
    const double step = ticks.size() > 1 ? std::abs(ticks[1] - ticks[0]) : largest;
    const bool scientific = largest >= 1e6 || (largest > 0 && largest < 1e-3);
    int decimals = 0;
    const double unit = scientific ? std::pow(10.0, std::floor(std::log10(largest))) : 1.0;
    const auto whole = [&](double value) { return std::abs(value - std::round(value)) < 1e-6 * std::max(1.0, value); };
    while (decimals < 8 && step > 0 && !whole(step / unit * std::pow(10.0, decimals))) ++decimals;
    std::vector<std::string> labels;
    for (const double tick : ticks) {
        std::array<char, 64> buffer;
        std::snprintf(buffer.data(), buffer.size(), scientific ? "%.*e" : "%.*f", decimals, tick);
        std::string label = tick == 0 ? "0" : buffer.data();
        if (const auto e = label.find('e'); e != std::string::npos)  // 2e+07 -> 2e7
            label = label.substr(0, e + 1) + std::to_string(std::stoi(label.substr(e + 1)));
        labels.push_back(std::move(label));
    }
    return labels;
}

Limits limits_of(std::span<const double> values, double margin) {
    Limits limits{kMaxMagnitude, -kMaxMagnitude};
    for (const double value : values) {
        if (!drawable(value)) continue;
        limits = {std::min(limits.low, value), std::max(limits.high, value)};
    }
    if (limits.low > limits.high) return {0, 1};
    const double span = limits.high - limits.low;
    const double least = 1e-9 * std::max(std::abs(limits.low), std::abs(limits.high));
    const double widening = span > least ? margin * span : std::max(0.5 * std::abs(limits.low), 0.5);
    return {limits.low - widening, limits.high + widening};
}

namespace {

struct Tick {
    double value;
    std::string label;
};

// Ticks of an axis that is `length` pixels long; labels beside each other need more room than above each other.
std::vector<Tick> axis_ticks(const Axis& axis, double length, double font, bool horizontal) {
    if (!axis.ticks) return {};
    const int count = std::clamp(static_cast<int>(length / ((horizontal ? 5.0 : 3.0) * font)), 2, 9);
    const auto positions = tick_positions(*axis.limits, count, axis.tick_step);
    const auto labels = tick_labels(positions);
    std::vector<Tick> ticks;
    for (std::size_t i = 0; i < positions.size(); ++i) ticks.push_back({positions[i], labels[i]});
    return ticks;
}

std::vector<Tick> x_ticks(const PlotOptions& options, const Rect& area) {
    return axis_ticks(options.x, area.width, options.font, true);
}

std::vector<Tick> y_ticks(const PlotOptions& options, double height) {
    return axis_ticks(options.y, height, options.font, false);
}

double widest(const std::vector<Tick>& ticks, double font) {
    double width = 0;
    for (const auto& tick : ticks) width = std::max(width, text_width(tick.label, {.size = font}));
    return width;
}

}  // namespace

Axes::Axes(Canvas& canvas, const Rect& area, const PlotOptions& options)
    : canvas_(canvas), area_(area), options_(options) {}

Eigen::Vector2d Axes::at(double x, double y) const {
    const auto place = [](const Axis& axis, double value) {
        const double fraction = axis.limits->fraction(value);
        return axis.reversed ? 1 - fraction : fraction;
    };
    return {area_.x + area_.width * place(options_.x, x), area_.bottom() - area_.height * place(options_.y, y)};
}

Eigen::Vector2d Axes::data_at(double canvas_x, double canvas_y) const {
    const auto value = [](const Axis& axis, double fraction) {
        return axis.limits->at(axis.reversed ? 1 - fraction : fraction);
    };
    return {value(options_.x, (canvas_x - area_.x) / area_.width),
            value(options_.y, (area_.bottom() - canvas_y) / area_.height)};
}

void Axes::draw_grid(bool vertical, bool horizontal) {
    if (vertical)
        for (const auto& tick : x_ticks(options_, area_)) {
            const double x = at(tick.value, 0).x();
            canvas_.line({x, area_.y}, {x, area_.bottom()}, kGridGray, 1);
        }
    if (horizontal)
        for (const auto& tick : y_ticks(options_, area_.height)) {
            const double y = at(0, tick.value).y();
            canvas_.line({area_.x, y}, {area_.right(), y}, kGridGray, 1);
        }
}

void Axes::draw_frame() {
    const double font = options_.font, gap = (kTickLength + kTickGap) * font;
    canvas_.outline(area_, kInk, 1.5);
    for (const auto& tick : x_ticks(options_, area_)) {
        const double x = at(tick.value, 0).x();
        canvas_.line({x, area_.bottom()}, {x, area_.bottom() + kTickLength * font}, kInk, 1.5);
        canvas_.text({x, area_.bottom() + gap}, tick.label, {.size = font, .anchor_x = 0.5, .anchor_y = 0});
    }
    const auto ticks = y_ticks(options_, area_.height);
    for (const auto& tick : ticks) {
        const double y = at(0, tick.value).y();
        canvas_.line({area_.x, y}, {area_.x - kTickLength * font, y}, kInk, 1.5);
        canvas_.text({area_.x - gap, y}, tick.label, {.size = font, .anchor_x = 1});
    }
    const TextStyle label{.size = kLabelSize * font, .anchor_x = 0.5};
    canvas_.text({area_.center().x(), area_.bottom() + gap + 1.75 * font}, options_.x.label, label);
    TextStyle upright = label;
    upright.upright = true;
    canvas_.text({area_.x - gap - widest(ticks, font) - kLabelGap * font, area_.center().y()}, options_.y.label,
                 upright);
    canvas_.text({area_.center().x(), area_.y - 1.2 * font}, options_.title,
                 {.size = kTitleSize * font, .anchor_x = 0.5, .bold = true});
}

Rect plot_area(const PlotOptions& options, double right) {
    const double font = options.font;
    const double top = (options.title.empty() ? 1.0 : 2.6) * font,
                 bottom = (options.x.label.empty() ? 2.2 : 3.7) * font;
    const double height = std::max(options.height - top - bottom, 1.0);
    const double labels =
        std::max(widest(y_ticks(options, height), font), 2.8 * font);  // most plots have equal margins
    const double left = labels + (kTickLength + kTickGap + (options.y.label.empty() ? 0.5 : kLabelGap + 0.9)) * font;
    return {left, top, std::max(options.width - left - right - 1.5 * font, 1.0), height};
}

namespace {

constexpr double kBarWidth = 1.1;  // in units of the font

std::vector<Tick> bar_ticks(const ColorScale& scale, double length, double font) {
    return axis_ticks({.label = "", .limits = scale.limits}, length, font, false);
}

}  // namespace

double color_bar_width(const ColorScale& scale, double font) {
    const double labels = widest(bar_ticks(scale, 20 * font, font), font);
    return (kBarWidth + kTickLength + kTickGap + 0.5) * font + labels + (scale.label.empty() ? 0 : 1.9 * font);
}

void draw_color_bar(Canvas& canvas, const Rect& area, const ColorScale& scale, double font) {
    const double tip = kBarWidth * font;
    Rect bar{area.x, area.y, kBarWidth * font, area.height};
    if (scale.more_above) bar = {bar.x, bar.y + tip, bar.width, bar.height - tip};
    if (scale.more_below) bar.height -= tip;
    canvas.shade(bar, [&](double, double y) { return scale.at((bar.bottom() - y) / bar.height); });

    using Point = Eigen::Vector2d;
    const double middle = bar.center().x();
    std::vector<Point> border = {{bar.x, bar.bottom()}, {bar.x, bar.y}};
    if (scale.more_above) {
        const std::array<Point, 3> triangle{{{bar.x, bar.y}, {middle, bar.y - tip}, {bar.right(), bar.y}}};
        canvas.polygon(triangle, scale.at(1));
        border.push_back(triangle[1]);
    }
    border.insert(border.end(), {{bar.right(), bar.y}, {bar.right(), bar.bottom()}});
    if (scale.more_below) {
        const std::array<Point, 3> triangle{
            {{bar.x, bar.bottom()}, {middle, bar.bottom() + tip}, {bar.right(), bar.bottom()}}};
        canvas.polygon(triangle, scale.at(0));
        border.push_back(triangle[1]);
    }
    canvas.polyline(border, kInk, 1, true);

    const auto ticks = bar_ticks(scale, bar.height, font);
    for (const auto& [value, label] : ticks) {
        const double y = bar.bottom() - bar.height * scale.limits.fraction(value);
        canvas.line({bar.right(), y}, {bar.right() + kTickLength * font, y}, kInk, 1.5);
        canvas.text({bar.right() + (kTickLength + kTickGap) * font, y}, label, {.size = font});
    }
    const double x = bar.right() + (kTickLength + kTickGap + kLabelGap) * font + widest(ticks, font);
    canvas.text({x, area.center().y()}, scale.label, {.size = kLabelSize * font, .anchor_x = 0.5, .upright = true});
}

}  // namespace ebgrasp
