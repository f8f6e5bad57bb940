// Square feature maps and their patches, so that a convolution is one matrix product: patches (pixels x inputs under
// the kernel) times weights (inputs under the kernel x output channels). Shared by the deployed runtime and by
// training.
#pragma once

#include <Eigen/Core>
#include <algorithm>

namespace ebgrasp {

struct ConvolutionShape {
    int in_channels, out_channels, kernel, stride, padding;

    int output_side(int side) const { return (side + 2 * padding - kernel) / stride + 1; }
    int patch_size() const { return kernel * kernel * in_channels; }
};

template <typename Scalar>
using RowMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A side x side x channels map, channels innermost, with a border of zeros as wide as a convolution's padding: the
/// inputs under one row of a kernel are contiguous.
template <typename Scalar>
class PaddedMap {
  public:
    PaddedMap(int side, const ConvolutionShape& shape)
        : side_(side),
          shape_(shape),
          values_(side + 2 * shape.padding, (side + 2 * shape.padding) * shape.in_channels) {
        values_.setZero();
    }

    void set_zero() { values_.setZero(); }

    /// The pixels of one row without the border: side x channels.
    auto row(int row) {
        return Eigen::Map<RowMatrix<Scalar>>(&values_(row + shape_.padding, shape_.padding * shape_.in_channels), side_,
                                             shape_.in_channels);
    }

    /// im2col: for each output pixel (row-major) a row of patch_size inputs (kernel row, kernel col, channel) in `out`.
    void copy_patches(Scalar* out) const {
        for_each_run(values_, out, [](const Scalar* map, Scalar* patch, int run) { std::copy_n(map, run, patch); });
    }

    /// Its adjoint, col2im: adds each patch of `patches` to where copy_patches took it from.
    void add_patches(const Scalar* patches) {
        for_each_run(values_, patches, [](Scalar* map, const Scalar* patch, int run) {
            for (int i = 0; i < run; ++i) map[i] += patch[i];
        });
    }

  private:
    /// Calls visit(inputs under one row of the kernel in the map, the same in its patch, their number) for all patches.
    template <typename Values, typename Pointer, typename Visit>
    void for_each_run(Values& values, Pointer patch, const Visit& visit) const {
        const int out_side = shape_.output_side(side_), run = shape_.kernel * shape_.in_channels;
        for (int row = 0; row < out_side; ++row)
            for (int col = 0; col < out_side; ++col)
                for (int k = 0; k < shape_.kernel; ++k, patch += run)
                    visit(&values(row * shape_.stride + k, col * shape_.stride * shape_.in_channels), patch, run);
    }

    int side_;
    ConvolutionShape shape_;
    RowMatrix<Scalar> values_;
};

}  // namespace ebgrasp
