#include "depth_input.hpp"

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/log.hpp"
#include "ebgrasp/image/image_io.hpp"

namespace ebgrasp::app {

void DepthInput::declare(CLI::App& command) {
    command.add_option("--depth", depth, "Depth image: .npy (metres), 16-bit .png/.tiff (mm), organised .pcd/.ply")
        ->required();
    command.add_option("--intrinsics", intrinsics,
                       "Dex-Net .intr, ROS camera_info .yaml, or fx,fy,cx,cy (default: 525,525 for 640x480 images)");
    command.add_option("--mask", mask, "Grasp only where this image (.png, .npy) is not zero");
    command.add_option("--depth-scale", scale, "Metres per unit of the depth file")->check(CLI::PositiveNumber);
}

void ModelInput::declare(CLI::App& command) {
    command.add_option("--model", model, "Weights: a file, or the name of a shipped model")->capture_default_str();
    command.add_option("--gripper", gripper, "Gripper: a YAML file or a preset")->capture_default_str();
}

PlanRequest DepthInput::read() const {
    CameraIntrinsics camera;
    if (!intrinsics.empty())
        camera = read_intrinsics(intrinsics);
    else
        camera.height = camera.width = 0;
    PlanRequest request;
    request.image = read_depth_image(depth, camera, scale);
    if (intrinsics.empty()) {
        require(request.image.height() == 480 && request.image.width() == 640, depth, ": is ", request.image.width(),
                "x", request.image.height(),
                " and no --intrinsics are given; only 640x480 has a default (fx = fy = 525)");
        warn("no --intrinsics given: taking fx = fy = 525, cx = 319.5, cy = 239.5");
    }
    if (!mask.empty()) request.mask = read_mask(mask, request.image.height(), request.image.width());
    return request;
}

}  // namespace ebgrasp::app
