#!/usr/bin/env python3
"""The command line as users call it: the whole loop, its JSON, its errors. Usage: command_line_test.py EBGRASP MODELS"""
import array
import hashlib
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import unittest

EBGRASP, MODELS = sys.argv[1:3]
HAS_TRAINING = os.path.exists(os.path.join(os.path.dirname(EBGRASP), "ebgrasp-train"))
INTRINSICS = "525,525,319.5,239.5"


HEIGHT, WIDTH = 480, 640


def write_npy(path, values, shape, kind="<f4"):
    """A .npy file, version 1.0, by the format's description."""
    header = str({"descr": kind, "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())


def read_depth(path):
    with open(path, "rb") as file:
        data = file.read()
    (header_size,) = struct.unpack("<H", data[8:10])
    return array.array("f", data[10 + header_size:])


def ebgrasp(*arguments):
    return subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=600,
                          env={**os.environ, "EBGRASP_MODELS": MODELS})


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.depth = cls.path("depth.npy")
        result = ebgrasp("objects", "procedural:2", "--seed", 7, "--index", 1, "--render", cls.depth)
        assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def run_ok(self, *arguments):
        result = ebgrasp(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def assert_error(self, result, *parts):
        """One clear line on stderr, nothing on stdout, exit code not 0."""
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        errors = [line for line in result.stderr.splitlines() if not line.startswith("warning:")]
        self.assertEqual(len(errors), 1, result.stderr)
        for part in parts:
            self.assertIn(part, errors[0])

    # -- planning

    def plan(self, *more):
        return json.loads(self.run_ok("plan", "--depth", self.depth, "--intrinsics", INTRINSICS, "--json", *more).stdout)

    def test_plan_writes_the_documented_grasp_list(self):
        output, overlay = self.path("grasps.json"), self.path("overlay.png")
        grasps = self.plan("-n", 4, "--output", output, "--overlay", overlay)
        with open(output) as file:
            self.assertEqual(json.load(file)["grasps"], grasps["grasps"])
        with open(overlay, "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        self.assertEqual(grasps["format"], "ebgrasp-grasps/1")
        self.assertEqual(grasps["frame"], "camera")
        self.assertTrue(1 <= len(grasps["grasps"]) <= 4)
        depth = read_depth(self.depth)
        energies = [g["energy"] for g in grasps["grasps"]]
        self.assertEqual(energies, sorted(energies))
        for g in grasps["grasps"]:
            self.assertLess(0.0, g["width"])
            self.assertLessEqual(g["width"], 0.085)
            self.assertTrue(-math.pi / 2 < g["angle"] <= math.pi / 2)
            surface = depth[round(g["row"]) * WIDTH + round(g["col"])]
            self.assertTrue(surface == 0 or surface < g["depth"] + 0.004)
            x, y, z = g["pose"]["position"]
            self.assertAlmostEqual(x, (g["col"] - 319.5) * z / 525, places=4)
            self.assertAlmostEqual(y, (g["row"] - 239.5) * z / 525, places=4)
            self.assertAlmostEqual(math.hypot(*g["pose"]["quaternion_wxyz"]), 1.0, places=6)

    def test_same_seed_same_grasps_on_one_and_two_threads(self):
        one, two = self.plan("--threads", 1), self.plan("--threads", 2)
        for result in (one, two):
            del result["milliseconds"]
        self.assertEqual(one, two)
        self.assertNotEqual(one["grasps"], self.plan("--seed", 2)["grasps"])

    def test_an_empty_table_is_no_error(self):
        empty = self.path("empty.npy")
        write_npy(empty, array.array("f", [0.7]) * (HEIGHT * WIDTH), (HEIGHT, WIDTH))
        result = self.run_ok("plan", "--depth", empty, "--intrinsics", INTRINSICS, "--json")
        grasps = json.loads(result.stdout)
        self.assertEqual(grasps["grasps"], [])
        self.assertIn("nothing_on_the_plane", grasps["reason"])
        text = self.run_ok("plan", "--depth", empty, "--intrinsics", INTRINSICS).stdout
        self.assertIn("no grasp found", text)

    def test_landscape_draws_a_picture(self):
        output = self.path("landscape.png")
        self.run_ok("landscape", "--depth", self.depth, "--intrinsics", INTRINSICS, "--output", output)
        self.assertGreater(os.path.getsize(output), 20_000)

    # -- conventions

    def test_a_convention_moves_the_origin_along_the_approach(self):
        center = self.plan("--gripper", "franka_hand")["grasps"][0]["pose"]
        base = self.plan("--gripper", "franka_hand", "--convention", "graspgen")
        self.assertEqual(base["origin_G"], [0, 0, -0.1034])
        moved = [a - b for a, b in zip(center["position"], base["grasps"][0]["pose"]["position"])]
        self.assertAlmostEqual(math.hypot(*moved), 0.1034, places=5)
        self.assertEqual(center["quaternion_wxyz"], base["grasps"][0]["pose"]["quaternion_wxyz"])
        self.assertEqual(self.plan("--convention", "dexnet")["convention"], "dex-net")

    def test_camera_pose_gives_poses_in_the_base(self):
        camera = self.plan()["grasps"][0]["pose"]["position"]
        base = self.plan("--camera-pose", "0.5,0,0.8,1,0,0,0")  # looks straight down: y and z are turned around
        self.assertEqual(base["frame"], "base")
        x, y, z = base["grasps"][0]["pose"]["position"]
        for got, wanted in zip((x, y, z), (0.5 + camera[0], -camera[1], 0.8 - camera[2])):
            self.assertAlmostEqual(got, wanted, places=5)

    def test_output_is_in_the_format_of_the_convention(self):
        npy, isaac, ros = self.path("g.npy"), self.path("g.yaml"), self.path("ros.json")
        count = len(self.plan("--convention", "graspnetapi", "--output", npy)["grasps"])
        with open(npy, "rb") as file:
            self.assertIn(f"'shape': ({count}, 17)".encode(), file.read(128))
        self.plan("--convention", "acronym", "--output", isaac)
        with open(isaac) as file:
            self.assertTrue(file.read().startswith("format: isaac_grasp\nformat_version: 1.0\n"))
        self.plan("--convention", "ros", "--frame-id", "wrist", "--output", ros)
        with open(ros) as file:
            message = json.load(file)["pose_array"]
        self.assertEqual(message["header"]["frame_id"], "wrist")
        self.assertEqual(len(message["poses"]), count)
        self.assertEqual(set(message["poses"][0]), {"position", "orientation"})
        self.plan_error("with franka write .json", more=("--convention", "franka", "--output", isaac))
        self.plan_error("unknown convention 'moveit'", more=("--convention", "moveit"))
        self.plan_error("seven numbers", more=("--camera-pose", "1,2,3"))

    # -- errors: one line with the value, the bound and the mend

    def plan_error(self, *parts, depth=None, intrinsics=INTRINSICS, more=()):
        result = ebgrasp("plan", "--depth", depth or self.depth, "--intrinsics", intrinsics, *more)
        self.assert_error(result, *parts)

    def test_missing_file(self):
        self.plan_error("nowhere.npy", "no such file", depth="nowhere.npy")

    def test_missing_depth(self):
        path = self.path("nothing.npy")
        write_npy(path, array.array("f", [0.0]) * (HEIGHT * WIDTH), (HEIGHT, WIDTH))
        self.plan_error("nothing.npy", depth=path)

    def test_millimetres_taken_for_metres(self):
        path = self.path("mm.npy")
        write_npy(path, array.array("f", [1000 * z for z in read_depth(self.depth)]), (HEIGHT, WIDTH))
        self.plan_error("did you mean --depth-scale 0.001?", depth=path)

    def test_truncated_npy(self):
        path = self.path("short.npy")
        with open(self.depth, "rb") as file, open(path, "wb") as out:
            out.write(file.read(100_000))
        self.plan_error("short.npy", depth=path)

    def test_mask_of_another_size(self):
        path = self.path("mask.npy")
        write_npy(path, array.array("B", [1]) * 200, (10, 20), "|u1")
        self.plan_error("20x10", "640x480", more=("--mask", path))

    def test_intrinsics_of_another_resolution(self):
        path = self.path("camera.intr")
        with open(path, "w") as file:
            json.dump({"_fx": 900.0, "_fy": 900.0, "_cx": 640.0, "_cy": 360.0, "_width": 1280, "_height": 720}, file)
        self.plan_error("1280x720", "640x480", intrinsics=path)

    def test_unknown_checkpoint_version(self):
        path = self.path("future.safetensors")
        with open(os.path.join(MODELS, "seed.safetensors"), "rb") as file:
            data = file.read()
        self.assertIn(b"ebgrasp-checkpoint/1", data)
        with open(path, "wb") as file:
            file.write(data.replace(b"ebgrasp-checkpoint/1", b"ebgrasp-checkpoint/9"))
        self.plan_error("ebgrasp-checkpoint/9", more=("--model", path))

    def test_truncated_checkpoint(self):
        path = self.path("short.safetensors")
        with open(os.path.join(MODELS, "seed.safetensors"), "rb") as file, open(path, "wb") as out:
            out.write(file.read(50_000))
        self.plan_error("short.safetensors", more=("--model", path))

    def test_unknown_names(self):
        self.plan_error("no model named 'sead'", more=("--model", "sead"))
        self.plan_error("tulip", "robotiq_2f85", more=("--gripper", "tulip"))

    def test_unwritable_output(self):
        self.plan_error("/proc/nowhere", more=("--output", "/proc/nowhere/grasps.json"))

    # -- the loop

    def test_every_command_has_help_with_an_example(self):
        commands = ["plan", "landscape", "descend", "objects", "generate", "inspect", "import-dexnet", "export-dexnet",
                    "evaluate", "calibrate", "gripper", "gripper show", "doctor"] + ["train"] * HAS_TRAINING
        for command in commands:
            self.assertIn("Example:\n  ebgrasp " + command, self.run_ok(*command.split(), "--help").stdout)

    def test_doctor_examines_blas_and_model(self):
        findings = json.loads(self.run_ok("doctor", "--json").stdout)["findings"]
        by_name = {finding["what"]: finding for finding in findings}
        self.assertTrue(by_name["model field"]["ok"], by_name["model field"])
        self.assertIn("blas", by_name)

    def doctor(self, *more):
        report = json.loads(self.run_ok("doctor", "--depth", *more, "--json").stdout)
        self.assertEqual(report["ok"], all(finding["ok"] for finding in report["findings"]))
        return {f["what"]: f["mend"] for f in report["findings"] if not f["ok"]}

    def test_doctor_examines_an_image(self):
        self.assertEqual(self.doctor(self.depth, "--intrinsics", INTRINSICS, "--mask", self.path("depth_mask.png")), {})
        self.assertEqual(set(self.doctor(self.depth)), {"intrinsics"})
        self.assertEqual(set(self.doctor("nowhere.npy")), {"depth file"})
        path = self.path("mm.npy")
        write_npy(path, array.array("f", [1000 * z for z in read_depth(self.depth)]), (HEIGHT, WIDTH))
        self.assertEqual(self.doctor(path, "--intrinsics", INTRINSICS),
                         {"units": "the file is in millimetres: pass --depth-scale 0.001"})
        text = self.run_ok("doctor", "--depth", path, "--intrinsics", INTRINSICS).stdout
        self.assertIn("-> the file is in millimetres: pass --depth-scale 0.001\n", text)
        self.assert_error(ebgrasp("doctor", "--mask", path), "go with --depth FILE")

    def test_doctor_notices_damaged_weights(self):
        folder = self.path("models")
        os.makedirs(folder)
        with open(os.path.join(MODELS, "field.safetensors"), "rb") as file:
            weights = bytearray(file.read())
        digest = hashlib.sha256(weights).hexdigest()
        with open(os.path.join(folder, "SHA256SUMS"), "w") as file:
            file.write(f"{digest}  field.safetensors\n")
        for damage in (0, 1):
            weights[-1] ^= damage
            with open(os.path.join(folder, "field.safetensors"), "wb") as file:
                file.write(weights)
            result = subprocess.run([EBGRASP, "doctor", "--json"], capture_output=True, text=True, check=True,
                                    env={**os.environ, "EBGRASP_MODELS": folder})
            (finding,) = [f for f in json.loads(result.stdout)["findings"] if f["what"] == "model field"]
            self.assertEqual(finding["ok"], not damage, finding)

    # -- grippers

    def test_gripper_show_checks_draws_and_prints(self):
        path, picture = self.path("mine.yaml"), self.path("mine.png")
        with open(path, "w") as file:
            file.write("max_opening: 0.06\nfinger_length: 0.05\n")
        text = self.run_ok("gripper", "show", path, "--output", picture, "--conventions", self.path("axes.png")).stdout
        self.assertIn("finger_length: 0.05", text)
        for file in (picture, self.path("axes.png")):
            self.assertGreater(os.path.getsize(file), 10_000)
        with open(path, "w") as file:
            file.write(text)
        self.assertEqual(self.run_ok("gripper", "show", path).stdout, text, "what it prints is a gripper file")
        with open(path, "w") as file:
            file.write("max_opening: 85\n")
        self.assert_error(ebgrasp("gripper", "show", path), "mine.yaml", "max_opening is 85", "at most 0.5 m")
        listed = json.loads(self.run_ok("gripper", "list", "--json").stdout)["grippers"]
        self.assertEqual([g["name"] for g in listed], ["robotiq_2f85", "franka_hand", "yumi"])

    def test_objects_write_meshes_that_are_read_back(self):
        folder = self.path("objects")
        made = json.loads(self.run_ok("objects", "procedural:3", "--output", folder, "--json").stdout)["objects"]
        read = json.loads(self.run_ok("objects", folder, "--json").stdout)["objects"]
        self.assertEqual([o["name"] for o in made], [o["name"] for o in read])
        for a, b in zip(made, read):
            self.assertEqual(a["parts"], b["parts"])
            self.assertAlmostEqual(a["volume_cm3"], b["volume_cm3"], delta=1e-3 * a["volume_cm3"])

    @unittest.skipUnless(HAS_TRAINING, "built without training")
    def test_generate_train_evaluate_plan(self):
        data, weights = self.path("data"), self.path("tiny.safetensors")
        summary = json.loads(self.run_ok("generate", "--objects", "procedural:12", "--examples", 1500, "--output", data,
                                         "--json").stdout)
        self.assertEqual(summary["examples"], 1500)
        self.assertGreater(summary["positives"], 100)
        self.run_ok("train", "--data", data, "--epochs", 2, "--batch-size", 128, "--output", weights)
        metrics = json.loads(self.run_ok("evaluate", "--model", weights, "--data", data, "--split", "validation",
                                         "--json").stdout)
        for key in ("loss", "alignment", "roc_auc", "average_precision", "precision_at_recall_50", "ece", "positives",
                    "negatives"):
            self.assertIn(key, metrics)
        self.assertGreater(len(self.plan("--model", weights)["grasps"]), 0)
        self.check_safetensors(weights)

    def check_safetensors(self, path):
        """The layout as the safetensors package specifies it, read without any of our code."""
        with open(path, "rb") as file:
            data = file.read()
        (header_size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + header_size])
        metadata = header.pop("__metadata__")
        self.assertEqual(metadata["model"], "seed")
        self.assertIn("provenance", json.loads(metadata["info"]))
        end = 0
        for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, tensor_end = tensor["data_offsets"]
            self.assertEqual(begin, end, name)
            self.assertEqual(tensor_end - begin, 4 * math.prod(tensor["shape"]))
            self.assertEqual(tensor["dtype"], "F32")
            end = tensor_end
        self.assertEqual(len(data), 8 + header_size + end)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
