#include "ebgrasp/viz/canvas.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <sstream>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/file.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

constexpr int kOversampling = 2;
constexpr int kShift = 6;  // fractional bits of OpenCV's coordinates
constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;
constexpr double kFontCapitals = 21;  // pixels, at font scale 1

cv::Scalar scalar(Color color) { return {double(color.r), double(color.g), double(color.b)}; }

// OpenCV's view of a picture; its channels are ours (RGB).
cv::Mat view(const Picture& picture) {
    return {picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.rgb.data())};
}

// Far-away coordinates are pulled in so that OpenCV's fixed-point numbers hold them; nothing of them is visible.
cv::Point fixed_point(Eigen::Vector2d samples) {
    const Eigen::Vector2d near = (samples.array() - 0.5).max(-1e5).min(1e5) * (1 << kShift);
    return {static_cast<int>(std::lround(near.x())), static_cast<int>(std::lround(near.y()))};
}

// The thickness to ask OpenCV for: its anti-aliased lines really are 1.4 samples wide for 1, and 2 k + 1.4 for 2 k.
int thickness(double width) {
    return std::max(1, 2 * static_cast<int>(std::lround((width * kOversampling - 1.4) / 2)));
}

cv::Rect whole(const Rect& rect) {
    const auto round = [](double value) { return static_cast<int>(std::lround(std::clamp(value, -1e6, 1e6))); };
    const int x = round(rect.x), y = round(rect.y);
    return {x, y, round(rect.right()) - x, round(rect.bottom()) - y};
}

Rect oversampled(const Rect& rect) {
    return {rect.x * kOversampling, rect.y * kOversampling, rect.width * kOversampling, rect.height * kOversampling};
}

// Text is set word by word, since the font's space is too wide for proportional text.
struct Font {
    double scale;
    int thickness;
    int margin;  // samples around the text's box for overhanging strokes

    explicit Font(const TextStyle& style)
        : scale(0.7 * style.size * kOversampling / kFontCapitals),
          thickness(
              std::max(1, static_cast<int>(std::lround(style.size * kOversampling * (style.bold ? 0.12 : 0.075))))),
          margin(static_cast<int>(std::ceil(style.size * kOversampling * 0.4))) {}

    int capitals() const { return static_cast<int>(std::lround(kFontCapitals * scale)); }
    // Calls `place(word, x)` for every word; returns the width of the whole.
    template <typename Place>
    int set(const std::string& text, Place&& place) const {
        const int space = static_cast<int>(std::lround(10 * scale));
        int x = 0, baseline = 0;
        constexpr std::size_t kLongest = 500;  // more does not fit on any picture
        std::istringstream words(text.substr(0, kLongest));
        for (std::string word; words >> word;) {
            x += x > 0 ? space : 0;
            place(word, x);
            x += cv::getTextSize(word, kFont, scale, thickness, &baseline).width;
        }
        return x;
    }
    int width(const std::string& text) const {
        return set(text, [](const std::string&, int) {});
    }
    // Coverage of the text's strokes, widened by `halo`; the box of its capitals starts at (margin, margin).
    cv::Mat coverage(const std::string& text, int halo) const {
        cv::Mat mask(capitals() + 2 * margin, width(text) + 2 * margin, CV_8U, cv::Scalar(0));
        set(text, [&](const std::string& word, int x) {
            cv::putText(mask, word, {margin + x, margin + capitals()}, kFont, scale, cv::Scalar(255),
                        thickness + 2 * halo, cv::LINE_AA);
        });
        return mask;
    }
};

}  // namespace

