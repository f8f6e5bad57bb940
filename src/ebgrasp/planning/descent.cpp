#include "ebgrasp/planning/descent.hpp"

#include <limits>

#include "ebgrasp/core/random.hpp"

namespace ebgrasp {
namespace {

Eigen::Vector4d normal_vector(RandomStream& random) {
    Eigen::Vector4d n;
    for (double& x : n) x = random.normal();
    return n;
}

}  // namespace

std::vector<double> descend(const EncodedView& view, const CameraIntrinsics& camera, std::span<PlanarGrasp> grasps,
                            const DescentOptions& options, const std::function<void(PlanarGrasp&)>& project,
                            std::vector<std::vector<DescentStep>>* trace) {
    const bool slopes = options.search != Search::derivative_free;
    std::vector<PlanarGrasp> current(grasps.begin(), grasps.end());
    std::vector<double> energies(grasps.size()), lowest(grasps.size(), std::numeric_limits<double>::infinity());
    std::vector<GraspGradient> gradients(slopes ? grasps.size() : 0);
    std::vector<RandomStream> random;
    for (std::size_t i = 0; i < grasps.size(); ++i) random.emplace_back(options.seed, i);
    if (trace) trace->assign(grasps.size(), {});

    /// In units of S.
    const auto direction = [&](std::size_t i, const Eigen::Vector4d& scale, double cooled) -> Eigen::Vector4d {
        if (!slopes) return normal_vector(random[i]);
        const Eigen::Vector4d scaled = scale.cwiseProduct(gradients[i]);
        const double norm = scaled.norm();
        Eigen::Vector4d step = Eigen::Vector4d::Zero();
        if (norm >= 1e-12) step = -scaled / norm;
        if (options.search == Search::langevin) step += options.noise * cooled * normal_vector(random[i]);
        return step;
    };
    double rate = options.rate;
    for (int step = 0; step <= options.steps; ++step, rate *= options.decay) {
        view.evaluate(current, energies, gradients);
        const double cooled = 1.0 - step / std::max(1.0, double(options.steps));
        for (std::size_t i = 0; i < current.size(); ++i) {
            if (trace) (*trace)[i].push_back({current[i], energies[i]});
            if (energies[i] < lowest[i]) {
                lowest[i] = energies[i];
                grasps[i] = current[i];
            }
            if (step == options.steps) continue;
            PlanarGrasp& y = current[i];
            if (!slopes) y = grasps[i];
            const Eigen::Vector4d scale(options.translation * camera.fy / y.depth,
                                        options.translation * camera.fx / y.depth, options.depth, options.angle);
            const Eigen::Vector4d move = rate * scale.cwiseProduct(direction(i, scale, cooled));
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
