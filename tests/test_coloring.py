"""Colourings: checked by slow and obviously right predicates, and counted."""

import csv
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize._numdiff import group_columns

from numdiff.coloring import kernels, prepared
from numdiff.coloring.pattern import as_pattern
from numdiff.ladder.runtime import compiled, interpreted
from numdiff.methods import level_of, rule_in_bits, textbook
from numdiff.sparse import Coloring, color
from numdiff.stencil import Stencil
from tests.conftest import needs_the_compiler
from tests.measuring.patterns import arrow, band, delaunay, grid, random_pattern

PUBLISHED = Path(__file__).parent / "data" / "colors.csv"


def is_partition(colors, dense):
    """Whether columns of one colour meet in no row."""
    return all(
        not (dense[:, i] & dense[:, j]).any()
        for i, j in itertools.combinations(range(dense.shape[1]), 2)
        if colors[i] == colors[j]
    )


def is_star_coloring(colors, dense):
    """Whether neighbours differ, and each path of four vertices has three colours."""
    n = len(colors)
    near = [[w for w in range(n) if dense[v, w] and w != v] for v in range(n)]
    if any(colors[v] == colors[w] for v in range(n) for w in near[v]):
        return False
    return all(
        len({colors[a], colors[b], colors[c], colors[d]}) > 2
        for b in range(n)
        for c in near[b]
        for a in near[b]
        for d in near[c]
        if a != c and d not in {a, b}
    )


def recovered(coloring, matrix):
    """The matrix, read from the sums of its columns of one colour."""
    colors = np.arange(coloring.n_colors)
    sums = matrix @ (coloring.colors[:, None] == colors).astype(float)
    moved = np.arange(len(coloring.colors)).repeat(np.diff(coloring.pointers))
    like, data = coloring.pattern, np.empty(coloring.pattern.nnz)
    data[coloring.places] = sums[coloring.rows, coloring.colors[moved]]
    return sp.csc_array((data, like.indices, like.indptr), shape=like.shape).toarray()


shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
patterns = shapes.flatmap(lambda shape: arrays(bool, shape))
squares = st.integers(1, 9).flatmap(lambda n: arrays(bool, (n, n)))


@settings(deadline=None)  # kernels may be compiled
@given(patterns)
def test_columns_of_one_color_meet_in_no_row(dense):
    coloring = color(dense)
    assert is_partition(coloring.colors, dense)
    assert set(coloring.colors) == set(range(coloring.n_colors))
    assert coloring.n_colors >= dense.sum(axis=1).max()


@settings(deadline=None)  # kernels may be compiled
@given(patterns)
def test_never_more_colors_than_scipy(dense):
    assert color(dense).n_colors <= group_columns(sp.csc_array(dense)).max() + 1


@pytest.mark.parametrize("density", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_never_more_colors_than_scipy_where_patterns_are_large(density, seed):
    pattern = sp.random_array((300, 200), density=density, rng=seed, format="csc")
    assert color(pattern).n_colors <= group_columns(pattern).max() + 1


@settings(deadline=None)  # kernels may be compiled
@given(squares)
def test_symmetric_colors_tell_every_entry(dense):
    coloring = color(dense, symmetric=True)
    full = dense | dense.T
    assert (coloring.pattern.toarray() == full).all()
    values = np.random.default_rng(0).uniform(1.0, 2.0, full.shape)
    matrix = np.where(full, values + values.T, 0.0)
    assert (recovered(coloring, matrix) == matrix).all() or np.allclose(
        recovered(coloring, matrix), matrix, rtol=0, atol=1e-14
    )


@settings(deadline=None)  # kernels may be compiled
@given(squares)
def test_stars(dense):
    pattern = as_pattern(dense | dense.T | np.eye(len(dense), dtype=bool))
    twin, n = prepared.twins(pattern), len(dense)
    for order in (np.arange(n), prepared._smallest_last(pattern)):
        assert sorted(order) == list(range(n))
        assert is_star_coloring(prepared._stars(pattern, twin, order), pattern.toarray())


@settings(deadline=None)  # kernels may be compiled
@given(squares)
def test_smallest_last_leaves_few_neighbours_before_each_vertex(dense):
    """The largest number of earlier neighbours is the degeneracy, which no order undercuts."""
    full = (dense | dense.T) & ~np.eye(len(dense), dtype=bool)
    order = prepared._smallest_last(as_pattern(full))
    before = max(full[v, order[:k]].sum() for k, v in enumerate(order))
    left, most = set(range(len(full))), 0
    while left:
        degrees = {v: sum(full[v, w] for w in left) for v in left}
        least = min(degrees, key=degrees.get)
        most = max(most, degrees[least])
        left.remove(least)
    assert before == most


@settings(deadline=None)  # kernels may be compiled
@given(squares)
def test_crowded_vertices_keep_colors_of_their_own(dense):
    dense = dense | dense.T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "CROWDED", 0.5)
        patch.setattr(prepared, "ABOVE_MEAN", 1.0)
        coloring = color(dense, symmetric=True)
    matrix = np.where(dense, 1.0 + np.arange(len(dense)) + np.arange(len(dense))[:, None], 0.0)
    assert (recovered(coloring, matrix) == matrix).all()


