"""Pictures: what is drawn, how it is named, and that nothing else is changed."""

import math
import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import rosen, rosen_der

import numdiff as nd
from numdiff.plot.style import INSTALL, MARKS


@pytest.fixture(autouse=True)
def nothing_global_changes():
    """No style, no figure left behind but the one that was made, nothing shown."""
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")


def lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def line(ax, label):
    (one,) = lines(ax, label)
    return one


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def in_legend(ax, start):
    return any(text.startswith(start) for text in legend(ax))


def drawn(ax):
    """Everything that Matplotlib does when a picture is wanted: warnings are errors."""
    assert isinstance(ax, Axes)
    ax.figure.canvas.figure.draw_without_rendering()
    return ax


# --- The package ---


def test_importing_numdiff_loads_no_matplotlib():
    code = "import sys, numdiff as nd; nd.plot.step_curve; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def never(*args):
    raise AssertionError("f was asked")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: nd.plot.step_curve(never, 1.0),
        lambda: nd.plot.estimate(nd.derivative(math.exp, 1.0)),
        lambda: nd.plot.estimate(nd.hessian(rosen, [1.0, 2.0])),
        lambda: nd.plot.report(nd.verify.gradient(rosen, rosen_der, [1.0, 2.0])),
        lambda: nd.plot.model(never, nd.local_model(math.exp, 1.0)),
    ],
    ids=["step_curve", "vector", "matrix", "report", "model"],
)
def test_without_matplotlib_the_error_names_the_extra(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError) as caught:
        draw()
    assert str(caught.value) == INSTALL
    assert 'pip install "numdiff-toolkit[plot]"' in INSTALL


DRAWINGS = {
    "step_curve": lambda ax: nd.plot.step_curve(np.exp, 1.0, ax=ax),
    "vector": lambda ax: nd.plot.estimate(nd.gradient(rosen, [1.0, 2.0]), ax=ax),
    "digits": lambda ax: nd.plot.estimate(nd.gradient(rosen, [1.0, 2.0]), show="digits", ax=ax),
    "matrix": lambda ax: nd.plot.estimate(nd.hessian(rosen, [1.0, 2.0]), ax=ax),
    "report": lambda ax: nd.plot.report(nd.verify.gradient(rosen, rosen_der, [1.0, 2.0]), ax=ax),
    "line": lambda ax: nd.plot.model(math.exp, nd.local_model(math.exp, 1.0), ax=ax),
    "plane": lambda ax: nd.plot.model(rosen, nd.local_model(rosen, [1.0, 2.0]), ax=ax),
}
every_drawing = pytest.mark.parametrize("name", DRAWINGS)


@every_drawing
def test_draws_into_the_axes_given_or_into_a_new_figure(name):
    ax = plt.subplots()[1]
    assert drawn(DRAWINGS[name](ax)) is ax
    new = drawn(DRAWINGS[name](None))
    assert new.figure is not ax.figure
    assert plt.get_fignums() == [ax.figure.number, new.figure.number]


@every_drawing
def test_axes_are_named_and_nothing_is_shown(name, monkeypatch):
    monkeypatch.setattr(plt, "show", never)
    ax = drawn(DRAWINGS[name](None))
    assert ax.get_xlabel()
    assert ax.get_ylabel() or ax.get_yticklabels()


@every_drawing
def test_draws_into_subfigures(name):
    figure = plt.figure(figsize=(12.0, 5.0), layout="constrained")
    ax = figure.subfigures(1, 2)[0].subplots()
    assert drawn(DRAWINGS[name](ax)) is ax


def test_neighbouring_marks_differ_in_grey_and_all_in_shape():
    greys = [np.dot(to_rgb(mark.colour), [0.299, 0.587, 0.114]) for mark in MARKS]
    assert (np.abs(np.diff(greys)) > 0.05).all()
    assert len({mark.marker for mark in MARKS}) == len(MARKS)


# --- Steps ---


