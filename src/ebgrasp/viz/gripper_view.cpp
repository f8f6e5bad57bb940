#include "ebgrasp/viz/gripper_view.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace ebgrasp {
namespace {

using Eigen::Vector2d;
using Eigen::Vector3d;

constexpr Color kSteel{176, 184, 194}, kPalm{148, 158, 170};
constexpr std::array<Color, 3> kAxisColors = {Color{200, 40, 40}, Color{20, 140, 60}, Color{30, 80, 210}};
constexpr std::array<const char*, 3> kAxisNames = {"x", "y", "z"};

std::string number(double value) {
    std::array<char, 32> text;
    std::snprintf(text.data(), text.size(), "%.4g", value);
    return text.data();
}

std::string millimetres(double metres) { return number(1000 * metres); }

void arrow(Canvas& canvas, const Vector2d& from, const Vector2d& to, Color color, double width) {
    const Vector2d along = to - from;
    if (along.norm() < 4 * width) return canvas.disc(from, 2 * width, color);  // it points at the viewer
    const Vector2d unit = along.normalized(), side(-unit.y(), unit.x());
    const double head = 4.5 * width;
    canvas.line(from, to - head * unit, color, width);
    const std::array<Vector2d, 3> tip = {to, to - head * unit + 0.45 * head * side,
                                         to - head * unit - 0.45 * head * side};
    canvas.polygon(tip, color);
}

// --- elevations with dimensions

/// A view along one of G's axes: `across` is the axis to the right, approach is down.
struct Elevation {
    Vector2d origin;  ///< of G on the canvas
    double scale;     ///< canvas pixels per metre
    Eigen::Index across;

    Vector2d at(double along_axis, double z) const { return origin + scale * Vector2d(along_axis, z); }
    Rect box(const Gripper::Box& box) const {
        const Vector2d half = scale * Vector2d(box.half_size[across], box.half_size.z());
        const Vector2d corner = at(box.center_G[across], box.center_G.z()) - half;
        return {corner.x(), corner.y(), 2 * half.x(), 2 * half.y()};
    }
};

constexpr double kFont = 19;

/// A dimension between two points, drawn `offset` pixels to their side (horizontally or vertically), with its label.
void dimension(Canvas& canvas, Vector2d from, Vector2d to, const Vector2d& offset, const std::string& label) {
    const bool horizontal = std::abs(offset.y()) > std::abs(offset.x());
    const Eigen::Index shared = horizontal ? 1 : 0;
    const double line_at =
        (offset[shared] > 0 ? std::max(from[shared], to[shared]) : std::min(from[shared], to[shared])) + offset[shared];
    Vector2d a = from, b = to;
    a[shared] = b[shared] = line_at;
    const Vector2d beyond = 6 * offset.normalized();
    canvas.line(from, a + beyond, kGridGray, 1);
    canvas.line(to, b + beyond, kGridGray, 1);
    canvas.line(a, b, kInk, 1.5);
    const Vector2d tick = 5 * (horizontal ? Vector2d(1, -1) : Vector2d(-1, 1));
    canvas.line(a - tick, a + tick, kInk, 1.5);
    canvas.line(b - tick, b + tick, kInk, 1.5);
    const Vector2d middle = (a + b) / 2;
    if (horizontal)
        canvas.text(middle + Vector2d(0, offset.y() > 0 ? 14 : -14), label, {.size = kFont, .anchor_x = 0.5});
    else
        canvas.text(middle + Vector2d(offset.x() > 0 ? 10 : -10, 0), label,
                    {.size = kFont, .anchor_x = offset.x() > 0 ? 0.0 : 1.0});
}

void draw_boxes(Canvas& canvas, const Elevation& view, const std::array<Gripper::Box, 3>& boxes) {
    for (const std::size_t i : {2, 0, 1}) {
        canvas.rectangle(view.box(boxes[i]), i == 2 ? kPalm : kSteel);
        canvas.outline(view.box(boxes[i]), kInk, 1.5);
    }
}

/// G's axes in an elevation: the one across, and the approach.
void draw_grasp_frame(Canvas& canvas, const Elevation& view) {
    const double length = 46;
    const auto axis = static_cast<std::size_t>(view.across);
    arrow(canvas, view.origin, view.origin + Vector2d(length, 0), kAxisColors[axis], 3);
    arrow(canvas, view.origin, view.origin + Vector2d(0, length), kAxisColors[2], 3);
    canvas.text(view.origin + Vector2d(length + 5, -8), kAxisNames[axis], {.size = kFont, .color = kAxisColors[axis]});
    canvas.text(view.origin + Vector2d(8, length), kAxisNames[2], {.size = kFont, .color = kAxisColors[2]});
    canvas.disc(view.origin, 5, kInk);
}

// --- the gripper from an angle

/// Parallel projection in which approach points downwards and the palm's back is seen.
class Projection {
  public:
    Projection(Vector2d origin, double scale) : origin_(origin), scale_(scale) {
        Eigen::Matrix3d upright;  // G to (right, down, into the picture)
        upright << Vector3d::UnitX(), -Vector3d::UnitZ(), Vector3d::UnitY();
        R_ = Eigen::AngleAxisd(0.42, Vector3d::UnitX()).toRotationMatrix() *
             Eigen::AngleAxisd(0.55, Vector3d::UnitY()).toRotationMatrix() * upright;
    }
    Vector2d at(const Vector3d& p_G) const { return origin_ + scale_ * (R_ * p_G).head<2>(); }
    bool faces_viewer(const Vector3d& normal_G) const { return (R_ * normal_G).z() < 0; }
    double depth(const Vector3d& p_G) const { return (R_ * p_G).z(); }