EXACT = {
    "tridiagonal": (band(500, 1), 3),
    "band of 21": (band(500, 10), 21),
    "band of 101": (band(500, 50), 101),
    "9 points": (grid(30, 30, corners=True), 9),
    "27 points": (grid(9, 9, 9, corners=True), 27),
    "dense row": (arrow(300), 300),
    "dense": (np.ones((7, 70), bool), 70),
    "diagonal": (sp.eye_array(50), 1),
    "empty": (sp.csc_array((5, 4)), 1),
    "no columns": (sp.csc_array((5, 0)), 0),
}


@pytest.mark.parametrize("name", EXACT)
def test_the_longest_row_is_reached(name):
    pattern, count = EXACT[name]
    assert color(pattern).n_colors == count


def test_stars_take_fewer_colors():
    counts = {
        name: [color(pattern, symmetric=s).n_colors for s in (False, True)]
        for name, pattern in {
            "5 points": grid(30, 30),
            "7 points": grid(12, 12, 12),
            "9 points": grid(30, 30, corners=True),
            "arrow": arrow(300),
            "Delaunay": delaunay(2000, 2),
        }.items()
    }
    assert counts["5 points"] == [7, 5]
    assert counts["9 points"] == [9, 9]  # stars alone take 11
    assert counts["arrow"] == [300, 2]
    assert counts["7 points"][1] < counts["7 points"][0]
    assert counts["Delaunay"][1] <= 0.8 * counts["Delaunay"][0]


BUILT = {
    "tridiagonal": lambda n: band(n, 1),
    "band": lambda n: band(n, 10),
    "five_point": lambda n: grid(n, n),
    "nine_point": lambda n: grid(n, n, corners=True),
    "seven_point": lambda n: grid(n, n, n),
    "arrow": arrow,
    "dense_rows_in_a_band": lambda n: sp.csc_array(band(n, 5) + _dense_rows(n, 5)),
}


def _dense_rows(n, count):
    dense = sp.lil_array((n, n), dtype=bool)
    dense[:count] = True
    return dense + dense.T


with PUBLISHED.open() as file:
    ROWS = list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['pattern']}-{row['kind']}")
def test_no_more_colors_than_published(row):
    pattern = BUILT[row["pattern"]](int(row["size"]))
    assert color(pattern, symmetric=row["kind"] == "star").n_colors <= int(row["colors"])


def test_points_and_sums_are_the_same_bits_however_kernels_run():
    rng = np.random.default_rng(0)
    x, weight, shares, f0 = rng.normal(size=(4, 40))
    owner, steps = np.arange(40, dtype=np.int32) % 4 - 1, np.array([1.0, 0.5, 3.0])
    offsets, values = np.array([1.0, -2.0]), rng.normal(size=(5, 40))
    values[2, 7], x[::5] = np.inf, -0.0
    sums = rng.normal(size=(3, 40))  # the first row begun
    for kernel, *arguments, out in [
        (kernels.displace, x, owner, weight, steps, offsets, 0, 1, np.empty((5, 40))),
        (kernels.stray, x, weight, shares, offsets, 1, np.empty((1, 40))),
        (kernels.add_up, 1, values, offsets, 0.0, np.empty(0), steps, sums),
        (kernels.add_up, 1, values, offsets, 0.5, f0, np.empty(0), sums),
    ]:
        other = out.copy()
        interpreted(kernel)(*arguments, out)
        compiled(kernel)(*arguments, other)
        assert out.tobytes() == other.tobytes()


@needs_the_compiler(reason="interpreted, it is left to array operations")
def test_textbook_steps_are_those_of_array_operations():
    x, steps = np.random.default_rng(0).normal(size=1000) * 10.0, np.empty(1000)
    for level in (level_of(Stencil.forward(1, 1)), level_of(Stencil.central(1, 2))):
        rule = rule_in_bits(level)
        assert compiled(kernels.textbook)(x.view(np.int64), *rule, steps.view(np.int64))
        np.testing.assert_array_equal(steps, textbook(level, x))