def test_step_curve_draws_the_true_errors():
    steps = np.geomspace(1e-12, 1e-1, 23)
    ax = drawn(nd.plot.step_curve(np.exp, 1.0, steps=steps, exact=math.e))
    central, forward = (line(ax, name) for name in ("central", "forward"))
    quotient = (np.exp(1 + steps) - np.exp(1 - steps)) / (2 * steps)
    assert_array_equal(central.get_xdata(), steps)
    large = steps > 1e-4
    assert_allclose(central.get_ydata()[large], np.abs(quotient - math.e)[large], rtol=1e-4)
    assert_allclose(forward.get_ydata()[-8:], math.e * steps[-8:] / 2, rtol=0.05)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step h", "error")


def test_step_curve_draws_truncation_and_noise_as_theory_has_them():
    ax = drawn(nd.plot.step_curve(np.exp, 1.0, methods=["central"], exact=math.e))
    truncation, noise = (
        next(one for one in ax.lines if one.get_linestyle() == style and len(one.get_xdata()))
        for style in ("--", ":")
    )
    assert_allclose(truncation.get_ydata(), math.e / 6 * truncation.get_xdata() ** 2, rtol=0.1)
    s = nd.derivative(np.exp, 1.0).noise
    assert_allclose(noise.get_ydata(), s / (math.sqrt(2) * noise.get_xdata()))
    assert in_legend(ax, "truncation")
    assert in_legend(ax, "noise")


def test_step_curve_marks_the_step_and_the_bar_of_auto():
    auto = nd.derivative(np.exp, 1.0)
    ax = drawn(nd.plot.step_curve(np.exp, 1.0))
    (star,) = [one for one in ax.lines if one.get_marker() == "*"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (auto.step, auto.error)


def test_step_curve_says_which_errors_it_cannot_tell():
    auto = nd.derivative(np.exp, 1.0)
    ax = drawn(nd.plot.step_curve(np.exp, 1.0))
    told = line(ax, "complex")
    (hidden,) = [
        one for one in ax.lines
        if one.get_marker() == told.get_marker() and one.get_markerfacecolor() == "white"
        and len(one.get_xdata())
    ]  # fmt: skip
    assert (hidden.get_ydata() <= auto.error).all()
    assert (told.get_ydata() > auto.error).all()
    assert ax.get_ylabel() == "difference from auto"
    assert in_legend(ax, "below auto's bar: not resolved (open)")


def test_step_curve_of_a_function_with_a_kink():
    with pytest.raises(ValueError, match=r"'auto' is flagged KINK: give `exact`"):
        nd.plot.step_curve(abs, 0.0)
    ax = drawn(nd.plot.step_curve(abs, 0.0, exact=0.0))
    assert in_legend(ax, "auto: KINK")
    assert in_legend(ax, "error 0, at the bottom")
    assert not in_legend(ax, "truncation")  # an error that does not fall with h follows no law


def test_step_curve_leaves_out_the_complex_step_where_f_takes_no_complex_numbers():
    ax = drawn(nd.plot.step_curve(math.sin, 1.0))
    assert "complex: not for this f" in legend(ax)
    with pytest.raises(TypeError, match="f takes no complex numbers"):
        nd.plot.step_curve(math.sin, 1.0, methods=["complex"])
    assert not in_legend(drawn(nd.plot.step_curve(math.sin, 1.0, order=2)), "complex")


def test_step_curve_along_a_direction():
    ax = drawn(nd.plot.step_curve(rosen, [1.2, 0.7], v=[1.0, -1.0]))
    assert ax.get_xlabel() == "step h along v"
    h = 1e-3
    d, x = np.array([1.0, -1.0]), np.array([1.2, 0.7])
    quotient = (rosen(x + h * d) - rosen(x - h * d)) / (2 * h)
    ax = nd.plot.step_curve(rosen, x, v=d, steps=[h], methods=["central"], exact=rosen_der(x) @ d)
    assert_allclose(line(ax, "central").get_ydata(), abs(quotient - rosen_der(x) @ d), rtol=1e-6)


def test_step_curve_of_orders_stencils_and_extrapolation():
    methods = ["central", nd.Stencil.central(2, 4), "richardson"]
    ax = drawn(nd.plot.step_curve(np.exp, 1.0, order=2, methods=methods))
    assert legend(ax)[:3] == ["central", "stencil (-2, -1, 0, 1, 2)", "richardson"]
    assert sum(one.get_linestyle() == "--" for one in ax.lines if len(one.get_xdata())) == 3


def test_step_curve_stays_within_bounds_and_passes_arguments_on():
    asked = []

    def f(x, a):
        asked.append(x)
        return a * np.log(x)

    ax = nd.plot.step_curve(f, 1e-3, bounds=(0.0, 1.0), args=(2.0,), exact=2e3)
    assert drawn(ax)
    assert all(0.0 <= np.real(x) <= 1.0 for x in asked)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "central"}, TypeError, "takes no `method`, which it varies: give `methods`"),
        ({"step": 0.1}, TypeError, "takes no `step`, which it varies: give `steps`"),
        ({"x": [1.0, 2.0]}, ValueError, "`v`, a direction, is needed where x is an array"),
        ({"x": [1.0], "v": [0.0]}, ValueError, "`v` must not be zero"),
        ({"x": [1.0], "v": [1.0], "order": 2}, ValueError, "`order` must be 1 along a direction"),
        ({"f": lambda x: [x, x]}, ValueError, r"f must have one output to be drawn, got shape \(2"),
        ({"methods": ["complex"], "order": 2}, ValueError, "'complex' gives order 1 only"),
        ({"methods": ["centre"]}, ValueError, "`method` must be one of"),
    ],
)
def test_step_curve_refuses(options, error, message):
    with pytest.raises(error, match=message):
        nd.plot.step_curve(**{"f": np.exp, "x": 1.0} | options)


