#include "ebgrasp/energy/field_runtime.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"

namespace ebgrasp {
namespace {

constexpr std::size_t block_size = 32;  // grasps whose activations stay in the second-level cache
constexpr int point_inputs = field_features + 1;

using Features = Eigen::Map<const Eigen::Array<float, field_features, 1>>;

std::vector<std::size_t> extents(std::initializer_list<int> sizes) { return {sizes.begin(), sizes.end()}; }

ConvolutionNetwork load_encoder(const Checkpoint& checkpoint) {
    const auto convolution = [&](std::size_t index, int input) {
        const auto& [name, in, out, kernel, stride] = field_encoder[index];
        const std::string prefix = name;
        return ConvolutionLayer{
            .input = input,
            .in_channels = in,
            .out_channels = out,
            .kernel = kernel,
            .stride = stride,
            .padding = kernel / 2,
            .weight = checkpoint.tensor(prefix + ".weight", extents({out, in, kernel, kernel})).values,
            .bias = checkpoint.tensor(prefix + ".bias", extents({out})).values,
            .relu = prefix != "features"};
    };
    enum : int { input, stem, down2, down3, middle, narrow3, wide3, joined2, up2, narrow2, wide2, joined1, up1 };
    return ConvolutionNetwork({convolution(0, input), convolution(1, stem), convolution(2, down2),
                               convolution(3, down3), convolution(4, middle), UpsampleLayer{narrow3},
                               ConcatLayer{{wide3, down2}}, convolution(5, joined2), convolution(6, up2),
                               UpsampleLayer{narrow2}, ConcatLayer{{wide2, stem}}, convolution(7, joined1),
                               convolution(8, up1)});
}

/// Bilinear interpolation at (col, row), the border repeated: the four pixels and their weights.
struct Bilinear {
    Bilinear(float col, float row, int cols, int rows) {
        const auto clamp = [](float x, int size, int& low, float& part, float& slope) {
            const auto last = static_cast<float>(size - 1);
            slope = x >= 0 && x <= last ? 1.0f : 0.0f;
            x = std::clamp(x, 0.0f, last);
            low = std::min(static_cast<int>(x), size - 2);
            part = x - static_cast<float>(low);
        };
        clamp(col, cols, left, right_share, col_slope);
        clamp(row, rows, top, bottom_share, row_slope);
        index = static_cast<std::ptrdiff_t>(top) * cols + left;
    }

    /// Value and slopes with col and row, of corner values a b / c d.
    template <typename Value>
    void interpolate(const Value& a, const Value& b, const Value& c, const Value& d, auto& value, auto& with_col,
                     auto& with_row) const {
        const float u = right_share, v = bottom_share;
        value = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d);
        with_col = col_slope * ((1 - v) * (b - a) + v * (d - c));
        with_row = row_slope * ((1 - u) * (c - a) + u * (d - b));
    }

    int left, top;
    float right_share, bottom_share, col_slope, row_slope;
    std::ptrdiff_t index;
};

/// SiLU x s(x), s the logistic function, and in `slope` its derivative s (1 + x (1 - s)).
template <typename Derived>
void silu(Eigen::MatrixBase<Derived>& x, Eigen::MatrixBase<Derived>* slope) {
    const auto s = (1.0f + (-x.array()).exp()).inverse().eval();
    if (slope) slope->derived() = (s * (1.0f + x.array() * (1.0f - s))).matrix();
    x.array() *= s;
}

}  // namespace

/// Workspaces of the encoder that no thread uses at present.
struct FieldRuntime::Workspaces {
    ConvolutionWorkspace take(const ConvolutionNetwork& network) {
        const std::lock_guard lock(mutex);
        if (idle.empty()) return ConvolutionWorkspace(network);
        ConvolutionWorkspace workspace = std::move(idle.back());
        idle.pop_back();
        return workspace;
    }
    void give_back(ConvolutionWorkspace workspace) {
        const std::lock_guard lock(mutex);
        idle.push_back(std::move(workspace));
    }

    std::mutex mutex;
    std::vector<ConvolutionWorkspace> idle;
};

