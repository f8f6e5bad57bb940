import ebgrasp
import numpy as np
import pytest
from conftest import INTRINSICS


@pytest.fixture(scope="module")
def model():
    return ebgrasp.load_energy_model("seed")


@pytest.fixture(scope="module")
def scene(model, depth):
    return ebgrasp.Scene(depth, INTRINSICS, model=model)


def some_grasps(scene, count=40):
    random = np.random.default_rng(1)
    rows, cols = np.nonzero(scene.region)
    pick = random.integers(len(rows), size=count)
    return np.column_stack([rows[pick], cols[pick], random.uniform(0.67, 0.69, count), random.uniform(-1.5, 1.5, count)])


def test_energies_are_those_of_the_plan(model, scene, depth):
    plan = ebgrasp.Planner(model).plan(depth, INTRINSICS)
    energies = model.encode(scene).evaluate(scene.planar(plan.poses()))
    assert energies == pytest.approx(plan.energies, abs=2e-3 * max(1, np.abs(plan.energies).max()))


def test_probabilities_are_those_of_the_plan(model, scene, depth):
    plan = ebgrasp.Planner(model).plan(depth, INTRINSICS)
    probabilities = model.encode(scene).success_probabilities(scene.planar(plan.poses()))
    if model.calibrated:
        assert probabilities == pytest.approx(plan.success_probabilities, abs=5e-3)
    else:
        assert probabilities.shape == (0,) and np.isnan(plan.success_probabilities).all()


def test_gradients_are_the_slopes_of_the_energy(model, scene):
    """Central differences, in float32 networks: the median error tells."""
    view, grasps = model.encode(scene), some_grasps(scene)
    energies, gradients = view.evaluate(grasps, gradients=True)
    assert energies.shape == (40,) and gradients.shape == (40, 4)
    assert np.array_equal(energies, view.evaluate(grasps))
    for axis, step in enumerate((0.05, 0.05, 2e-4, 0.01)):
        offset = np.zeros(4)
        offset[axis] = step
        slopes = (view.evaluate(grasps + offset) - view.evaluate(grasps - offset)) / (2 * step)
        error = np.abs(slopes - gradients[:, axis])
        assert np.median(error) < 0.05 * (np.median(np.abs(slopes)) + 1e-3)


def test_descent_goes_down_and_leaves_its_starts_alone(model, scene):
    view, grasps = model.encode(scene), some_grasps(scene)
    before = grasps.copy()
    down, energies = ebgrasp.descend(view, scene, grasps)
    assert np.array_equal(grasps, before)
    assert (energies <= view.evaluate(grasps) + 1e-9).all()
    assert view.evaluate(down[:, :4]) == pytest.approx(energies, abs=1e-4)
    assert (energies < view.evaluate(grasps) - 1e-3).mean() > 0.5


def test_the_scene_is_the_view_from_above(model, scene, depth):
    assert scene.depth.dtype == np.float32 and scene.depth.shape == scene.region.shape == scene.height.shape
    assert scene.height[scene.region > 0] == pytest.approx(0.04, abs=2e-3)
    assert scene.X_CV[:3, :3] == pytest.approx(np.eye(3), abs=1e-3)
    camera = scene.intrinsics
    rows, cols = np.nonzero(scene.region)
    middle = (cols.mean() - camera.cx) / camera.fx * (model.distance - 0.04) + scene.X_CV[0, 3]
    assert middle == pytest.approx(0.03, abs=2e-3)


def test_arrays_are_views_that_keep_their_owner(model, depth):
    array = ebgrasp.Scene(depth, INTRINSICS).depth
    assert not array.flags.owndata and not array.flags.writeable
    copy = np.array(array)
    del depth
    assert np.array_equal(array, copy)


def test_a_view_may_be_given_as_an_array(model, scene):
    view = model.encode_array(np.array(scene.depth), scene.intrinsics, scene.region)
    grasps = some_grasps(scene)
    assert np.array_equal(view.evaluate(grasps), model.encode(scene).evaluate(grasps))


def test_errors(model, scene):
    with pytest.raises(ebgrasp.Error, match=r"\(n, 4\)"):
        model.encode(scene).evaluate(np.zeros((3, 7)))
    with pytest.raises(ebgrasp.Error, match="no support plane"):
        ebgrasp.Scene(np.random.default_rng(0).uniform(0.3, 1.2, (480, 640)), INTRINSICS)
