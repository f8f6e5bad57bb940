#include "ebgrasp/generation/window_generator.hpp"

#include <algorithm>
#include <array>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/generation/labelled_grasps.hpp"
#include "ebgrasp/grasp/grasp_window.hpp"
#include "ebgrasp/image/window.hpp"

namespace ebgrasp {
namespace {

/// Image pixels around the shared window within which the windows of all grasps in it lie: half the diagonal of a crop,
/// and those that rounding and interpolation reach for.
constexpr int grasp_window_margin = 70;
static_assert(grasp_window_margin > window_span / 1.4142 + 1);

/// The image region that a window spans, and `margin` pixels around it, as a camera of its own.
CameraIntrinsics window_camera(const CameraIntrinsics& camera, int first_row, int first_col, int margin) {
    CameraIntrinsics window = camera;
    window.height = window.width = window_span + 2 * margin;
    window.cx -= first_col - margin;
    window.cy -= first_row - margin;
    return window;
}

/// The depth at which the camera sees the bare table.
float table_depth(const Eigen::Isometry3d& X_WC, const CameraIntrinsics& camera, int row, int col) {
    const Eigen::Vector3d ray_C = camera.deproject(row, col, 1.0);
    const double fall = (X_WC.rotation() * ray_C).z();
    return fall < 0 ? static_cast<float>(-X_WC.translation().z() / fall) : 0.0f;
}

/// Noisy depth in which the table fills what is missing.
DepthArray render(const std::vector<PosedLabelObject>& scene, const Eigen::Isometry3d& X_WC,
                  const CameraIntrinsics& camera, const NoiseParameters& noise, RandomStream& random) {
    std::vector<PosedObject> posed;
    for (const PosedLabelObject& object : scene) posed.push_back({&object.object->object(), object.X_WO});
    DepthImage image = render_depth(posed, X_WC, camera).image;
    add_noise(image, noise, random);
    for (int row = 0; row < image.height(); ++row)
        for (int col = 0; col < image.width(); ++col)
            if (!is_depth(image.depth(row, col))) image.depth(row, col) = table_depth(X_WC, camera, row, col);
    return std::move(image.depth);
}

/// Appends the grasp's own window.
void append_grasp_window(std::vector<std::uint16_t>& windows, const DepthArray& depth, const PlanarGrasp& grasp) {
    std::array<float, window_pixels> window;
    grasp_window(depth, grasp, window);
    for (const float z : window) {
        windows.push_back(store_depth(z));
        require(windows.back() > 0, "a depth of ", z, " m does not fit grasp_windows, which reach from 0 to ",
                65535 * stored_depth_unit, " m; lower camera.max_distance or camera.max_elevation");
    }
}

}  // namespace

WindowExamples generate_window(const SceneSampler& sampler, const Gripper& gripper, const GenerationConfig& config,
                               RandomStream random) {
    const auto scene = sampler.sample(random);
    const std::size_t target = scene.size() > 1 ? random.index(scene.size()) : 0;
    const Eigen::Isometry3d X_WC = sample_camera(config.camera, random);
    const Eigen::Isometry3d X_CW = X_WC.inverse();

    const LabelOracle oracle(label_scene(scene, sampler.objects()), gripper, config.labels);
    auto grasps = label_candidates(oracle, target, X_WC.rotation().col(2),
                                   static_cast<std::size_t>(config.candidates_per_window), gripper, config, random);

    const PosedLabelObject& object = oracle.scene()[target];
    const Eigen::Vector3d center_C = X_CW * object.X_WO * object.object->object().bounds().center();
    const Eigen::Vector2d center = config.camera.intrinsics.project(center_C);
    const auto jitter = [&] { return random.uniform(-config.window_jitter, config.window_jitter); };
    const int first_row = window_origin(center.x() + jitter()), first_col = window_origin(center.y() + jitter());
    const int margin = config.grasp_windows ? grasp_window_margin : 0;
    const CameraIntrinsics camera = window_camera(config.camera.intrinsics, first_row, first_col, margin);
    const auto seen = [&](const LabelledGrasp& grasp) { return planar_grasp(X_CW * grasp.X_WG, camera, 0); };
    const auto in_window = [&](double pixel) { return (pixel - margin) / window_stride; };

    std::erase_if(grasps, [&](const LabelledGrasp& grasp) {
        const PlanarGrasp y = seen(grasp);
        const auto outside = [](double pixel) { return pixel < 0 || pixel > window_size - 1; };
        return outside(in_window(y.row)) || outside(in_window(y.col));
    });
    keep_balanced(grasps, static_cast<std::size_t>(config.grasps_per_window), config.positive_share, random);
    WindowExamples examples;
    if (grasps.empty()) return examples;
    for (const auto& grasp : grasps) {
        const PlanarGrasp y = seen(grasp);
        for (const double value : {in_window(y.row), in_window(y.col), y.depth, y.angle, grasp.label.opening})
            examples.grasps.push_back(static_cast<float>(value));
        examples.grasp_window.push_back(0);
        examples.robust_epsilon.push_back(static_cast<float>(grasp.label.robust_epsilon));
        examples.epsilon.push_back(static_cast<float>(grasp.label.epsilon));
        examples.verdict.push_back(static_cast<std::uint8_t>(grasp.label.verdict));
    }
    const DepthArray depth = render(oracle.scene(), X_WC, camera, config.noise, random);
    examples.windows.resize(window_pixels);
    sample_window(depth, margin, margin, examples.windows);
    if (config.grasp_windows)
        for (const auto& grasp : grasps) append_grasp_window(examples.grasp_windows, depth, seen(grasp));
    examples.window_object.push_back(static_cast<std::int32_t>(scene[target].index));
    return examples;
}

}  // namespace ebgrasp
