#include "ebgrasp/baselines/gqcnn_planner.hpp"

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/energy/gqcnn_runtime.hpp"
#include "ebgrasp/grasp/grasp_window.hpp"

namespace ebgrasp {
namespace {

std::vector<double> logits(const GqcnnRuntime& network, const DepthArray& view, std::span<const PlanarGrasp> grasps) {
    std::vector<float> windows(grasps.size() * window_pixels), depths(grasps.size());
    for (std::size_t i = 0; i < grasps.size(); ++i) {
        grasp_window(view, grasps[i], std::span(windows).subspan(i * window_pixels, window_pixels));
        depths[i] = static_cast<float>(grasps[i].depth);
    }
    const std::vector<float> logits = network.logits(windows, depths);
    return {logits.begin(), logits.end()};
}

}  // namespace

std::unique_ptr<GraspPlanner> load_gqcnn_planner(const std::string& path, Gripper gripper) {
    const Checkpoint checkpoint = read_checkpoint(path);
    require(checkpoint.model == "gqcnn", path, ": holds a model '", checkpoint.model, "', gqcnn-cem needs a 'gqcnn'");
    auto network = std::make_shared<GqcnnRuntime>(checkpoint);
    return std::make_unique<CrossEntropyPlanner>(
        "gqcnn-cem",
        [network](const DepthArray& view, std::span<const PlanarGrasp> grasps) {
            return logits(*network, view, grasps);
        },
        std::move(gripper), CrossEntropyOptions{}, static_cast<double>(network->multiply_adds()));
}

}  // namespace ebgrasp
