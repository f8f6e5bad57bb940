// Between NumPy and our types. Poses are (4, 4) or (n, 4, 4) float64; depth is (height, width) float32 metres.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>
#include <span>
#include <vector>

#include "ebgrasp/grasp/gripper.hpp"
#include "ebgrasp/image/depth_image.hpp"

namespace ebgrasp::python {

namespace py = pybind11;

/// Any real array, converted to float64 in C order if it is not already.
using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;

/// X of a (4, 4) array. Throws Error unless it is a rotation and a translation.
Eigen::Isometry3d to_pose(const Doubles& X, const std::string& name);
/// Poses of a (4, 4) or (n, 4, 4) array.
std::vector<Eigen::Isometry3d> to_poses(const Doubles& X, const std::string& name);
py::array_t<double> from_pose(const Eigen::Isometry3d& X);
py::array_t<double> from_poses(std::span<const Eigen::Isometry3d> X);

/// Intrinsics of an image from CameraIntrinsics, (fx, fy, cx, cy) or a 3 x 3 matrix. Throws Error, also for None unless
/// the image has 640 x 480 pixels.
CameraIntrinsics to_intrinsics(const py::object& given, int height, int width);

/// A depth image; copies the array once. Throws Error for integers (the unit is not known), another number of
/// dimensions or an implausible median.
DepthImage to_depth_image(const py::array& depth, const py::object& intrinsics);

/// A mask of `height` x `width` from None (empty), booleans or numbers. Throws Error for another size.
Mask to_mask(const py::object& mask, int height, int width);

/// The preset or file of a string, or a Gripper.
Gripper to_gripper(const py::object& given);

/// Through Python's json module: small objects only.
py::object to_python(const nlohmann::json& value);
nlohmann::json from_python(const py::object& value);

/// `shape` elements from `data` on, without a copy: read-only, kept alive by `owner`.
template <typename T>
py::array view_of(const T* data, std::vector<py::ssize_t> shape, const py::handle& owner) {
    py::array array(py::dtype::of<T>(), std::move(shape), data, owner);
    array.attr("setflags")(py::arg("write") = false);
    return array;
}

void bind_grasps(py::module_& m);
void bind_planning(py::module_& m);
void bind_data(py::module_& m);
void bind_simulation(py::module_& m);

}  // namespace ebgrasp::python
