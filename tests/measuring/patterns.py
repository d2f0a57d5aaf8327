"""Sparsity patterns of what is solved in practice."""

import numpy as np
import scipy.sparse as sp
from scipy.spatial import Delaunay


def band(n, width):
    """Up to `width` diagonals on either side of the main one."""
    offsets = range(-width, width + 1)
    return sp.diags_array([np.ones(n)] * len(offsets), offsets=offsets, shape=(n, n)).tocsc()


def grid(*sides, corners=False):
    """Neighbours on a grid: 5 points in two dimensions, 7 in three, or 9 and 27 with corners."""
    whole = sp.csc_array(np.ones((1, 1)))
    for side in sides:
        if corners:
            whole = sp.kron(whole, band(side, 1))
        else:
            apart = sp.kron(sp.eye_array(whole.shape[0]), band(side, 1))
            whole = sp.kron(whole, sp.eye_array(side)) + apart
    return sp.csc_array(whole)


def arrow(n):
    """A diagonal, a dense row and a dense column."""
    zeros, numbers = np.zeros(n, int), np.arange(n)
    rows = np.concatenate([numbers, zeros, numbers])
    columns = np.concatenate([numbers, numbers, zeros])
    return sp.csc_array((np.ones(3 * n), (rows, columns)), shape=(n, n))


def random_pattern(n, entries, seed=0):
    """So many entries per column on average."""
    return sp.csc_array(sp.random_array((n, n), density=entries / n, rng=seed))


def delaunay(n, dimensions, seed=0):
    """Neighbours in a triangulation of random points, in no order."""
    points = np.random.default_rng(seed).random((n, dimensions))
    simplices = Delaunay(points).simplices
    corners = simplices.shape[1]
    rows = simplices.repeat(corners, axis=1).ravel()
    columns = np.tile(simplices, corners).ravel()
    return sp.csc_array((np.ones(rows.size), (rows, columns)), shape=(n, n))
