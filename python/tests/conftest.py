"""Run by ctest with PYTHONPATH, EBGRASP_MODELS, EBGRASP (the program) and EBGRASP_SOURCE set."""
import json
import os
import subprocess

import ebgrasp
import numpy as np
import pytest

INTRINSICS = (525, 525, 319.5, 239.5)


@pytest.fixture
def needs_data():
    if "data" not in ebgrasp.features:
        pytest.skip("built without data")


def box(extents, name="box"):
    """A box about the origin."""
    corners = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    return ebgrasp.convex_object(name, [np.array(corners) * np.array(extents) / 2])


def at(x, y, z, yaw=0.0):
    """Pose of a thing turned about z by `yaw`."""
    X = np.eye(4)
    X[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    X[:3, 3] = x, y, z
    return X


def down(x, y, z, yaw=0.0):
    """Pose of a grasp straight down, closing along the world's x axis turned by `yaw`."""
    return at(x, y, z, yaw) @ np.diag([1.0, -1.0, -1.0, 1.0])


@pytest.fixture(scope="session")
def depth():
    """A box of 4 x 8 x 4 cm, 0.7 m below the camera, computed ray by ray without our renderer."""
    fx, fy, cx, cy = INTRINSICS
    u, v = np.meshgrid((np.arange(640) - cx) / fx, (np.arange(480) - cy) / fy)
    z = np.full((480, 640), 0.7)
    top = 0.66
    z[(np.abs(u * top - 0.03) < 0.02) & (np.abs(v * top) < 0.04)] = top
    return z.astype(np.float32)


@pytest.fixture(scope="session")
def command(tmp_path_factory, depth):
    """Runs `ebgrasp plan --json` on the depth image."""
    path = tmp_path_factory.mktemp("cli") / "depth.npy"
    np.save(path, depth)

    def run(*arguments):
        result = subprocess.run([os.environ["EBGRASP"], "plan", "--depth", path, "--intrinsics",
                                 ",".join(map(str, INTRINSICS)), "--json", *map(str, arguments)],
                                capture_output=True, text=True, check=True)
        return json.loads(result.stdout)

    return run
