import ebgrasp
import numpy as np
import pytest


def random_poses(count, seed=0):
    random = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (count, 1, 1))
    for X in poses:
        q, _ = np.linalg.qr(random.normal(size=(3, 3)))
        X[:3, :3] = q * np.sign(np.linalg.det(q))
        X[:3, 3] = random.uniform(-1, 1, 3)
    return poses


@pytest.mark.parametrize("convention", ebgrasp.convention_names())
def test_conventions_there_and_back(convention):
    poses = random_poses(10)
    there = ebgrasp.in_convention(poses, convention, "franka_hand")
    assert there.shape == (10, 4, 4)
    assert ebgrasp.from_convention(there, convention, "franka_hand") == pytest.approx(poses, abs=1e-12)
    assert ebgrasp.in_convention(poses[0], convention, "franka_hand") == pytest.approx(there[0])


def test_contact_graspnets_pads_are_at_the_grasp_centre():
    X = random_poses(1)[0]
    hand = ebgrasp.in_convention(X, "contact-graspnet", "franka_hand")
    assert (hand @ [0, 0, 0.1034, 1])[:3] == pytest.approx(X[:3, 3])
    with pytest.raises(ebgrasp.Error, match="unknown convention"):
        ebgrasp.in_convention(X, "mine")
    with pytest.raises(ebgrasp.Error, match="no rotation"):
        ebgrasp.in_convention(2 * X - np.diag([0, 0, 0, 1]), "gpd")


def test_gripper_files(tmp_path):
    gripper = ebgrasp.load_gripper("franka_hand")
    assert gripper.max_opening == 0.08 and gripper.to_base() == 0.1034
    gripper.name, gripper.finger_length = "mine", 0.06
    (tmp_path / "mine.yaml").write_text(gripper.to_yaml())
    assert ebgrasp.load_gripper(tmp_path / "mine.yaml").finger_length == 0.06
    gripper.max_opening = 80
    with pytest.raises(ebgrasp.Error, match="max_opening is 80; it must be above 0 and at most 0.5 m"):
        gripper.validate()
    with pytest.raises(ebgrasp.Error, match="max_opening is 80"):
        ebgrasp.in_convention(np.eye(4), "ros", gripper)


def test_boxes_touch_the_opening():
    gripper = ebgrasp.load_gripper("yumi")
    left, right, palm = gripper.boxes(0.03)
    assert right[0, 0] - right[1, 0] == pytest.approx(0.015)
    assert left[0, 0] + left[1, 0] == pytest.approx(-0.015)
    assert palm[0, 2] + palm[1, 2] == pytest.approx(-gripper.to_palm())