  private:
    Vector2d origin_;
    double scale_;
    Eigen::Matrix3d R_;
};

void draw_box(Canvas& canvas, const Projection& projection, const Gripper::Box& box, Color color) {
    for (Eigen::Index axis = 0; axis < 3; ++axis)
        for (const double side : {-1.0, 1.0}) {
            const Vector3d normal = side * Vector3d::Unit(axis);
            if (!projection.faces_viewer(normal)) continue;
            const Vector3d u = Vector3d::Unit((axis + 1) % 3).cwiseProduct(box.half_size);
            const Vector3d v = Vector3d::Unit((axis + 2) % 3).cwiseProduct(box.half_size);
            const Vector3d middle = box.center_G + normal.cwiseProduct(box.half_size);
            const std::array<Vector2d, 4> corners = {projection.at(middle + u + v), projection.at(middle - u + v),
                                                     projection.at(middle - u - v), projection.at(middle + u - v)};
            const double light = std::array{0.82, 1.0, 1.14}[static_cast<std::size_t>(axis)];
            const auto lit = [&](std::uint8_t c) { return static_cast<std::uint8_t>(std::min(255.0, light * c)); };
            canvas.polygon(corners, {lit(color.r), lit(color.g), lit(color.b)});
            canvas.polyline(corners, kInk, 1, true);
        }
}

const char* origin_text(GraspOrigin origin) {
    switch (origin) {
        case GraspOrigin::center:
            return "origin: grasp centre";
        case GraspOrigin::palm:
            return "origin: where the fingers begin";
        case GraspOrigin::base:
            return "origin: gripper base";
        case GraspOrigin::tcp:
            return "origin: TCP (centre + tcp_offset)";
    }
    return "";
}

}  // namespace

