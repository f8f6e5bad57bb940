#include "ebgrasp/viz/descent_movie.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/viz/axes.hpp"

namespace ebgrasp {
namespace {

using Point = Eigen::Vector2d;

/// The energies' colours: those of the good ones stand apart, whatever outliers there are above.
ColorScale energy_scale(std::span<const DescentPanel> panels) {
    std::vector<double> energies;
    for (const DescentPanel& panel : panels)
        for (const DescentPath& path : panel.paths)
            energies.insert(energies.end(), path.energies.begin(), path.energies.end());
    std::ranges::sort(energies);
    const auto at = [&](double share) {
        return energies[static_cast<std::size_t>(share * static_cast<double>(energies.size() - 1))];
    };
    return {.label = "energy", .limits = {at(0), at(0.95)}, .map = ColorMap::score, .reversed = true};
}

/// Paths whose energy after `step` steps is lowest come last.
std::vector<std::size_t> drawing_order(const std::vector<DescentPath>& paths, std::size_t step) {
    std::vector<std::size_t> order(paths.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, std::greater{}, [&](std::size_t i) { return paths[i].energies[step]; });
    return order;
}

Picture draw_panel(const DescentPanel& panel, std::size_t step, const ColorScale& scale, int size,
                   const DescentMovieOptions& options) {
    Canvas canvas(size, size);
    const Rect area{0, 0, double(size), double(size)};
    const ImageView view{area, size / panel.side, panel.row, panel.col};
    draw_depth(canvas, view, panel.image, panel.contrast);
    for (const std::size_t i : drawing_order(panel.paths, step)) {
        const DescentPath& path = panel.paths[i];
        const Color color = scale.color(path.energies[step]);
        std::vector<Point> trail;
        for (std::size_t t = 0; t <= step; ++t) trail.push_back(view.at(path.grasps[t].row, path.grasps[t].col));
        canvas.polyline(trail, color.with_alpha(static_cast<std::uint8_t>(255 * options.trail)), 1.5);
        draw_grasp(canvas, view, path.grasps[step], panel.image.camera,
                   {options.opening, options.finger_width, color, 2.5});
    }
    canvas.outline(area, kInk, 2);
    return canvas.picture();
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

/// The energies of all paths over the steps so far.
Picture draw_energies(std::span<const DescentPanel> panels, std::size_t step, const ColorScale& scale, int size) {
    std::vector<const DescentPath*> paths;
    std::vector<double> energies;
    for (const DescentPanel& panel : panels)
        for (const DescentPath& path : panel.paths) {
            paths.push_back(&path);
            energies.insert(energies.end(), path.energies.begin(), path.energies.end());
        }
    const auto last = static_cast<double>(paths.front()->energies.size() - 1);
    PlotOptions options{.title = fmt::format("step {} of {}", step, last),
                        .x = {.label = "step", .limits = Limits{-0.04 * last, last}},
                        .y = {.label = "energy", .limits = limits_of(energies, 0.03)},
                        .width = size,
                        .height = size,
                        .font = 20};
    const Rect area = plot_area(options);
    Canvas canvas(size, size);
    Axes axes(canvas, area, options);
    axes.draw_grid();
    canvas.clip(area);
    std::vector<Point> middle;
    for (const DescentPath* path : paths) {
        std::vector<Point> curve;
        for (std::size_t t = 0; t <= step; ++t) curve.push_back(axes.at(double(t), path->energies[t]));
        canvas.polyline(curve, series_color(0).with_alpha(110), 1.5);
    }
    for (std::size_t t = 0; t <= step; ++t) {
        std::vector<double> now;
        for (const DescentPath* path : paths) now.push_back(path->energies[t]);
        middle.push_back(axes.at(double(t), median(now)));
    }
    const Rect strip{area.x, area.y, 14, area.height};  // the energy axis is the glyphs' colour bar, too
    canvas.shade(strip, [&](double x, double y) { return scale.color(axes.data_at(x, y).y()); });
    canvas.polyline(middle, kInk, 4);
    canvas.disc(middle.back(), 6, kInk);
    canvas.unclip();
    axes.draw_frame();
    canvas.text({area.right() - 12, area.y + 20}, "blue: each grasp, black: median",
                {.size = 20, .anchor_x = 1, .halo = kWhite});
    return canvas.picture();
}

}  // namespace

Picture descent_frame(std::span<const DescentPanel> panels, std::size_t step, const DescentMovieOptions& options) {
    require(!panels.empty() && !panels[0].paths.empty(), "a descent needs at least one image and one grasp");
    for (const DescentPanel& panel : panels)
        for (const DescentPath& path : panel.paths)
            require(path.energies.size() == panels[0].paths[0].energies.size() &&
                        path.grasps.size() == path.energies.size() && path.energies.size() >= 2 &&
                        step < path.energies.size(),
                    "step ", step, " of a path with ", path.grasps.size(), " grasps and ", path.energies.size(),
                    " energies was asked for; all must be equally long, and longer than the step");
    const ColorScale scale = energy_scale(panels);
    const int columns = static_cast<int>(std::ceil(std::sqrt(double(panels.size()))));
    std::vector<Picture> pictures;
    for (const DescentPanel& panel : panels)
        pictures.push_back(draw_panel(panel, step, scale, options.size / columns, options));
    const Picture images = columns == 1 ? pictures[0] : sheet(pictures, columns);
    return sheet(std::array{images, draw_energies(panels, step, scale, options.size)}, 2, options.title);
}

}  // namespace ebgrasp
