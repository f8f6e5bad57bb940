#include "ebgrasp/viz/landscape.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr double kDegree = std::numbers::pi / 180;

// A coordinate of a grasp as it is shown.
struct Coordinate {
    const char* label;
    double PlanarGrasp::*member;
    double unit;             // of the display, in the member's
    bool downwards = false;  // on a vertical axis, as in the image
    double tick_step = 0;

    double shown(const PlanarGrasp& grasp) const { return grasp.*member / unit; }
};

constexpr Coordinate kRow{.label = "row [px]", .member = &PlanarGrasp::row, .unit = 1, .downwards = true};
constexpr Coordinate kCol{.label = "col [px]", .member = &PlanarGrasp::col, .unit = 1};
constexpr Coordinate kDepth{.label = "depth [mm]", .member = &PlanarGrasp::depth, .unit = 1e-3};
constexpr Coordinate kAngle{.label = "angle [deg]", .member = &PlanarGrasp::angle, .unit = kDegree, .tick_step = 90};

constexpr std::array<std::array<Coordinate, 2>, 6> kPairs = {
    {{kCol, kRow}, {kCol, kDepth}, {kRow, kDepth}, {kCol, kAngle}, {kRow, kAngle}, {kDepth, kAngle}}};

Limits shown_limits(const Coordinate& coordinate, const PlanarGrasp& center, const LandscapeOptions& options) {
    if (coordinate.member == &PlanarGrasp::angle) return {-180, 180};
    const double reach = coordinate.member == &PlanarGrasp::depth ? options.depth : options.pixels;
    return {(center.*coordinate.member - reach) / coordinate.unit,
            (center.*coordinate.member + reach) / coordinate.unit};
}

LandscapePanel evaluate_panel(const EncodedView& view, const PlanarGrasp& center, const Coordinate& x,
                              const Coordinate& y, const LandscapeOptions& options) {
    const int n = options.samples;
    LandscapePanel panel{.energy = {.rows = n,
                                    .cols = n,
                                    .z = {},
                                    .x = shown_limits(x, center, options),
                                    .y = shown_limits(y, center, options)},
                         .x = {.label = x.label, .tick_step = x.tick_step},
                         .y = {.label = y.label, .tick_step = y.tick_step, .reversed = y.downwards}};
    std::vector<PlanarGrasp> grasps;
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
            PlanarGrasp grasp = center;
            grasp.*x.member = panel.energy.x.at(double(j) / (n - 1)) * x.unit;
            grasp.*y.member = panel.energy.y.at(double(i) / (n - 1)) * y.unit;
            grasps.push_back(grasp);
        }
    panel.energy.z.resize(grasps.size());
    view.evaluate(grasps, panel.energy.z);
    return panel;
}

ColorScale common_scale(const std::array<LandscapePanel, 6>& panels, const std::optional<Limits>& limits) {
    std::vector<double> energies;
    for (const auto& panel : panels)
        std::copy_if(panel.energy.z.begin(), panel.energy.z.end(), std::back_inserter(energies),
                     [](double energy) { return std::isfinite(energy); });
    std::sort(energies.begin(), energies.end());
    ColorScale scale;
    scale.label = "energy";
    if (limits) {
        scale.limits = *limits;
    } else if (!energies.empty()) {
        const auto top = static_cast<std::size_t>(0.95 * static_cast<double>(energies.size() - 1));
        scale.limits = limits_of(std::array{energies.front(), energies[top]});
    }
    scale.more_below = !energies.empty() && energies.front() < scale.limits.low;
    scale.more_above = !energies.empty() && energies.back() > scale.limits.high;
    return scale;
}

// The path with each angle replaced by its equivalent (modulo pi) nearest to the next one's, so that it has no jumps.
std::vector<PlanarGrasp> unwrapped(std::vector<PlanarGrasp> path, const PlanarGrasp& end) {
    double next = end.angle;
    for (auto grasp = path.rbegin(); grasp != path.rend(); ++grasp)
        next = grasp->angle = next + wrap_angle(grasp->angle - next);
    return path;
}

}  // namespace

std::array<LandscapePanel, 6> landscape_panels(const EncodedView& view, const PlanarGrasp& center,
                                               const LandscapeOptions& options) {
    require(options.samples >= 3 && options.samples <= 500, "the landscape's samples per axis are ", options.samples,
            "; they must be in [3, 500]");
    require(options.pixels > 0 && options.pixels <= 1000, "the landscape's reach is ", options.pixels,
            " pixels; it must be in (0, 1000]");
    require(std::isfinite(center.row) && std::isfinite(center.col) && std::isfinite(center.depth) &&
                std::isfinite(center.angle),
            "the landscape's grasp has a coordinate that is not finite");
    require(options.depth > 0 && options.depth < center.depth, "the landscape's reach is ", options.depth,
            " m of depth; it must be positive and below the grasp's depth, ", center.depth, " m");
    std::array<LandscapePanel, 6> panels;
    for (std::size_t i = 0; i < panels.size(); ++i)
        panels[i] = evaluate_panel(view, center, kPairs[i][0], kPairs[i][1], options);
    return panels;
}

Picture energy_landscape(const EncodedView& view, const PlanarGrasp& center, const LandscapeOptions& options) {
    const auto panels = landscape_panels(view, center, options);
    const auto path = unwrapped(options.path, center);
    const ColorScale scale = common_scale(panels, options.energy);
    constexpr int kWidth = 560, kHeight = 480;
    constexpr double kFont = 19;

    std::vector<Picture> pictures;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const auto& [x, y] = kPairs[i];
        ContourOptions contours{.scale = scale, .color_bar = false, .marks = {}, .path = {}};
        PlanarGrasp turned = center;
        for (const int halves : {-2, -1, 1, 2, 0}) {
            turned.angle = wrap_angle(center.angle) + halves * std::numbers::pi;
            contours.marks.push_back({x.shown(turned), y.shown(turned), halves == 0});
        }
        for (const auto& grasp : path) contours.path.emplace_back(x.shown(grasp), y.shown(grasp));
        pictures.push_back(contour_plot(
            panels[i].energy, contours,
            {.title = "", .x = panels[i].x, .y = panels[i].y, .width = kWidth, .height = kHeight, .font = kFont}));
    }
    Canvas bar(2 * kHeight, static_cast<int>(std::ceil(color_bar_width(scale, kFont) + 0.5 * kFont)));
    draw_color_bar(bar, {0, kFont, 0, 2 * kHeight - 4.7 * kFont}, scale, kFont);
    return sheet(std::array{sheet(pictures, 3), bar.picture()}, 2, options.title);
}

}  // namespace ebgrasp
