#!/usr/bin/env python3
"""`ebgrasp sweep` and `ebgrasp figures`: a sweep killed and started again ends in the same bytes, its table, its
pictures. Usage: sweep_test.py EBGRASP"""
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

EBGRASP = sys.argv[1]
CONFIG = """
training: {batch_size: 128, learning_rate: 0.001, batch_by: window, epochs: 4, device: cpu, split_by: example}
runs:
  - {name: tau10, temperature: 10}
  - {name: tau100-objects, temperature: 100, split_by: object}
"""


class Sweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.data = os.path.join(cls.folder.name, "data")
        cls.config = os.path.join(cls.folder.name, "sweep.yaml")
        with open(cls.config, "w") as file:
            file.write(CONFIG)
        cls.ebgrasp("generate", "--examples", 4000, "--objects", "procedural:60", "--output", cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def ebgrasp(cls, *arguments):
        result = subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=600)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def path(self, *parts):
        return os.path.join(self.folder.name, *parts)

    def sweep(self, output, *options):
        return json.loads(self.ebgrasp("sweep", "--config", self.config, "--data", self.data, "--output",
                                       self.path(output), "--json", *options))

    def read(self, *parts):
        with open(self.path(*parts), "rb") as file:
            return file.read()

    def test_killed_and_started_again_ends_in_the_same_bytes(self):
        whole = self.sweep("whole")
        kills = 0
        for epoch in (2, 4, 6):  # of the eight that both runs have
            process = subprocess.Popen([EBGRASP, "sweep", "--config", self.config, "--data", self.data, "--output",
                                        self.path("killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and self.epochs_done("killed") < epoch:
                time.sleep(0.02)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
            process.wait()
        self.assertGreater(kills, 0)
        self.assertEqual(self.sweep("killed"), whole)
        for run in ("tau10", "tau100-objects"):
            file = run + ".safetensors"
            self.assertEqual(self.read("killed", file), self.read("whole", file), run)
            self.assertEqual(self.read("killed", file + ".csv").count(b"\n"), 5)
        for table in ("summary.json", "summary.csv", "summary.md"):
            self.assertEqual(self.read("killed", table), self.read("whole", table))

    def epochs_done(self, output):
        done = 0
        for run in ("tau10", "tau100-objects"):
            try:
                done += max(0, self.read(output, run + ".safetensors.csv").count(b"\n") - 1)
            except FileNotFoundError:
                pass
        return done

    def test_the_table_holds_both_splits_and_says_what_training_saw(self):
        summary = self.sweep("table", "--epochs", 1)
        self.assertEqual([run["name"] for run in summary["runs"]], ["tau10", "tau100-objects"])
        by_example, by_object = summary["runs"]
        self.assertEqual(by_example["authors"], {"loss": 0.55, "alignment": 0.862})
        self.assertNotIn("authors", by_object)
        self.assertEqual(by_example["tests"]["example"]["seen_examples"], 0)
        self.assertGreater(by_example["tests"]["example"]["seen_windows"], 0.9)
        self.assertEqual(by_object["tests"]["object"]["seen_windows"], 0)
        for run in summary["runs"]:
            self.assertEqual(run["epochs"], 1)
            for test in run["tests"].values():
                for key in ("loss", "alignment", "roc_auc", "average_precision", "precision_at_recall_50", "ece",
                            "positives", "negatives"):
                    self.assertIsInstance(test[key], (int, float), key)
        rows = list(csv.DictReader(self.read("table", "summary.csv").decode().splitlines()))
        self.assertEqual([(row["run"], row["tested_by"]) for row in rows],
                         [(run, split) for run in ("tau10", "tau100-objects") for split in ("example", "object")])
        self.assertAlmostEqual(float(rows[3]["roc_auc"]), by_object["tests"]["object"]["roc_auc"], places=12)

        more = self.sweep("table", "--epochs", 2)  # goes on
        self.assertEqual([run["epochs"] for run in more["runs"]], [2, 2])

    def test_figures(self):
        self.sweep("drawn", "--epochs", 2)
        result = subprocess.run([EBGRASP, "figures", "--help"], capture_output=True, text=True)
        if result.returncode != 0:
            self.skipTest("built without pictures")
        made = json.loads(self.ebgrasp("figures", "--sweep", self.path("drawn"), "--data", self.data, "--json"))
        self.assertEqual(sorted(os.listdir(made["folder"])), sorted(made["files"]))
        for file in made["files"]:
            start = self.read("drawn", "figures", file)[:12]
            self.assertTrue(start.startswith(b"\x89PNG") or start[4:8] == b"ftyp", file)

    def test_errors_are_one_line(self):
        def error(*arguments):
            result = subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=60)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            return result.stderr
        self.assertIn("names no folder of data", error("sweep", "--config", self.config))
        self.assertIn("names no folder for the results", error("sweep", "--config", self.config, "--data", self.data))
        with open(self.path("bad.yaml"), "w") as file:
            file.write("runs: [{name: a, temprature: 3}]")
        self.assertIn("temprature", error("sweep", "--config", self.path("bad.yaml"), "--data", self.data))
        self.assertIn("summary.json", error("figures", "--sweep", self.path("nowhere")))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
