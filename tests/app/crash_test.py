#!/usr/bin/env python3
"""`ebgrasp generate` killed at any moment, and on a full disk. Usage: crash_test.py EBGRASP"""
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

EBGRASP = sys.argv[1]
KILLS = 10
LAYOUTS = {
    "windows": (["--examples", "2500"], "layout: windows\nexamples_per_shard: 100\n", 7),
    "clutter": (["--layout", "scenes", "--scene", "pile", "--images", "16", "--image-width", "160"],
                "scenes_per_shard: 2\n", 15),
}


def contents(folder):
    """Every file below `folder` by its relative path."""
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder)] = file.read()
    return files


class Crash(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)

    def path(self, name):
        return os.path.join(self.work.name, name)

    def command(self, layout, output):
        options, config, _ = LAYOUTS[layout]
        with open(self.path("config.yaml"), "w") as file:
            file.write(config)
        return [EBGRASP, "generate", "--config", self.path("config.yaml"), "--objects", "procedural:4", "--threads", "2",
                *options, "--output", self.path(output)]

    def run_to_the_end(self, layout, output, **options):
        return subprocess.run(self.command(layout, output), capture_output=True, text=True, timeout=600, **options)

    def whole(self, layout):
        """The contents of an uninterrupted run, and the seconds it took."""
        start = time.monotonic()
        result = self.run_to_the_end(layout, "whole")
        if "needs physics" in result.stderr:
            self.skipTest("built without physics")
        self.assertEqual(result.returncode, 0, result.stderr)
        return contents(self.path("whole")), time.monotonic() - start

    def half_written(self, output):
        """Whether a shard is being written at this moment."""
        try:
            return any(name.startswith("shard_") and name.endswith(".tmp") for name in os.listdir(self.path(output)))
        except FileNotFoundError:
            return False

    def assert_shards_are_whole(self, output, columns):
        if not os.path.isdir(self.path(output)):
            return
        for name in os.listdir(self.path(output)):
            if name.startswith("shard_") and not name.endswith(".tmp"):
                self.assertEqual(len(os.listdir(os.path.join(self.path(output), name))), columns, name)

    def check_kills(self, layout):
        expected, duration = self.whole(layout)
        columns = LAYOUTS[layout][2]
        moments = random.Random(1)
        for kill in range(KILLS):
            process = subprocess.Popen(self.command(layout, "killed"), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            if kill % 2 == 0:  # at any time
                time.sleep(moments.uniform(0, 0.5 * duration))
            else:  # in the midst of writing
                while process.poll() is None and not self.half_written("killed"):
                    time.sleep(0.0005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.assert_shards_are_whole("killed", columns)
        result = self.run_to_the_end(layout, "killed")
        self.assertEqual(result.returncode, 0, result.stderr)
        found = contents(self.path("killed"))
        self.assertEqual(sorted(found), sorted(expected))
        self.assertEqual([name for name in expected if found[name] != expected[name]], [])

    def test_killed_windows(self):
        self.check_kills("windows")

    def test_killed_clutter(self):
        self.check_kills("clutter")

    def check_full_disk(self, layout):
        """A limit on the size of files fails writes as a full disk does, also in the midst of a file."""
        def small_disk():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

        expected, _ = self.whole(layout)
        result = self.run_to_the_end(layout, "full", preexec_fn=small_disk)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout, "")
        errors = [line for line in result.stderr.splitlines() if "error" in line]
        self.assertEqual(len(errors), 1, result.stderr)
        self.assertIn("cannot be written", errors[0])
        self.assertEqual(sorted(os.listdir(self.path("full"))), ["config.yaml", "gripper.yaml"])
        self.assertEqual(self.run_to_the_end(layout, "full").returncode, 0)
        self.assertEqual(contents(self.path("full")), expected)

    def test_full_disk_windows(self):
        self.check_full_disk("windows")

    def test_full_disk_clutter(self):
        self.check_full_disk("clutter")

    def test_same_bytes_on_one_and_seven_threads(self):
        """Piles included: physics does not depend on threads."""
        expected, _ = self.whole("clutter")
        for threads in ("1", "7"):
            command = self.command("clutter", threads)
            command[command.index("--threads") + 1] = threads
            self.assertEqual(subprocess.run(command, capture_output=True, timeout=600).returncode, 0)
            self.assertEqual(contents(self.path(threads)), expected)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
