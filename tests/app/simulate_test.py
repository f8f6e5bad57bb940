#!/usr/bin/env python3
"""`ebgrasp simulate`: the report, its repetition, a kill at any moment, and mistakes. Usage: simulate_test.py EBGRASP"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

EBGRASP = sys.argv[1]
KILLS = 6


def timeless(report):
    """The report without what depends on the clock."""
    for planner in report["planners"]:
        del planner["plan_ms_p50"], planner["plan_ms_p95"]
    return report


class Simulate(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        with open(self.path("small.yaml"), "w") as file:
            file.write("objects: procedural:30\n"
                       "camera: {intrinsics: {height: 240, width: 320, fx: 262.5, fy: 262.5, cx: 159.5, cy: 119.5}}\n"
                       "noise: {gp_sigma: 0.002}\n")

    def path(self, name):
        return os.path.join(self.work.name, name)

    def command(self, *options):
        return [EBGRASP, "simulate", "--config", self.path("small.yaml"), *map(str, options)]

    def run_command(self, *options):
        return subprocess.run(self.command(*options), capture_output=True, text=True, timeout=600)

    def report(self, *options):
        result = self.run_command("--json", *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def read(self, name):
        with open(self.path(name)) as file:
            return json.load(file)

    def test_the_report_holds_what_is_promised(self):
        report = self.report("--planner", "oracle,random", "--trials", 6, "--seed", 4, "--split", "test",
                             "--output", self.path("report.json"))
        self.assertEqual(report, self.read("report.json"))
        self.assertEqual((report["protocol"], report["seed"], report["trials"]), ("single", 4, 6))
        self.assertEqual([planner["name"] for planner in report["planners"]], ["oracle", "random"])
        for planner in report["planners"]:
            self.assertEqual(planner["attempts"], 6)
            self.assertEqual(planner["successes"] + sum(planner["failures"].values()), 6)
            self.assertAlmostEqual(planner["success_rate"], planner["successes"] / 6)
            low, high = planner["interval95"]
            self.assertTrue(0 <= low <= planner["success_rate"] <= high <= 1)
            self.assertGreaterEqual(planner["plan_ms_p95"], planner["plan_ms_p50"])
        [pair] = report["paired"]
        self.assertEqual(pair["a_better"] + pair["b_better"] + pair["ties"], 6)
        self.assertEqual(pair["a_better"] - pair["b_better"],
                         report["planners"][0]["successes"] - report["planners"][1]["successes"])
        self.assertEqual(sum(each["placed"] for each in report["objects"]), 6)
        self.assertEqual(sum(each["removed"]["oracle"] for each in report["objects"]), report["planners"][0]["successes"])
        self.assertEqual(report["options"]["object_count"], 3)  # a tenth of 30
        self.assertEqual(report["options"]["trial"]["shake_level"], 2)

    def test_threads_do_not_matter(self):
        options = ("--protocol", "packed", "--scene-objects", "2,3", "--planner", "oracle,antipodal", "--trials", 4)
        alone = timeless(self.report(*options, "--threads", 1))
        self.assertEqual(alone, timeless(self.report(*options, "--threads", 4)))
        self.assertEqual(sum(alone["planners"][0]["ends"].values()), 4)

    def test_a_killed_run_goes_on(self):
        options = ("--planner", "oracle,random", "--trials", 40, "--threads", 2)
        start = time.monotonic()
        whole = timeless(self.report(*options))
        seconds = time.monotonic() - start
        journal = self.path("report.json.trials")
        chance = random.Random(1)
        for _ in range(KILLS):
            process = subprocess.Popen(self.command(*options, "--output", self.path("report.json")),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.5 * seconds))
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.report(*options, "--output", self.path("report.json"))
        self.assertEqual(timeless(self.read("report.json")), whole)
        with open(journal) as file:
            keys = [(line["planner"], line["trial"]) for line in map(json.loads, file) if "planner" in line]
        self.assertEqual(len(keys), 80)
        self.assertEqual(len(set(keys)), 80)

        other = self.run_command(*options, "--seed", 2, "--output", self.path("report.json"))
        self.assertEqual(other.returncode, 1)
        self.assertIn("another run (/identity/options/seed differs)", other.stderr)

        # Trials that are known are not played again: with one more planner only its own are missing.
        more = self.report("--planner", "oracle,antipodal,random", *options[2:], "--output", self.path("report.json"))
        with open(journal) as file:
            self.assertEqual(sum(1 for _ in file), 1 + 120)
        self.assertEqual(timeless(more)["planners"][0], whole["planners"][0])

    def test_a_program_that_fails_loses_its_trials_only(self):
        for command, mode in (("exit 3", "planner_error"), ("echo no, JSON; cat >/dev/null", "planner_error")):
            report = self.report("--planner", "random,exec:" + command, "--trials", 2)
            self.assertEqual(report["planners"][1]["name"], "exec:" + command)
            self.assertEqual(report["planners"][1]["failures"], {mode: 2})
            self.assertEqual(sum(report["planners"][0]["failures"].values()) + report["planners"][0]["successes"], 2)

    def test_pictures_are_drawn(self):
        table = self.run_command("--planner", "random", "--trials", 1, "--figure", self.path("f.png"), "--video",
                                 self.path("v.gif"))
        if "--figure" in table.stderr:
            self.skipTest("built without pictures")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("95 % interval", table.stdout)
        with open(self.path("f.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        with open(self.path("v.gif"), "rb") as file:
            self.assertEqual(file.read(6), b"GIF89a")

    def test_mistakes_are_one_line(self):
        for options, message in (
                ((), "no planner is named"),
                (("--planner", "clever"), "unknown planner 'clever'"),
                (("--planner", "random,random"), "planner 'random' is named twice"),
                (("--planner", "random", "--protocol", "heap"), "'heap'; use single, pile or packed"),
                (("--planner", "random", "--trials", "0"), "trials is 0"),
                (("--planner", "random", "--from", "z"), "none of the 3 objects"),
                (("--planner", "random", "--shake-level", "9"), "shake_level is 9"),
                (("--planner", "random", "--scene-objects", "3,1"), "scene.objects (fewest) is 3"),
                (("--planner", "random", "--gripper", "hand"), "hand"),
                (("--planner", "energy:missing"), "missing")):
            result = self.run_command("--objects", "procedural:3", *options)
            self.assertEqual(result.returncode, 1, options)
            self.assertEqual(result.stdout, "")
            self.assertEqual(len([line for line in result.stderr.splitlines() if "warning" not in line]), 1, result.stderr)
            self.assertIn(message, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
