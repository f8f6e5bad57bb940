#include "ebgrasp/energy/field_model.hpp"

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

class FieldView : public EncodedView {
  public:
    FieldView(const FieldRuntime& runtime, const Calibration& calibration, FieldCode code, const Gripper& gripper)
        : runtime_(runtime), calibration_(calibration), code_(std::move(code)), gripper_(gripper) {}

    void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                  std::span<GraspGradient> gradients) const override {
        runtime_.evaluate(code_, gripper_, grasps, energies, {}, gradients);
    }

    Cost multiply_adds() const override {
        return {runtime_.encoder_multiply_adds(static_cast<int>(code_.grid.depth.rows()),
                                               static_cast<int>(code_.grid.depth.cols())),
                FieldRuntime::reader_multiply_adds};
    }

    std::vector<double> success_probabilities(std::span<const PlanarGrasp> grasps) const override {
        std::vector<double> values(grasps.size());
        runtime_.evaluate(code_, gripper_, grasps, {}, values, {});
        for (double& value : values) value = calibration_.probability(-value);
        return values;
    }

  private:
    const FieldRuntime& runtime_;
    const Calibration& calibration_;
    FieldCode code_;
    Gripper gripper_;
};

}  // namespace

FieldEnergyModel::FieldEnergyModel(const Checkpoint& checkpoint)
    : runtime_(checkpoint), calibration_(calibration_of(checkpoint).value_or(PlattScaling{})) {}

std::unique_ptr<EncodedView> FieldEnergyModel::encode(const DepthImage& view, const Mask& region,
                                                      const Gripper& gripper) const {
    require(view.depth.isFinite().all(), "the view has missing (NaN) depths; fill them before it is encoded");
    return std::make_unique<FieldView>(
        runtime_, calibration_, runtime_.encode(field_grid(view, region, FieldEnergyModel::view().distance)), gripper);
}

}  // namespace ebgrasp
