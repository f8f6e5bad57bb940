#include "ebgrasp/planning/jaws.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace ebgrasp {
namespace {

constexpr double table_noise = 0.002;      // metres by which the table's image may poke into the fingertips
constexpr double tip_clearance = 0.001;    // metres that the fingertips stay above what stands on the table
constexpr double palm_clearance = 0.003;   // metres that the palm stays above what is below it
constexpr double raised = 0.006;           // metres above the plane: no noise of the table's
constexpr double hidden_flank = 0.010;     // metres by which an object may go on beside what is seen of it
constexpr double max_unseen_share = 0.25;  // of the ground under a finger nearer to a contact than that
constexpr int max_lifts = 3;               // of a grasp whose palm would touch
constexpr double least_margin = 0.001;     // metres beside each contact when the jaws are open as wide as they can be
constexpr std::array approach_margins = {0.020, 0.012, 0.008, 0.005};  // metres beside each contact, widest first

using Eigen::Vector2d;

/// The grasp's centre, closing axis and its perpendicular as (x, y) in V, metres.
struct JawAxes {
    Vector2d center, closing, sideways;

    JawAxes(const Scene& scene, const PlanarGrasp& grasp)
        : center(scene.camera().deproject(grasp.row, grasp.col, grasp.depth).head<2>()),
          closing(std::cos(grasp.angle), std::sin(grasp.angle)),
          sideways(-std::sin(grasp.angle), std::cos(grasp.angle)) {}
    double height(const Scene& scene, double x, double y) const {
        return scene.elevation_at(center + x * closing + y * sideways);
    }
    bool seen(const Scene& scene, double x, double y) const {
        return scene.seen_at(center + x * closing + y * sideways);
    }
};

/// Highest surface in the rectangle [x0, x1] x [-y, y] (metres along the axes), borders included, at points no farther
/// apart than `step`.
double highest(const Scene& scene, const JawAxes& axes, double x0, double x1, double half_width, double step) {
    const int along = static_cast<int>(std::ceil((x1 - x0) / step)),
              across = static_cast<int>(std::ceil(2 * half_width / step));
    double top = 0.0;
    for (int i = 0; i <= along; ++i)
        for (int j = 0; j <= across; ++j)
            top = std::max(top, axes.height(scene, x0 + (x1 - x0) * i / along, half_width * (2.0 * j / across - 1)));
    return top;
}

/// Share of the rectangle that nothing is known of.
double unseen_share(const Scene& scene, const JawAxes& axes, double x0, double x1, double half_width, double step) {
    int points = 0, unseen = 0;
    for (double x = x0; x <= x1; x += step)
        for (double y = -half_width; y <= half_width; y += step, ++points) unseen += !axes.seen(scene, x, y);
    return points > 0 ? static_cast<double>(unseen) / points : 0.0;
}

/// Where a pad meets the surface.
struct PadContact {
    double distance;  ///< from the grasp centre along the closing axis, metres
    double slope;     ///< of the surface against the pad: d distance / d sideways
    double lag;       ///< metres that the middle of the pad is then still away from the surface
};

/// The jaw on side `side` (+1 or -1) comes in from `reach` until its pad meets a surface higher than `level`. Three
/// lines across the pad tell the surface's slope.
std::optional<PadContact> close_jaw(const Scene& scene, const JawAxes& axes, const Gripper& gripper, double side,
                                    double reach, double level, double step) {
    const auto meet = [&](double y) {
        double x = reach;
        while (x > -reach && axes.height(scene, side * x, y) <= level) x -= step;
        return x;
    };
    const double pad = 0.25 * gripper.finger_width;
    const std::array<double, 3> distances = {meet(-pad), meet(0), meet(pad)};
    const double first = *std::ranges::max_element(distances);
    if (first <= -reach) return std::nullopt;
    // A line that misses the part of the surface that the pad meets first (beyond a corner, say) tells nothing of its
    // slope.
    const auto near = [&](double distance) { return first - distance < 2 * pad; };
    double slope = 0.0;
    if (near(distances[0]) && near(distances[2]))
        slope = (distances[2] - distances[0]) / (2 * pad);
    else if (near(distances[0]) && near(distances[1]))
        slope = (distances[1] - distances[0]) / pad;
    else if (near(distances[1]) && near(distances[2]))
        slope = (distances[2] - distances[1]) / pad;
    return PadContact{first, slope, first - distances[1]};
}

/// fit_jaws, by lifting the grasp at most `lifts` times.
JawFit fit_jaws(const Scene& scene, const Gripper& gripper, PlanarGrasp& grasp, int lifts) {
    const double level = scene.plane_depth - grasp.depth;  // height of the grasp centre above the plane
    const double step = 1.0 / scene.pixels_per_metre(scene.plane_depth);
    if (level < lowest_center(gripper) - 1e-9) return JawFit::below_table;

    const JawAxes axes(scene, grasp);
    const double reach = 0.5 * gripper.max_opening;
    const auto right = close_jaw(scene, axes, gripper, +1, reach, level, step);
    const auto left = close_jaw(scene, axes, gripper, -1, reach, level, step);
    if (!right || !left || right->distance + left->distance < step) return JawFit::no_contact;
    if (right->distance >= reach || left->distance >= reach) return JawFit::too_wide;
    if (std::max(std::abs(right->slope), std::abs(left->slope)) > gripper.pad_friction) return JawFit::slips;
    if (std::max(right->lag, left->lag) > pad_tolerance + step) return JawFit::uneven;

    JawAxes fitted_axes = axes;
    fitted_axes.center += 0.5 * (right->distance - left->distance) * axes.closing;
    if (fitted_axes.height(scene, 0, 0) < level + surface_margin) return JawFit::above_surface;
    PlanarGrasp fitted = grasp;
    const Vector2d pixel = scene.camera().project({fitted_axes.center.x(), fitted_axes.center.y(), grasp.depth});
    fitted.row = pixel.x();
    fitted.col = pixel.y();
    const double contacts =
        right->distance + left->distance + step;  // the pixel grid hides up to half a step on each side
    const double tips = level - gripper.tip_offset;
    const double solid = tips > raised ? tips - tip_clearance : tips + table_noise;  // what is higher is in the way
    // From the outside of the open finger to where its pad touches, short of what it may touch before.
    const auto fingers_free = [&](double opening) {
        const double inner = 0.5 * contacts + pad_tolerance, outer = 0.5 * opening + gripper.finger_thickness,
                     half = 0.5 * gripper.finger_width;
        return highest(scene, fitted_axes, inner, outer, half, step) < solid &&
               highest(scene, fitted_axes, -outer, -inner, half, step) < solid;
    };
    // Beside a contact the object may go on, behind its edge, where a finger comes down on ground that was not seen.
    const auto blind = [&](double opening) {
        const double inner = 0.5 * opening, outer = inner + gripper.finger_thickness, half = 0.5 * gripper.finger_width;
        return opening < contacts + 2 * hidden_flank &&
               std::max(unseen_share(scene, fitted_axes, inner, outer, half, step),
                        unseen_share(scene, fitted_axes, -outer, -inner, half, step)) > max_unseen_share;
    };
    JawFit obstacle = JawFit::too_wide;
    for (const double margin : approach_margins) {
        const double opening = std::min(gripper.max_opening, contacts + 2 * margin);
        if (opening < contacts + 2 * least_margin) continue;
        obstacle = !fingers_free(opening) ? JawFit::finger_collision : blind(opening) ? JawFit::unseen : JawFit::free;
        if (obstacle != JawFit::free) continue;
        fitted.width = std::max(opening, gripper.min_opening);
        break;
    }
    if (obstacle != JawFit::free) return obstacle;

    const double palm = level + gripper.to_palm() - palm_clearance;
    const double palm_x = 0.5 * gripper.palm_size[0], palm_y = 0.5 * gripper.palm_size[1];
    const double excess =
        scene.tallest > palm ? highest(scene, fitted_axes, -palm_x, palm_x, palm_y, 2 * step) - palm : 0;
    if (excess > 0) {  // as deep as the palm lets it
        fitted.depth -= excess + 1e-6;
        if (lifts == 0 || fit_jaws(scene, gripper, fitted, lifts - 1) != JawFit::free) return JawFit::palm_collision;
    }
    grasp = fitted;
    return JawFit::free;
}

}  // namespace

