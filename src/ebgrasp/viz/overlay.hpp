// Depth images as pictures, with ranked grasps drawn on them.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/image/depth_image.hpp"
#include "ebgrasp/viz/canvas.hpp"

namespace ebgrasp {

/// The part of an image that is shown in `area` of a canvas: pixel centre (row, col) lies at at(row, col).
struct ImageView {
    Rect area;
    double zoom = 1;                ///< canvas pixels per image pixel
    double row = -0.5, col = -0.5;  ///< the image's coordinates at the area's corner
    Eigen::Vector2d at(double image_row, double image_col) const {
        return {area.x + (image_col - col) * zoom, area.y + (image_row - row) * zoom};
    }
};

/// Depths that are drawn brightest (low) and darkest (high): the nearest and farthest thousandth left out; where
/// `mask` (0 x 0: none) is set decides the near end.
Limits depth_contrast(const DepthImage& image, const Mask& mask = {});

/// Depth as gray, near bright. Missing depth is hatched in plum; beyond the image it is light gray.
void draw_depth(Canvas& canvas, const ImageView& view, const DepthImage& image, const Limits& contrast);

struct GlyphStyle {
    double opening = 0.085;       ///< metres; for grasps whose width is 0
    double finger_width = 0.022;  ///< metres; length of the finger bars
    Color color = {240, 200, 40};
    double line_width = 2;  ///< canvas pixels
};

/// The glyph's points in the image, (row, col): the middles of both pads, on the closing axis at +-width/2 from the
/// grasp centre at the grasp's depth, and the offset from a pad's middle to its end.
struct GraspGlyph {
    Eigen::Vector2d left, right, half_pad;
};
GraspGlyph grasp_glyph(const PlanarGrasp& grasp, const CameraIntrinsics& camera, double opening, double finger_width);

/// Two finger bars across the closing axis, a line between them and a dot in the grasp's centre.
void draw_grasp(Canvas& canvas, const ImageView& view, const PlanarGrasp& grasp, const CameraIntrinsics& camera,
                const GlyphStyle& style);

struct RankedGrasp {
    PlanarGrasp grasp;
    double score = 0;   ///< what the colour shows
    std::string label;  ///< printed for the best grasp; may be empty
};

struct OverlayOptions {
    std::string title = {};
    double opening = 0.085, finger_width = 0.022;  ///< metres, as in GlyphStyle
    Mask mask = {};                                ///< outlined; 0 x 0: none
    std::string score_label = "success probability";
    bool low_is_good = false;                 ///< scores are energies
    std::optional<Limits> score_limits = {};  ///< of the colours; by default the scores' own
    int numbered = 5;                         ///< so many of the best grasps bear their rank
    bool zoom = true;                         ///< a panel at the right that shows the best grasp from near
    int size = 960;                           ///< pixels of the image's longer side as drawn, in [64, 4096]
};

/// The image with `grasps` (best first) as glyphs coloured by score, the best one thickest and on top, with a colour
/// bar. Grasps with a coordinate that is not finite, or without depth, are not drawn. Throws Error: empty image, or a
/// mask of another size.
Picture grasp_overlay(const DepthImage& image, std::span<const RankedGrasp> grasps, const OverlayOptions& options = {});

}  // namespace ebgrasp
