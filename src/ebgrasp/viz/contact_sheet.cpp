#include "ebgrasp/viz/contact_sheet.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

// A tile with room for `line_count` lines of caption; longer lines are set smaller.
Picture draw_tile(const ContactTile& tile, std::size_t line_count, double font, const ContactSheetOptions& options) {
    const double pad = 6, width = tile.window.width() * options.zoom, height = tile.window.height() * options.zoom;
    const double line = 1.35 * font;
    Canvas canvas(static_cast<int>(std::lround(height + 2 * pad + line * static_cast<double>(line_count))),
                  static_cast<int>(width + 2 * pad));
    const Rect area{pad, pad, width, height};
    const ImageView view{.area = area, .zoom = static_cast<double>(options.zoom)};
    canvas.clip(area);
    draw_depth(canvas, view, tile.window, depth_contrast(tile.window));
    draw_grasp(canvas, view, tile.grasp, tile.window.camera,
               {.opening = options.opening, .finger_width = options.finger_width, .line_width = width / 90});
    canvas.unclip();
    if (tile.success)
        canvas.outline(area, *tile.success ? kSuccessColor : kFailureColor, 3);
    else
        canvas.outline(area, kInk, 1);
    double y = area.bottom() + 0.7 * line;
    for (const auto& text : lines_of(tile.caption)) {
        TextStyle style{.size = font, .anchor_x = 0.5};
        style.size *= std::min(1.0, (width + pad) / std::max(text_width(text, style), 1.0));
        canvas.text({area.center().x(), y}, text, style);
        y += line;
    }
    return canvas.picture();
}

Picture legend(int width, double font) {
    Canvas canvas(static_cast<int>(2 * font), width);
    double x = font;
    for (const auto& [color, label] : {std::pair{kSuccessColor, "success"}, std::pair{kFailureColor, "failure"}}) {
        canvas.outline({x, 0.5 * font, font, font}, color, 3);
        canvas.text({x + 1.5 * font, font}, label, {.size = font});
        x += 2.5 * font + text_width(label, {.size = font});
    }
    return canvas.picture();
}

}  // namespace

Picture contact_sheet(std::span<const ContactTile> tiles, const ContactSheetOptions& options) {
    require(!tiles.empty(), "a contact sheet needs at least one tile");
    require(options.zoom >= 1 && options.zoom <= 64, "the contact sheet's zoom is ", options.zoom,
            "; it must be in [1, 64]");
    const int height = tiles[0].window.height(), width = tiles[0].window.width();
    require(height > 0 && width > 0, "the contact sheet's first window is empty");
    std::size_t line_count = 0;
    bool any_success = false, any_failure = false;
    for (const auto& tile : tiles) {
        require(tile.window.height() == height && tile.window.width() == width, "a contact sheet's windows have ",
                tile.window.height(), " x ", tile.window.width(), " and ", height, " x ", width,
                " pixels; they must be equal");
        line_count = std::max(line_count, lines_of(tile.caption).size());
        any_success = any_success || tile.success == true;
        any_failure = any_failure || tile.success == false;
    }
    const double font = std::clamp(0.095 * width * options.zoom, 8.0, 24.0);
    std::vector<Picture> pictures;
    for (const auto& tile : tiles) pictures.push_back(draw_tile(tile, line_count, font, options));
    const Picture grid = sheet(pictures, options.columns, options.title, 1.6 * font);
    return any_success && any_failure ? sheet(std::array{grid, legend(grid.width, font)}, 1) : grid;
}

}  // namespace ebgrasp
