"""Labels grasps on a mesh and executes the best one in physics. The twin of examples/cpp/3_label_your_own_mesh.cpp.

Usage: 3_label_your_own_mesh.py [MESH in metres]
"""
import sys

import ebgrasp
import numpy as np

if len(sys.argv) > 1:
    mesh = ebgrasp.read_object(sys.argv[1])
else:  # an L of two boxes
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    mesh = ebgrasp.convex_object("L", [corners * [0.015, 0.04, 0.015], corners * [0.04, 0.015, 0.015] + [0.025, 0.025, 0]])

poses, probabilities = mesh.stable_poses()
X_WO = poses[0]  # the likeliest rest on the table z = 0
candidates = ebgrasp.antipodal_candidates(mesh, X_WO, "robotiq_2f85", count=200)
labels = ebgrasp.LabelOracle([(mesh, X_WO)], "robotiq_2f85").label(candidates)

print(f"{mesh.name}: {len(poses)} stable poses, the first with probability {probabilities[0]:.2f}")
for index, name in enumerate(ebgrasp.VERDICTS):
    print(f"  {name:<18} {(labels['verdict'] == index).sum()}")
best = np.argmax(np.where(labels["success"], labels["robust_epsilon"], -1))
print(f"best: robust epsilon {labels['robust_epsilon'][best]:.4f};", ebgrasp.simulate([(mesh, X_WO)], candidates[best]))
