"""Plans grasps on a depth array, in the frame of a robot's base. The twin of examples/cpp/1_plan_from_depth_array.cpp."""
import ebgrasp
import numpy as np

# A box of 40 x 80 x 40 mm on a table, seen from 0.7 m above. Yours comes from a camera: metres, 0 or NaN where missing.
depth = np.full((480, 640), 0.70, dtype=np.float32)
depth[208:272, 328:360] = 0.66

planner = ebgrasp.Planner(model="field", gripper="franka_hand")
plan = planner.plan(depth, intrinsics=(525, 525, 319.5, 239.5), count=3)

# The camera hangs 0.8 m over the base's origin and looks straight down.
camera_pose = np.array([[0, -1, 0, 0.5], [-1, 0, 0, 0], [0, 0, -1, 0.8], [0, 0, 0, 1.0]])
for X, p in zip(plan.poses("franka", camera_pose), plan.success_probabilities):
    print(f"TCP at {X[:3, 3].round(3)} m, approach {X[:3, 2].round(2)}, p(success) {p:.2f}")
if len(plan) == 0:
    print("no grasp:", plan.reason, plan.stages)