# --- Estimates ---


def test_vectors_have_bars():
    est = nd.gradient(rosen, [1.3, 0.7, 0.8])
    ax = drawn(nd.plot.estimate(est, names=["a", "b", "c"]))
    (bars,) = ax.containers
    points, _, (sticks,) = bars
    assert_array_equal(points.get_ydata(), est.value)
    lengths = [np.ptp(stick[:, 1]) / 2 for stick in sticks.get_segments()]
    assert_allclose(lengths, est.error, atol=1e-13)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]


def kinked():
    return nd.gradient(lambda x: abs(x[0]) + x[1] ** 2, [0.0, 1.0])


def test_flagged_entries_are_marked_and_their_sides_drawn():
    ax = drawn(nd.plot.estimate(kinked()))
    assert "KINK (1), no value: on the edge" in legend(ax)
    assert_allclose(line(ax, "from the left").get_ydata(), [-1.0], atol=1e-9)
    assert_allclose(line(ax, "from the right").get_ydata(), [1.0], atol=1e-9)
    (points, *_) = ax.containers[0]
    assert_array_equal(points.get_xdata(), [1])


def test_a_flagged_value_is_drawn_open_and_without_a_bar():
    est = nd.gradient(rosen, [1.0, 2.0], method="central", step=1e-5)
    ax = drawn(nd.plot.estimate(est))
    assert_array_equal(line(ax, "SINGLE_STEP (2)").get_ydata(), est.value)
    assert line(ax, "SINGLE_STEP (2)").get_markerfacecolor() == "white"
    assert not ax.containers


def test_scalars_and_complex_vectors():
    ax = drawn(nd.plot.estimate(nd.derivative(math.exp, 1.0)))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["derivative"]
    est = nd.gradient(lambda x: x[0] * np.exp(1j * x[1]), [1.0, 2.0])
    ax = drawn(nd.plot.estimate(est))
    real, imaginary = (container[0].get_ydata() for container in ax.containers)
    assert_array_equal(real + 1j * imaginary, est.value)


def test_digits_of_a_vector():
    est = nd.gradient(lambda x: abs(x[0]) + x[1] ** 2 + 0.0 * x[2], [0.0, 1.0, 2.0])
    ax = drawn(nd.plot.estimate(est, show="digits"))
    heights = [bar.get_height() for bar in ax.patches]
    assert heights[0] == heights[2] == 0.0
    assert_allclose(heights[1], math.log10(est.value[1] / est.error[1]))
    assert in_legend(ax, "zero within its bar (1)")
    assert in_legend(ax, "KINK (1)")


