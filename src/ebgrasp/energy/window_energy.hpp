// Energy models that look at the scene through small fixed windows, as the seed does: a window of 32 x 32 pixels (every
// third pixel of 96 x 96 view pixels, as Dex-Net 2.0 scales its windows) is encoded once, and grasps are
// (row, col, depth, angle) inside it: window row = (view row - first view row) / window_stride.
#pragma once

#include <Eigen/Core>
#include <memory>
#include <span>
#include <vector>

#include "ebgrasp/energy/calibration.hpp"
#include "ebgrasp/energy/energy_model.hpp"
#include "ebgrasp/image/window.hpp"

namespace ebgrasp {

/// n windows as rows of 1024 depths (metres, row-major 32 x 32), or n codes as rows.
using WindowBatch = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// n grasps as rows (row, col, depth, angle) in their windows' pixels, metres and radians.
using GraspBatch = Eigen::Matrix<float, Eigen::Dynamic, 4, Eigen::RowMajor>;

/// A network over windows: implemented by the deployed runtime and by the libtorch modules.
class WindowNetwork {
  public:
    virtual ~WindowNetwork() = default;

    /// Multiplications with addition to encode one window, and to read one grasp; 0 if not known.
    virtual EncodedView::Cost multiply_adds() const { return {}; }

    /// One code per window; what a code holds is the network's business.
    virtual WindowBatch encode(const WindowBatch& windows) const = 0;

    /// energies[i] = E(window of codes.row(code_index[i]), grasps.row(i)); gradients (n x 4) unless null.
    virtual void evaluate(const WindowBatch& codes, std::span<const int> code_index, const GraspBatch& grasps,
                          std::span<float> energies, GraspBatch* gradients) const = 0;
};

/// A window's place in a view: its pixel (i, j) is the view's pixel (row + window_stride i, col + window_stride j),
/// or the nearest one of the border where that lies outside.
struct WindowOrigin {
    int row, col;
    bool operator==(const WindowOrigin&) const = default;
};

/// Windows that cover the non-zero pixels of `region` (the whole view if there are none): one centred on the bounding
/// box of each connected component (8 neighbours), or, where the box is larger than a window, an even grid of windows
/// that overlap by half. Components of fewer than 64 pixels are left out if there are larger ones. At most 256 windows:
/// beyond that the overlap is given up, then the smallest components.
std::vector<WindowOrigin> cover_region(const Mask& region);

/// The EnergyModel of a WindowNetwork: covers `region` with windows, and asks each grasp of the window whose centre is
/// nearest. So the energy jumps where a grasp passes from one window to the next, and in scenes of several objects the
/// energies compared are those of different windows, as they were in training.
/// The networks are fed the angle as it is: E(angle) and E(angle + pi) agree only as well as training made them.
class WindowEnergyModel : public EnergyModel {
  public:
    WindowEnergyModel(std::string name, std::unique_ptr<WindowNetwork> network,
                      std::optional<Calibration> calibration = {}, ViewSpec view = {});

    std::string name() const override { return name_; }
    ViewSpec view() const override { return view_; }
    bool calibrated() const override { return calibration_.has_value(); }
    /// Throws Error: region and view differ in size, or the view has missing depth. The gripper does not matter.
    std::unique_ptr<EncodedView> encode(const DepthImage& view, const Mask& region,
                                        const Gripper& gripper) const override;
    const WindowNetwork& network() const { return *network_; }
    const std::optional<Calibration>& calibration() const { return calibration_; }

  private:
    std::string name_;
    std::unique_ptr<WindowNetwork> network_;
    std::optional<Calibration> calibration_;
    ViewSpec view_;
};

}  // namespace ebgrasp
