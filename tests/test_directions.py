"""Directions: sparse rows, and the points they lead to."""

import numpy as np
import pytest

from numdiff.geometry.directions import along, axes, combine, joined

X = np.array([1.0, -2.0, 4.0])
V = np.array([3.0, 0.0, -0.5])


def dense(directions, n=3):
    rows = np.zeros((len(directions), n))
    stops = np.append(directions.starts[1:], len(directions.index))
    for d, (start, stop) in enumerate(zip(directions.starts, stops, strict=True)):
        rows[d, directions.index[start:stop]] = directions.weight[start:stop]
    return rows


MANY = {
    "axes": axes(3),
    "along": along(V),
    "joined": joined(axes(3), along(V)),
    "joined vectors": joined(along(V), along(V[::-1]), axes(3), along(np.ones(3))),
}
every_kind = pytest.mark.parametrize("directions", MANY.values(), ids=MANY)


def test_rows_are_what_they_are_called():
    assert (dense(axes(3)) == np.eye(3)).all()
    assert (dense(along(V)) == [V]).all()
    assert (dense(MANY["joined"]) == [*np.eye(3), V]).all()
    assert (dense(MANY["joined vectors"]) == [V, V[::-1], *np.eye(3), np.ones(3)]).all()
    assert len(axes(0)) == 0


def test_only_rows_of_one_entry_each_are_single():
    assert axes(3).single
    assert along(np.array([0.0, 2.0, 0.0])).single
    assert not along(V).single
    assert not MANY["joined"].single


@every_kind
def test_pick_takes_rows_in_any_order(directions):
    for rows in ([0], list(range(len(directions)))[::-1], [0, len(directions) - 1]):
        picked = directions.pick(np.array(rows))
        assert (dense(picked) == dense(directions)[rows]).all()


@every_kind
def test_parts_put_together_are_the_whole(directions):
    for size in (1, 2, 5):
        parts = [
            directions.part(slice(first, min(first + size, len(directions))))
            for first in range(0, len(directions), size)
        ]
        assert (dense(joined(*parts)) == dense(directions)).all()


@every_kind
@pytest.mark.parametrize("width", [1, 2, 5])
def test_displaced_points_stand_step_by_step_then_direction_by_direction(directions, width):
    t = np.ldexp(np.arange(1.0, 1 + len(directions) * width), -3).reshape(width, -1)
    t[-1] *= -1
    points = directions.displace(X, t)
    assert (points == X + t[:, :, None] * dense(directions)).all()
    assert points.flags.c_contiguous
    assert X.tolist() == [1.0, -2.0, 4.0]
    assert not np.shares_memory(points, directions.displace(X, t))


def test_combine_adds_pairs_in_their_units():
    units = np.array([2.0, 0.5, -4.0, 1.0])
    for rows, columns in (([0, 0, 1], [1, 2, 2]), ([0, 1, 2], [3, 3, 3]), ([3], [0]), ([2], [2])):
        found = combine(MANY["joined"], np.array(rows), np.array(columns), units)
        whole = dense(MANY["joined"]) * units[:, None]
        assert (dense(found) == whole[rows] + whole[columns]).all()


def test_combined_rows_name_each_entry_once():
    found = combine(MANY["joined"], np.array([0]), np.array([3]), np.ones(4))
    assert sorted(found.index) == [0, 2]
    same = combine(axes(3), np.array([0, 1]), np.array([2, 1]), np.array([1.0, 2.0, 4.0]))
    assert (dense(same) == [[1.0, 0.0, 4.0], [0.0, 4.0, 0.0]]).all()
