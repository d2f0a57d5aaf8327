"""The only caller of f: points in, columns out."""

import math
from weakref import WeakValueDictionary

import numpy as np
import pytest

import numdiff as nd
from numdiff.evaluation.call import Call, Form, ask_each, bound, evaluate, origin, pack

POINTS = np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 5.0]])
REAL, COMPLEX = Form((), is_complex=False), Form((), is_complex=True)


def ask(f, form=None, points=POINTS, **options):
    call = Call(f, points.shape[1:], **options)
    return evaluate(call, points.copy(), form)


def rows_of(f, form=None, points=POINTS):
    """Values point by point, which must be those in bulk."""
    many = lambda x: np.stack([np.asarray(f(point)) for point in x.T], axis=-1)
    one, other = ask(f, form, points), ask(many, form, points, vectorized=True)
    np.testing.assert_array_equal(one.rows, other.rows)
    assert one.form == other.form
    assert type(one.trouble) is type(other.trouble)
    assert one.rows.flags.c_contiguous
    assert other.rows.flags.c_contiguous
    assert one.rows.dtype == other.rows.dtype == np.float64
    return one


def positive(x):
    if x[0] < 0:
        raise ValueError(f"not at {x[0]}")
    return np.array([x[0], x[1], x[0] * x[1]])


def test_each_point_becomes_a_row_and_each_output_a_column():
    assert rows_of(lambda x: x[0] * x[1]).rows.tolist() == [[2], [12], [-5]]
    found = rows_of(lambda x: np.outer(x, [1.0, 10.0, 0.0]))
    assert found.form == Form((2, 3), is_complex=False)
    assert found.form.size == 6
    assert found.rows[1].tolist() == [3, 30, 0, 4, 40, 0]


def test_complex_outputs_take_two_columns_each():
    found = rows_of(lambda x: np.array([x[0] + 2j * x[1], 1j]))
    assert found.form.size == 4
    assert found.rows[0].tolist() == [1, 0, 4, 1]
    assert found.form.unpack(found.rows)[0].tolist() == [1 + 4j, 1j]


def test_no_outputs_take_no_columns():
    assert rows_of(lambda _: np.zeros((0, 2))).rows.shape == (3, 0)
    assert rows_of(lambda _: np.zeros(0, complex)).rows.shape == (3, 0)


def test_what_is_outside_is_a_row_of_nan_with_the_first_exception():
    found = rows_of(positive)
    assert np.isnan(found.rows[2]).all()
    assert found.rows[:2].tolist() == [[1, 2, 2], [3, 4, 12]]
    assert str(found.trouble) == "not at -1.0"
    several = rows_of(positive, points=np.array([[-3.0, 1.0], [2.0, 2.0], [-4.0, 1.0]]))
    assert str(several.trouble) == "not at -3.0"
    assert several.form.shape == (3,)


def test_where_all_is_outside_the_form_is_that_known_before():
    form = Form((3,), is_complex=False)
    assert rows_of(positive, form, -POINTS[:2]).rows.shape == (2, 3)
    assert np.isnan(rows_of(positive, None, -POINTS[:2]).rows).all()


def test_a_complex_row_beside_real_ones_is_outside():
    found = rows_of(lambda x: np.emath.sqrt(x[0]), REAL)
    assert found.rows[:2, 0].tolist() == [1.0, math.sqrt(3.0)]
    assert np.isnan(found.rows[2])


def test_a_real_row_beside_complex_ones_has_no_imaginary_part():
    assert rows_of(lambda x: float(x[0]), COMPLEX).rows.tolist() == [[1, 0], [3, 0], [-1, 0]]
    assert ask(lambda x: np.float64(x[0]), COMPLEX).rows.tolist() == [[1, 0], [3, 0], [-1, 0]]


def test_ints_and_exact_numbers_become_floats():
    assert rows_of(lambda x: int(x[0])).rows.tolist() == [[1], [3], [-1]]
    assert ask(lambda x: 10 ** int(abs(x[1]) * 10)).rows.tolist() == [[1e20], [1e40], [1e50]]


@pytest.mark.parametrize("form", [Form((2,), is_complex=False), REAL])
def test_another_shape_is_refused(form):
    with pytest.raises(ValueError, match=r"\(3,\)"):
        ask(lambda _: np.ones(3), form)
    with pytest.raises(ValueError, match=r"\(3,\)"):
        ask(lambda x: np.ones((3, x.shape[1])), form, vectorized=True)


def test_a_vectorized_f_is_asked_once_where_nothing_goes_wrong():
    shapes = []
    ask(lambda x: (shapes.append(x.shape), x)[1], vectorized=True)
    assert shapes == [(2, 3)]


def test_few_bad_points_of_a_vectorized_f_cost_few_calls():
    calls = []

    def f(x):
        calls.append(x.shape[1])
        if (x[0] == 77).any():
            raise ZeroDivisionError
        return x[0]

    points = np.arange(256.0).reshape(-1, 1)
    found = ask(f, points=points, vectorized=True)
    assert np.isnan(found.rows[77])
    assert np.isnan(found.rows).sum() == 1
    assert len(calls) <= 2 * 8 + 1


