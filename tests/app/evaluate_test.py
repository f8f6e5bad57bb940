#!/usr/bin/env python3
"""`ebgrasp evaluate` and `calibrate` on data made here. Usage: evaluate_test.py EBGRASP MODELS"""
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
METRICS = ("loss", "alignment", "alignment_spread", "roc_auc", "average_precision", "precision_at_recall_50", "accuracy",
           "ece")


def ebgrasp(*arguments):
    return subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=600,
                          env={**os.environ, "EBGRASP_MODELS": MODELS})


def read_checkpoint(path):
    """Metadata's info and the tensors' bytes, by the safetensors format's description."""
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    return json.loads(header["__metadata__"]["info"]), data[8 + size:]


class Evaluate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.data = cls.path("data")
        # Another seed than that of the shipped model's data: objects that it has never seen, in every split. Camera and
        # noise as in its training.
        config = cls.path("config.yaml")
        with open(config, "w") as file:
            file.write("{objects: procedural:60, examples: 6000, split: [0.2, 0.4, 0.4], seed: 77,"
                       " camera: {min_distance: 0.68, max_distance: 0.72}, noise: {gamma_shape: 0, gp_sigma: 0.002}}")
        result = ebgrasp("generate", "--config", config, "--output", cls.data)
        assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def json_of(self, *arguments):
        result = ebgrasp(*arguments, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def assert_error(self, result, *parts):
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        errors = [line for line in result.stderr.splitlines() if not line.startswith("warning:")]
        self.assertEqual(len(errors), 1, result.stderr)
        for part in parts:
            self.assertIn(part, errors[0])

    # -- evaluate

    def test_the_shipped_model_ranks_unseen_objects(self):
        row = self.json_of("evaluate", "--data", self.data)
        for key in METRICS:
            self.assertTrue(math.isfinite(row[key]), key)
        self.assertGreater(row["roc_auc"], 0.8)
        self.assertLess(row["ece"], 0.15)
        self.assertGreater(row["positives"], 100)
        self.assertGreater(row["parameters"], 6e5)
        self.assertLess(row["parameters"], 7e5)
        self.assertGreater(row["macs"], 3.9e6)
        self.assertLess(row["macs"], 4.0e6)
        self.assertEqual((row["split"], row["split_by"], row["network"]), ("test", "object", "seed"))
        self.assertEqual((row["seen_examples"], row["seen_objects"]), (None, None), "other data")

    def test_several_models_and_splits_are_rows_of_one_table(self):
        models, splits = ["seed", os.path.join(MODELS, "seed.safetensors")], ["object", "example"]
        options = [x for model in models for x in ("--model", model)] + ["--split-by", ",".join(splits), "--data", self.data]
        rows = self.json_of("evaluate", *options)["evaluations"]
        self.assertEqual([(row["model"], row["split_by"]) for row in rows], [(m, s) for m in models for s in splits])
        self.assertEqual(rows[0]["roc_auc"], rows[2]["roc_auc"])
        lines = ebgrasp("evaluate", *options).stdout.splitlines()
        self.assertEqual(len(lines), 2 + 4)
        self.assertIn("alignment", lines[1])
        self.assertIn("example", lines[3])

    def test_same_seed_same_numbers_on_one_and_two_threads(self):
        one, two = (self.json_of("evaluate", "--data", self.data, "--threads", n) for n in (1, 2))
        self.assertEqual(one, two)

    def test_errors_name_the_cause(self):
        self.assert_error(ebgrasp("evaluate", "--data", self.path("none")), "dataset.json")
        self.assert_error(ebgrasp("evaluate", "--data", self.data, "--model", "sead"), "sead")
        self.assert_error(ebgrasp("evaluate", "--data", self.data, "--split", "best"), "unknown split 'best'")
        self.assert_error(ebgrasp("evaluate", "--data", self.data, "--split-by", "colour"), "colour")

    @unittest.skipUnless(HAS_TRAINING, "built without training")
    def test_gqcnn_trains_on_the_grasps_own_windows_and_stands_beside_the_seed(self):
        data, weights, config = self.path("own"), self.path("gqcnn.safetensors"), self.path("gqcnn.yaml")
        result = ebgrasp("generate", "--objects", "procedural:20", "--examples", 1500, "--split", "0.4,0.3,0.3", "--seed", 77,
                         "--grasp-windows", "--output", data)
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(config, "w") as file:
            file.write("{model: gqcnn, loss: bce, temperature: 1, optimizer: sgd, learning_rate: 0.01, weight_decay: 0.0005,"
                       " batch_size: 64, epochs: 1}")
        result = ebgrasp("train", "--data", data, "--config", config, "--output", weights)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = self.json_of("evaluate", "--data", data, "--model", weights, "--model", "seed")["evaluations"]
        self.assertEqual([row["network"] for row in rows], ["gqcnn", "seed"])
        self.assertEqual(rows[0]["macs"], 132_203_536)
        self.assertEqual(rows[0]["positives"], rows[1]["positives"])
        self.assertEqual((rows[0]["seen_examples"], rows[0]["seen_objects"]), (0, 0))
        crossed = self.json_of("evaluate", "--data", data, "--model", weights, "--split-by", "example")
        self.assertGreater(crossed["seen_examples"], 0.2)
        self.json_of("calibrate", "--data", data, "--model", weights, "--output", weights)
        self.assertEqual(read_checkpoint(weights)[0]["calibration"]["method"], "platt")
        self.assert_error(ebgrasp("evaluate", "--data", self.data, "--model", weights), "--grasp-windows")

    # -- calibrate

    def test_the_isotonic_calibration_is_stored_and_used_by_plan(self):
        output, diagram = self.path("calibrated.safetensors"), self.path("reliability.png")
        report = self.json_of("calibrate", "--data", self.data, "--method", "isotonic", "--output", output, "--diagram",
                              diagram)
        for name in ("base_rate", "stored", "platt", "isotonic"):
            for score in ("ece", "brier", "log_loss"):
                self.assertTrue(math.isfinite(report["test"][name][score]), (name, score))
        for name in ("platt", "isotonic"):
            self.assertLess(report["test"][name]["brier"], report["test"]["base_rate"]["brier"])
        with open(diagram, "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")

        shipped, shipped_tensors = read_checkpoint(os.path.join(MODELS, "seed.safetensors"))
        info, tensors = read_checkpoint(output)
        self.assertEqual(tensors, shipped_tensors)
        self.assertEqual({**info, "calibration": None}, {**shipped, "calibration": None})
        calibration = info["calibration"]
        self.assertEqual(calibration["method"], "isotonic")
        self.assertEqual(calibration["energies"], sorted(calibration["energies"]))
        self.assertEqual(calibration["probabilities"], sorted(calibration["probabilities"], reverse=True))
        self.assertEqual(calibration["fitted_to"]["split"], "validation")
        self.assertEqual(calibration["fitted_to"]["examples"], report["validation_examples"])

        depth = self.path("depth.npy")
        self.assertEqual(ebgrasp("objects", "procedural:2", "--index", 1, "--render", depth).returncode, 0)
        grasps = self.json_of("plan", "--depth", depth, "--intrinsics", "525,525,319.5,239.5", "--model", output)["grasps"]
        self.assertGreater(len(grasps), 0)
        for grasp in grasps:
            self.assertAlmostEqual(grasp["success_probability"], self.interpolate(calibration, grasp["energy"]),
                                   delta=1e-4)  # grasp lists round

    @staticmethod
    def interpolate(calibration, energy):
        x, p = calibration["energies"], calibration["probabilities"]
        if energy <= x[0]:
            return p[0]
        for i in range(1, len(x)):
            if energy <= x[i]:
                return p[i - 1] + (p[i] - p[i - 1]) * (energy - x[i - 1]) / (x[i] - x[i - 1])
        return p[-1]

    def test_platt_is_stored_in_place(self):
        path = self.path("own.safetensors")
        with open(os.path.join(MODELS, "seed.safetensors"), "rb") as file, open(path, "wb") as copy:
            copy.write(file.read())
        self.json_of("calibrate", "--model", path, "--data", self.data, "--output", path)
        calibration = read_checkpoint(path)[0]["calibration"]
        self.assertEqual(calibration["method"], "platt")
        again = self.json_of("calibrate", "--model", path, "--data", self.data)
        self.assertEqual(again["test"]["stored"], again["test"]["platt"])

    def test_without_an_output_nothing_is_written(self):
        before = sorted(os.listdir(self.folder.name))
        result = ebgrasp("calibrate", "--data", self.data)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("nothing is stored", result.stdout)
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_unknown_method(self):
        result = ebgrasp("calibrate", "--data", self.data, "--method", "splines")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("splines", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
