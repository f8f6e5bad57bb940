# %% [markdown]
# # The energy around a grasp
# Runs as a script, or cell by cell in an editor that knows `# %%`. Needs matplotlib.

# %% An image: an object on a table, rendered. Replace it by yours.
import ebgrasp
import matplotlib.pyplot as plt
import numpy as np

mesh = ebgrasp.procedural_object(seed=7, index=1)
poses, _ = mesh.stable_poses()
X_WC = np.array([[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.7], [0, 0, 0, 1.0]])  # 0.7 m above, looking down
depth, instances = ebgrasp.render_depth([(mesh, poses[0])], X_WC)
camera = ebgrasp.CameraIntrinsics()

# %% Plan, and take the best grasp as the centre of the picture.
model = ebgrasp.load_energy_model("field")
plan = ebgrasp.Planner(model).plan(depth, camera, count=1)
assert len(plan), plan.reason
scene = ebgrasp.Scene(depth, camera, model=model)
view = model.encode(scene)
center = scene.planar(plan.poses())[0, :4]
print("energy of the best grasp:", view.evaluate([center])[0])

# %% The energy over pairs of the grasp's coordinates, and how a random start descends to it.
angles = np.linspace(-np.pi, np.pi, 73)
offsets = np.linspace(-8, 8, 41)
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))

grid = np.array([center + [dr, dc, 0, 0] for dr in offsets for dc in offsets])
image = left.contourf(offsets, offsets, view.evaluate(grid).reshape(41, 41), 20)
left.set(xlabel="col [px]", ylabel="row [px]", title="E(row, col)")
left.invert_yaxis()
fig.colorbar(image, ax=left)

grid = np.array([[*center[:1], center[1] + dc, center[2], a] for a in angles for dc in offsets])
image = right.contourf(offsets, np.degrees(angles), view.evaluate(grid).reshape(73, 41), 20)
right.set(xlabel="col [px]", ylabel="angle [degrees]", title="E(angle, col): a turn by 180 degrees is the same grasp")
fig.colorbar(image, ax=right)

start = center + [5, -5, 0, 0.8]
for steps in (0, 4, 8, 16):
    grasps, energies = ebgrasp.descend(view, scene, [start], steps=steps)
    print(f"after {steps:2d} steps: energy {energies[0]:.3f}")
    left.plot(grasps[0, 1] - center[1], grasps[0, 0] - center[0], "w.")
fig.tight_layout()
fig.savefig("energy_landscape.png", dpi=120)
print("energy_landscape.png")