def test_matrices_are_heat_maps():
    est = nd.hessian(rosen, [1.3, 0.7, 0.8])
    ax = drawn(nd.plot.estimate(est, names=["a", "b", "c"]))
    (image,) = ax.images
    assert_array_equal(image.get_array(), est.value)
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):  # a square one: both the same
        assert [label.get_text() for label in labels] == ["a", "b", "c"]
    assert "0" in [text.get_text() for text in ax.texts]  # d2f / da dc is zero within its bar


def test_digits_of_a_matrix_with_zeros_and_flags():
    est = nd.jacobian(lambda x: [x[0] * x[1], abs(x[0]), x[2] ** 2], [0.0, 1.0, 2.0])
    ax = drawn(nd.plot.estimate(est, show="digits"))
    (image,) = ax.images
    assert image.get_clim() == (0.0, 16.0)
    digits = image.get_array()
    assert digits.mask[1, 0]
    assert_allclose(digits[2, 2], math.log10(est.value[2, 2] / est.error[2, 2]))
    assert legend(ax) == ["KINK (1)", "zero within its bar (6)"]


def test_more_axes_become_rows():
    est = nd.jacobian(lambda x: np.outer(x, x), [1.0, 2.0, 3.0])
    ax = drawn(nd.plot.estimate(est))
    assert_array_equal(ax.images[0].get_array(), est.value.reshape(9, 3))
    assert [label.get_text() for label in ax.get_yticklabels()][:4] == [
        "0, 0",
        "0, 1",
        "0, 2",
        "1, 0",
    ]
    assert ax.get_ylabel() == "all axes but the last"


@pytest.mark.parametrize("show", ["value", "digits"])
@pytest.mark.parametrize(
    "est",
    [
        nd.hessian(lambda x: x[0] ** 4, [2.0]),
        nd.jacobian(lambda x: [abs(x[0])], [0.0]),
        nd.gradient(lambda x: abs(x[0]), [0.0]),
        nd.gradient(lambda x: 0.0 * x[0], [0.0]),
        nd.gradient(lambda x: float(np.sum(x**2)), np.linspace(-1.0, 1.0, 1000), step=1e-5,
                    method="forward"),
        nd.jacobian(lambda x: [x @ x], np.ones(200), step=1e-5, method="forward"),
        nd.jacobian(lambda x: x[0] * np.array([1.0, 1j]), [1.0]),
        nd.gradient(lambda _: float("nan"), [1.0, 2.0]),
    ],
    ids=["1x1", "1x1 kink", "kink", "zero", "1000", "oblong", "complex", "nan"],
)  # fmt: skip
def test_edge_cases_can_be_drawn(est, show):
    assert drawn(nd.plot.estimate(est, show=show))


def test_estimate_refuses():
    est = nd.gradient(rosen, [1.0, 2.0])
    with pytest.raises(ValueError, match="`show` must be 'value' or 'digits', got 'error'"):
        nd.plot.estimate(est, show="error")
    with pytest.raises(ValueError, match="`names` must name the 2 entries of the last axis, got 3"):
        nd.plot.estimate(est, names="abc")
    with pytest.raises(ValueError, match="no entries to draw"):
        nd.plot.estimate(nd.jacobian(lambda x: x[:0], [1.0]))


# --- Reports ---


def wrong(x):
    return rosen_der(x) * np.where(np.arange(x.size) == 2, 2.0, 1.0)


def test_report_draws_bars_and_names_the_worst():
    report = nd.verify.gradient(rosen, wrong, np.linspace(0.5, 2.0, 6), names=list("abcdef"))
    ax = drawn(nd.plot.report(report))
    assert ax.get_yticklabels()[0].get_text() == "c [2]"
    (bars,) = line(ax, "disagree (1)").get_xdata()
    assert bars == report.worst(1)["bars"][0]
    agreeing = report.entries["bars"][report.entries["verdict"] == "agree"]
    assert sorted(line(ax, "agree (5)").get_xdata()) == sorted(agreeing)
    assert in_legend(ax, "wrong beyond 8 bars")
    assert ax.get_legend().get_title().get_text().startswith("disagree: gradient")
    assert ax.get_xscale() == "symlog"


