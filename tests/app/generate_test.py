#!/usr/bin/env python3
"""The options of `ebgrasp generate`, and that a saved configuration reruns. Usage: generate_test.py EBGRASP"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from crash_test import contents  # noqa: E402

EBGRASP = sys.argv[1]


class Generate(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)

    def path(self, name):
        return os.path.join(self.work.name, name)

    def generate(self, output, *options):
        command = [EBGRASP, "generate", "--output", self.path(output), *map(str, options)]
        return subprocess.run(command, capture_output=True, text=True, timeout=600)

    def generate_ok(self, output, *options):
        result = self.generate(output, "--json", *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def config(self, output):
        """The saved configuration, flat: `key: value` lines of config.yaml by key."""
        with open(os.path.join(self.path(output), "config.yaml")) as file:
            return dict(re.findall(r"^ *(\w+): (.+)$", file.read(), re.MULTILINE))

    def test_every_option_is_saved_and_reruns(self):
        made = self.generate_ok(
            "first", "--layout", "scenes", "--scene", "packed", "--scene-objects", "1,3", "--objects", "procedural:5",
            "--images", 3, "--grasps-per-image", 20, "--camera", "wide", "--image-width", 160, "--no-noise",
            "--gripper", "franka_hand", "--mix", "0.5,0.5,0", "--positives", 0.5, "--split", "0.5,0.25,0.25",
            "--split-by", "image", "--seed", 5)
        self.assertEqual(made["scenes"], 3)
        self.assertLessEqual(made["examples"], 60)
        saved = self.config("first")
        for key, value in {"layout": '"scenes"', "kind": '"packed"', "examples": "60", "grasps_per_scene": "20",
                           "candidates_per_scene": "80", "height": "120", "width": "160", "fx": "131.25",
                           "gp_probability": "0.0", "edge_missing_probability": "0.0", "gripper": '"franka_hand"',
                           "antipodal": "0.5", "perturbed": "0.0", "positive_share": "0.5", "split_by": '"image"',
                           "split": "[0.5, 0.25, 0.25]", "seed": "5", "objects": "[1, 3]"}.items():
            self.assertEqual(saved[key], value, key)
        self.assertAlmostEqual(float(saved["max_elevation"]), 0.349066, places=5)

        again = self.generate_ok("second", "--config", os.path.join(self.path("first"), "config.yaml"))
        self.assertEqual({**again, "output": None}, {**made, "output": None})
        self.assertEqual(contents(self.path("second")), contents(self.path("first")))

    def test_options_replace_what_the_configuration_says(self):
        self.generate_ok("first", "--objects", "procedural:3", "--examples", 200)
        file = os.path.join(self.path("first"), "config.yaml")
        self.generate_ok("second", "--config", file, "--examples", 100, "--seed", 9)
        self.assertEqual(self.config("second"), {**self.config("first"), "examples": "100", "seed": "9"})

    def test_mistakes_are_one_line(self):
        for options, message in (
                (("--layout", "tensors"), "layout is 'tensors'; use windows or scenes"),
                (("--scene", "heap"), "scene.kind is 'heap'"),
                (("--camera", "fish"), "--camera is 'fish'; use narrow or wide"),
                (("--mix", "1,1,1"), "candidates: the shares sum to 3"),
                (("--split", "1,0,0.5"), "split: the shares sum to 1.5"),
                (("--split-by", "colour"), "cannot split by 'colour'"),
                (("--layout", "scenes", "--split-by", "example"), "splits windows only"),
                (("--image-width", "320"), "--image-width is for --layout scenes"),
                (("--grasps-per-image", "-3"), "grasps_per_window is -3"),
                (("--layout", "scenes", "--images", "0"), "examples is 0"),
                (("--config", "nowhere.yaml"), "nowhere.yaml: no such file"),
                (("--gripper", "hand"), "hand")):
            result = self.generate("wrong", "--objects", "procedural:2", *options)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertEqual(result.stdout, "")
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertIn(message, result.stderr)
            self.assertFalse(os.path.exists(self.path("wrong")), options)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
