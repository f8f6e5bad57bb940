#include "ebgrasp/viz/overlay.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/viz/axes.hpp"
#include "ebgrasp/viz/plot.hpp"

namespace ebgrasp {
namespace {

using Point = Eigen::Vector2d;

constexpr Color kMaskBlue{86, 180, 233};

double percentile(std::vector<double>& values, double share) {
    const auto nth = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), nth, values.end());
    return *nth;
}

Color hatched(double x, double y) { return std::fmod(x + y, 8.0) < 4.0 ? Color{84, 68, 110} : Color{112, 94, 142}; }

// Bilinear among the pixels that have depth; NaN where the nearest pixel has none.
double sample_depth(const DepthArray& depth, double row, double col) {
    const double row_floor = std::floor(row), col_floor = std::floor(col);
    const double down = row - row_floor, right = col - col_floor;
    const auto index = [](double floor, int step, Eigen::Index count) {
        return std::clamp<Eigen::Index>(static_cast<Eigen::Index>(floor) + step, 0, count - 1);
    };
    double sum = 0, weights = 0;
    for (const int i : {0, 1})
        for (const int j : {0, 1}) {
            const float z = depth(index(row_floor, i, depth.rows()), index(col_floor, j, depth.cols()));
            const bool nearest = (i == 1) == (down >= 0.5) && (j == 1) == (right >= 0.5);
            if (!is_depth(z) && nearest) return NAN;
            if (!is_depth(z)) continue;
            const double weight = (i == 1 ? down : 1 - down) * (j == 1 ? right : 1 - right);
            sum += weight * z;
            weights += weight;
        }
    return sum / weights;
}

template <typename... Values>
std::string format(const char* pattern, Values... values) {
    std::array<char, 128> buffer;
    std::snprintf(buffer.data(), buffer.size(), pattern, values...);
    return buffer.data();
}

}  // namespace

Limits depth_contrast(const DepthImage& image, const Mask& mask) {
    constexpr double kLeftOut = 0.001;
    std::vector<double> all, masked;
    for (Eigen::Index i = 0; i < image.depth.size(); ++i) {
        const float z = image.depth.data()[i];
        if (!is_depth(z)) continue;
        all.push_back(z);
        if (mask.size() == image.depth.size() && mask.data()[i] != 0) masked.push_back(z);
    }
    if (all.empty()) return {0, 1};
    const double near = percentile(masked.empty() ? all : masked, kLeftOut);
    return {near, std::max(near, percentile(all, 1 - kLeftOut))};
}

void draw_depth(Canvas& canvas, const ImageView& view, const DepthImage& image, const Limits& contrast) {
    const double bottom = image.height() - 0.5, right = image.width() - 0.5;
    canvas.shade(view.area, [&](double x, double y) {
        const double row = view.row + (y - view.area.y) / view.zoom, col = view.col + (x - view.area.x) / view.zoom;
        if (row < -0.5 || col < -0.5 || row > bottom || col > right) return Color{235, 235, 235};
        const double z = sample_depth(image.depth, row, col);
        constexpr Limits kShades{0.97, 0.2};  // of near and far: glyphs stand out on both
        return std::isnan(z) ? hatched(x, y)
                             : map_color(ColorMap::gray, kShades.at(std::clamp(contrast.fraction(z), 0.0, 1.0)));
    });
}

GraspGlyph grasp_glyph(const PlanarGrasp& grasp, const CameraIntrinsics& camera, double opening, double finger_width) {
    const double width = grasp.width > 0 ? grasp.width : opening;
    const Point focal(camera.fy, camera.fx), center(grasp.row, grasp.col);  // (row, col)
    const Point closing(std::sin(grasp.angle), std::cos(grasp.angle)), across(closing.y(), -closing.x());
    const Point half_opening = (focal.array() * closing.array()).matrix() * (width / 2 / grasp.depth);
    const Point half_pad = (focal.array() * across.array()).matrix() * (finger_width / 2 / grasp.depth);
    return {center - half_opening, center + half_opening, half_pad};
}