def test_verdicts_differ_in_marker_and_shade():
    report = nd.verify.gradient(lambda x: abs(x[0]) + x[1] ** 2 + x[2], [1.0, 2.0, 7.0], [0, 1, 1])
    ax = drawn(nd.plot.report(report))
    marks = [line(ax, f"{v} (1)") for v in ("disagree", "inconclusive", "agree")]
    assert len({mark.get_marker() for mark in marks}) == 3
    greys = [np.mean(to_rgb(mark.get_markerfacecolor())) for mark in marks]
    assert (np.diff(greys) > 0.2).all()


def test_the_many_share_a_band():
    A = np.random.default_rng(0).normal(size=(40, 25))
    report = nd.verify.jacobian(lambda x: A @ x, A, np.ones(25))
    ax = drawn(nd.plot.report(report, k=3))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == 4
    assert labels[-1] == "997 more"
    assert len(line(ax, "agree (1000)").get_xdata()) == 1000
    assert np.ptp(line(ax, "agree (1000)").get_ydata()[3:]) < 3.0


def test_differences_of_zero_stand_at_zero():
    report = nd.verify.gradient(lambda x: 0.0 * x[0], [0.0], [1.0])
    ax = drawn(nd.plot.report(report))
    assert_array_equal(line(ax, "agree (1)").get_xdata(), [0.0])


def test_report_refuses():
    report = nd.verify.gradient(rosen, rosen_der, [1.0, 2.0])
    with pytest.raises(ValueError, match="`k` must not be negative, got -1"):
        nd.plot.report(report, k=-1)
    nothing = SimpleNamespace(entries=report.entries[:0], title="", verdict="agree")
    with pytest.raises(ValueError, match="compared no entries"):
        nd.plot.report(nothing)


# --- Models ---


def quadratic(x):
    return (x[0] - 1.0) ** 2 + 2.0 * x[1] ** 2 + x[0] * x[1]


def test_a_line_shows_f_both_orders_and_the_newton_step():
    ax = drawn(nd.plot.model(lambda x: x**3 - 2 * x, nd.local_model(lambda x: x**3 - 2 * x, 1.5)))
    x = line(ax, "f").get_xdata()
    assert_allclose(line(ax, "f").get_ydata(), x**3 - 2 * x)
    slope = 3 * 1.5**2 - 2
    first = 1.5**3 - 3.0 + slope * (x - 1.5)
    assert_allclose(line(ax, "first order").get_ydata(), first, atol=1e-9)
    second = first + 3 * 1.5 * (x - 1.5) ** 2
    assert_allclose(line(ax, "second order").get_ydata(), second, atol=1e-9)
    assert_allclose(line(ax, "Newton step").get_xdata(), [1.5 - slope / 9.0])
    assert x[0] < 1.5 - slope / 9.0
    assert len({one.get_linestyle() for one in ax.lines[:3]}) == 3


def test_a_model_of_first_order_has_no_newton_step():
    ax = drawn(nd.plot.model(math.exp, nd.local_model(math.exp, 1.0, order=1), span=0.5))
    assert not lines(ax, "second order")
    assert not in_legend(ax, "Newton")
    assert ax.get_xlim() == (0.5, 1.5)
    plane = drawn(nd.plot.model(quadratic, nd.local_model(quadratic, [0.0, 1.0], order=1)))
    assert not in_legend(plane, "Newton")


def test_the_legend_tells_why_there_is_no_newton_step():
    outside = nd.plot.model(math.exp, nd.local_model(math.exp, 1.0), span=0.5)
    assert "Newton step: ends outside" in legend(drawn(outside))
    for f in (np.sum, lambda x: x[0] ** 2 - x[1] ** 2):  # a Hessian of zeros, and a saddle
        ax = drawn(nd.plot.model(f, nd.local_model(f, [1.0, 1.0])))
        assert "Newton step: there is none" in legend(ax)