def test_long_rows_take_no_quadratic_time(monkeypatch):
    """Each column of a long row waits for its own word, and is not tried in all before."""
    visits = 0

    def counted(function):
        def run(*arguments):
            nonlocal visits
            result = interpreted(function)(*arguments)
            if function is kernels.first_fit:
                visits += int((arguments[-1] // kernels.BITS - arguments[1]).sum()) + len(
                    arguments[0]
                )
            return result

        return run

    monkeypatch.setattr(prepared, "runner", lambda _: counted)
    monkeypatch.setattr(prepared, "LONG", kernels.BITS)
    n = 2000
    dense = sp.lil_array(sp.eye_array(n))
    dense[0, : n - 1] = 1
    dense[1, n // 2 :] = 1
    coloring = color(dense)
    assert coloring.n_colors <= n
    assert visits < 10 * n


@settings(max_examples=20, deadline=None)
@given(patterns)
def test_interpreted_and_compiled_kernels_color_alike(dense):
    with pytest.MonkeyPatch.context() as patch:
        results = []
        for run in (interpreted, compiled):
            patch.setattr(prepared, "runner", lambda _, run=run: run)
            square = dense.T @ dense
            results.append((color(dense).colors, color(square, symmetric=True).colors))
    for one, other in zip(*results, strict=True):
        assert (one == other).all()


def test_the_same_colors_each_time():
    pattern = random_pattern(400, 5)
    assert (color(pattern).colors == color(pattern).colors).all()


# --- Patterns ---

DENSE = np.array([[1, 0, 2], [0, 3, 0]])


@pytest.mark.parametrize("name", ["bsr", "coo", "csc", "csr", "dok", "lil"])
@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix])
def test_patterns_of_any_format(kind, name):
    pattern = as_pattern(kind(DENSE).asformat(name))
    assert pattern.dtype == bool
    assert (pattern.toarray() == (DENSE != 0)).all()


def test_patterns_are_copied_and_canonical():
    rows, columns = np.array([1, 0, 0, 1], np.int64), np.array([0, 0, 0, 2], np.int64)
    given_ = sp.coo_array((np.array([0.0, 1.0, -1.0, 5.0]), (rows, columns)), shape=(2, 3))
    pattern = as_pattern(given_)
    # an explicit zero is an entry, and so are two that cancel
    assert (pattern.toarray() == [[1, 0, 0], [1, 0, 1]]).all()
    assert pattern.has_canonical_format
    assert pattern.indices.dtype == pattern.indptr.dtype == np.int32
    assert pattern.data.all()
    assert given_.nnz == 4
    assert (given_.data == [0.0, 1.0, -1.0, 5.0]).all()


@pytest.mark.parametrize("kind", [sp.dia_array, sp.dia_matrix])
def test_zeros_on_stored_diagonals_are_entries(kind):
    given_ = kind((np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), [-1, 0]), shape=(3, 3))
    assert (as_pattern(given_).toarray() == (np.eye(3) + np.eye(3, k=-1) > 0.0)).all()


def test_unsorted_duplicate_columns():
    given_ = sp.csc_array(
        (np.ones(4), np.array([1, 0, 1, 1], np.int64), np.array([0, 3, 4], np.int64)), shape=(2, 2)
    )
    pattern = as_pattern(given_)
    assert pattern.indices.tolist() == [0, 1, 1]
    assert given_.indices.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("pattern", "kind", "message"),
    [
        ([1, 0, 1], ValueError, r"two axes, outputs and inputs, got shape \(3,\)"),
        (np.ones((2, 2, 2)), ValueError, "two axes"),
        ("tridiagonal", TypeError, "sparse array or an array of numbers"),
        (None, TypeError, "got NoneType"),
        (sp.coo_array(np.ones(3)), ValueError, "two axes"),
    ],
)
def test_what_is_no_pattern(pattern, kind, message):
    with pytest.raises(kind, match=message):
        color(pattern)


def test_impossible_row_numbers():
    broken = sp.csc_array(np.eye(3))
    broken.indices[1] = 7
    with pytest.raises(ValueError, match="not a valid sparse array"):
        color(broken)


def test_a_symmetric_pattern_is_square():
    with pytest.raises(ValueError, match=r"must be square, got \(2, 3\)"):
        color(DENSE, symmetric=True)


# --- Prepared colourings ---


def test_colors_by_hand_are_checked():
    dense = np.array([[1, 1, 0], [0, 1, 1]])
    assert Coloring(dense, [0, 1, 0]).n_colors == 2
    with pytest.raises(ValueError, match="columns 1 and 2 have the same color, 3, but meet in row"):
        Coloring(np.array([[1, 1, 0, 0, 0], [0, 1, 1, 0, 0]]), [0, 3, 3, 1, 2])
    with pytest.raises(ValueError, match=r"one entry per column, \(3,\), got \(2,\)"):
        Coloring(dense, [0, 1])
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        Coloring(dense, [0, -1, 0])
    with pytest.raises(ValueError, match="less than the number of columns, got 9"):
        Coloring(dense, [0, 9, 0])
    with pytest.raises(TypeError, match="must be integers"):
        Coloring(dense, [0.0, 1.0, 0.0])
    path = band(4, 1)
    with pytest.raises(ValueError, match=r"entry \(\d, \d\) cannot be read"):
        Coloring(path, [0, 1, 0, 1], symmetric=True)


def test_colorings_are_frozen_and_picklable():
    coloring = color(grid(5, 5), symmetric=True, check=False)
    with pytest.raises(AttributeError):
        coloring.colors = None
    with pytest.raises(ValueError, match="read-only"):
        coloring.colors[0] = 1
    again = pickle.loads(pickle.dumps(coloring))
    assert (again.colors == coloring.colors).all()
    assert (again.pattern != coloring.pattern).nnz == 0
    assert (again.symmetric, again.check, again.n_colors) == (True, False, 5)
    assert repr(again) == "Coloring(25 x 25, 105 entries, 5 colors, symmetric)"
