// The energy E(x, y) of a grasp y in a depth view x: lower is better. One interface for every network and runtime;
// the planner knows nothing else of them.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ebgrasp/grasp/grasp.hpp"
#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp {

/// The virtual camera that a model was trained behind: looking along the approach direction at the support plane.
/// Every input is resampled to it, so that the model sees its training scale whatever the user's camera.
struct ViewSpec {
    double focal_length = 525.0;  ///< pixels (Dex-Net's camera)
    double distance = 0.70;       ///< metres from the camera to the support plane
};

/// dE/d(row, col, depth, angle): per pixel, per pixel, per metre, per radian.
using GraspGradient = Eigen::Vector4d;

/// One view, encoded once; the energy of any number of grasps in it. Safe to evaluate from several threads.
class EncodedView {
  public:
    virtual ~EncodedView() = default;

    /// energies[i] = E(view, grasps[i]), and gradients[i] = dE/dy unless `gradients` is empty.
    /// Grasps are in the view's pixels; sizes of the spans must agree.
    virtual void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                          std::span<GraspGradient> gradients = {}) const = 0;

    /// Multiplications with addition that the network took to encode the view, and takes to read one energy; a gradient
    /// takes as much again. 0: not known.
    struct Cost {
        double encoding = 0;  ///< the view
        double reading = 0;   ///< one energy
    };
    /// Its cost.
    virtual Cost multiply_adds() const { return {}; }

    /// p(success) of each grasp; empty if the model is not calibrated. Unlike energies, which a contrast between the
    /// grasps of a scene leaves free up to a term of that scene, these compare grasps of different scenes.
    virtual std::vector<double> success_probabilities(std::span<const PlanarGrasp>) const { return {}; }
};

/// E, as every network and runtime gives it.
class EnergyModel {
  public:
    virtual ~EnergyModel() = default;

    /// Its file's, or whatever else tells models apart in reports.
    virtual std::string name() const = 0;
    /// The camera that encode() expects.
    virtual ViewSpec view() const = 0;

    /// Whether its encoded views know probabilities of success.
    virtual bool calibrated() const = 0;

    /// Encodes a view (no missing depth; its camera as view() says). `region` marks the pixels near which grasps of
    /// `gripper` will be asked for. The result keeps a reference to the model.
    virtual std::unique_ptr<EncodedView> encode(const DepthImage& view, const Mask& region,
                                                const Gripper& gripper) const = 0;
};

/// Loads any checkpoint of ours into the deployed runtime. Throws Error: missing, truncated, unknown format or version.
std::unique_ptr<EnergyModel> load_energy_model(const std::string& path);

}  // namespace ebgrasp
