// Planning, and energies on arrays.
#include "conversions.hpp"
#include "ebgrasp/core/error.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/planning/diagnosis.hpp"
#include "ebgrasp/planning/energy_terms.hpp"
#include "ebgrasp/planning/grasp_export.hpp"
#include "ebgrasp/planning/planner.hpp"

namespace ebgrasp::python {
namespace {

/// A plan with all that is needed to tell it.
struct Plan {
    PlanResult result;
    CameraIntrinsics camera;
    Gripper gripper;
    std::string model;

    GraspListOptions told(const std::string& convention, const py::object& X_BC) const {
        GraspListOptions options{find_convention(convention), gripper, model, {}};
        if (!X_BC.is_none()) options.camera_pose = CameraPose{to_pose(Doubles(X_BC), "camera_pose")};
        return options;
    }
    template <typename Value>
    py::array_t<double> column(const Value& value) const {
        py::array_t<double> array(static_cast<py::ssize_t>(result.grasps.size()));
        for (std::size_t i = 0; i < result.grasps.size(); ++i) array.mutable_data()[i] = value(result.grasps[i]);
        return array;
    }
};

constexpr py::ssize_t planar_fields = 5;

py::array_t<double> from_planar(std::span<const PlanarGrasp> grasps) {
    py::array_t<double> array({static_cast<py::ssize_t>(grasps.size()), planar_fields});
    double* at = array.mutable_data();
    for (const auto& [row, col, depth, angle, width] : grasps)
        for (const double value : {row, col, depth, angle, width}) *at++ = value;
    return array;
}

/// Rows of (row, col, depth, angle), or with width.
std::vector<PlanarGrasp> to_planar(const Doubles& array) {
    require(array.ndim() == 2 && (array.shape(1) == 4 || array.shape(1) == 5), "grasps have shape ",
            py::str(array.attr("shape")).cast<std::string>(),
            "; (n, 4) or (n, 5) is needed: row, col, depth, angle, width");
    std::vector<PlanarGrasp> grasps;
    for (py::ssize_t i = 0; i < array.shape(0); ++i) {
        const double* const y = array.data(i, 0);
        grasps.push_back({y[0], y[1], y[2], y[3], array.shape(1) == 5 ? y[4] : 0.0});
    }
    return grasps;
}

/// Energy terms as `parse_energy_terms` reads them, but for masks, which are arrays.
std::vector<EnergyTerm> to_terms(const py::object& terms, const Gripper& gripper, const DepthImage& image) {
    if (terms.is_none()) return {};
    std::vector<Mask> masks;
    py::list named;
    for (const py::handle term : terms) {
        py::dict copy(term.attr("copy")());
        if (copy.contains("mask")) {
            masks.push_back(to_mask(copy["mask"], image.height(), image.width()));
            copy["mask"] = std::to_string(masks.size() - 1);
        }
        named.append(copy);
    }
    return parse_energy_terms(from_python(named), gripper,
                              [&](const std::string& name) { return masks.at(std::stoul(name)); });
}

std::shared_ptr<EnergyModel> load_model(const std::string& path) { return load_energy_model(path); }

/// Energies (n), and gradients (n, 4) if wanted.
py::object evaluate(const EncodedView& view, const Doubles& array, bool with_gradients) {
    const std::vector<PlanarGrasp> grasps = to_planar(array);
    py::array_t<double> energies(static_cast<py::ssize_t>(grasps.size()));
    const std::span<double> energy(energies.mutable_data(), grasps.size());
    std::vector<GraspGradient> gradient(with_gradients ? grasps.size() : 0);
    {
        const py::gil_scoped_release release;
        view.evaluate(grasps, energy, gradient);
    }
    if (!with_gradients) return energies;
    py::array_t<double> gradients({static_cast<py::ssize_t>(grasps.size()), py::ssize_t{4}});
    for (std::size_t i = 0; i < gradient.size(); ++i)
        Eigen::Map<GraspGradient>(gradients.mutable_data() + 4 * i) = gradient[i];
    return py::make_tuple(energies, gradients);
}

void bind_energy(py::module_& m) {
    py::class_<EncodedView>(m, "EncodedView",
                            "One view, encoded once; reads the energies of any number of grasps in it.")
        .def("evaluate", &evaluate, py::arg("grasps"), py::arg("gradients") = false,
             R"(Energies of grasps in this view; lower is better.

Parameters
----------
grasps : array_like, shape (n, 4)
    Row and column (pixels of the view), depth (metres), angle (radians).
gradients : bool
    Whether to return the gradients, too.

Returns
-------
energies : ndarray, shape (n,)
gradients : ndarray, shape (n, 4)
    dE / d(row, col, depth, angle): per pixel, pixel, metre, radian. Only if asked for.)")
        .def(
            "success_probabilities",
            [](const EncodedView& view, const Doubles& array) {
                const auto grasps = to_planar(array);
                std::vector<double> p;
                {
                    const py::gil_scoped_release release;
                    p = view.success_probabilities(grasps);
                }
                return py::array_t<double>(p.size(), p.data());
            },
            py::arg("grasps"),
            "p(success) of each grasp, ndarray of shape (n,); empty if the model is not calibrated.");

    py::class_<EnergyModel, std::shared_ptr<EnergyModel>>(m, "EnergyModel",
                                                          "An energy E(x, y) of a grasp y in a depth view x.")
        .def_property_readonly("name", &EnergyModel::name)
        .def_property_readonly(
            "focal_length", [](const EnergyModel& e) { return e.view().focal_length; },
            "Pixels; of the virtual camera that the model was trained behind.")
        .def_property_readonly(
            "distance", [](const EnergyModel& e) { return e.view().distance; },
            "Metres from that camera to the support plane.")
        .def_property_readonly("calibrated", &EnergyModel::calibrated,
                               "Whether its views know probabilities of success.")
        .def(
            "encode",
            [](const EnergyModel& model, const Scene& scene, const py::object& given) {
                const Gripper gripper = to_gripper(given);
                const py::gil_scoped_release release;
                return model.encode(scene.view.image, scene.region, gripper);
            },
            py::arg("scene"), py::arg("gripper") = "robotiq_2f85", py::keep_alive<0, 1>(),
            "Encode a scene for grasps of a gripper, which are in the pixels of the scene's view.")
        .def(
            "encode_array",
            [](const EnergyModel& model, const py::array& depth, const py::object& intrinsics, const py::object& region,
               const py::object& given) {
                const Gripper gripper = to_gripper(given);
                const DepthImage image = to_depth_image(depth, intrinsics);
                require((image.depth > 0).all(),
                        "depth has missing pixels; a view must have none (Scene makes such views)");
                Mask mask = to_mask(region, image.height(), image.width());
                if (mask.size() == 0) mask = Mask::Ones(image.height(), image.width());
                const py::gil_scoped_release release;
                return model.encode(image, mask, gripper);
            },
            py::arg("depth"), py::arg("intrinsics"), py::arg("region") = py::none(),
            py::arg("gripper") = "robotiq_2f85", py::keep_alive<0, 1>(),
            R"(Encode a view given as an array.

Parameters
----------
depth : ndarray, shape (height, width), float
    Metres, without missing pixels, seen from straight above at the model's `distance`.
intrinsics : CameraIntrinsics, (fx, fy, cx, cy) or array_like of shape (3, 3)
    With the model's `focal_length`.
region : array_like, shape (height, width), optional
    Near which grasps will be asked for.
gripper : Gripper or str

Returns
-------
EncodedView)");
    m.def("_load_energy_model", &load_model, py::arg("path"));
}

void bind_scene(py::module_& m) {
    py::class_<Scene>(m, "Scene", R"(A depth image as planners see it: from straight above its support plane.

Parameters
----------
depth : ndarray, shape (height, width), float
    z in metres; 0 or NaN where missing.
intrinsics : CameraIntrinsics, (fx, fy, cx, cy) or array_like of shape (3, 3)
mask : array_like, shape (height, width), optional
    Where grasps are wanted; everywhere that objects stand by default.
model : EnergyModel, optional
    Whose virtual camera to look through.

Raises
------
Error
    If no support plane is found.)")
        .def(py::init([](const py::array& depth, const py::object& intrinsics, const py::object& mask,
                         const std::shared_ptr<EnergyModel>& model) {
                 const DepthImage image = to_depth_image(depth, intrinsics);
                 const Mask wanted = to_mask(mask, image.height(), image.width());
                 const py::gil_scoped_release release;
                 const SceneOptions options;
                 const auto plane = fit_support_plane(image, options.plane);
                 require(plane.has_value(), "no support plane found: ebgrasp.examine says more");
                 return Scene(image, wanted, *plane, model ? model->view() : ViewSpec{}, options.min_height);
             }),
             py::arg("depth"), py::arg("intrinsics"), py::arg("mask") = py::none(), py::arg("model") = py::none())
        .def_property_readonly(
            "depth",
            [](const py::object& self) {
                const DepthArray& depth = self.cast<const Scene&>().view.image.depth;
                return view_of(depth.data(), {depth.rows(), depth.cols()}, self);
            },
            "ndarray, shape (rows, cols), float32: metres from the virtual camera V, without a copy.")
        .def_property_readonly(
            "height",
            [](const py::object& self) {
                const DepthArray& height = self.cast<const Scene&>().height;
                return view_of(height.data(), {height.rows(), height.cols()}, self);
            },
            "ndarray, shape (rows, cols), float32: metres above the plane.")
        .def_property_readonly(
            "region",
            [](const py::object& self) {
                const Mask& region = self.cast<const Scene&>().region;
                return view_of(region.data(), {region.rows(), region.cols()}, self);
            },
            "ndarray, shape (rows, cols), uint8: 1 where grasps are wanted.")
        .def_property_readonly(
            "intrinsics", [](const Scene& s) { return s.camera(); }, "Of V.")
        .def_property_readonly(
            "X_CV", [](const Scene& s) { return from_pose(s.view.X_CV); },
            "ndarray, shape (4, 4): pose of V in the camera's frame.")
        .def(
            "planar",
            [](const Scene& s, const Doubles& X_CG) {
                std::vector<PlanarGrasp> grasps;
                for (const auto& X : to_poses(X_CG, "X_CG"))
                    grasps.push_back(planar_grasp(s.view.X_CV.inverse() * X, s.camera(), 0));
                return from_planar(grasps);
            },
            py::arg("X_CG"), "Grasp poses of the camera's frame as (n, 5) planar grasps of this view.");

    m.def(
        "descend",
        [](const EncodedView& view, const Scene& scene, const Doubles& array, int steps) {
            std::vector<PlanarGrasp> grasps = to_planar(array);
            DescentOptions options;
            options.steps = steps;
            std::vector<double> energies;
            {
                const py::gil_scoped_release release;
                energies = descend(view, scene.camera(), grasps, options);
            }
            return py::make_tuple(from_planar(grasps), py::array_t<double>(energies.size(), energies.data()));
        },
        py::arg("view"), py::arg("scene"), py::arg("grasps"), py::arg("steps") = DescentOptions{}.steps,
        R"(Descend the energy from every grasp.

Parameters
----------
view : EncodedView
scene : Scene
grasps : array_like, shape (n, 4) or (n, 5)
    Where to start; left unchanged.
steps : int

Returns
-------
grasps : ndarray, shape (n, 5)
    The lowest grasp visited from each start.
energies : ndarray, shape (n,))");
}

void bind_plan(py::module_& m) {
    py::class_<Plan>(m, "Plan", "Ranked grasps, best first, and what each stage dropped.")
        .def("__len__", [](const Plan& p) { return p.result.grasps.size(); })
        .def_property_readonly(
            "planar",
            [](const Plan& p) {
                std::vector<PlanarGrasp> grasps;
                for (const auto& planned : p.result.grasps) grasps.push_back(planned.grasp);
                return from_planar(grasps);
            },
            "ndarray, shape (n, 5): row, col (pixels), depth (m), angle (rad), opening (m), in the camera's image.")
        .def_property_readonly(
            "energies", [](const Plan& p) { return p.column([](const auto& g) { return g.energy; }); },
            "ndarray, shape (n,): lower is better.")
        .def_property_readonly(
            "success_probabilities",
            [](const Plan& p) {
                return p.column([](const auto& g) { return g.success_probability.value_or(std::nan("")); });
            },
            "ndarray, shape (n,): NaN if the model is not calibrated.")
        .def(
            "poses",
            [](const Plan& p, const std::string& convention, const py::object& camera_pose) {
                const auto told = p.told(convention, camera_pose);
                std::vector<Eigen::Isometry3d> poses;
                for (const auto& planned : p.result.grasps) poses.push_back(told_pose(planned, told));
                return from_poses(poses);
            },
            py::arg("convention") = "ebgrasp", py::arg("camera_pose") = py::none(),
            R"(Grasp poses.

Parameters
----------
convention : str
    Whose axes and origin; one of convention_names().
camera_pose : array_like, shape (4, 4), optional
    The camera in the robot's base; poses are then in the base, otherwise in the camera's frame.

Returns
-------
ndarray, shape (n, 4, 4))")
        .def(
            "to_dict",
            [](const Plan& p, const std::string& convention, const py::object& camera_pose) {
                return to_python(grasp_list(p.result, p.camera, p.told(convention, camera_pose)));
            },
            py::arg("convention") = "ebgrasp", py::arg("camera_pose") = py::none(),
            "The grasp list that ``ebgrasp plan --json`` prints.")
        .def(
            "save",
            [](const Plan& p, const std::filesystem::path& path, const std::string& convention,
               const py::object& camera_pose, const std::string& frame_id) {
                write_grasps(path, p.result, p.camera, p.told(convention, camera_pose), frame_id);
            },
            py::arg("path"), py::arg("convention") = "ebgrasp", py::arg("camera_pose") = py::none(),
            py::arg("frame_id") = "", "Write .json, .yaml (acronym, graspgen, contact-graspnet) or .npy (graspnetapi).")
        .def_property_readonly(
            "graspnet_array",
            [](const Plan& p) {
                const auto rows = graspnet_rows(p.result, p.told("graspnetapi", py::none()));
                py::array_t<float> array({static_cast<py::ssize_t>(rows.size()), py::ssize_t{17}});
                for (std::size_t i = 0; i < rows.size(); ++i)
                    std::copy(rows[i].begin(), rows[i].end(), array.mutable_data() + 17 * i);
                return array;
            },
            "ndarray, shape (n, 17), float32: GraspGroup(array) of graspnetAPI.")
        .def_property_readonly(
            "reason", [](const Plan& p) { return p.result.reason; }, "Why there are no grasps; empty if there are.")
        .def_property_readonly(
            "stages",
            [](const Plan& p) {
                py::list stages;
                for (const auto& s : p.result.stages) {
                    py::dict stage;
                    stage["name"] = s.name, stage["in"] = s.in, stage["out"] = s.out;
                    stage["dropped"] = s.dropped, stage["milliseconds"] = s.milliseconds;
                    stages.append(stage);
                }
                return stages;
            },
            "What each stage took in, let through and dropped, by reason.")
        .def_property_readonly("milliseconds", [](const Plan& p) { return p.result.milliseconds; });

    py::class_<Planner>(m, "_Planner")
        .def(py::init([](const std::shared_ptr<EnergyModel>& model, const py::object& gripper, std::size_t proposals,
                         std::size_t seeds, int descent_steps, double min_probability) {
            PlannerOptions options;
            options.proposals = proposals;
            options.seeds = seeds;
            options.descent.steps = descent_steps;
            options.min_probability = min_probability;
            return std::make_unique<Planner>(model, to_gripper(gripper), options);
        }))
        .def_property_readonly("gripper", [](const Planner& p) { return p.gripper(); })
        .def("plan",
             [](const Planner& planner, const py::array& depth, const py::object& intrinsics, const py::object& mask,
                int count, std::uint64_t seed, const py::object& terms, const py::object& failed_X_CG, int threads) {
                 PlanRequest request;
                 request.image = to_depth_image(depth, intrinsics);
                 request.mask = to_mask(mask, request.image.height(), request.image.width());
                 request.count = count;
                 request.seed = seed;
                 request.terms = to_terms(terms, planner.gripper(), request.image);
                 if (!failed_X_CG.is_none()) request.failed_X_CG = to_poses(failed_X_CG.cast<Doubles>(), "failed_X_CG");
                 Plan plan{{}, request.image.camera, planner.gripper(), planner.model().name()};
                 const py::gil_scoped_release release;
                 const ThreadLimit limit(threads);
                 plan.result = planner.plan(request);
                 return plan;
             });

    py::class_<Finding>(m, "Finding", "One thing that was examined.")
        .def_readonly("what", &Finding::what)
        .def_readonly("value", &Finding::value)
        .def_readonly("mend", &Finding::mend, "What to do; empty if all is well.")
        .def_property_readonly("ok", &Finding::ok)
        .def("__repr__", [](const Finding& f) {
            return (f.ok() ? "ok: " : "WARN: ") + f.what + ": " + f.value + (f.ok() ? "" : " -> " + f.mend);
        });
    m.def(
        "examine",
        [](const py::array& depth, const py::object& intrinsics, const py::object& mask) {
            const DepthImage image = to_depth_image(depth, intrinsics);
            Mask given;
            if (!mask.is_none()) {
                const py::array array(mask);
                require(array.ndim() == 2, "the mask must have two dimensions");
                given = to_mask(mask, static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1)));
            }
            const py::gil_scoped_release release;
            return examine_image(image, given);
        },
        py::arg("depth"), py::arg("intrinsics"), py::arg("mask") = py::none(),
        R"(What may be wrong with an image: missing depth, intrinsics, support plane, objects, mask.

Returns
-------
list of Finding)");
}

}  // namespace

void bind_planning(py::module_& m) {
    bind_energy(m);
    bind_scene(m);
    bind_plan(m);
}

}  // namespace ebgrasp::python
