#!/usr/bin/env python3
"""import-dexnet and export-dexnet against Python's own zip reader and writer. Usage: dexnet_test.py EBGRASP"""
import array
import ast
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

EBGRASP = sys.argv[1]
FIELDS = {"depth_ims_tf_table": (32, 32, 1), "hand_poses": (7,), "robust_ferrari_canny": ()}


def write_npz(path, values, shape, kind="f", method=zipfile.ZIP_DEFLATED, member="arr_0.npy"):
    """What np.savez and np.savez_compressed write, zip64 header fields included; kind "f" or "d"."""
    header = str({"descr": {"f": "<f4", "d": "<f8"}[kind], "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with zipfile.ZipFile(path, "w", method) as archive, archive.open(member, "w", force_zip64=True) as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(array.array(kind, values).tobytes())


def read_npz(path):
    """(type, shape, bytes of the elements)"""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["arr_0.npy"]
        data = archive.read("arr_0.npy")
    assert data[:8] == b"\x93NUMPY\x01\x00"
    (header_size,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10:10 + header_size].decode())
    assert not header["fortran_order"]
    return header["descr"], header["shape"], data[10 + header_size:]


def ebgrasp(*arguments):
    return subprocess.run([EBGRASP, *map(str, arguments)], capture_output=True, text=True, timeout=300)


class Dexnet(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.tensors, self.data, self.exported = (os.path.join(self.folder.name, n) for n in ("in", "data", "out"))
        os.mkdir(self.tensors)

    def tearDown(self):
        self.folder.cleanup()

    def write_shard(self, number, rows, kind="f", method=zipfile.ZIP_DEFLATED):
        numbers = random.Random(number)
        for field, row in FIELDS.items():
            size = rows
            for n in row:
                size *= n
            low, high = (0.0, 0.005) if field == "robust_ferrari_canny" else (0.5, 0.8)
            write_npz(self.path(field, number), [numbers.uniform(low, high) for _ in range(size)], (rows, *row), kind,
                      method)

    def path(self, field, number, folder=None):
        return os.path.join(folder or self.tensors, f"{field}_{number:05d}.npz")

    def run_json(self, *arguments):
        result = ebgrasp(*arguments, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def assert_error(self, result, *parts):
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        errors = [line for line in result.stderr.splitlines() if "error" in line]
        self.assertEqual(len(errors), 1, result.stderr)
        for part in parts:
            self.assertIn(part, errors[0])

    def test_round_trip(self):
        self.write_shard(0, 40)
        self.write_shard(1, 40, method=zipfile.ZIP_STORED)
        self.write_shard(2, 11, kind="d")
        write_npz(self.path("image_labels", 0), range(40), (40,))
        summary = self.run_json("import-dexnet", "--tensors", self.tensors, "--output", self.data)
        positives = 0
        for number in range(3):
            kind, _, data = read_npz(self.path("robust_ferrari_canny", number))
            positives += sum(value > 0.002 for value in array.array("f" if kind == "<f4" else "d", data))
        self.assertEqual((summary["shards"], summary["examples"], summary["positives"]), (3, 91, positives))
        summary = self.run_json("export-dexnet", "--data", self.data, "--output", self.exported)
        self.assertEqual((summary["shards"], summary["examples"]), (3, 91))
        for number in range(3):
            for field in FIELDS:
                self.assertEqual(read_npz(self.path(field, number, self.exported)), read_npz(self.path(field, number)))
        self.assertEqual(len(os.listdir(self.exported)), 9)

    def test_import_again_continues_and_other_thresholds_are_refused(self):
        self.write_shard(0, 5)
        command = ("import-dexnet", "--tensors", self.tensors, "--output", self.data)
        self.assertEqual(self.run_json(*command), self.run_json(*command))
        self.assert_error(ebgrasp(*command, "--threshold", 0.001), "another configuration")

    def test_shards_are_refused_by_name(self):
        self.write_shard(0, 5)
        self.write_shard(1, 5)
        command = ("import-dexnet", "--tensors", self.tensors, "--output", self.data)
        poses = self.path("hand_poses", 1)
        write_npz(poses, [0.5] * 28, (4, 7))
        self.assert_error(ebgrasp(*command), "hand_poses_00001.npz", "4 rows")
        write_npz(poses, [0.5] * 35, (5, 7), member="poses.npy")
        self.assert_error(ebgrasp(*command), "hand_poses_00001.npz", "arr_0.npy")
        write_npz(poses, [0.5] * 35, (5, 7))
        os.truncate(poses, os.path.getsize(poses) - 30)
        self.assert_error(ebgrasp(*command), "hand_poses_00001.npz")
        os.remove(poses)
        self.assert_error(ebgrasp(*command), "hand_poses_00001.npz", "no such file")

    def test_generated_windows_are_not_exported(self):
        self.run_json("generate", "--objects", "procedural:2", "--examples", 100, "--output", self.data)
        self.assert_error(ebgrasp("export-dexnet", "--data", self.data, "--output", self.exported), "--layout scenes")
        self.assertFalse(os.path.exists(self.exported))

    def test_help_has_an_example(self):
        for command in ("import-dexnet", "export-dexnet"):
            self.assertIn("Example:\n  ebgrasp " + command, ebgrasp(command, "--help").stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
