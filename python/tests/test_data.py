import ebgrasp
import numpy as np
import pytest
from conftest import at, box, down

pytestmark = pytest.mark.skipif("data" not in ebgrasp.features, reason="built without data")


def test_a_box_rests_on_its_faces():
    X, p = box([0.04, 0.06, 0.09]).stable_poses()
    assert len(X) == 6 and p.sum() == pytest.approx(1)
    heights = sorted(X[:, 2, 3])
    assert heights == pytest.approx([0.02, 0.02, 0.03, 0.03, 0.045, 0.045])


def test_labels_name_what_fails():
    scene = [(box([0.04, 0.04, 0.04]), at(0, 0, 0.02))]
    oracle = ebgrasp.LabelOracle(scene, "robotiq_2f85")
    poses = np.array([down(0, 0, 0.02), down(0.3, 0, 0.02), down(0.05, 0, 0.02), down(0, 0, -0.02)])
    labels = oracle.label(poses)
    names = [ebgrasp.VERDICTS[i] for i in labels["verdict"]]
    assert names == ["success", "no_contact", "too_wide", "gripper_collision"]
    assert list(labels["success"]) == [True, False, False, False]
    assert labels["opening"][0] == pytest.approx(0.04, abs=1e-6)
    assert labels["epsilon"][0] > labels["robust_epsilon"][0] > 0.002
    assert np.array_equal(labels, oracle.label(poses)), "same seed, same labels"
    assert not oracle.label(poses, openings=0.02)["success"].any()
    strict = ebgrasp.LabelOracle(scene, "robotiq_2f85", {"threshold": 1.0})
    assert ebgrasp.VERDICTS[strict.label(poses)["verdict"][0]] == "not_robust"
    with pytest.raises(ebgrasp.Error, match="treshold"):
        ebgrasp.LabelOracle(scene, "robotiq_2f85", {"treshold": 1.0})
    with pytest.raises(ebgrasp.Error, match="4 poses but 2 openings"):
        oracle.label(poses, openings=[0.05, 0.06])


def test_candidates_are_antipodal():
    poses = ebgrasp.antipodal_candidates(box([0.04, 0.04, 0.04]), at(0, 0, 0.02, 0.3), count=50)
    assert len(poses) > 10
    assert poses[:, :3, 2] == pytest.approx(np.tile([0, 0, -1], (len(poses), 1)), abs=1e-9)
    # On a box they close across two opposite faces, within the friction cone.
    closing = poses[:, :2, 0] @ [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    assert (np.abs(closing).max(axis=1) > np.cos(np.arctan(0.5)) - 1e-6).all()


def test_rendered_depth_is_the_distance_along_z():
    depth, instances = ebgrasp.render_depth([(box([0.1, 0.1, 0.04]), at(0, 0, 0.02))], down(0, 0, 0.7))
    assert depth.shape == (480, 640) and depth.dtype == np.float32
    assert depth[240, 320] == pytest.approx(0.66, abs=1e-6) and instances[240, 320] == 1
    assert depth[10, 10] == pytest.approx(0.7, abs=1e-6) and instances[10, 10] == 0


def test_objects_are_written_and_read(tmp_path):
    made = ebgrasp.procedural_object(seed=1, index=4)
    made.save(tmp_path / "o.obj")
    read = ebgrasp.read_object(tmp_path / "o.obj")
    assert read.parts == made.parts and read.volume == pytest.approx(made.volume, rel=1e-4)
    assert ebgrasp.read_object(tmp_path / "o.obj", scale=0.1).bounds == pytest.approx(0.1 * made.bounds, abs=1e-6)


def test_data_are_generated_loaded_and_saved(tmp_path):
    folder = tmp_path / "data"
    summary = ebgrasp.generate(folder, objects="procedural:4", examples=200)
    data = ebgrasp.load_windows(folder)
    assert summary["examples"] == len(data) == 200
    assert data.windows.shape[1:] == (32, 32) and data.grasps.shape == (200, 5)
    assert (data.verdict == 0).sum() == summary["positives"]
    assert data.config["examples"] == 200 and len(data.objects) == summary["objects"]
    # The arrays are the files' own.
    assert np.array_equal(data.grasps, np.load(tmp_path / "data/shard_00000/grasps.npy"))
    assert sum(len(data.indices(split)) for split in ("train", "validation", "test")) == 200

    copy = tmp_path / "copy"
    columns = ("windows", "window_object", "grasps", "grasp_window", "verdict", "epsilon", "robust_epsilon")
    ebgrasp.save_windows(copy, **{name: getattr(data, name) for name in columns}, objects=data.objects)
    again = ebgrasp.load_windows(copy)
    for name in columns:
        assert np.array_equal(getattr(again, name), getattr(data, name))
    with pytest.raises(ebgrasp.Error, match="grasp_window names window 99"):
        ebgrasp.save_windows(copy, **{**{name: getattr(data, name) for name in columns},
                                      "grasp_window": np.full(200, 99)}, objects=data.objects)


def test_scenes_hold_images_and_their_grasps(tmp_path):
    ebgrasp.generate(tmp_path, objects="procedural:2", layout="scenes", examples=60, grasps_per_scene=30)
    scenes = ebgrasp.load_scenes(tmp_path)
    assert len(scenes) == 2
    for scene in scenes:
        assert scene["depth"].shape == scene["instances"].shape == (480, 640)
        assert 0.5 < np.median(scene["depth"]) < 0.9
        assert scene["grasps"].shape[1] == 5 and len(scene["verdict"]) == len(scene["grasps"])
    with pytest.raises(ebgrasp.Error, match="exampels"):
        ebgrasp.generate(tmp_path / "x", exampels=5)


@pytest.mark.skipif("simulation" not in ebgrasp.features, reason="built without simulation")
def test_physics_agrees_with_common_sense():
    scene = [(box([0.04, 0.04, 0.04]), at(0, 0, 0.02))]
    held = ebgrasp.simulate(scene, down(0, 0, 0.02))
    assert held.success and held.outcome == "success" and held.object == 0
    assert held.X_WO[0, 2, 3] > 0.15
    assert ebgrasp.simulate(scene, down(0.2, 0, 0.03)).outcome == "empty"
    assert ebgrasp.simulate(scene, down(0.035, 0, 0.02)).outcome == "collision"
    assert not ebgrasp.simulate(scene, down(0, 0, 0.02), mass=5.0).success
