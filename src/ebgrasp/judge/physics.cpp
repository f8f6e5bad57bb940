#include "ebgrasp/judge/protocol.hpp"
#include "ebgrasp/simulation/settle.hpp"

namespace ebgrasp {

Physics mujoco_physics(const Gripper& gripper, const TrialOptions& options) {
    const auto rest = [options](std::span<const PosedObject> objects, double walls) {
        return settle(objects, {.walls = walls,
                                .release_interval = walls > 0 ? 0.25 : 0,
                                .friction = options.object_friction,
                                .density = options.density});
    };
    const auto execute = [gripper, options](std::span<const PosedObject> scene, const Eigen::Isometry3d& X_WG,
                                            double opening, const std::function<void(const TrialFrame&)>& on_frame) {
        return TrialWorld(scene, gripper, options).run(X_WG, opening, on_frame);
    };
    return {rest, execute};
}

}  // namespace ebgrasp
