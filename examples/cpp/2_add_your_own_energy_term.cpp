// Adds a term of one's own to the energy that the search descends: "where the object is tall".
//   2_add_your_own_energy_term MODEL.safetensors
// planning/energy_terms.hpp has terms for masks, boxes, points and angles.
#include <algorithm>
#include <ebgrasp/core/error.hpp>
#include <ebgrasp/planning/planner.hpp>
#include <iostream>

using namespace ebgrasp;

namespace {

/// A step: 20 mm high to the left, 50 mm to the right.
DepthImage step() {
    DepthImage image{DepthArray::Constant(480, 640, 0.70f), CameraIntrinsics{}};
    image.depth.block(225, 270, 30, 50) = 0.68f;
    image.depth.block(225, 320, 30, 50) = 0.65f;
    return image;
}

/// The cost of a grasp: centimetres by which the surface under it is lower than the scene's highest. Never negative;
/// the weight says how much energy a centimetre is worth (the seed's energies differ by about ten).
EnergyTerm tall(double weight) {
    return {"tall", weight, [](const Scene& scene) {
                const double highest = scene.height.maxCoeff();
                return [&scene, highest](const PlanarGrasp& y) {
                    return 100 * std::max(0.0, highest - scene.height_at(y.row, y.col));
                };
            }};
}

}  // namespace

int main(int, char** argv) try {
    const Planner planner(load_energy_model(argv[1]), load_gripper("robotiq_2f85"));
    for (const double weight : {0.0, 100.0}) {
        PlanRequest request{.image = step(), .mask = {}, .count = 1};
        request.terms = {tall(weight)};
        const PlanResult result = planner.plan(request);
        if (result.grasps.empty()) fail("no grasp: ", result.reason);
        const PlanarGrasp& grasp = result.grasps[0].grasp;
        std::cout << "weight " << weight << ": grasps at column " << grasp.col << ", on the "
                  << (grasp.col > 319.5 ? "high" : "low") << " side\n";
    }
} catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
}
