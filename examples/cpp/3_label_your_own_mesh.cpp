// Labels grasps on a mesh: how many hold, and which holds best.
//   3_label_your_own_mesh [MESH in metres]
// The twin of python/examples/3_label_your_own_mesh.py.
#include <ebgrasp/core/error.hpp>
#include <ebgrasp/geometry/procedural.hpp>
#include <ebgrasp/geometry/stable_poses.hpp>
#include <ebgrasp/labels/candidates.hpp>
#include <ebgrasp/labels/oracle.hpp>
#include <iostream>
#include <map>

using namespace ebgrasp;

namespace {

/// Two boxes that make an L.
Object letter() {
    ConvexPart upright = make_box({0.03, 0.08, 0.03}), foot = make_box({0.08, 0.03, 0.03});
    for (auto& vertex : foot.vertices) vertex += Eigen::Vector3d(0.025, 0.025, 0);
    return make_object("L", {upright, foot});
}

}  // namespace

int main(int argc, char** argv) try {
    const auto object = std::make_shared<const LabelObject>(argc > 1 ? read_object(argv[1]) : letter());
    const Gripper gripper = load_gripper("robotiq_2f85");
    const PosedLabelObject posed{object, stable_poses(object->object()).at(0).X_TO};  // its likeliest rest on the table

    RandomStream random(1);
    const auto grasps =
        antipodal_candidates(posed, -Eigen::Vector3d::UnitZ(), gripper.pad_friction, gripper, 200, random);
    const std::vector<double> openings(grasps.size(), 0.0);  // 0: the widest
    const auto labels = LabelOracle({posed}, gripper).label(grasps, openings, /*seed=*/1);

    std::map<std::string_view, int> verdicts;
    std::size_t best = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        ++verdicts[to_string(labels[i].verdict)];
        if (labels[i].success() && labels[i].robust_epsilon > labels[best].robust_epsilon) best = i;
    }
    for (const auto& [verdict, count] : verdicts) std::cout << verdict << " " << count << "\n";
    if (!labels.empty())
        std::cout << "best: robust epsilon " << labels[best].robust_epsilon << " at "
                  << grasps[best].translation().transpose() << " m\n";
} catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
}