FieldRuntime::FieldRuntime(const Checkpoint& checkpoint)
    : encoder_(load_encoder(checkpoint)), workspaces_(std::make_shared<Workspaces>()) {
    require(checkpoint.model == "field", "the checkpoint holds a model '", checkpoint.model, "', not 'field'");
    require(checkpoint.info.value("view", "") == field_view,
            "the field was trained by an earlier version, on views in "
            "perspective; take the one that is shipped today, or train it anew");
    const auto load = [&](const std::string& name, int out, int in, Matrix& weight, Eigen::RowVectorXf& bias) {
        const auto& w = checkpoint.tensor(name + ".weight", extents({out, in})).values;
        const auto& b = checkpoint.tensor(name + ".bias", extents({out})).values;
        weight = Eigen::Map<const Matrix>(w.data(), out, in);
        bias = Eigen::Map<const Eigen::RowVectorXf>(b.data(), out);
    };
    load("hidden1", field_hidden1, field_inputs, hidden1_, hidden1_bias_);
    load("hidden2", field_hidden2, field_hidden1, hidden2_, hidden2_bias_);
    load("output", 2, field_hidden2, output_, output_bias_);
}

FieldCode FieldRuntime::encode(FieldGrid grid) const {
    const int height = static_cast<int>(grid.depth.rows()), width = static_cast<int>(grid.depth.cols());
    require(height > 0 && width > 0 && height % view_grid_multiple == 0 && width % view_grid_multiple == 0,
            "the grid is ", width, "x", height, ": its sides must be multiples of ", view_grid_multiple);
    FieldCode code{std::move(grid), height / field_feature_step, width / field_feature_step, {}};
    const DepthArray input =
        (static_cast<float>(code.grid.plane_depth) - code.grid.depth) / static_cast<float>(field_height_scale);
    code.features.resize(static_cast<std::size_t>(code.rows * code.cols) * field_features);
    auto workspace = workspaces_->take(encoder_);
    workspace.forward_channels_last({input.data(), static_cast<std::size_t>(input.size())}, {1, height, width},
                                    code.features);
    workspaces_->give_back(std::move(workspace));
    return code;
}

/// What a block of grasps needs on its way through the head and back.
struct FieldRuntime::Block {
    explicit Block(Eigen::Index count)
        : inputs(2 * count, field_inputs),
          with_col(count, field_points * point_inputs),
          with_row(count, field_points * point_inputs),
          offsets(count, 2 * field_points) {}

    Matrix inputs;              ///< of both orders of the jaws, one below the other
    Matrix with_col, with_row;  ///< slopes of the first order's inputs with the position of their point
    Matrix offsets;             ///< (col, row) of each point from the grasp centre, grid pixels
    Matrix hidden1, hidden2, slope1, slope2;
};

