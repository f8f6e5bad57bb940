#!/usr/bin/env python3
"""A grasp planner for `ebgrasp simulate --planner "exec:python3 planner.py"`, in plain Python: it closes the jaws
across the narrower side of what stands on the table, half-way down. One JSON line in, one JSON line out, until the
input ends (docs/planner-protocol.md)."""
import array, json, math, struct, sys


def read_npy(path, typecode):  # "f": float32, "B": uint8
    with open(path, "rb") as file:
        data = file.read()
    return array.array(typecode, data[10 + struct.unpack("<H", data[8:10])[0]:])


for line in sys.stdin:
    request = json.loads(line)
    camera, pose = request["intrinsics"], request["camera_pose"]
    depth = read_npy(request["depth"], "f")
    mask = read_npy(request["mask"], "B") if request["mask"] else None
    (w, x, y, z), camera_height = pose["quaternion_wxyz"], pose["position"][2]
    up = (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y))  # the world's z axis in the camera's frame
    points = []  # (row, column, height above the table) of every second pixel that is not the table
    for row in range(0, camera["height"], 2):
        for col in range(0, camera["width"], 2):
            i = row * camera["width"] + col
            ray = ((col - camera["cx"]) / camera["fx"], (row - camera["cy"]) / camera["fy"], 1)
            height = camera_height + depth[i] * sum(u * r for u, r in zip(up, ray))
            if depth[i] > 0 and height > 0.008 and (not mask or mask[i]):
                points.append((row, col, height))
    answer = {"format": "ebgrasp-grasps/1", "id": request["id"], "approach": "support_plane_normal", "grasps": []}
    if points:
        row, col = (sum(p[k] for p in points) / len(points) for k in (0, 1))
        a, b, c = (sum((p[j] - m) * (p[k] - n) for p in points) for j, k, m, n in
                   ((1, 1, col, col), (0, 1, row, col), (0, 0, row, row)))
        angle = math.atan2(2 * b, a - c) / 2 + math.pi / 2  # across the long axis
        half = max(0.5 * sum(p[2] for p in points) / len(points), 0.008)  # 8 mm: the fingertips stay above the table
        ray = sum(u * r for u, r in zip(up, ((col - camera["cx"]) / camera["fx"], (row - camera["cy"]) / camera["fy"], 1)))
        answer["grasps"].append({"row": row, "col": col, "depth": (half - camera_height) / ray, "angle": angle, "score": 1})
    print(json.dumps(answer), flush=True)