def test_the_block_a_vectorized_f_gets_is_its_own():
    def f(x):
        bad = (x[0] < 0).any()
        y = x[0].copy()
        x[...] = 9.0
        if bad:
            raise ValueError("negative")
        return y

    for points in (POINTS, POINTS[:, :1]):
        found = ask(f, points=points, vectorized=True)
        assert found.rows[:2, 0].tolist() == [1, 3]
        assert np.isnan(found.rows[2])


def test_a_vectorized_f_that_raises_may_reuse_its_buffer():
    buffer = np.empty(5)

    def f(x):
        if (x[0] < 0).any():
            raise ValueError("negative")
        buffer[: x.shape[1]] = x[0]
        return buffer[: x.shape[1]]

    found = ask(f, points=np.array([[1.0], [2.0], [-1.0], [3.0], [4.0]]), vectorized=True)
    np.testing.assert_array_equal(found.rows[:, 0], [1.0, 2.0, math.nan, 3.0, 4.0])


BUFFER = np.zeros(2)
VIEWS = {
    "a buffer": lambda x: np.add(x, 1.0, out=BUFFER),
    "a view of it": lambda x: np.add(x, 1.0, out=BUFFER)[:],
    "a buffer turned round": lambda x: np.add(x[::-1], 1.0, out=BUFFER)[::-1],
    "foreign memory": lambda x: np.frombuffer(np.add(x, 1.0, out=BUFFER).data),
    "its argument": lambda x: np.add(x, 1.0, out=x),
    "what cannot be written": lambda x: np.frombuffer((x + 1.0).tobytes()),
    "an array of its own": lambda x: x + 1.0,
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("count", [1, 3])
def test_what_f_returns_is_not_shared_with_f(name, count):
    found = ask(VIEWS[name], points=POINTS[:count])
    BUFFER[:] = math.nan
    found.rows[:] += 0.0  # whoever asks may write there
    assert found.rows.tolist() == (POINTS[:count] + 1.0).tolist()


def test_an_array_that_f_keeps_a_part_of_is_not_shared():
    kept = []

    def f(x):
        value = x + 1.0
        kept.append(value[:1])
        return value

    found = ask(f, points=POINTS[:1])
    kept[0][:] = 0.0
    assert found.rows.tolist() == [[2.0, 3.0]]


def test_an_array_that_f_may_find_again_is_not_shared():
    alive = WeakValueDictionary()

    def f(x):
        value = alive.setdefault("buffer", np.empty(2))
        return np.add(x, 1.0, out=value)

    assert ask(f).rows.tolist() == (POINTS + 1.0).tolist()


def test_an_array_that_nobody_else_has_is_not_copied():
    made = []

    def f(x):
        value = x + 1.0
        made.append(value.ctypes.data)
        return value

    rows, _, _ = ask_each(Call(f, (2,)), POINTS)
    assert [row.ctypes.data for row in rows] == made


@pytest.mark.parametrize("options", [{}, {"method": "forward", "step": 1e-3}])
def test_f_may_return_its_columns_one_after_the_other(options):
    turned = lambda x: np.asfortranarray(np.outer([1.0, 2.0], [3.0, 4.0]) * x)
    found = nd.jacobian(turned, [1.0], **options)
    np.testing.assert_allclose(found.value[..., 0], [[3.0, 4.0], [6.0, 8.0]], rtol=1e-9)


def test_origin_copies_what_f_returns():
    buffer = np.zeros(2)
    found = origin(Call(lambda _: buffer, (2,)), POINTS[0])
    buffer[:] = 5.0
    assert found.rows.tolist() == [[0, 0]]


@pytest.mark.parametrize("vectorized", [False, True])
def test_origin_asks_once_with_a_copy(vectorized):
    x = POINTS[0].copy()
    seen = []

    def f(point):
        seen.append(point.shape)
        point[...] = 0.0
        return np.zeros((4, 1)) if vectorized else np.zeros(4)

    found = origin(Call(f, (2,), vectorized=vectorized), x)
    assert seen == [(2, 1) if vectorized else (2,)]
    assert found.form == Form((4,), is_complex=False)
    assert x.tolist() == [1.0, 2.0]


def test_pack_and_unpack_are_inverse():
    outputs = np.arange(12.0).reshape(2, 3, 2) * (1 + 2j)
    form = Form((3, 2), is_complex=True)
    assert (form.unpack(pack(outputs, form)) == outputs.reshape(2, 6)).all()


def test_arguments_are_passed_on_and_scalars_are_scalars():
    kinds = []
    f = bound(lambda x, a: (kinds.append(type(x)), a * x)[1], (10.0,))
    call = Call(f, (), scalar=True)
    assert evaluate(call, POINTS[:, :1].copy(), None).rows.tolist() == [[10], [30], [-10]]
    assert origin(call, POINTS[0, :1]).rows.tolist() == [[10]]
    assert set(kinds) == {np.float64}
