// Constraints and wishes as terms added to the energy during the search, not as filters after it: a grasp that breaks
// one slides down until it does not.
//
//   request.terms = {keep_out(mask, 0.01), preferred_angle(0.0)};
//
// A term of your own is a name, a weight and a function of the scene that gives a function of the grasp:
//
//   EnergyTerm centred{"centred", 2.0, [](const Scene& scene) {
//       const double middle = 0.5 * scene.view.image.width();
//       return [=](const PlanarGrasp& y) { return std::abs(y.col - middle) / middle; };
//   }};
#pragma once

#include <Eigen/Geometry>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/planning/scene.hpp"

namespace ebgrasp {

/// The cost of a grasp in the scene's overhead view; >= 0, 0 where there is nothing to complain of, rising on the way
/// out, so that its slope points back. Called from several threads.
using GraspCost = std::function<double(const PlanarGrasp&)>;

/// A wish: weight * cost is added to the energy of every grasp.
struct EnergyTerm {
    std::string name;     ///< for messages
    double weight = 1.0;  ///< energy per unit of cost; the field's energies are in nats
    /// Made once for each scene, which outlives the cost.
    std::function<GraspCost(const Scene&)> bind;
};

/// Distance of the grasp centre from the non-zero pixels of `mask` (the request's image), centimetres.
EnergyTerm target_mask(Mask mask, double weight = 10.0);
/// The same from the scene's region: what the request's own mask asks for.
EnergyTerm stay_in_region(double weight = 10.0);
/// How much closer than `margin` metres a finger or the centre comes to the non-zero pixels of `mask` (the request's
/// image), centimetres.
EnergyTerm keep_out(Mask mask, const Gripper& gripper, double margin = 0.01, double weight = 10.0);
/// Distance of the grasp centre from a box, centimetres; the box is given in a frame B with pose X_CB in the camera's.
EnergyTerm workspace_box(const Eigen::AlignedBox3d& box_B,
                         const Eigen::Isometry3d& X_CB = Eigen::Isometry3d::Identity(), double weight = 10.0);
/// (1 - cos 2(angle - wanted)) / 2 of the closing axis in the image plane, from +col towards +row, radians: 0 at the
/// wanted angle, 1 across it.
EnergyTerm preferred_angle(double angle, double weight = 2.0);
/// Distance of the grasp centre from the point p_C (camera frame, metres) beyond `radius` metres, centimetres.
EnergyTerm near_point(const Eigen::Vector3d& p_C, double radius = 0.0, double weight = 1.0);
/// Mean height by which the surface within `clearance` metres of the fingers, open at their widest, rises above their
/// tips, centimetres.
EnergyTerm minimum_clearance(double clearance, const Gripper& gripper, double weight = 2.0);

/// Terms by name, for files and the command line. `read_mask(path)` reads a mask of the image's size. A list of
///   {"type": "target" | "keep_out", "mask": FILE, ("margin": metres)}
///   {"type": "workspace", "min": [x, y, z], "max": [x, y, z]}          camera frame, metres
///   {"type": "angle", "angle": radians}
///   {"type": "near", "point": [x, y, z], ("radius": metres)}          camera frame
///   {"type": "clearance", "metres": metres}
/// each with an optional "weight". Throws Error naming the term and the field.
std::vector<EnergyTerm> parse_energy_terms(const nlohmann::json& list, const Gripper& gripper,
                                           const std::function<Mask(const std::string&)>& read_mask);

/// The model's view with the terms added: E(y) + sum of weight * cost(y), with gradients by central differences of the
/// costs. `scene` must outlive it.
std::shared_ptr<const EncodedView> with_terms(std::shared_ptr<const EncodedView> view, const Scene& scene,
                                              std::span<const EnergyTerm> terms);

}  // namespace ebgrasp
