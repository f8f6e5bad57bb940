#!/usr/bin/env python3
"""`ebgrasp train --model field`, with practice in physics and a second source of objects: what it writes, what it
remembers, and what it refuses. Usage: train_field_test.py EBGRASP MODELS"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

EBGRASP, MODELS = sys.argv[1], sys.argv[2]
CONFIG = """
data: {objects: "procedural:30", noise: {gamma_shape: 0}}
scenes: {kinds: [1, 0, 0], graded: true, edge_proposals: 40, uniform_proposals: 10, antipodal: 40}
training_scenes: 3
validation_scenes: 2
more: [{objects: meshes, training_scenes: 1}]
practice: {model: field, grasps: %d}
training: {steps: 2, validate_every: 1, scenes_per_step: 2, grasps_per_scene: 16, device: cpu}
"""


class TrainField(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.ebgrasp("objects", "procedural:8", "--output", "meshes")
        self.configure(3)

    def tearDown(self):
        self.folder.cleanup()

    def configure(self, grasps):
        with open(self.path("field.yaml"), "w") as file:
            file.write(CONFIG % grasps)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def ebgrasp(self, *arguments, fails=False):
        result = subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=600,
                                cwd=self.folder.name, env=dict(os.environ, EBGRASP_MODELS=MODELS))
        self.assertEqual(result.returncode != 0, fails, result.stderr)
        return result.stderr if fails else result.stdout

    def train(self, **keywords):
        return self.ebgrasp("train", "--model", "field", "--config", "field.yaml", "--output", "new.safetensors",
                            "--threads", 1, "--json", **keywords)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_practises_once_and_remembers(self):
        reports = json.loads(self.train())["reports"]
        self.assertEqual([report["step"] for report in reports], [1, 2])
        journal = self.read("new.safetensors.practice")
        lines = [json.loads(line) for line in journal.splitlines()]
        self.assertEqual(lines[0]["format"], "ebgrasp-practice/1")
        self.assertEqual(sorted((line["source"], line["scene"]) for line in lines[1:]), [(0, 0), (0, 1), (0, 2), (1, 0)])
        grasps = [grasp for line in lines[1:] for grasp in line["grasps"]]
        self.assertTrue(all(len(line["grasps"]) <= 3 for line in lines[1:]))
        self.assertGreater(len(grasps), 0)
        self.assertTrue(all(isinstance(grasp["holds"], bool) and 0 < grasp["opening"] < 0.1 for grasp in grasps))

        weights = self.read("new.safetensors")
        for rest in ("", ".csv", ".state"):
            os.remove(self.path("new.safetensors" + rest))
        self.train()
        self.assertEqual(self.read("new.safetensors.practice"), journal)
        self.assertEqual(self.read("new.safetensors"), weights)

    def test_refuses_the_practice_of_another_study(self):
        self.train()
        self.configure(2)
        self.assertIn("/identity/practice/grasps differs", self.train(fails=True))

    def test_refuses_parameters_out_of_range(self):
        self.configure(0)
        self.assertIn("grasps is 0", self.train(fails=True))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
