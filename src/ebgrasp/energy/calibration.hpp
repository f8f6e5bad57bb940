// From an energy to the probability that the grasp holds. Fitted on examples apart from the training's
// (evaluation/calibration_fit.hpp), stored in the checkpoint's info["calibration"] as one of
//   {"method": "platt", "slope": a, "offset": b}         ("method" may be missing: the first checkpoints have none)
//   {"method": "isotonic", "energies": [...], "probabilities": [...]}
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ebgrasp/energy/checkpoint.hpp"

namespace ebgrasp {

/// p = 1 / (1 + exp(slope * energy + offset)) (Platt, "Probabilistic outputs for support vector machines", 1999).
struct PlattScaling {
    double slope = 1.0, offset = 0.0;
};

/// p between two knots lies on the line through them, and beyond the outermost is theirs. Energies rise strictly,
/// probabilities do not rise and lie in [0, 1].
struct IsotonicTable {
    std::vector<double> energies, probabilities;
};

class Calibration {
  public:
    /// Throws Error if the numbers are not finite.
    Calibration(const PlattScaling& scaling);
    /// Throws Error unless there is a knot, and they are as an IsotonicTable's must be.
    Calibration(IsotonicTable table);

    /// p(success) of a finite energy.
    double probability(double energy) const;

    friend void to_json(nlohmann::json& json, const Calibration& calibration);

  private:
    std::variant<PlattScaling, IsotonicTable> curve_;
};

/// The one in checkpoint.info, if there is one. Throws Error if it is damaged.
std::optional<Calibration> calibration_of(const Checkpoint& checkpoint);

}  // namespace ebgrasp
