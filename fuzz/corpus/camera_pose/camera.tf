camera
world
0.1 0.2 0.7
1 0 0
0 1 0
0 0 1
