#include "ebgrasp/energy/window_energy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ebgrasp/core/error.hpp"

namespace ebgrasp {
namespace {

constexpr double window_center = 0.5 * window_span;  ///< image pixels from the origin, as window_origin has it
constexpr int min_component_pixels = 64;
constexpr std::size_t max_windows = 256;

/// Disjoint sets of indices, each named by its smallest member.
class DisjointSets {
  public:
    std::size_t add() {
        parents_.push_back(parents_.size());
        return parents_.size() - 1;
    }
    std::size_t find(std::size_t i) {
        while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
        return i;
    }
    void unite(std::size_t a, std::size_t b) {
        const std::size_t root_a = find(a), root_b = find(b);
        parents_[std::max(root_a, root_b)] = std::min(root_a, root_b);
    }

  private:
    std::vector<std::size_t> parents_;
};

/// Bounds are inclusive.
struct Component {
    int top, bottom, left, right, pixels;
};

/// A stretch of mask pixels in one row.
struct Run {
    int row, begin, end;  ///< end exclusive
};

std::vector<Run> runs_of(const Mask& region) {
    std::vector<Run> runs;
    const auto width = static_cast<int>(region.cols());
    for (int row = 0; row < static_cast<int>(region.rows()); ++row) {
        const std::uint8_t* pixels = region.data() + static_cast<std::ptrdiff_t>(row) * width;
        for (int col = 0; col < width; ++col) {
            if (!pixels[col]) continue;
            const int begin = col;
            while (col < width && pixels[col]) ++col;
            runs.push_back({row, begin, col});
        }
    }
    return runs;
}

/// Connected components (8 neighbours), largest first.
std::vector<Component> components_of(const Mask& region) {
    const std::vector<Run> runs = runs_of(region);
    DisjointSets sets;
    std::size_t above = 0;  // the first run that may touch the current one
    for (std::size_t i = 0; i < runs.size(); ++i) {
        sets.add();
        while (runs[above].row < runs[i].row - 1 || (runs[above].row < runs[i].row && runs[above].end < runs[i].begin))
            ++above;
        for (std::size_t j = above; runs[j].row < runs[i].row && runs[j].begin <= runs[i].end; ++j) sets.unite(i, j);
    }

    std::vector<Component> components(runs.size(),
                                      {std::numeric_limits<int>::max(), 0, std::numeric_limits<int>::max(), 0, 0});
    for (std::size_t i = 0; i < runs.size(); ++i) {
        Component& component = components[sets.find(i)];
        component.top = std::min(component.top, runs[i].row);
        component.bottom = std::max(component.bottom, runs[i].row);
        component.left = std::min(component.left, runs[i].begin);
        component.right = std::max(component.right, runs[i].end - 1);
        component.pixels += runs[i].end - runs[i].begin;
    }
    std::erase_if(components, [](const Component& component) { return component.pixels == 0; });
    std::stable_sort(components.begin(), components.end(),
                     [](const Component& a, const Component& b) { return a.pixels > b.pixels; });
    return components;
}

/// Origins along one axis of windows over [first, last], at most `step` apart: centred if one is enough.
std::vector<int> cover_interval(int first, int last, int step) {
    const int extent = last - first + 1;
    const int count = extent <= window_span ? 1 : (extent - window_span + step - 1) / step + 1;
    if (count == 1) return {window_origin(0.5 * (first + last))};
    const double spacing = static_cast<double>(extent - window_span) / (count - 1);
    std::vector<int> origins;
    for (int i = 0; i < count; ++i) origins.push_back(first + static_cast<int>(std::lround(i * spacing)));
    return origins;
}

/// Whether the window lies over any pixel of the region.
bool touches(const Mask& region, const WindowOrigin& origin) {
    const int top = std::max(origin.row, 0), left = std::max(origin.col, 0);
    const int bottom = std::min(origin.row + window_span, static_cast<int>(region.rows()));
    const int right = std::min(origin.col + window_span, static_cast<int>(region.cols()));
    return top < bottom && left < right && (region.block(top, left, bottom - top, right - left) != 0).any();
}

std::vector<WindowOrigin> cover_components(const std::vector<Component>& components, const Mask& region, int step) {
    std::vector<WindowOrigin> origins;
    for (const Component& component : components)
        for (const int row : cover_interval(component.top, component.bottom, step))
            for (const int col : cover_interval(component.left, component.right, step))
                if (touches(region, {row, col})) origins.push_back({row, col});
    return origins;
}

/// windows.row(i) = the window at origins[i].
WindowBatch crop_windows(const DepthArray& depth, const std::vector<WindowOrigin>& origins) {
    WindowBatch windows(static_cast<Eigen::Index>(origins.size()), window_pixels);
    for (Eigen::Index i = 0; i < windows.rows(); ++i) {
        const auto [row, col] = origins[static_cast<std::size_t>(i)];
        sample_window(depth, row, col, {windows.row(i).data(), window_pixels});
    }
    return windows;
}

class WindowView : public EncodedView {
  public:
    WindowView(const WindowNetwork& network, const std::optional<Calibration>& calibration,
               std::vector<WindowOrigin> origins, const DepthArray& depth)
        : network_(network),
          calibration_(calibration),
          origins_(std::move(origins)),
          codes_(network.encode(crop_windows(depth, origins_))) {}

