#include "trial_movie.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/viz/contact_sheet.hpp"
#include "ebgrasp/viz/movie.hpp"
#include "ebgrasp/viz/overlay.hpp"
#include "ebgrasp/viz/shaded_view.hpp"

namespace ebgrasp::app {
namespace {

using Eigen::Isometry3d;
using Eigen::Vector3d;

constexpr int fps = 25;                                            // TrialWorld's frames per simulated second
constexpr int hold = 25;                                           // frames for which the plan and the outcome stay
constexpr int panel_width = 640, panel_height = 480, header = 64;  // pixels
constexpr double camera_zoom = 1.6;  // of what the camera sees, about the middle of the workspace
constexpr Color table_color{232, 229, 222}, finger_color{92, 96, 106}, palm_color{136, 140, 148};

/// An attempt, kept from what a spectator is shown.
struct Attempt {
    std::vector<PosedObject> scene;
    std::vector<int> ids;
    Isometry3d X_WC;
    DepthImage image;
    std::optional<PlannedGrasp> grasp;
    AttemptRecord record;
    std::vector<TrialFrame> frames;

    explicit Attempt(const AttemptView& view)
        : scene(view.scene.begin(), view.scene.end()),
          ids(view.ids.begin(), view.ids.end()),
          X_WC(view.situation.X_WC),
          image(view.situation.request.image),
          record(view.record),
          frames(view.frames.begin(), view.frames.end()) {
        if (!view.plan.grasps.empty()) grasp = view.plan.grasps.front();
    }
};

/// A camera at `from` that looks at `target` with z of the world upwards.
Isometry3d look_at(const Vector3d& from, const Vector3d& target) {
    const Vector3d z = (target - from).normalized();
    const Vector3d x = z.cross(Vector3d::UnitZ()).normalized();
    Isometry3d X = Isometry3d::Identity();
    X.linear() << x, z.cross(x), z;
    X.translation() = from;
    return X;
}

CameraIntrinsics camera_of(int height, int width, double focal_length) {
    return {height, width, focal_length, focal_length, (width - 1) / 2.0, (height - 1) / 2.0};
}

/// Two samples per pixel in each direction, as a Canvas has.
CameraIntrinsics doubled(const CameraIntrinsics& camera) {
    return {2 * camera.height, 2 * camera.width,    2 * camera.fx,
            2 * camera.fy,     2 * camera.cx + 0.5, 2 * camera.cy + 0.5};
}

/// The parts of the gripper as objects.
class GripperModel {
  public:
    explicit GripperModel(const Gripper& gripper) : gripper_(gripper) {
        for (const Gripper::Box& box : gripper.boxes(0))
            parts_.push_back(make_object("gripper", {make_box(2 * box.half_size)}));
    }

    /// Adds the fingers, and the palm as well if `whole`.
    void add_to(std::vector<PosedObject>& scene, const Isometry3d& X_WG, double opening, bool whole) const {
        const auto boxes = gripper_.boxes(opening);
        for (std::size_t i = 0; i < (whole ? boxes.size() : 2); ++i)
            scene.push_back({&parts_[i], X_WG * Eigen::Translation3d(boxes[i].center_G)});
    }

  private:
    Gripper gripper_;
    std::vector<Object> parts_;  ///< left finger, right finger, palm
};

class Film {
  public:
    Film(std::vector<Attempt> attempts, const Gripper& gripper, std::string title)
        : attempts_(std::move(attempts)), gripper_(gripper), model_(gripper), title_(std::move(title)) {
        for (const Attempt& attempt : attempts_) {
            add({&attempt, nullptr, false}, hold);
            for (const TrialFrame& moment : attempt.frames) add({&attempt, &moment, false}, 1);
            add({&attempt, attempt.frames.empty() ? nullptr : &attempt.frames.back(), true}, hold);
        }
    }

    int length() const { return static_cast<int>(shots_.size()); }

    /// Frames are asked for in order; what stays is drawn once.
    const Picture& frame(int number) {
        const Shot& shot = shots_[static_cast<std::size_t>(number)];
        if (picture_.rgb.empty() || shot != drawn_) picture_ = draw(shot);
        drawn_ = shot;
        return picture_;
    }

  private:
    struct Shot {
        const Attempt* attempt;
        const TrialFrame* moment;  ///< none: nothing has moved yet
        bool over;                 ///< the outcome is known
        bool operator==(const Shot&) const = default;
    };

    void add(const Shot& shot, int frames) { shots_.insert(shots_.end(), static_cast<std::size_t>(frames), shot); }

    Picture draw(const Shot& shot) const {
        const Attempt& attempt = *shot.attempt;
        const TrialFrame* moment = shot.moment;
        Canvas canvas(header + panel_height, 2 * panel_width);
        draw_header(canvas, attempt, moment ? moment->phase : "plan", shot.over);
        const Rect left{0, header, panel_width, panel_height}, right{panel_width, header, panel_width, panel_height};
        if (moment) {
            draw_scene(canvas, left, attempt, moment, attempt.X_WC, zoomed(attempt).camera, false);
        } else {
            canvas.clip(left);
            draw_depth(canvas, zoomed(attempt).view, attempt.image, depth_contrast(attempt.image));
            canvas.unclip();
        }
        draw_chosen_grasp(canvas, left, attempt);
        draw_scene(canvas, right, attempt, moment, side_view(attempt), camera_of(panel_height, panel_width, 800), true);
        canvas.line(right.corner(), {right.x, right.bottom()}, kWhite, 2);
        caption(canvas, left, moment ? "camera, palm left out" : "camera: depth");
        caption(canvas, right, "side");
        return canvas.picture();
    }

