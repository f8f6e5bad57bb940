#include "ebgrasp/viz/ridgeline.hpp"

#include <algorithm>
#include <numeric>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"

namespace ebgrasp {
namespace {

using Point = Eigen::Vector2d;

constexpr double kTallest = 0.92;  // rows that the highest point of a ridge reaches

/// Shares per unit of x.
std::vector<double> density(const std::vector<double>& counts, double bin_width) {
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    std::vector<double> heights(counts.size(), 0.0);
    if (total > 0)
        std::ranges::transform(counts, heights.begin(), [&](double count) { return count / (total * bin_width); });
    return heights;
}

void draw_outline(Canvas& canvas, const Axes& axes, const Ridge& ridge, double base, const std::vector<double>& heights,
                  Color color) {
    const auto bins = static_cast<double>(heights.size());
    std::vector<Point> outline = {axes.at(ridge.range.low, base)};
    for (std::size_t bin = 0; bin < heights.size(); ++bin)
        for (const double edge : {double(bin), double(bin) + 1})
            outline.push_back(axes.at(ridge.range.at(edge / bins), base - heights[bin]));  // y grows downwards
    outline.push_back(axes.at(ridge.range.high, base));
    canvas.polygon(outline, color.with_alpha(110));
    canvas.polyline(outline, color, 2);
}

void draw_ridge(Canvas& canvas, const Axes& axes, const Ridge& ridge, double base) {
    const double bin_width = (ridge.range.high - ridge.range.low) / static_cast<double>(ridge.successes.size());
    std::vector<double> failures = density(ridge.failures, bin_width), successes = density(ridge.successes, bin_width);
    const double highest = std::max(std::ranges::max(failures), std::ranges::max(successes));
    for (auto* heights : {&failures, &successes})
        for (double& height : *heights) height *= highest > 0 ? kTallest / highest : 0;
    draw_outline(canvas, axes, ridge, base, failures, kFailureColor);
    draw_outline(canvas, axes, ridge, base, successes, kSuccessColor);
}

/// In the corner above the first ridge at the right, where later epochs' tails do not reach.
void draw_legend(Canvas& canvas, const Rect& area, double font) {
    double x = area.right() - 0.8 * font;
    for (const auto& [color, label] : {std::pair{kFailureColor, "failures"}, std::pair{kSuccessColor, "successes"}}) {
        const double width = text_width(label, {.size = font});
        canvas.text({x - width, area.y + font}, label, {.size = font, .halo = kWhite});
        canvas.rectangle({x - width - 1.6 * font, area.y + 0.6 * font, 1.2 * font, 0.8 * font}, color.with_alpha(150));
        x -= width + 2.6 * font;
    }
}

}  // namespace

Picture ridgeline_plot(std::span<const Ridge> ridges, const PlotOptions& user_options) {
    require(!ridges.empty(), "a ridgeline plot needs at least one ridge");
    std::vector<double> ends;
    for (const Ridge& ridge : ridges) {
        require(!ridge.successes.empty() && ridge.successes.size() == ridge.failures.size() &&
                    ridge.range.low < ridge.range.high,
                "ridge '", ridge.label, "' has ", ridge.successes.size(), " and ", ridge.failures.size(),
                " bins over [", ridge.range.low, ", ", ridge.range.high, "]; it needs as many of both over a range");
        ends.insert(ends.end(), {ridge.range.low, ridge.range.high});
    }
    PlotOptions options = user_options;
    if (!options.x.limits) options.x.limits = limits_of(ends);
    // Row i has its base line at y = i; above the first there is room for its peak and the legend.
    options.y = {
        .label = "", .limits = Limits{-kTallest - 0.55, double(ridges.size()) - 0.8}, .reversed = true, .ticks = false};

    const double font = options.font;
    double label_width = 0;
    for (const Ridge& ridge : ridges) label_width = std::max(label_width, text_width(ridge.label, {.size = font}));
    Rect area = plot_area(options);
    const double left = label_width + (user_options.y.label.empty() ? 1.2 : 2.8) * font;
    area.width -= left - area.x;
    area.x = left;

    Canvas canvas(options.height, options.width);
    Axes axes(canvas, area, options);
    axes.draw_grid(true, false);
    canvas.clip(area);
    for (std::size_t i = 0; i < ridges.size(); ++i) {
        const double base = static_cast<double>(i);
        canvas.line(axes.at(options.x.limits->low, base), axes.at(options.x.limits->high, base), kGridGray, 1);
        draw_ridge(canvas, axes, ridges[i], base);
    }
    draw_legend(canvas, area, font);
    canvas.unclip();
    for (std::size_t i = 0; i < ridges.size(); ++i)
        canvas.text({area.x - 0.6 * font, axes.at(options.x.limits->low, double(i)).y()}, ridges[i].label,
                    {.size = font, .anchor_x = 1, .anchor_y = 0.8});
    canvas.text({0.9 * font, area.center().y()}, user_options.y.label,
                {.size = 1.1 * font, .anchor_x = 0.5, .upright = true});
    axes.draw_frame();
    return canvas.picture();
}

}  // namespace ebgrasp