    void evaluate(std::span<const PlanarGrasp> grasps, std::span<double> energies,
                  std::span<GraspGradient> gradients) const override {
        const std::size_t count = grasps.size();
        require(energies.size() == count && (gradients.empty() || gradients.size() == count), count, " grasps with ",
                energies.size(), " energies and ", gradients.size(), " gradients; their numbers must agree");
        std::vector<int> windows(count);
        GraspBatch batch(static_cast<Eigen::Index>(count), 4);
        for (std::size_t i = 0; i < count; ++i) {
            const PlanarGrasp& grasp = grasps[i];
            windows[i] = nearest_window(grasp.row, grasp.col);
            const WindowOrigin& origin = origins_[static_cast<std::size_t>(windows[i])];
            batch.row(static_cast<Eigen::Index>(i)) =
                Eigen::RowVector4d((grasp.row - origin.row) / window_stride, (grasp.col - origin.col) / window_stride,
                                   grasp.depth, grasp.angle)
                    .cast<float>();
        }
        std::vector<float> values(count);
        GraspBatch slopes;
        network_.evaluate(codes_, windows, batch, values, gradients.empty() ? nullptr : &slopes);
        std::copy(values.begin(), values.end(), energies.begin());
        for (std::size_t i = 0; i < gradients.size(); ++i) {
            gradients[i] = slopes.row(static_cast<Eigen::Index>(i)).transpose().cast<double>();
            gradients[i].head<2>() /= window_stride;  // per view pixel
        }
    }

    Cost multiply_adds() const override {
        const Cost window = network_.multiply_adds();
        return {window.encoding * static_cast<double>(origins_.size()), window.reading};
    }

    std::vector<double> success_probabilities(std::span<const PlanarGrasp> grasps) const override {
        if (!calibration_) return {};
        std::vector<double> values(grasps.size());
        evaluate(grasps, values, {});
        for (double& value : values) value = calibration_->probability(value);
        return values;
    }

  private:
    int nearest_window(double row, double col) const {
        const auto distance = [&](const WindowOrigin& origin) {
            return std::hypot(row - origin.row - window_center, col - origin.col - window_center);
        };
        const auto nearest = std::min_element(origins_.begin(), origins_.end(),
                                              [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
        return static_cast<int>(nearest - origins_.begin());
    }

    const WindowNetwork& network_;
    const std::optional<Calibration>& calibration_;
    std::vector<WindowOrigin> origins_;
    WindowBatch codes_;
};

}  // namespace

std::vector<WindowOrigin> cover_region(const Mask& region) {
    require(region.size() > 0, "a view of ", region.rows(), " x ", region.cols(), " pixels has nothing to look at");
    std::vector<Component> components = components_of(region);
    if (components.empty()) return cover_region(Mask::Ones(region.rows(), region.cols()));
    if (components.front().pixels >= min_component_pixels)
        std::erase_if(components, [](const Component& component) { return component.pixels < min_component_pixels; });
    std::vector<WindowOrigin> origins = cover_components(components, region, window_span / 2);
    if (origins.size() > max_windows) origins = cover_components(components, region, window_span);
    if (origins.size() > max_windows) origins.resize(max_windows);
    return origins;
}

WindowEnergyModel::WindowEnergyModel(std::string name, std::unique_ptr<WindowNetwork> network,
                                     std::optional<Calibration> calibration, ViewSpec view)
    : name_(std::move(name)), network_(std::move(network)), calibration_(std::move(calibration)), view_(view) {}

std::unique_ptr<EncodedView> WindowEnergyModel::encode(const DepthImage& view, const Mask& region,
                                                       const Gripper&) const {
    require(region.rows() == view.height() && region.cols() == view.width(), "a region of ", region.rows(), " x ",
            region.cols(), " pixels does not fit a view of ", view.height(), " x ", view.width());
    require(view.depth.isFinite().all(), "the view has missing (NaN) depths; fill them before it is encoded");
    return std::make_unique<WindowView>(*network_, calibration_, cover_region(region), view.depth);
}

}  // namespace ebgrasp