    void draw_header(Canvas& canvas, const Attempt& attempt, std::string_view phase, bool over) const {
        std::string text = title_;
        if (attempts_.size() > 1) text += fmt::format(", attempt {}", &attempt - attempts_.data() + 1);
        if (attempt.grasp) {
            text += fmt::format(", energy {:.3g}", attempt.grasp->energy);
            if (attempt.grasp->success_probability)
                text += fmt::format(", p {:.2f}", *attempt.grasp->success_probability);
        }
        const double room = 2 * panel_width - 280, size = 24;
        canvas.text({16, header / 2.0}, text, {.size = size * std::min(1.0, room / text_width(text, {.size = size}))});
        const Color color = !over ? kInk : attempt.record.success() ? kSuccessColor : kFailureColor;
        canvas.text({2.0 * panel_width - 16, header / 2.0}, over ? attempt.record.mode : std::string(phase),
                    {.size = 30, .color = color, .anchor_x = 1, .bold = true});
    }

    static void caption(Canvas& canvas, const Rect& panel, const std::string& text) {
        canvas.text({panel.x + 12, panel.bottom() - 18}, text, {.size = 18, .halo = kWhite});
    }

    /// The part of the camera's image that the left panel shows: a camera for the renderer, a view for drawing.
    struct Zoomed {
        CameraIntrinsics camera;
        ImageView view;
    };
    static Zoomed zoomed(const Attempt& attempt) {
        const CameraIntrinsics& camera = attempt.image.camera;
        const double zoom =
            camera_zoom * std::min(double(panel_width) / camera.width, double(panel_height) / camera.height);
        const Vector3d middle_C = attempt.X_WC.inverse() * Vector3d(0, 0, 0);
        const Eigen::Vector2d middle = camera.project(middle_C);  // row, col
        const double row = middle.x() - panel_height / zoom / 2, col = middle.y() - panel_width / zoom / 2;
        return {{panel_height, panel_width, zoom * camera.fx, zoom * camera.fy, zoom * (camera.cx - col) - 0.5,
                 zoom * (camera.cy - row) - 0.5},
                {{0, header, panel_width, panel_height}, zoom, row, col}};
    }

    void draw_chosen_grasp(Canvas& canvas, const Rect& panel, const Attempt& attempt) const {
        if (!attempt.grasp) return;
        const CameraIntrinsics& camera = attempt.image.camera;
        canvas.clip(panel);
        draw_grasp(canvas, zoomed(attempt).view, planar_grasp(attempt.grasp->X_CG, camera, attempt.grasp->grasp.width),
                   camera, {gripper_.max_opening, gripper_.finger_width});
        canvas.unclip();
    }

    /// From where the jaws are seen to close, a little from above.
    static Isometry3d side_view(const Attempt& attempt) {
        Vector3d target(0, 0, 0), along(0, -1, 0);
        if (attempt.grasp && !attempt.frames.empty()) {
            const Isometry3d X_WG = attempt.X_WC * attempt.grasp->X_CG;
            target.head<2>() = 0.5 * X_WG.translation().head<2>();  // what stands around is seen, too
            const Vector3d y_W = X_WG.linear().col(1);
            if (y_W.head<2>().norm() > 0.1) along = Vector3d(y_W.x(), y_W.y(), 0).normalized();
            if (along.y() > 0) along = -along;  // the side changes little from attempt to attempt
        }
        target.z() = 0.14;
        const Vector3d direction = Eigen::AngleAxisd(0.35, Vector3d::UnitZ()) * along + Vector3d(0, 0, 0.45);
        return look_at(target + 0.8 * direction.normalized(), target);
    }

    void draw_scene(Canvas& canvas, const Rect& panel, const Attempt& attempt, const TrialFrame* moment,
                    const Isometry3d& X_WC, const CameraIntrinsics& camera, bool palm) const {
        std::vector<PosedObject> scene = attempt.scene;
        std::vector<Color> colors = {table_color};
        for (const int id : attempt.ids) colors.push_back(series_color(static_cast<std::size_t>(id)));
        if (moment) {
            for (std::size_t i = 0; i < scene.size(); ++i) scene[i].X_WO = moment->X_WO.at(i);
            model_.add_to(scene, moment->X_WG, moment->opening, palm);
            colors.insert(colors.end(), {finger_color, finger_color, palm_color});
        }
        const Isometry3d X_WL = look_at({0.35, -0.45, 1.1}, {0, 0, 0});
        const Lamp lamp{render_depth(scene, X_WL, camera_of(1000, 1000, 1000)).image, X_WC.inverse() * X_WL};
        const auto [image, instances] = render_depth(scene, X_WC, doubled(camera));
        const Picture picture = shaded_view(image, instances, colors, lamp);
        canvas.shade(panel, [&](double x, double y) {
            return picture.at(static_cast<int>(2 * (y - panel.y)), static_cast<int>(2 * (x - panel.x)));
        });
    }

    std::vector<Attempt> attempts_;
    Gripper gripper_;
    GripperModel model_;
    std::string title_;
    std::vector<Shot> shots_;  ///< of every frame
    Picture picture_;          ///< the last one drawn, of the shot ...
    Shot drawn_{};
};

}  // namespace

void write_trial_movie(const std::string& path, const Protocol& protocol, const Contestant& contestant,
                       std::size_t trial, const Gripper& gripper) {
    std::vector<Attempt> attempts;
    protocol.play(protocol.open(trial), contestant, [&](const AttemptView& view) { attempts.emplace_back(view); });
    Film film(std::move(attempts), gripper, fmt::format("{}, trial {}", contestant.name(), trial));
    write_movie(path, film.length(), fps, [&](int frame) { return film.frame(frame); });
}

}  // namespace ebgrasp::app
