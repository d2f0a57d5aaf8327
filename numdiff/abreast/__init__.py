"""Many directions abreast: array operations that stand in for kernels while those are interpreted.

To interpret a kernel takes half a millisecond for each output along a direction. Most of them take
the same way, though: a few levels, a sample off the lattice, nothing that surprises. Array
operations lead all of those together, of any order and on any side of x, with the decisions and the
bits of the kernels of the ladder, which keep the others: `formulas` are those of the tableau,
elementwise; `rounds` judges what directions want; `points` says where f is asked, and `ends` sets
ladders up and reads them off.
"""