void draw_grasp(Canvas& canvas, const ImageView& view, const PlanarGrasp& grasp, const CameraIntrinsics& camera,
                const GlyphStyle& style) {
    const GraspGlyph glyph = grasp_glyph(grasp, camera, style.opening, style.finger_width);
    const auto at = [&](const Point& row_col) { return view.at(row_col.x(), row_col.y()); };
    const auto draw = [&](Color color, double extra) {
        canvas.line(at(glyph.left), at(glyph.right), color, 0.75 * style.line_width + extra);
        for (const Point& pad : {glyph.left, glyph.right})
            canvas.line(at(pad - glyph.half_pad), at(pad + glyph.half_pad), color, 1.6 * style.line_width + extra);
        canvas.disc(at({grasp.row, grasp.col}), style.line_width + extra / 2, color);
    };
    draw(kBlack, 2);  // an edge that sets the glyph off from bright surroundings
    draw(style.color, 0);
}

namespace {

void draw_mask(Canvas& canvas, const ImageView& view, const Mask& mask) {
    if (mask.rows() < 2 || mask.cols() < 2) return;
    GridFunction inside{static_cast<int>(mask.rows()),
                        static_cast<int>(mask.cols()),
                        {},
                        {0, static_cast<double>(mask.cols() - 1)},
                        {0, static_cast<double>(mask.rows() - 1)}};
    for (Eigen::Index i = 0; i < mask.size(); ++i) inside.z.push_back(mask.data()[i] != 0);
    for (const auto& [from, to] : contour_lines(inside, 0.5))
        canvas.line(view.at(from.y(), from.x()), view.at(to.y(), to.x()), kMaskBlue, 2.5);
}

// All of an image as overlaid, in one view of it.
class Overlay {
  public:
    Overlay(const DepthImage& image, std::span<const RankedGrasp> grasps, const OverlayOptions& options)
        : image_(image), grasps_(grasps), options_(options), contrast_(depth_contrast(image, options.mask)) {
        std::vector<double> scores;
        for (const auto& grasp : grasps) scores.push_back(grasp.score);
        scale_ = {.label = options.score_label,
                  .limits = options.score_limits.value_or(limits_of(scores)),
                  .map = ColorMap::score,
                  .reversed = options.low_is_good};
    }
    const ColorScale& scale() const { return scale_; }

    void draw(Canvas& canvas, const ImageView& view, std::size_t most, double line_width, double font) const {
        canvas.clip(view.area);
        draw_depth(canvas, view, image_, contrast_);
        draw_mask(canvas, view, options_.mask);
        const std::size_t count = std::min(most, grasps_.size());
        for (std::size_t rank = count; rank-- > 0;) {
            const double width = rank == 0 ? 1.8 * line_width : line_width;
            draw_grasp(canvas, view, grasps_[rank].grasp, image_.camera,
                       {options_.opening, options_.finger_width, scale_.color(grasps_[rank].score), width});
        }
        if (count > 1)
            for (std::size_t rank = std::min(count, static_cast<std::size_t>(std::max(options_.numbered, 0)));
                 rank-- > 0;)
                draw_number(canvas, view, rank, font);
        canvas.unclip();
    }

  private:
    // The rank lies beyond the upper pad.
    void draw_number(Canvas& canvas, const ImageView& view, std::size_t rank, double font) const {
        const PlanarGrasp& grasp = grasps_[rank].grasp;
        const GraspGlyph glyph = grasp_glyph(grasp, image_.camera, options_.opening, options_.finger_width);
        const Point upper = glyph.left.x() < glyph.right.x() ? glyph.left : glyph.right;
        const Point center = view.at(grasp.row, grasp.col), pad = view.at(upper.x(), upper.y());
        canvas.text(pad + (pad - center).normalized() * 0.9 * font, std::to_string(rank + 1),
                    {.size = font, .color = kWhite, .anchor_x = 0.5, .bold = rank == 0, .halo = kBlack});
    }

    const DepthImage& image_;
    std::span<const RankedGrasp> grasps_;
    const OverlayOptions& options_;
    Limits contrast_;
    ColorScale scale_;
};

std::vector<std::string> facts(const RankedGrasp& best, const OverlayOptions& options) {
    const PlanarGrasp& grasp = best.grasp;
    std::vector<std::string> lines = {
        format("%s %.3g", options.score_label.c_str(), best.score),
        format("row %.1f, col %.1f px", grasp.row, grasp.col), format("depth %.1f mm", 1e3 * grasp.depth),
        format("angle %.1f deg", grasp.angle * 180 / std::numbers::pi),
        format("opening %.1f mm", 1e3 * (grasp.width > 0 ? grasp.width : options.opening))};
    if (!best.label.empty()) lines.push_back(best.label);
    return lines;
}

}  // namespace

