#include "ebgrasp/planning/descent.hpp"

#include <limits>

namespace ebgrasp {

std::vector<double> descend(const EncodedView& view, const CameraIntrinsics& camera, std::span<PlanarGrasp> grasps,
                            const DescentOptions& options, const std::function<void(PlanarGrasp&)>& project,
                            std::vector<std::vector<DescentStep>>* trace) {
    std::vector<PlanarGrasp> current(grasps.begin(), grasps.end());
    std::vector<double> energies(grasps.size()), lowest(grasps.size(), std::numeric_limits<double>::infinity());
    std::vector<GraspGradient> gradients(grasps.size());
    if (trace) trace->assign(grasps.size(), {});

    double rate = options.rate;
    for (int step = 0; step <= options.steps; ++step, rate *= options.decay) {
        view.evaluate(current, energies, gradients);
        for (std::size_t i = 0; i < current.size(); ++i) {
            if (trace) (*trace)[i].push_back({current[i], energies[i]});
            if (energies[i] < lowest[i]) {
                lowest[i] = energies[i];
                grasps[i] = current[i];
            }
            PlanarGrasp& y = current[i];
            const Eigen::Vector4d scale(options.translation * camera.fy / y.depth,
                                        options.translation * camera.fx / y.depth, options.depth, options.angle);
            const Eigen::Vector4d scaled = scale.cwiseProduct(gradients[i]);
            const double norm = scaled.norm();
            if (norm < 1e-12) continue;
            const Eigen::Vector4d move = -rate * scale.cwiseProduct(scaled) / norm;
            y.row += move[0];
            y.col += move[1];
            y.depth += move[2];
            y.angle = wrap_angle(y.angle + move[3]);
            if (project) project(y);
        }
    }
    return lowest;
}

}  // namespace ebgrasp
