// Grasps executed in physics.
#include "ebgrasp/simulation/trial.hpp"
#include "scenes.hpp"

namespace ebgrasp::python {

void bind_simulation(py::module_& m) {
    py::class_<TrialResult>(m, "TrialResult", "How a trial ended.")
        .def_property_readonly("success", [](const TrialResult& r) { return r.outcome == Outcome::success; })
        .def_property_readonly(
            "outcome", [](const TrialResult& r) { return std::string(to_string(r.outcome)); },
            "success, collision, empty, slipped, dropped or out_of_reach.")
        .def_readonly("object", &TrialResult::object, "Index of the object between the fingers; -1: none.")
        .def_property_readonly(
            "X_WO", [](const TrialResult& r) { return from_poses(r.X_WO); },
            "ndarray, shape (k, 4, 4): where the objects are at the end.")
        .def_readonly("seconds", &TrialResult::seconds, "Simulated.")
        .def("__repr__", [](const TrialResult& r) {
            return py::str("<TrialResult {}, object {}, {:.2f} s>")
                .format(std::string(to_string(r.outcome)), r.object, r.seconds);
        });
    m.def(
        "simulate",
        [](const Scenery& scenery, const Doubles& X_WG, const py::object& given, double opening, double closing_force,
           double mass, double object_friction, int shake_level) {
            const auto scene = to_scene(scenery);
            const auto posed = posed_objects(scene);
            const Gripper gripper = to_gripper(given);
            const Eigen::Isometry3d grasp = to_pose(X_WG, "X_WG");
            TrialOptions options;
            options.closing_force = closing_force;
            options.mass = mass;
            options.object_friction = object_friction;
            options.shake_level = shake_level;
            const py::gil_scoped_release release;
            return TrialWorld(posed, gripper, options).run(grasp, opening);
        },
        py::arg("scene"), py::arg("X_WG"), py::arg("gripper") = "robotiq_2f85", py::arg("opening") = 0.0,
        py::arg("closing_force") = TrialOptions{}.closing_force, py::arg("mass") = TrialOptions{}.mass,
        py::arg("object_friction") = TrialOptions{}.object_friction,
        py::arg("shake_level") = TrialOptions{}.shake_level,
        R"(Execute one grasp in physics: approach, close, lift, shake.

Parameters
----------
scene : sequence of (Object, array_like of shape (4, 4))
    Objects at rest on the table z = 0, with their poses X_WO.
X_WG : array_like, shape (4, 4)
    Grasp centre between the pads, +z approach, +x closing.
gripper : Gripper or str
opening : float
    Metres between the pads on approach; 0: the widest.
closing_force : float
    Newtons per finger at most.
mass : float
    Kilograms of each object; 0: by density.
object_friction : float
    Between objects and table; the pads' is the gripper's.
shake_level : int
    0 none, 1 gentle, 2 normal, 3 hard.

Returns
-------
TrialResult)");
}

}  // namespace ebgrasp::python
