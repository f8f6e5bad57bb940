import threading

import ebgrasp
import numpy as np
import pytest
from conftest import INTRINSICS


@pytest.fixture(scope="module")
def planner():
    return ebgrasp.Planner("field", "robotiq_2f85")


def without_times(grasp_list):
    return {key: value for key, value in grasp_list.items() if key != "milliseconds"}


def test_plans_what_the_command_line_plans(planner, depth, command):
    plan = planner.plan(depth, INTRINSICS, count=5, seed=3)
    assert len(plan) > 0
    assert without_times(plan.to_dict()) == without_times(command("-n", 5, "--seed", 3))
    assert without_times(plan.to_dict("graspgen")) == without_times(
        command("-n", 5, "--seed", 3, "--convention", "graspgen"))


def test_arrays_agree_with_the_grasp_list(planner, depth):
    plan = planner.plan(depth, INTRINSICS, count=5)
    grasps = plan.to_dict()["grasps"]
    assert plan.planar.shape == (len(plan), 5) and plan.poses().shape == (len(plan), 4, 4)
    for i, grasp in enumerate(grasps):
        for j, field in enumerate(("row", "col", "depth", "angle", "width")):
            assert plan.planar[i, j] == pytest.approx(grasp[field], abs=1e-3)
        assert plan.energies[i] == pytest.approx(grasp["energy"], abs=1e-5)
        assert plan.success_probabilities[i] == pytest.approx(grasp["success_probability"], abs=1e-4)
        assert plan.poses()[i, :3, 3] == pytest.approx(grasp["pose"]["position"], abs=1e-6)
    assert list(plan.energies) == sorted(plan.energies)


def test_the_best_grasp_is_on_the_box(planner, depth):
    row, col, z, angle, width = planner.plan(depth, INTRINSICS).planar[0]
    assert abs(col - (319.5 + 525 * 0.03 / 0.66)) < 16 and abs(row - 239.5) < 32
    assert 0.66 < z < 0.70
    assert 0.04 < width <= 0.085


def test_says_why_there_is_no_grasp(planner):
    plan = planner.plan(np.full((480, 640), 0.7), INTRINSICS)
    assert len(plan) == 0 and plan.planar.shape == (0, 5) and plan.poses().shape == (0, 4, 4)
    assert "nothing_on_the_plane" in plan.reason
    assert plan.stages[1]["dropped"] == {"nothing_on_the_plane": 1}


def test_masks_may_be_of_any_type(planner, depth):
    mask = depth < 0.68
    plans = [planner.plan(depth, INTRINSICS, m) for m in (mask, mask.astype(np.uint8), 255 * mask.astype(int))]
    for plan in plans:
        assert np.array_equal(plan.planar, plans[0].planar)
        assert all(mask[int(round(row)), int(round(col))] for row, col in plan.planar[:, :2])


def test_terms_are_wishes_that_the_search_follows(planner, depth):
    def best(*terms):
        return planner.plan(depth, INTRINSICS, terms=terms).planar[0]

    lower_half = np.zeros_like(depth)
    lower_half[240:] = 1
    upper = best({"type": "keep_out", "mask": lower_half, "margin": 0.0, "weight": 1e4})
    lower = best({"type": "target", "mask": lower_half, "weight": 1e4})
    assert upper[0] < 240 < lower[0] + 1
    with pytest.raises(ebgrasp.Error):
        best({"type": "wish"})


def test_intrinsics_may_be_given_in_three_ways(planner, depth):
    matrix = [[525, 0, 319.5], [0, 525, 239.5], [0, 0, 1]]
    ways = [INTRINSICS, matrix, ebgrasp.CameraIntrinsics(480, 640, *INTRINSICS), None]
    planars = [planner.plan(depth, way).planar for way in ways]
    for planar in planars:
        assert np.array_equal(planar, planars[0])


@pytest.mark.parametrize("arguments, message", [
    (lambda d: ((1000 * d).astype(np.uint16), INTRINSICS), "pass depth * 0.001"),
    (lambda d: (1000 * d, INTRINSICS), "median depth is 700 m; depth is in metres, pass depth * 0.001"),
    (lambda d: (d[None], INTRINSICS), "(height, width) is needed"),
    (lambda d: (0 * d, INTRINSICS), "every depth is missing"),
    (lambda d: (d, (525, 525)), "intrinsics must be"),
    (lambda d: (d, ebgrasp.CameraIntrinsics(720, 1280, 900, 900, 640, 360)), "1280x720 but the image is 640x480"),
    (lambda d: (d[:100], None), "only 640x480 has a default"),
    (lambda d: (d, INTRINSICS, np.ones((10, 20))), "the mask has shape (10, 20)"),
])
def test_errors_name_the_mend(planner, depth, arguments, message):
    with pytest.raises(ebgrasp.Error) as error:
        planner.plan(*arguments(depth))
    assert message in str(error.value)
    assert isinstance(error.value, ValueError)


def test_names_that_are_not_known():
    with pytest.raises(ebgrasp.Error, match="no model named 'sead'"):
        ebgrasp.Planner("sead")
    with pytest.raises(ebgrasp.Error, match="robotiq_2f85, franka_hand, yumi"):
        ebgrasp.Planner("seed", "tulip")
    with pytest.raises(AttributeError, match="no attribute 'plann'"):
        ebgrasp.plann


def test_the_interpreter_runs_on_while_a_plan_is_made(planner, depth):
    """Counts ticks of a Python thread during plans: with the GIL held there would be next to none."""
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.wait(0.0005):
            ticks[0] += 1

    thread = threading.Thread(target=tick)
    thread.start()
    before, milliseconds = ticks[0], 0.0
    while milliseconds < 200:
        milliseconds += planner.plan(depth, INTRINSICS, threads=1).milliseconds
    during = ticks[0] - before
    stop.set()
    thread.join()
    assert during > 10


def test_threads_plan_the_same(planner, depth):
    results = [None] * 4

    def plan(i):
        results[i] = planner.plan(depth, INTRINSICS).planar

    threads = [threading.Thread(target=plan, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for planar in results:
        assert np.array_equal(planar, results[0])


def test_files_in_other_formats(planner, depth, tmp_path):
    plan = planner.plan(depth, INTRINSICS, count=3)
    plan.save(tmp_path / "g.npy", "graspnetapi")
    assert np.array_equal(np.load(tmp_path / "g.npy"), plan.graspnet_array)
    assert plan.graspnet_array.shape == (len(plan), 17)
    plan.save(tmp_path / "g.yaml", "graspgen")
    assert (tmp_path / "g.yaml").read_text().startswith("format: isaac_grasp\nformat_version: 1.0\n")
    with pytest.raises(ebgrasp.Error, match="with franka write .json"):
        plan.save(tmp_path / "g.yaml", "franka")


def test_examine_finds_what_is_wrong(depth):
    noisy = depth + np.random.default_rng(0).normal(0, 5e-4, depth.shape).astype(np.float32)
    assert all(finding.ok for finding in ebgrasp.examine(noisy, INTRINSICS))
    wrong = [f for f in ebgrasp.examine(noisy, INTRINSICS, np.ones((10, 10))) if not f.ok]
    assert [f.what for f in wrong] == ["mask"] and wrong[0].mend