Picture::Picture(int rows, int cols, Color fill) : height(rows), width(cols) {
    constexpr int kMaxSize = 16384;
    require(height >= 1 && width >= 1 && height <= kMaxSize && width <= kMaxSize, "a picture of ", height, " x ", width,
            " pixels was asked for; sizes must be in [1, ", kMaxSize, "]");
    rgb.resize(std::size_t{3} * static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
    view(*this).setTo(scalar(fill));
}

Color Picture::at(int row, int col) const {
    const auto* pixel = rgb.data() + 3 * (std::size_t(row) * std::size_t(width) + std::size_t(col));
    return {pixel[0], pixel[1], pixel[2]};
}

void Picture::set(int row, int col, Color color) {
    auto* pixel = rgb.data() + 3 * (std::size_t(row) * std::size_t(width) + std::size_t(col));
    pixel[0] = color.r, pixel[1] = color.g, pixel[2] = color.b;
}

void write_png(const Picture& picture, const std::filesystem::path& path) {
    require(!picture.rgb.empty(), path.string(), ": the picture to be written is empty");
    cv::Mat bgr;
    cv::cvtColor(view(picture), bgr, cv::COLOR_RGB2BGR);
    std::vector<std::uint8_t> bytes;
    require(cv::imencode(".png", bgr, bytes), path.string(), ": the picture cannot be encoded as PNG");
    write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Picture read_picture(const std::filesystem::path& path) {
    constexpr std::size_t kMaxBytes = std::size_t{1} << 28;
    const std::string bytes = read_file(path, kMaxBytes);
    cv::Mat bgr;
    try {
        if (!bytes.empty())
            bgr = cv::imdecode(cv::Mat(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data())),
                               cv::IMREAD_COLOR);
    } catch (const cv::Exception&) {  // e.g. more pixels than OpenCV allows
    }
    require(!bgr.empty(), path.string(), ": is not an image file that can be read, or is damaged");
    Picture picture(bgr.rows, bgr.cols);
    cv::cvtColor(bgr, view(picture), cv::COLOR_BGR2RGB);
    return picture;
}

double text_width(const std::string& text, const TextStyle& style) {
    return static_cast<double>(Font(style).width(text)) / kOversampling;
}

// OpenCV's view of the clipped samples. Transparent shapes are drawn on a copy of the part that they touch, which is
// then blended in.
struct Canvas::Brush {
    cv::Mat target;
    Eigen::Vector2d origin;  // of target, in samples

    explicit Brush(Canvas& canvas)
        : target(view(canvas.samples_)(whole(canvas.clip_))), origin(canvas.clip_.x, canvas.clip_.y) {}

    // `draw(target, points, ink)` draws a shape of `points` that reaches at most `reach` canvas pixels beyond them.
    template <typename Draw>
    void draw(std::span<const Point> shape, double reach, Color color, Draw&& draw) {
        const bool finite = std::all_of(shape.begin(), shape.end(), [](const Point& p) { return p.allFinite(); });
        if (shape.empty() || !finite || target.empty()) return;
        std::vector<cv::Point> points;
        for (const auto& point : shape) points.push_back(fixed_point(point * kOversampling - origin));
        if (color.a == 255) return draw(target, points, scalar(color));

        const cv::Rect bounds = cv::boundingRect(points);
        const int border = static_cast<int>(std::ceil(reach * kOversampling)) + 2;
        const cv::Rect touched =
            cv::Rect((bounds.x >> kShift) - border, (bounds.y >> kShift) - border,
                     (bounds.width >> kShift) + 2 * border + 1, (bounds.height >> kShift) + 2 * border + 1) &
            cv::Rect({0, 0}, target.size());
        if (touched.empty()) return;
        for (auto& point : points) point -= touched.tl() * (1 << kShift);
        cv::Mat part = target(touched), drawn = part.clone();
        draw(drawn, points, scalar(color));
        const double alpha = color.a / 255.0;
        cv::addWeighted(drawn, alpha, part, 1 - alpha, 0, part);
    }
    // Blends `color` in where `coverage` (whose corner lies at `corner`, samples) says.
    void blend(const cv::Mat& coverage, cv::Point corner, Color color) {
        const cv::Rect place = cv::Rect(corner, coverage.size()) & cv::Rect({0, 0}, target.size());
        const std::uint8_t ink[] = {color.r, color.g, color.b};
        for (int y = place.y; y < place.br().y; ++y)
            for (int x = place.x; x < place.br().x; ++x) {
                const int weight = coverage.at<std::uint8_t>(y - corner.y, x - corner.x) * color.a;
                auto* pixel = target.ptr(y, x);
                for (int c = 0; c < 3; ++c)
                    pixel[c] =
                        static_cast<std::uint8_t>((ink[c] * weight + pixel[c] * (65025 - weight) + 32512) / 65025);
            }
    }
};

namespace {

std::array<Eigen::Vector2d, 4> corners(const Rect& rect) {
    return {{{rect.x, rect.y}, {rect.right(), rect.y}, {rect.right(), rect.bottom()}, {rect.x, rect.bottom()}}};
}

std::array<Eigen::Vector2d, 48> circle_points(const Eigen::Vector2d& center, double radius) {
    std::array<Eigen::Vector2d, 48> points;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(points.size());
        points[i] = center + radius * Eigen::Vector2d(std::cos(angle), std::sin(angle));
    }
    return points;
}

}  // namespace

Canvas::Canvas(int height, int width, Color background) {
    constexpr int kMaxSize = 8192;
    require(height >= 1 && width >= 1 && height <= kMaxSize && width <= kMaxSize, "a canvas of ", height, " x ", width,
            " pixels was asked for; sizes must be in [1, ", kMaxSize, "]: draw less or smaller");
    samples_ = Picture(height * kOversampling, width * kOversampling, background);
    unclip();
}

void Canvas::clip(const Rect& rect) {
    const cv::Rect inside = whole(oversampled(rect)) & cv::Rect(0, 0, samples_.width, samples_.height);
    clip_ = {double(inside.x), double(inside.y), double(inside.width), double(inside.height)};
}

void Canvas::unclip() { clip_ = {0, 0, double(samples_.width), double(samples_.height)}; }

void Canvas::rectangle(const Rect& rect, Color fill) { polygon(corners(rect), fill); }

void Canvas::outline(const Rect& rect, Color color, double width) { polyline(corners(rect), color, width, true); }