void FieldRuntime::evaluate_block(const FieldCode& code, const Gripper& gripper, std::span<const PlanarGrasp> grasps,
                                  std::span<double> energies, std::span<double> logits,
                                  std::span<GraspGradient> gradients) const {
    const auto count = static_cast<Eigen::Index>(grasps.size());
    const FieldGrid& grid = code.grid;
    const auto points = field_gripper_points(gripper);
    const auto gripper_input = field_gripper_input(gripper);
    const int rows = static_cast<int>(grid.depth.rows()), cols = static_cast<int>(grid.depth.cols());
    const auto scale = static_cast<float>(grid.focal_length / grid.plane_depth);
    const bool slopes = !gradients.empty();
    Block block(count);

    for (Eigen::Index i = 0; i < count; ++i) {
        const PlanarGrasp& y = grasps[static_cast<std::size_t>(i)];
        const Eigen::Vector2f foot = grid.foot(y).cast<float>();
        const float row = foot.x(), col = foot.y();
        const auto depth = static_cast<float>(y.depth);
        const auto cosine = static_cast<float>(std::cos(y.angle)), sine = static_cast<float>(std::sin(y.angle));
        float* input = block.inputs.row(i).data();
        for (int k = 0; k < field_points; ++k, input += point_inputs) {
            const Eigen::Vector2f xy = points[static_cast<std::size_t>(k)].cast<float>();
            const float du = scale * (xy.x() * cosine - xy.y() * sine), dv = scale * (xy.x() * sine + xy.y() * cosine);
            block.offsets(i, 2 * k) = du;
            block.offsets(i, 2 * k + 1) = dv;
            float* const with_col = &block.with_col(i, k * point_inputs);
            float* const with_row = &block.with_row(i, k * point_inputs);

            const Bilinear coarse((col + du) / field_feature_step, (row + dv) / field_feature_step, code.cols,
                                  code.rows);
            const float* const corner = code.features.data() + coarse.index * field_features;
            const std::ptrdiff_t below = std::ptrdiff_t(code.cols) * field_features;
            Eigen::Map<Eigen::Array<float, field_features, 1>> value(input), f_col(with_col), f_row(with_row);
            coarse.interpolate(Features(corner), Features(corner + field_features), Features(corner + below),
                               Features(corner + below + field_features), value, f_col, f_row);
            f_col /= field_feature_step;
            f_row /= field_feature_step;

            const Bilinear fine(col + du, row + dv, cols, rows);
            const float* const d = grid.depth.data() + fine.index;
            float surface, d_col, d_row;
            fine.interpolate(d[0], d[1], d[cols], d[cols + 1], surface, d_col, d_row);
            constexpr auto clearance_scale = static_cast<float>(field_clearance_scale);
            input[field_features] = (surface - depth) / clearance_scale;
            with_col[field_features] = d_col / clearance_scale;
            with_row[field_features] = d_row / clearance_scale;
        }
        std::ranges::copy(gripper_input, input);
        input[field_gripper_inputs - 1] =
            (static_cast<float>(grid.plane_depth) - depth) / static_cast<float>(field_height_scale);

        float* mirrored = block.inputs.row(count + i).data();
        const float* const first = block.inputs.row(i).data();
        for (int k = field_points - 1; k >= 0; --k)
            mirrored = std::copy_n(first + k * point_inputs, point_inputs, mirrored);
        std::copy_n(input, field_gripper_inputs, mirrored);
    }

    block.hidden1.noalias() = block.inputs * hidden1_.transpose();
    block.hidden1.rowwise() += hidden1_bias_;
    silu(block.hidden1, slopes ? &block.slope1 : nullptr);
    block.hidden2.noalias() = block.hidden1 * hidden2_.transpose();
    block.hidden2.rowwise() += hidden2_bias_;
    silu(block.hidden2, slopes ? &block.slope2 : nullptr);
    const Matrix out = (block.hidden2 * output_.transpose()).rowwise() + output_bias_;
    for (Eigen::Index i = 0; i < count; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (!energies.empty()) energies[at] = 0.5 * (double(out(i, 0)) + double(out(count + i, 0)));
        if (!logits.empty()) logits[at] = 0.5 * (double(out(i, 1)) + double(out(count + i, 1)));
    }
    if (!slopes) return;

    block.slope2.array().rowwise() *= 0.5f * output_.row(0).array();
    block.slope1.array() *= (block.slope2 * hidden2_).array();
    const Matrix with_input = block.slope1 * hidden1_;  // dE / d inputs, both orders
    for (Eigen::Index i = 0; i < count; ++i) {
        const PlanarGrasp& y = grasps[static_cast<std::size_t>(i)];
        double row = 0, col = 0, depth = 0, angle = 0;
        for (int k = 0; k < field_points; ++k) {
            const auto g = (with_input.row(i).segment<point_inputs>(k * point_inputs) +
                            with_input.row(count + i).segment<point_inputs>((field_points - 1 - k) * point_inputs))
                               .eval();
            const double u = double(g.dot(block.with_col.row(i).segment<point_inputs>(k * point_inputs))),
                         v = double(g.dot(block.with_row.row(i).segment<point_inputs>(k * point_inputs)));
            const double du = double(block.offsets(i, 2 * k)), dv = double(block.offsets(i, 2 * k + 1));
            col += u;
            row += v;
            depth -= double(g[field_features]) / field_clearance_scale;
            angle += -u * dv + v * du;
        }
        const double height_slope =
            double(with_input(i, field_inputs - 1)) + double(with_input(count + i, field_inputs - 1));
        row /= view_grid_step, col /= view_grid_step;
        const double shrink = y.depth / grid.plane_depth;
        depth += (row * (y.row - grid.axis_row) + col * (y.col - grid.axis_col)) / grid.plane_depth -
                 height_slope / field_height_scale;
        gradients[static_cast<std::size_t>(i)] = {shrink * row, shrink * col, depth, angle};
    }
}

void FieldRuntime::evaluate(const FieldCode& code, const Gripper& gripper, std::span<const PlanarGrasp> grasps,
                            std::span<double> energies, std::span<double> logits,
                            std::span<GraspGradient> gradients) const {
    for (const std::size_t size : {energies.size(), logits.size(), gradients.size()})
        require(size == 0 || size == grasps.size(), grasps.size(), " grasps but room for ", size, " results");
    parallel_for((grasps.size() + block_size - 1) / block_size, [&](std::size_t i) {
        const std::size_t first = i * block_size, count = std::min(block_size, grasps.size() - first);
        const auto part = [&](auto span) { return span.empty() ? span : span.subspan(first, count); };
        evaluate_block(code, gripper, part(grasps), part(energies), part(logits), part(gradients));
    });
}

}  // namespace ebgrasp
