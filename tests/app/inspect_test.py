#!/usr/bin/env python3
"""ebgrasp inspect, as a user calls it. Usage: inspect_test.py EBGRASP"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

EBGRASP = sys.argv[1]


def ebgrasp(*arguments):
    return subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=600)


class Inspect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.data = cls.path("data")
        result = ebgrasp("generate", "--objects", "procedural:12", "--examples", 900, "--output", cls.data)
        assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def inspect(self, *arguments):
        result = ebgrasp("inspect", self.data, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_json_holds_every_number_and_the_numbers_add_up(self):
        report = json.loads(self.inspect("--json"))
        examples, positives = report["examples"], report["positives"]
        self.assertEqual(report["format"], "ebgrasp-windows/1")
        self.assertEqual(examples, 900)
        self.assertAlmostEqual(report["positive_share"], positives / examples)
        self.assertEqual(set(report["splits"]), {"train", "validation", "test"})
        for key, total in (("examples", examples), ("positives", positives), ("images", report["images"]),
                           ("objects", report["objects"]["count"])):
            self.assertEqual(sum(split[key] for split in report["splits"].values()), total, key)
        self.assertEqual(sum(report["verdicts"].values()), examples)
        self.assertEqual(report["verdicts"]["success"], positives)

        objects = report["objects"]["best_first"]
        self.assertEqual(sum(o["examples"] for o in objects), examples)
        shares = [o["positive_share"] for o in objects]
        self.assertEqual(shares, sorted(shares, reverse=True))
        self.assertEqual(report["objects"]["without_success"], shares.count(0))

        distributions = report["distributions"]
        self.assertEqual(set(distributions), {
            "image_depth_m", "row_px", "col_px", "depth_m", "angle_rad", "opening_m", "epsilon_of_successes",
            "epsilon_of_failures", "robust_epsilon_of_successes", "robust_epsilon_of_failures"})
        for name, d in distributions.items():
            self.assertEqual(d["non_finite"], 0, name)
            order = [d[key] for key in ("min", "p01", "median", "p99", "max")]
            self.assertEqual(order, sorted(order), name)
        self.assertEqual(distributions["image_depth_m"]["count"], 1024 * report["images"])
        self.assertGreater(distributions["robust_epsilon_of_successes"]["min"], 0.002)
        self.assertLessEqual(distributions["robust_epsilon_of_failures"]["max"], 0.002)
        self.assertEqual(report["repetitions"], {"images": 0, "examples": 0, "images_in_several_splits": 0})

    def test_the_report_page_is_a_png_of_a_page_and_always_the_same(self):
        first, second = self.path("report.png"), self.path("again.png")
        text = self.inspect("--output", first)
        self.assertIn("900 examples", text)
        self.assertIn("gripper_collision", text)
        self.inspect("--output", second, "--threads", 1)
        with open(first, "rb") as file:
            png = file.read()
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        self.assertGreater(width, 1500)
        self.assertGreater(height, 1200)
        self.assertGreater(len(png), 100_000)
        with open(second, "rb") as file:
            self.assertEqual(file.read(), png)

    def assert_error(self, folder, *parts):
        result = ebgrasp("inspect", folder)
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_errors_name_the_file(self):
        self.assert_error(self.path("nowhere"), "nowhere")
        damaged = self.path("damaged")
        shutil.copytree(self.data, damaged)
        windows = os.path.join(damaged, "shard_00000", "windows.npy")
        os.truncate(windows, os.path.getsize(windows) // 2)
        self.assert_error(damaged, "shard_00000/windows.npy")
        with open(os.path.join(damaged, "dataset.json"), "w") as file:
            json.dump({"format": "ebgrasp-tulips/1"}, file)
        self.assert_error(damaged, "ebgrasp-tulips/1", "ebgrasp-windows/1")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