void Canvas::line(Point from, Point to, Color color, double width) { polyline(std::array{from, to}, color, width); }

void Canvas::polyline(std::span<const Point> points, Color color, double width, bool closed) {
    Brush(*this).draw(points, width, color, [&](cv::Mat& target, const std::vector<cv::Point>& line, cv::Scalar ink) {
        cv::polylines(target, line, closed, ink, thickness(width), cv::LINE_AA, kShift);
    });
}

void Canvas::dashed_line(Point from, Point to, Color color, double width, double dash) {
    const double length = (to - from).norm();
    if (!(length > 0) || !(dash > 0) || length > 1e5) return;
    const Point step = (to - from) / length;
    for (double s = 0; s < length; s += 1.75 * dash)
        line(from + s * step, from + std::min(s + dash, length) * step, color, width);
}

void Canvas::polygon(std::span<const Point> points, Color fill) {
    Brush(*this).draw(points, 0, fill, [&](cv::Mat& target, const std::vector<cv::Point>& corners, cv::Scalar ink) {
        cv::fillPoly(target, std::vector{corners}, ink, cv::LINE_AA, kShift);
    });
}

void Canvas::disc(Point center, double radius, Color fill) { polygon(circle_points(center, radius), fill); }

void Canvas::shade(const Rect& rect, const std::function<Color(double x, double y)>& color_at) {
    const cv::Rect area = whole(oversampled(rect)) & whole(clip_);
    parallel_for(static_cast<std::size_t>(area.height), [&](std::size_t i) {
        const int y = area.y + static_cast<int>(i);
        for (int x = area.x; x < area.br().x; ++x)
            samples_.set(y, x, color_at((x + 0.5) / kOversampling, (y + 0.5) / kOversampling));
    });
}

void Canvas::text(Point at, const std::string& text, const TextStyle& style) {
    if (text.empty() || !at.allFinite() || !(style.size > 0)) return;
    const Font font(style);
    Brush brush(*this);
    // The anchor within the text's box; turned to read upwards, the box's right is the picture's up.
    const double along = style.anchor_x * font.width(text), down = style.anchor_y * font.capitals();
    const Point anchor = style.upright ? Point(down, font.width(text) - along) : Point(along, down);
    const Point place = at * kOversampling - brush.origin - anchor - Point::Constant(font.margin);
    const cv::Rect corner = whole({place.x(), place.y(), 0, 0});
    const auto draw = [&](int halo, Color color) {
        cv::Mat coverage = font.coverage(text, halo);
        if (style.upright) cv::rotate(coverage, coverage, cv::ROTATE_90_COUNTERCLOCKWISE);
        brush.blend(coverage, corner.tl(), color);
    };
    if (style.halo) draw(std::max(2, static_cast<int>(std::lround(style.size * kOversampling * 0.09))), *style.halo);
    draw(0, style.color);
}

Picture Canvas::picture() const {
    Picture result(samples_.height / kOversampling, samples_.width / kOversampling);
    cv::Mat target = view(result);
    cv::resize(view(samples_), target, target.size(), 0, 0, cv::INTER_AREA);
    return result;
}

Picture sheet(std::span<const Picture> panels, int columns, const std::string& title, double title_size) {
    require(!panels.empty() && columns >= 1, "a sheet needs at least one panel and one column; it has ", panels.size(),
            " and ", columns);
    const auto column_count = std::min<std::size_t>(static_cast<std::size_t>(columns), panels.size());
    const std::size_t row_count = (panels.size() + column_count - 1) / column_count;
    std::vector<int> widths(column_count, 0), heights(row_count, 0);
    for (std::size_t i = 0; i < panels.size(); ++i) {
        auto &width = widths[i % column_count], &height = heights[i / column_count];
        width = std::max(width, panels[i].width);
        height = std::max(height, panels[i].height);
    }
    const int header = title.empty() ? 0 : static_cast<int>(std::lround(2 * title_size));
    const int total_width = std::accumulate(widths.begin(), widths.end(), 0);
    const int total_height = std::accumulate(heights.begin(), heights.end(), header);

    Picture result(total_height, total_width);
    const auto paste = [&](const Picture& picture, int x, int y) {
        view(picture).copyTo(view(result)({x, y, picture.width, picture.height}));
    };
    if (header > 0) {
        Canvas canvas(header, total_width);
        canvas.text({total_width / 2.0, header * 0.55}, title, {.size = title_size, .anchor_x = 0.5, .bold = true});
        paste(canvas.picture(), 0, 0);
    }
    int x = 0, y = header;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const int width = widths[i % column_count], height = heights[i / column_count];
        paste(panels[i], x + (width - panels[i].width) / 2, y + (height - panels[i].height) / 2);
        const bool last_in_row = i % column_count + 1 == column_count;
        x = last_in_row ? 0 : x + width;
        y += last_in_row ? height : 0;
    }
    return result;
}

}  // namespace ebgrasp