Picture gripper_drawing(const Gripper& gripper) {
    const auto boxes = gripper.boxes(gripper.max_opening);
    const double half_width = std::max(gripper.palm_size[0] / 2, gripper.max_opening / 2 + gripper.finger_thickness);
    const double half_depth = std::max(gripper.palm_size[1], gripper.finger_width) / 2;
    const double length = gripper.tip_offset + std::max(gripper.to_palm() + gripper.palm_size[2], gripper.to_base());
    const double margin = 150, width = 1240;
    const double scale = std::min((width - 5.1 * margin) / (2 * half_width + 2 * half_depth), 380 / length);
    const double top = 140;
    const double origin_y = top + scale * (length - gripper.tip_offset);
    const double height = top + scale * length + 140;

    Canvas canvas(static_cast<int>(std::lround(height)), static_cast<int>(width));
    canvas.text({24, 32}, gripper.name, {.size = 30, .bold = true});
    canvas.text({24, 68},
                "lengths in mm; pad friction " + number(gripper.pad_friction) + ", force up to " +
                    number(gripper.max_force) + " N, opening from " + millimetres(gripper.min_opening) + " to " +
                    millimetres(gripper.max_opening),
                {.size = kFont});

    const Elevation front{{1.75 * margin + scale * half_width, origin_y}, scale, 0};
    draw_boxes(canvas, front, boxes);
    draw_grasp_frame(canvas, front);
    const double pad = gripper.max_opening / 2, tip = gripper.tip_offset, root = tip - gripper.finger_length;
    const double back = root - gripper.palm_size[2], palm_x = gripper.palm_size[0] / 2;
    dimension(canvas, front.at(-palm_x, back), front.at(palm_x, back), {0, -24},
              "palm_size: x " + millimetres(gripper.palm_size[0]));
    dimension(canvas, front.at(-pad, tip), front.at(pad, tip), {0, 62},
              "max_opening " + millimetres(gripper.max_opening));
    const Vector2d outer = front.at(pad + gripper.finger_thickness, tip);
    dimension(canvas, front.at(pad, tip), outer, {0, 24}, "");
    canvas.text(outer + Vector2d(12, 24), "finger_thickness " + millimetres(gripper.finger_thickness), {.size = kFont});
    const double left = -half_width;
    dimension(canvas, front.at(left, back), front.at(left, root), {-24, 0}, "z " + millimetres(gripper.palm_size[2]));
    dimension(canvas, front.at(left, root), front.at(left, tip), {-24, 0},
              "finger_length " + millimetres(gripper.finger_length));
    canvas.text({front.origin.x(), height - 24}, "front", {.size = kFont, .anchor_x = 0.5, .bold = true});

    const Elevation side{{width - 1.9 * margin - scale * half_depth, origin_y}, scale, 1};
    draw_boxes(canvas, side, boxes);
    draw_grasp_frame(canvas, side);
    const double palm_y = gripper.palm_size[1] / 2, finger_y = gripper.finger_width / 2;
    dimension(canvas, side.at(-palm_y, back), side.at(palm_y, back), {0, -24},
              "y " + millimetres(gripper.palm_size[1]));
    dimension(canvas, side.at(-finger_y, tip), side.at(finger_y, tip), {0, 62},
              "finger_width " + millimetres(gripper.finger_width));
    dimension(canvas, side.at(half_depth, 0), side.at(half_depth, tip), {24, 0},
              "tip_offset " + millimetres(gripper.tip_offset));
    dimension(canvas, side.at(half_depth, -gripper.to_base()), side.at(half_depth, 0), {24, 0},
              "to base " + millimetres(gripper.to_base()));
    canvas.text({side.origin.x(), height - 24}, "side", {.size = kFont, .anchor_x = 0.5, .bold = true});
    return canvas.picture();
}

Picture convention_picture(const Gripper& gripper, const Convention& convention) {
    const double width = 430, height = 400;
    const double reach = std::max(gripper.palm_size[0], gripper.finger_length + gripper.palm_size[2]);
    const double scale = 270 / reach;
    const double above = std::max(gripper.to_base(), gripper.to_palm() + gripper.palm_size[2]);
    Canvas canvas(static_cast<int>(height), static_cast<int>(width));
    canvas.text({width / 2, 24}, convention.name, {.size = 24, .anchor_x = 0.5, .bold = true});
    canvas.text({width / 2, 52}, origin_text(convention.origin), {.size = 17, .anchor_x = 0.5});
    const Projection projection({width / 2 - 10, 125 + 0.92 * scale * above}, scale);

    auto boxes = gripper.boxes(gripper.max_opening);
    if (projection.depth(boxes[0].center_G) < projection.depth(boxes[1].center_G)) std::swap(boxes[0], boxes[1]);
    for (const std::size_t i : {0, 1, 2}) draw_box(canvas, projection, boxes[i], i == 2 ? kPalm : kSteel);  // far first

    const Eigen::Isometry3d X_GH = convention.frame(gripper);
    const Vector2d origin = projection.at(X_GH.translation());
    canvas.dashed_line(projection.at(Vector3d(0, 0, -above)), projection.at(Vector3d(0, 0, gripper.tip_offset)), kInk,
                       1, 6);
    canvas.disc(projection.at(Vector3d::Zero()), 4, kWhite);
    const double length = 72 / scale;
    for (const Eigen::Index axis : {1, 0, 2}) {
        const auto i = static_cast<std::size_t>(axis);
        const Vector2d tip = projection.at(X_GH * (length * Vector3d::Unit(axis)));
        arrow(canvas, origin, tip, kAxisColors[i], 4);
        canvas.text(tip + 14 * (tip - origin).normalized(), kAxisNames[i],
                    {.size = 22, .color = kAxisColors[i], .anchor_x = 0.5, .bold = true, .halo = kWhite});
    }
    canvas.disc(origin, 6, kInk);
    return canvas.picture();
}

Picture convention_sheet(const Gripper& gripper) {
    std::vector<Picture> panels;
    for (const Convention& convention : conventions()) panels.push_back(convention_picture(gripper, convention));
    return sheet(panels, 3);
}

}  // namespace ebgrasp
