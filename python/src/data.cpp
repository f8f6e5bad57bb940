// Objects, labels and data sets.
#include "ebgrasp/core/config.hpp"
#include "ebgrasp/core/parallel.hpp"
#include "ebgrasp/dataset/scene_dataset.hpp"
#include "ebgrasp/dataset/window_dataset.hpp"
#include "ebgrasp/generation/generator.hpp"
#include "ebgrasp/geometry/procedural.hpp"
#include "ebgrasp/geometry/stable_poses.hpp"
#include "ebgrasp/labels/candidates.hpp"
#include "scenes.hpp"
#ifdef EBGRASP_WITH_SIMULATION
#include "ebgrasp/simulation/settle.hpp"
#endif

namespace ebgrasp::python {

/// A GraspLabel as a row of a structured array.
struct LabelRow {
    bool success;
    std::uint8_t verdict;
    std::int32_t object;
    double opening, epsilon, robust_epsilon;
};

namespace {

std::shared_ptr<LabelObject> shared(Object object) { return std::make_shared<LabelObject>(std::move(object)); }

py::array_t<LabelRow> from_labels(const std::vector<GraspLabel>& labels) {
    py::array_t<LabelRow> array(static_cast<py::ssize_t>(labels.size()));
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const GraspLabel& label = labels[i];
        array.mutable_data()[i] = {label.success(), static_cast<std::uint8_t>(label.verdict),
                                   label.object,    label.opening,
                                   label.epsilon,   label.robust_epsilon};
    }
    return array;
}

std::vector<Eigen::Vector3d> to_points(const Doubles& array) {
    require(array.ndim() == 2 && array.shape(1) == 3, "vertices must have shape (n, 3)");
    std::vector<Eigen::Vector3d> points;
    for (py::ssize_t i = 0; i < array.shape(0); ++i)
        points.emplace_back(array.at(i, 0), array.at(i, 1), array.at(i, 2));
    return points;
}

void bind_objects(py::module_& m) {
    py::class_<LabelObject, std::shared_ptr<LabelObject>>(m, "Object",
                                                          "A rigid object: a union of closed convex parts, metres.")
        .def_property_readonly("name", [](const LabelObject& o) { return o.object().name; })
        .def_property_readonly("parts", [](const LabelObject& o) { return o.object().parts.size(); })
        .def_property_readonly(
            "volume", [](const LabelObject& o) { return o.object().mass.volume; }, "Cubic metres.")
        .def_property_readonly(
            "bounds",
            [](const LabelObject& o) {
                const Eigen::AlignedBox3d box = o.object().bounds();
                py::array_t<double> array({2, 3});
                Eigen::Map<Eigen::Vector3d>(array.mutable_data(0, 0)) = box.min();
                Eigen::Map<Eigen::Vector3d>(array.mutable_data(1, 0)) = box.max();
                return array;
            },
            "ndarray, shape (2, 3): lowest and highest corner, metres.")
        .def(
            "stable_poses",
            [](const LabelObject& o) {
                std::vector<Eigen::Isometry3d> poses;
                std::vector<double> probabilities;
                for (const auto& [X_TO, probability] : stable_poses(o.object()))
                    poses.push_back(X_TO), probabilities.push_back(probability);
                return py::make_tuple(from_poses(poses),
                                      py::array_t<double>(probabilities.size(), probabilities.data()));
            },
            R"(How the object rests on a table z = 0.

Returns
-------
X_TO : ndarray, shape (n, 4, 4)
    By falling probability.
probability : ndarray, shape (n,))")
        .def(
            "save", [](const LabelObject& o, const std::filesystem::path& path) { write_object(o.object(), path); },
            py::arg("path"), "Write an OBJ with one group per convex part.");
    m.def(
        "read_object", [](const std::filesystem::path& path, double scale) { return shared(read_object(path, scale)); },
        py::arg("path"), py::arg("scale") = 1.0, R"(Read a mesh.

Parameters
----------
path : str
    Any mesh file, in metres; an OBJ with ``o`` groups is a union of convex parts.
scale : float
    Metres per unit of the file.)");
    m.def(
        "procedural_object",
        [](std::uint64_t seed, std::uint64_t index) { return shared(procedural_object(seed, index)); }, py::arg("seed"),
        py::arg("index"), "Object number `index` of the procedural family `seed`.");
    m.def(
        "convex_object",
        [](const std::string& name, const std::vector<Doubles>& parts) {
            std::vector<ConvexPart> hulls;
            for (const auto& part : parts) hulls.push_back(convex_hull(to_points(part)));
            return shared(make_object(name, std::move(hulls)));
        },
        py::arg("name"), py::arg("parts"), "The union of the convex hulls of vertices, each (n, 3) in metres.");

    m.def(
        "render_depth",
        [](const Scenery& scenery, const Doubles& X_WC, const py::object& intrinsics) {
            const CameraIntrinsics camera =
                intrinsics.is_none() ? CameraIntrinsics{} : intrinsics.cast<CameraIntrinsics>();
            const auto scene = to_scene(scenery);
            RenderedScene rendered;
            {
                const Eigen::Isometry3d pose = to_pose(X_WC, "X_WC");
                const auto posed = posed_objects(scene);
                const py::gil_scoped_release release;
                rendered = render_depth(posed, pose, camera);
            }
            const auto& [image, instances] = rendered;
            return py::make_tuple(py::array_t<float>({image.height(), image.width()}, image.depth.data()),
                                  py::array_t<std::uint8_t>({image.height(), image.width()}, instances.data()));
        },
        py::arg("scene"), py::arg("X_WC"), py::arg("intrinsics") = py::none(), R"(Render objects on the table z = 0.

Parameters
----------
scene : sequence of (Object, array_like of shape (4, 4))
    Objects with their poses X_WO.
X_WC : array_like, shape (4, 4)
    The camera: z forward, y down.
intrinsics : CameraIntrinsics, optional

Returns
-------
depth : ndarray, shape (height, width), float32
    z in metres; 0 where neither object nor table is seen.
instances : ndarray, shape (height, width), uint8
    0: table, i + 1: object i.)");
}

void bind_labels(py::module_& m) {
    PYBIND11_NUMPY_DTYPE(LabelRow, success, verdict, object, opening, epsilon, robust_epsilon);
    py::list verdicts;
    for (int i = 0; i <= static_cast<int>(Verdict::covered); ++i)
        verdicts.append(std::string(to_string(static_cast<Verdict>(i))));
    m.attr("VERDICTS") = py::tuple(verdicts);

    py::class_<LabelOracle>(m, "LabelOracle", R"(Does a grasp hold?

Success is a collision-free approach, an object that fits between the jaws, and a robust Ferrari-Canny epsilon above the
threshold.

Parameters
----------
scene : sequence of (Object, array_like of shape (4, 4))
    Objects with their poses X_WO on the table z = 0.
gripper : Gripper or str
parameters : dict, optional
    Fields of LabelParameters, e.g. ``{"threshold": 0.002, "uncertainty": {"samples": 25}}``.)")
        .def(py::init([](const Scenery& scenery, const py::object& gripper, const py::object& parameters) {
                 const auto given = parameters.is_none() ? nlohmann::json::object() : from_python(parameters);
                 return std::make_unique<LabelOracle>(to_scene(scenery), to_gripper(gripper),
                                                      config_from_json<LabelParameters>(given, "label parameters"));
             }),
             py::arg("scene"), py::arg("gripper") = "robotiq_2f85", py::arg("parameters") = py::none())
        .def(
            "label",
            [](const LabelOracle& oracle, const Doubles& X_WG, const Doubles& openings, std::uint64_t seed) {
                const auto poses = to_poses(X_WG, "X_WG");
                std::vector<double> widths(poses.size(), openings.size() == 1 ? *openings.data() : 0.0);
                if (openings.size() != 1) {
                    require(openings.size() == static_cast<py::ssize_t>(poses.size()), "there are ", poses.size(),
                            " poses but ", openings.size(), " openings");
                    std::copy_n(openings.data(), openings.size(), widths.data());
                }
                std::vector<GraspLabel> labels;
                {
                    const py::gil_scoped_release release;
                    labels = oracle.label(poses, widths, seed);
                }
                return from_labels(labels);
            },
            py::arg("X_WG"), py::arg("openings") = 0.0, py::arg("seed") = 1, R"(Label grasp poses.

Parameters
----------
X_WG : array_like, shape (n, 4, 4)
    Grasp centre between the pads, +z approach, +x closing, in the world.
openings : float or array_like of shape (n,)
    Metres between the pads on approach; 0: the gripper's widest.
seed : int
    Of the perturbations; labels do not depend on threads.

Returns
-------
ndarray, shape (n,), structured
    success, verdict (index into VERDICTS), object (index, -1: none), opening (m), epsilon, robust_epsilon.)");

    m.def(
        "antipodal_candidates",
        [](const std::shared_ptr<LabelObject>& object, const Doubles& X_WO, const py::object& given, std::size_t count,
           const std::array<double, 3>& approach, std::uint64_t seed) {
            const Gripper gripper = to_gripper(given);
            const PosedLabelObject target{object, to_pose(X_WO, "X_WO")};
            const Eigen::Vector3d direction = Eigen::Vector3d::Map(approach.data());
            require(std::abs(direction.norm() - 1) < 1e-6, "approach has length ", direction.norm(), ", not 1");
            std::vector<Eigen::Isometry3d> candidates;
            {
                const py::gil_scoped_release release;
                RandomStream random(seed);
                candidates = antipodal_candidates(target, direction, gripper.pad_friction, gripper, count, random);
            }
            return from_poses(candidates);
        },
        py::arg("object"), py::arg("X_WO"), py::arg("gripper") = "robotiq_2f85", py::arg("count") = 100,
        py::arg("approach") = std::array<double, 3>{0, 0, -1}, py::arg("seed") = 1,
        R"(Antipodal grasps on an object's surface.

Parameters
----------
object : Object
X_WO : array_like, shape (4, 4)
gripper : Gripper or str
count : int
    At most.
approach : sequence of 3 float
    Unit vector in the world.
seed : int

Returns
-------
ndarray, shape (k, 4, 4)
    Poses X_WG.)");
}

#ifdef EBGRASP_WITH_SIMULATION
constexpr auto physics = settle_pile;
#else
constexpr auto physics = nullptr;  // no piles then
#endif

template <typename T>
std::vector<T> to_vector(const py::array_t<T, py::array::c_style | py::array::forcecast>& array) {
    return {array.data(), array.data() + array.size()};
}
template <typename T>
using Values = py::array_t<T, py::array::c_style | py::array::forcecast>;

/// A read-only column of a data set.
template <typename T>
py::array column(const py::object& self, std::vector<T> WindowExamples::*field, std::vector<py::ssize_t> inner = {}) {
    const std::vector<T>& values = self.cast<const WindowDataset&>().examples.*field;
    py::ssize_t count = static_cast<py::ssize_t>(values.size());
    for (const py::ssize_t size : inner) count /= size;
    inner.insert(inner.begin(), count);
    return view_of(values.data(), inner, self);
}

void bind_datasets(py::module_& m) {
    m.def(
        "generate",
        [](const std::filesystem::path& output, const py::kwargs& fields) {
            auto config = config_from_json<GenerationConfig>(from_python(fields), "generate");
            GenerationSummary summary;
            {
                const py::gil_scoped_release release;
                summary = generate(config, output, physics);
            }
            py::dict result;
            result["examples"] = summary.examples, result["positives"] = summary.positives;
            result["images"] = summary.images, result["objects"] = summary.objects;
            return result;
        },
        py::arg("output"), R"(Generate labelled data; goes on where it was stopped.

Parameters
----------
output : str
    Folder of the data set.
**fields
    Of GenerationConfig (docs/data.md), e.g. ``objects="procedural:20", examples=1000, layout="windows", seed=1``.

Returns
-------
dict
    examples, positives, images, objects.)");

    py::class_<WindowDataset>(m, "WindowDataset",
                              "Depth windows with labelled grasps, in memory. Arrays are read-only views.")
        .def("__len__", [](const WindowDataset& d) { return d.examples.size(); })
        .def_property_readonly(
            "windows",
            [](const py::object& self) {
                return column(self, &WindowExamples::windows, {32, 32});
            },
            "ndarray, shape (n, 32, 32), float32: metres.")
        .def_property_readonly(
            "window_object", [](const py::object& self) { return column(self, &WindowExamples::window_object); },
            "ndarray, shape (n,), int32: index into objects.")
        .def_property_readonly(
            "grasps", [](const py::object& self) { return column(self, &WindowExamples::grasps, {5}); },
            "ndarray, shape (m, 5), float32: row, col (window pixels), depth (m), angle (rad), opening (m).")
        .def_property_readonly(
            "grasp_window", [](const py::object& self) { return column(self, &WindowExamples::grasp_window); },
            "ndarray, shape (m,), int32: index into windows.")
        .def_property_readonly(
            "robust_epsilon", [](const py::object& self) { return column(self, &WindowExamples::robust_epsilon); },
            "ndarray, shape (m,), float32.")
        .def_property_readonly(
            "epsilon", [](const py::object& self) { return column(self, &WindowExamples::epsilon); },
            "ndarray, shape (m,), float32.")
        .def_property_readonly(
            "verdict", [](const py::object& self) { return column(self, &WindowExamples::verdict); },
            "ndarray, shape (m,), uint8: index into VERDICTS; 0 is success.")
        .def_property_readonly(
            "objects",
            [](const WindowDataset& d) {
                py::list objects;
                for (const auto& [name, split] : d.objects) objects.append(py::make_tuple(name, to_string(split)));
                return objects;
            },
            "list of (name, split).")
        .def_property_readonly(
            "config", [](const WindowDataset& d) { return to_python(d.config); }, "The generator's.")
        .def(
            "indices",
            [](const WindowDataset& d, const std::string& split, const std::string& by) {
                const auto indices = d.indices(parse_split(split), parse_split_by(by));
                return py::array_t<std::size_t>(indices.size(), indices.data());
            },
            py::arg("split"), py::arg("by") = "object", "Indices of the grasps of a split: train, validation or test.");
    m.def(
        "load_windows",
        [](const std::filesystem::path& folder, std::size_t most) {
            const py::gil_scoped_release release;
            return std::make_unique<WindowDataset>(read_window_dataset(folder, most));
        },
        py::arg("folder"), py::arg("max_examples") = 0,
        "Load a `windows` data set; at most max_examples of it (0: all).");
    m.def(
        "save_windows",
        [](const std::filesystem::path& folder, const Values<float>& windows, const Values<std::int32_t>& window_object,
           const Values<float>& grasps, const Values<std::int32_t>& grasp_window, const Values<std::uint8_t>& verdict,
           const Values<float>& epsilon, const Values<float>& robust_epsilon,
           const std::vector<std::pair<std::string, std::string>>& objects, const py::dict& config) {
            const auto n = window_object.size(), k = grasp_window.size();
            require(windows.size() == n * 1024, "windows have ", windows.size(), " pixels; ", n, " windows have ",
                    n * 1024);
            require(grasps.size() == 5 * k && verdict.size() == k && epsilon.size() == k && robust_epsilon.size() == k,
                    "grasps (m, 5), verdict, epsilon and robust_epsilon must be of ", k, " grasps, as grasp_window is");
            WindowExamples examples{
                to_vector(windows),        to_vector(window_object), to_vector(grasps),  to_vector(grasp_window),
                to_vector(robust_epsilon), to_vector(epsilon),       to_vector(verdict), {}};
            DatasetHeader header{from_python(config), {}, {"shard_00000"}};
            for (const auto& [name, split] : objects) header.objects.push_back({name, parse_split(split)});
            for (const auto index : examples.window_object)
                require(index >= 0 && static_cast<std::size_t>(index) < objects.size(), "window_object names object ",
                        index, " of ", objects.size());
            for (const auto index : examples.grasp_window)
                require(index >= 0 && index < n, "grasp_window names window ", index, " of ", n);
            write_window_shard(folder / "shard_00000", examples);
            write_window_header(folder, header);
        },
        py::arg("folder"), py::kw_only(), py::arg("windows"), py::arg("window_object"), py::arg("grasps"),
        py::arg("grasp_window"), py::arg("verdict"), py::arg("epsilon"), py::arg("robust_epsilon"), py::arg("objects"),
        py::arg("config") = py::dict(),
        "Write arrays, as WindowDataset names them, as a `windows` data set that ebgrasp trains on.");

    m.def(
        "load_scenes",
        [](const std::filesystem::path& folder) {
            const DatasetHeader header = read_scene_header(folder);
            py::list scenes;
            for (std::size_t shard = 0; shard < header.shards.size(); ++shard)
                for (const SceneRecord& record : read_scene_shard(header, shard)) {
                    const auto& [fx, fy, cx, cy] = record.intrinsics;
                    const auto depth = record.depth_in_metres();
                    py::array_t<double> grasps({static_cast<py::ssize_t>(record.grasps.size()), py::ssize_t{5}});
                    py::array_t<std::uint8_t> verdict(static_cast<py::ssize_t>(record.grasps.size()));
                    for (std::size_t i = 0; i < record.grasps.size(); ++i) {
                        const SceneGrasp& g = record.grasps[i];
                        const std::array<double, 5> row = {g.row, g.col, g.depth, g.angle, g.opening};
                        std::copy(row.begin(), row.end(), grasps.mutable_data() + 5 * i);
                        verdict.mutable_data()[i] = g.verdict;
                    }
                    py::dict scene;
                    scene["depth"] = py::array_t<float>({record.height, record.width}, depth.data());
                    scene["instances"] =
                        py::array_t<std::uint8_t>({record.height, record.width}, record.instances.data());
                    scene["intrinsics"] = CameraIntrinsics{record.height, record.width, fx, fy, cx, cy};
                    scene["X_WC"] = from_pose(record.X_WC);
                    scene["grasps"] = grasps;
                    scene["verdict"] = verdict;
                    scene["split"] = to_string(record.split);
                    scenes.append(scene);
                }
            return scenes;
        },
        py::arg("folder"), R"(Load a `scenes` data set.

Returns
-------
list of dict
    depth (height, width) in metres, instances (height, width), intrinsics, X_WC (4, 4), grasps (m, 5), verdict (m,), split.)");
}

}  // namespace

void bind_data(py::module_& m) {
    bind_objects(m);
    bind_labels(m);
    bind_datasets(m);
}

}  // namespace ebgrasp::python
