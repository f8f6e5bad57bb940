// Cameras, grippers and the frames that grasps are told in.
#include <pybind11/operators.h>

#include "conversions.hpp"
#include "ebgrasp/grasp/convention.hpp"
#include "ebgrasp/image/camera_pose.hpp"

namespace ebgrasp::python {
namespace {

/// A function of poses, for one (4, 4) or many (n, 4, 4).
template <typename Function>
py::array_t<double> for_poses(const Doubles& X, const std::string& name, const Function& function) {
    auto poses = to_poses(X, name);
    for (auto& pose : poses) pose = function(pose);
    return X.ndim() == 2 ? from_pose(poses.front()) : from_poses(poses);
}

void bind_camera(py::module_& m) {
    py::class_<CameraIntrinsics>(m, "CameraIntrinsics", R"(Pinhole intrinsics.

Frame C is x right, y down, z forward; pixel centres lie at integers. Depth is z in metres.

Parameters
----------
height, width : int
    Size of the image in pixels.
fx, fy, cx, cy : float
    Focal lengths and principal point in pixels.)")
        .def(py::init([](int height, int width, double fx, double fy, double cx, double cy) {
                 const CameraIntrinsics camera{height, width, fx, fy, cx, cy};
                 camera.validate("intrinsics");
                 return camera;
             }),
             py::arg("height") = 480, py::arg("width") = 640, py::arg("fx") = 525.0, py::arg("fy") = 525.0,
             py::arg("cx") = 319.5, py::arg("cy") = 239.5)
        .def_readwrite("height", &CameraIntrinsics::height)
        .def_readwrite("width", &CameraIntrinsics::width)
        .def_readwrite("fx", &CameraIntrinsics::fx)
        .def_readwrite("fy", &CameraIntrinsics::fy)
        .def_readwrite("cx", &CameraIntrinsics::cx)
        .def_readwrite("cy", &CameraIntrinsics::cy)
        .def(py::self == py::self)
        .def("__repr__", [](const CameraIntrinsics& c) {
            return py::str("CameraIntrinsics(height={}, width={}, fx={}, fy={}, cx={}, cy={})")
                .format(c.height, c.width, c.fx, c.fy, c.cx, c.cy);
        });
    m.def("read_intrinsics", &read_intrinsics, py::arg("text"),
          R"(Read intrinsics from a Dex-Net ``.intr`` file, a ROS camera_info YAML or ``"fx,fy,cx,cy"``.)");
    m.def(
        "read_camera_pose",
        [](const std::string& text) {
            const CameraPose pose = read_camera_pose(text);
            return py::make_tuple(from_pose(pose.X_BC), pose.base_frame);
        },
        py::arg("text"), R"(Read the camera's pose in the robot's base.

Parameters
----------
text : str
    ``"x,y,z,qx,qy,qz,qw"`` (metres), or a file: a 4 x 4 matrix or a TransformStamped as YAML or JSON, or a ``.tf``.

Returns
-------
X_BC : ndarray, shape (4, 4)
    Takes points of the camera's frame to the base's.
base_frame : str
    The base's name.)");
}

void bind_gripper(py::module_& m) {
    py::class_<Gripper>(m, "Gripper", R"(A parallel-jaw gripper: lengths in metres, see docs/grippers.md.

In the grasp frame (origin between the pads, +z approach, +x closing) the fingers are boxes beyond ``x = +-opening / 2``.)")
        .def(py::init<>())
        .def_readwrite("name", &Gripper::name)
        .def_readwrite("max_opening", &Gripper::max_opening)
        .def_readwrite("min_opening", &Gripper::min_opening)
        .def_readwrite("finger_length", &Gripper::finger_length)
        .def_readwrite("finger_width", &Gripper::finger_width)
        .def_readwrite("finger_thickness", &Gripper::finger_thickness)
        .def_readwrite("tip_offset", &Gripper::tip_offset)
        .def_readwrite("palm_size", &Gripper::palm_size)
        .def_readwrite("pad_friction", &Gripper::pad_friction)
        .def_readwrite("max_force", &Gripper::max_force)
        .def_readwrite("tcp_offset", &Gripper::tcp_offset)
        .def_readwrite("base_distance", &Gripper::base_distance)
        .def("to_palm", &Gripper::to_palm, "Metres from the grasp centre back to where the fingers begin.")
        .def("to_base", &Gripper::to_base, "Metres from the grasp centre back to the gripper's base frame.")
        .def(
            "validate", [](const Gripper& g) { g.validate("gripper " + g.name); },
            "Raise Error naming the first field that is out of range, with its bound.")
        .def(
            "to_yaml", [](const Gripper& g) { return to_yaml(g); }, "The YAML text that load_gripper reads back.")
        .def(
            "boxes",
            [](const Gripper& g, double opening) {
                const auto boxes = g.boxes(opening);
                py::array_t<double> array({3, 2, 3});
                for (std::size_t i = 0; i < 3; ++i) {
                    Eigen::Map<Eigen::Vector3d>(array.mutable_data(i, 0, 0)) = boxes[i].center_G;
                    Eigen::Map<Eigen::Vector3d>(array.mutable_data(i, 1, 0)) = boxes[i].half_size;
                }
                return array;
            },
            py::arg("opening"), R"(The solid boxes at an opening, in the grasp frame.

Returns
-------
ndarray, shape (3, 2, 3)
    Left finger, right finger, palm; of each the centre and the half sizes in metres.)")
        .def("__repr__",
             [](const Gripper& g) { return py::str("<Gripper {}: opens to {:g} m>").format(g.name, g.max_opening); });
    m.def(
        "load_gripper", [](const py::object& given) { return to_gripper(given); }, py::arg("name_or_path"),
        "A preset (see gripper_presets) or a gripper file. Raises Error for values out of range.");
    m.def("gripper_presets", &gripper_presets, "Names of the grippers that are built in.");
}

void bind_conventions(py::module_& m) {
    m.def(
        "convention_names",
        [] {
            std::vector<std::string> names;
            for (const auto& convention : conventions()) names.push_back(convention.name);
            return names;
        },
        "Names of all conventions; docs/conventions.md shows their frames.");
    m.def(
        "in_convention",
        [](const Doubles& X, const std::string& name, const py::object& gripper) {
            const Eigen::Isometry3d X_GH = find_convention(name).frame(to_gripper(gripper));
            return for_poses(X, "X_CG", [&](const Eigen::Isometry3d& X_CG) { return X_CG * X_GH; });
        },
        py::arg("X_CG"), py::arg("convention"), py::arg("gripper") = "robotiq_2f85",
        R"(Grasp poses as a convention's users expect them: axes turned, origin moved along the gripper.

Parameters
----------
X_CG : array_like, shape (4, 4) or (n, 4, 4)
    Poses of our grasp frame in any frame C: origin at the grasp centre, +z approach, +x closing.
convention : str
    One of convention_names().
gripper : Gripper or str
    Says how far base, palm and TCP are from the grasp centre.

Returns
-------
ndarray of the same shape)");
    m.def(
        "from_convention",
        [](const Doubles& X, const std::string& name, const py::object& gripper) {
            const Eigen::Isometry3d X_HG = find_convention(name).frame(to_gripper(gripper)).inverse();
            return for_poses(X, "X_CH", [&](const Eigen::Isometry3d& X_CH) { return X_CH * X_HG; });
        },
        py::arg("X_CH"), py::arg("convention"), py::arg("gripper") = "robotiq_2f85", "Inverse of in_convention.");
}

}  // namespace

void bind_grasps(py::module_& m) {
    bind_camera(m);
    bind_gripper(m);
    bind_conventions(m);
}

}  // namespace ebgrasp::python
