#include "conversions.hpp"

#include <nlohmann/json.hpp>

#include "ebgrasp/core/error.hpp"
#include "ebgrasp/image/image_io.hpp"

namespace ebgrasp::python {
namespace {

using Matrix4 = Eigen::Matrix<double, 4, 4, Eigen::RowMajor>;

std::string shape_text(const py::array& array) { return py::str(array.attr("shape")).cast<std::string>(); }

Eigen::Isometry3d pose_at(const double* numbers, const std::string& name) {
    const Eigen::Map<const Matrix4> X(numbers);
    require(X.allFinite() && X.row(3).isApprox(Eigen::RowVector4d(0, 0, 0, 1)), name,
            " is no pose: 4 x 4 finite numbers that end with 0, 0, 0, 1");
    const Eigen::Matrix3d R = X.topLeftCorner<3, 3>();
    require((R * R.transpose()).isIdentity(1e-4) && R.determinant() > 0, name,
            " is no pose: its upper left 3 x 3 is no rotation");
    Eigen::Isometry3d pose;
    pose.matrix() = X;
    return pose;
}

}  // namespace

Eigen::Isometry3d to_pose(const Doubles& X, const std::string& name) {
    require(X.ndim() == 2 && X.shape(0) == 4 && X.shape(1) == 4, name, " has shape ", shape_text(X),
            "; (4, 4) is needed");
    return pose_at(X.data(), name);
}

std::vector<Eigen::Isometry3d> to_poses(const Doubles& X, const std::string& name) {
    if (X.ndim() == 2) return {to_pose(X, name)};
    require(X.ndim() == 3 && X.shape(1) == 4 && X.shape(2) == 4, name, " has shape ", shape_text(X),
            "; (n, 4, 4) is needed");
    std::vector<Eigen::Isometry3d> poses;
    for (py::ssize_t i = 0; i < X.shape(0); ++i) poses.push_back(pose_at(X.data(i, 0, 0), name));
    return poses;
}

py::array_t<double> from_pose(const Eigen::Isometry3d& X) {
    py::array_t<double> array({4, 4});
    Eigen::Map<Matrix4>(array.mutable_data()) = X.matrix();
    return array;
}

py::array_t<double> from_poses(std::span<const Eigen::Isometry3d> X) {
    py::array_t<double> array({static_cast<py::ssize_t>(X.size()), py::ssize_t{4}, py::ssize_t{4}});
    for (std::size_t i = 0; i < X.size(); ++i) Eigen::Map<Matrix4>(array.mutable_data() + 16 * i) = X[i].matrix();
    return array;
}

CameraIntrinsics to_intrinsics(const py::object& given, int height, int width) {
    CameraIntrinsics camera;
    if (given.is_none()) {
        require(height == camera.height && width == camera.width, "the image is ", width, "x", height,
                " and intrinsics are None; only 640x480 has a default (fx = fy = 525)");
        return camera;
    }
    if (py::isinstance<CameraIntrinsics>(given)) {
        camera = given.cast<CameraIntrinsics>();
        require(camera.height == height && camera.width == width, "intrinsics are for ", camera.width, "x",
                camera.height, " but the image is ", width, "x", height, "; pass the intrinsics of this image");
        return camera;
    }
    const Doubles numbers = Doubles::ensure(given);
    require(bool(numbers) &&
                (numbers.size() == 4 || (numbers.ndim() == 2 && numbers.shape(0) == 3 && numbers.shape(1) == 3)),
            "intrinsics must be CameraIntrinsics, (fx, fy, cx, cy) in pixels or a 3 x 3 matrix");
    const double* const k = numbers.data();
    camera = numbers.size() == 4 ? CameraIntrinsics{height, width, k[0], k[1], k[2], k[3]}
                                 : CameraIntrinsics{height, width, k[0], k[4], k[2], k[5]};
    camera.validate("intrinsics");
    return camera;
}

DepthImage to_depth_image(const py::array& depth, const py::object& intrinsics) {
    require(depth.dtype().kind() == 'f', "depth has dtype ", py::str(depth.dtype()).cast<std::string>(),
            "; floats in metres are needed: pass depth * 0.001 for millimetres");
    require(depth.ndim() == 2, "depth has shape ", shape_text(depth), "; (height, width) is needed");
    const auto floats = py::array_t<float, py::array::c_style | py::array::forcecast>::ensure(depth);
    DepthImage image;
    image.depth = Eigen::Map<const DepthArray>(floats.data(), floats.shape(0), floats.shape(1));
    image.camera = to_intrinsics(intrinsics, image.height(), image.width());
    image.camera.validate("intrinsics");
    image.depth = image.depth.unaryExpr([](float z) { return is_depth(z) ? z : 0.0f; });
    const auto median = median_depth(image.depth);
    require(median.has_value(), "every depth is missing (0 or NaN)");
    if (!plausible_median(*median)) {
        const auto unit = likely_unit(*median);
        fail("the median depth is ", *median, " m; depth is in metres, pass depth * ", unit.value_or(0.001));
    }
    return image;
}

Mask to_mask(const py::object& mask, int height, int width) {
    if (mask.is_none()) return {};
    const py::array_t<bool, py::array::c_style | py::array::forcecast> inside(
        py::module_::import("numpy").attr("not_equal")(mask, 0));
    require(inside.ndim() == 2 && inside.shape(0) == height && inside.shape(1) == width, "the mask has shape ",
            shape_text(inside), " but the image (", height, ", ", width, ")");
    Mask result(height, width);
    std::copy_n(inside.data(), inside.size(), result.data());
    return result;
}

Gripper to_gripper(const py::object& given) {
    if (py::isinstance<py::str>(given) || py::hasattr(given, "__fspath__"))
        return load_gripper(py::str(given).cast<std::string>());
    require(py::isinstance<Gripper>(given), "gripper must be a Gripper, a preset's name or a YAML file");
    Gripper gripper = given.cast<Gripper>();
    gripper.validate("gripper " + gripper.name);
    return gripper;
}

py::object to_python(const nlohmann::json& value) { return py::module_::import("json").attr("loads")(value.dump()); }

nlohmann::json from_python(const py::object& value) {
    return nlohmann::json::parse(py::module_::import("json").attr("dumps")(value).cast<std::string>());
}

}  // namespace ebgrasp::python
