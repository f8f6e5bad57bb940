// The dense energy field as an EnergyModel.
#pragma once

#include <memory>

#include "ebgrasp/energy/calibration.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/energy/field_runtime.hpp"

namespace ebgrasp {

/// Energies are the network's, in nats; probabilities are those of its success head, corrected by the calibration of
/// the checkpoint, which takes minus the logit for an energy. Without one the head is taken at its word.
class FieldEnergyModel : public EnergyModel {
  public:
    /// Throws Error as FieldRuntime and calibration_of do.
    explicit FieldEnergyModel(const Checkpoint& checkpoint);

    std::string name() const override { return "field"; }
    ViewSpec view() const override { return {}; }
    bool calibrated() const override { return true; }
    /// Throws Error: region and view differ in size, or the view has missing depth.
    std::unique_ptr<EncodedView> encode(const DepthImage& view, const Mask& region,
                                        const Gripper& gripper) const override;
    const FieldRuntime& runtime() const { return runtime_; }

  private:
    FieldRuntime runtime_;
    Calibration calibration_;
};

}  // namespace ebgrasp