def test_points_outside_the_domain_are_left_out():
    ax = drawn(nd.plot.model(math.log, nd.local_model(math.log, 0.3), span=0.8))
    f = line(ax, "f")
    assert_array_equal(np.isnan(f.get_ydata()), f.get_xdata() <= 0.0)

    def g(x):
        return math.log(x[0]) * x[1]

    ax = drawn(nd.plot.model(g, nd.local_model(g, [0.2, 1.0]), span=0.5))
    assert "f is not defined" in legend(ax)


def test_a_plane_shows_steepest_descent_and_the_newton_step():
    x = np.array([0.5, 1.0])
    ax = drawn(nd.plot.model(quadratic, nd.local_model(quadratic, x)))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x[0]", "x[1]")
    end = line(ax, "Newton step")
    assert_allclose([end.get_xdata()[0], end.get_ydata()[0]], [8 / 7, -2 / 7])
    (arrow,) = [one for one in ax.collections if hasattr(one, "U")]
    gradient = np.array([2 * (x[0] - 1.0) + x[1], 4 * x[1] + x[0]])
    direction = -gradient / np.linalg.norm(gradient)
    assert_allclose(np.hypot(arrow.U, arrow.V) * direction[:, None], [arrow.U, arrow.V])
    assert ax.get_aspect() == 1.0


def test_slices_of_more_dimensions():
    model = nd.local_model(rosen, [1.1, 1.2, 1.4])
    ax = drawn(nd.plot.model(rosen, model, axes=(0, 2)))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x[0]", "x[2]")
    end, step = line(ax, "Newton step, projected"), model.newton_step().value
    assert_allclose([end.get_xdata()[0], end.get_ydata()[0]], (model.x + step)[[0, 2]])
    ax = drawn(nd.plot.model(rosen, model, direction=[1.0, 1.0, 0.0], span=0.4))
    f = line(ax, "f")
    points = model.x + f.get_xdata()[:, None] * [1.0, 1.0, 0.0]
    assert_allclose(f.get_ydata(), [rosen(point) for point in points])


def test_a_model_of_a_function_that_takes_many_points_and_arguments():
    def f(x, a):
        return a * np.sum(x**2, axis=0)

    model = nd.local_model(lambda x: f(x, 3.0), [1.0, 2.0])
    ax = nd.plot.model(f, model, axes=[0], args=(3.0,), vectorized=True)
    assert_allclose(line(ax, "f").get_ydata(), 3.0 * (line(ax, "f").get_xdata() ** 2 + 4.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "x has 3 entries: give `direction`, or two of them as `axes`"),
        ({"axes": (0, 0)}, r"`axes` must be one or two of 0 to 2, got \[0, 0\]"),
        ({"axes": (0, 3)}, "`axes` must be one or two of 0 to 2"),
        ({"axes": (0, 1), "direction": [1, 0, 0]}, "give `direction` or `axes`, not both"),
        ({"direction": [0, 0, 0]}, "`direction` must not be zero"),
        ({"axes": (0, 1), "span": -1.0}, "`span` must be positive and finite, got -1.0"),
    ],
)
def test_model_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        nd.plot.model(rosen, nd.local_model(rosen, [1.3, 0.7, 0.8]), **options)


def test_model_refuses_functions_with_several_outputs():
    model = nd.local_model(math.exp, 1.0)
    with pytest.raises(ValueError, match=r"f must have one output to be drawn, got shape \(2,\)"):
        nd.plot.model(lambda x: np.array([x, x]), model)
    with pytest.raises(ValueError, match="f must be real-valued to be drawn"):
        nd.plot.model(lambda x: 1j * x, model)
    with pytest.raises(ValueError, match="f must have one output to be drawn"):
        nd.plot.model(lambda x: x, nd.local_model(lambda x: x, [1.0, 2.0], order=1))
