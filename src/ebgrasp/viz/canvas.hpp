// A picture, and a canvas to draw it on with anti-aliased lines, areas and text.
#pragma once

#include <Eigen/Core>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/viz/color.hpp"

namespace ebgrasp {

/// An opaque sRGB image: height x width x 3 bytes, row-major.
struct Picture {
    int height = 0, width = 0;
    std::vector<std::uint8_t> rgb;

    Picture() = default;
    /// Throws Error unless both sizes are in [1, 16384].
    Picture(int height, int width, Color fill = kWhite);
    Color at(int row, int col) const;
    void set(int row, int col, Color color);  ///< opacity is ignored
    bool operator==(const Picture&) const = default;
};

/// Writes a PNG, atomically. Throws Error.
void write_png(const Picture& picture, const std::filesystem::path& path);
/// Reads any 8-bit image file that OpenCV knows. Throws Error.
Picture read_picture(const std::filesystem::path& path);

/// A rectangle on a canvas, in its pixels.
struct Rect {
    double x = 0, y = 0, width = 0, height = 0;
    double right() const { return x + width; }
    double bottom() const { return y + height; }
    Eigen::Vector2d center() const { return {x + width / 2, y + height / 2}; }
    Eigen::Vector2d corner() const { return {x, y}; }  ///< top left
};

/// Text is ASCII (a Hershey stroke font); other characters show as '?'. Runs of white space are one space.
struct TextStyle {
    double size = 16;  ///< pixels per line; capitals are 0.7 of it high
    Color color = kInk;
    double anchor_x = 0,
           anchor_y = 0.5;  ///< the part of the text's box (its width, its capitals) that lies at the point
    bool bold = false;
    bool upright = false;            ///< reads from bottom to top; the anchor turns along
    std::optional<Color> halo = {};  ///< outline that keeps the text legible on an image
};

/// Width of `text` in pixels.
double text_width(const std::string& text, const TextStyle& style);

/// Coordinates are continuous: x right and y down from the top-left corner, so that pixel (row, col) is the square
/// [col, col + 1] x [row, row + 1]. Everything is drawn at twice the size and averaged down; lines have their width
/// within half a pixel. Shapes may lie outside or partly outside the canvas; those with a non-finite coordinate are
/// left out.
class Canvas {
  public:
    using Point = Eigen::Vector2d;  ///< (x, y)

    /// Throws Error unless both sizes are in [1, 8192].
    Canvas(int height, int width, Color background = kWhite);

    /// Confines all that follows to `rect`, until unclip().
    void clip(const Rect& rect);
    void unclip();

    void rectangle(const Rect& rect, Color fill);
    void outline(const Rect& rect, Color color, double width = 1);
    void line(Point from, Point to, Color color, double width = 1);
    void polyline(std::span<const Point> points, Color color, double width = 1, bool closed = false);
    void dashed_line(Point from, Point to, Color color, double width = 1, double dash = 8);
    void polygon(std::span<const Point> points, Color fill);
    void disc(Point center, double radius, Color fill);
    /// Colours every sample (x, y) of `rect`, opaquely. `color_at` is called from several threads.
    void shade(const Rect& rect, const std::function<Color(double x, double y)>& color_at);
    void text(Point at, const std::string& text, const TextStyle& style = {});

    /// What has been drawn so far.
    Picture picture() const;

  private:
    struct Brush;  // OpenCV's side of drawing

    Picture samples_;  // oversampled
    Rect clip_;        // in samples
};

/// Panels row by row, each centred in its cell, under an optional title. Throws Error without panels or columns.
Picture sheet(std::span<const Picture> panels, int columns, const std::string& title = "", double title_size = 26);

}  // namespace ebgrasp