Picture grasp_overlay(const DepthImage& image, std::span<const RankedGrasp> grasps, const OverlayOptions& options) {
    require(image.depth.size() > 0, "the depth image to be drawn is empty");
    require(options.mask.size() == 0 ||
                (options.mask.rows() == image.depth.rows() && options.mask.cols() == image.depth.cols()),
            "the mask has ", options.mask.rows(), " x ", options.mask.cols(), " pixels, the depth image ",
            image.height(), " x ", image.width(), "; they must be equal");
    require(options.size >= 64 && options.size <= 4096, "the picture's size is ", options.size,
            "; it must be in [64, 4096]");
    const Overlay overlay(image, grasps, options);
    const double zoom = static_cast<double>(options.size) / std::max(image.height(), image.width());
    const double font = options.size / 48.0, pad = 0.8 * font, line_width = options.size / 320.0;
    const double header = options.title.empty() ? pad : 2.6 * font;
    const auto missing = image.depth.unaryExpr([](float z) { return !is_depth(z); }).count();
    const double footer = missing > 0 ? 1.8 * font : pad;

    GraspGlyph best{};
    if (!grasps.empty()) best = grasp_glyph(grasps[0].grasp, image.camera, options.opening, options.finger_width);
    const bool drawable = best.left.allFinite() && best.right.allFinite();
    const bool bar = grasps.size() > 1, panel = options.zoom && !grasps.empty() && drawable;
    const double width = image.width() * zoom, height = image.height() * zoom;
    const double bar_width = bar ? color_bar_width(overlay.scale(), font) + pad : 0;
    const auto lines = panel ? facts(grasps[0], options) : std::vector<std::string>{};
    const double facts_height = 1.5 * font * static_cast<double>(lines.size() + 1);
    const double side = panel ? std::max(height - facts_height - pad, 0.4 * options.size) : 0;
    const double body = std::max(height, panel ? side + pad + facts_height : 0);
    Canvas canvas(static_cast<int>(std::ceil(header + body + footer)),
                  static_cast<int>(std::ceil(width + 2 * pad + bar_width + (panel ? side + pad : 0))));

    const Rect area{pad, header, width, height};
    const ImageView whole{.area = area, .zoom = zoom};
    overlay.draw(canvas, whole, grasps.size(), line_width, font);
    canvas.outline(area, kInk, 1.5);
    canvas.text({area.center().x(), header / 2}, options.title, {.size = 1.25 * font, .anchor_x = 0.5, .bold = true});
    if (missing > 0)
        canvas.text({area.x, area.bottom() + 0.9 * font},
                    format("hatched: no depth (%.1f %% of the pixels)",
                           100.0 * static_cast<double>(missing) / static_cast<double>(image.depth.size())),
                    {.size = 0.85 * font});
    if (bar) draw_color_bar(canvas, {area.right() + pad, area.y, bar_width, height}, overlay.scale(), font);
    if (!panel) return canvas.picture();

    // The panel: a square around the best grasp, twice its opening wide, and its frame in the image.
    const double span = std::clamp(2 * (best.right - best.left).norm(), 4.0, 4.0 * options.size);
    const Rect square{area.right() + bar_width + pad, header, side, side};
    const ImageView near{.area = square,
                         .zoom = side / span,
                         .row = grasps[0].grasp.row - span / 2,
                         .col = grasps[0].grasp.col - span / 2};
    overlay.draw(canvas, near, 1, 1.5 * line_width, font);
    canvas.outline(square, kInk, 1.5);
    const Point corner = whole.at(near.row, near.col);
    canvas.clip(area);
    canvas.outline({corner.x(), corner.y(), span * zoom, span * zoom}, kWhite.with_alpha(200), 1.5);
    canvas.unclip();
    double y = square.bottom() + pad + 0.75 * font;
    canvas.text({square.x, y}, "Best grasp", {.size = 1.1 * font, .bold = true});
    for (const auto& line : lines) canvas.text({square.x, y += 1.5 * font}, line, {.size = font});
    return canvas.picture();
}

}  // namespace ebgrasp
