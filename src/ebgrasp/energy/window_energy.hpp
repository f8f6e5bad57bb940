// Energy models that look at the scene through small fixed windows, as the seed does: a window of 32 x 32 pixels is
// encoded once, and grasps are (row, col, depth, angle) inside it.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <span>
#include <vector>

#include "ebgrasp/energy/energy_model.hpp"

namespace ebgrasp {

inline constexpr int window_size = 32;  ///< pixels

/// n windows as rows of 1024 depths (metres, row-major 32 x 32), or n codes as rows.
using WindowBatch = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// n grasps as rows (row, col, depth, angle) in their windows' pixels, metres and radians.
using GraspBatch = Eigen::Matrix<float, Eigen::Dynamic, 4, Eigen::RowMajor>;

/// A network over windows: implemented by the deployed runtime and by the libtorch modules.
class WindowNetwork {
  public:
    virtual ~WindowNetwork() = default;

    /// One code per window; what a code holds is the network's business.
    virtual WindowBatch encode(const WindowBatch& windows) const = 0;

    /// energies[i] = E(window of codes.row(code_index[i]), grasps.row(i)); gradients (n x 4) unless null.
    virtual void evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                          std::span<float> energies, GraspBatch* gradients) const = 0;
};

/// Platt scaling: p = 1 / (1 + exp(slope * energy + offset)) (Platt, "Probabilistic outputs for support vector
/// machines", 1999).
struct Calibration {
    double slope = 1.0, offset = 0.0;
};

/// The EnergyModel of a WindowNetwork: covers `region` with windows (one centred on each connected component, a grid of
/// overlapping ones where a component is larger), and asks each grasp of the window whose centre is nearest.
class WindowEnergyModel : public EnergyModel {
  public:
    WindowEnergyModel(std::string name, std::unique_ptr<WindowNetwork> network,
                      std::optional<Calibration> calibration = {}, ViewSpec view = {});

    std::string name() const override { return name_; }
    ViewSpec view() const override { return view_; }
    std::unique_ptr<EncodedView> encode(const DepthImage& view, const Mask& region) const override;
    std::optional<double> success_probability(double energy) const override;
    const WindowNetwork& network() const { return *network_; }

  private:
    std::string name_;
    std::unique_ptr<WindowNetwork> network_;
    std::optional<Calibration> calibration_;
    ViewSpec view_;
};

}  // namespace ebgrasp