std::function<void(PlanarGrasp&)> admissible_grasps(const Scene& scene, const Gripper& gripper) {
    const double deepest = scene.plane_depth - lowest_center(gripper);
    const double shallowest = std::min<double>(deepest, scene.view.image.depth.minCoeff());
    const auto rows = static_cast<double>(scene.height.rows()), cols = static_cast<double>(scene.height.cols());
    return [=](PlanarGrasp& y) {
        y.row = std::clamp(y.row, 0.0, rows - 1);
        y.col = std::clamp(y.col, 0.0, cols - 1);
        y.depth = std::clamp(y.depth, shallowest, deepest);
    };
}

std::string_view to_string(JawFit fit) {
    switch (fit) {
        case JawFit::free:
            return "free";
        case JawFit::below_table:
            return "below_table";
        case JawFit::above_surface:
            return "above_surface";
        case JawFit::no_contact:
            return "no_contact";
        case JawFit::too_wide:
            return "too_wide";
        case JawFit::slips:
            return "slips";
        case JawFit::uneven:
            return "uneven";
        case JawFit::finger_collision:
            return "finger_collision";
        case JawFit::unseen:
            return "unseen";
        case JawFit::palm_collision:
            return "palm_collision";
    }
    return "unknown";
}

JawFit fit_jaws(const Scene& scene, const Gripper& gripper, PlanarGrasp& grasp) {
    return fit_jaws(scene, gripper, grasp, max_lifts);
}

}  // namespace ebgrasp
