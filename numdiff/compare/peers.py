"""numdiff and other libraries behind one signature, each with its defaults.

An `Ask` takes f and x, or f, x and an order, and returns what the library says as `Said`. f maps a
number or a vector to a number or a vector. Libraries are imported when they are asked, so that
whoever lacks one can still ask the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from numdiff.arrays import Array, Floats
from numdiff.constants import EPS

Function = Callable[..., Any]


class Said(NamedTuple):
    """A derivative; `error` None: no bar is given; `flagged`: the library itself doubts it."""

    value: Any
    error: Any = None
    flagged: Any = False
    note: str = ""


Ask = Callable[..., Said]


class Peer(NamedTuple):
    """A library, and how it is asked.

    Parameters
    ----------
    name : str
        What tables call it.
    module : str
        What has to be installed.
    asks : mapping
        By the kind of a derivative: ``derivative(f, x, order)`` of a number x, ``gradient(f, x)``,
        ``jacobian(f, x)`` and ``hessian(f, x)`` of a vector x.
    orders : tuple of int
        Which orders a derivative can have.
    traces : bool
        Whether the library looks into f, which then has to be written for it, and is called once.
    """

    name: str
    module: str
    asks: Mapping[str, Ask]
    orders: tuple[int, ...] = (1,)
    traces: bool = False

    @property
    def missing(self) -> str:
        """Why the library cannot be asked, empty if it can."""
        try:
            import_module(self.module)
        except ImportError as error:
            return str(error)
        return ""


def _of_numdiff(name: str) -> Ask:
    def ask(f: Function, x: Any, order: int = 1) -> Said:
        import numdiff  # noqa: PLC0415 - whoever imports this module has it by then

        options = {"order": order} if name == "derivative" else {}
        found = getattr(numdiff, name)(f, x, **options)
        return Said(found.value, found.error, ~found.success, ", ".join(_names(found)))

    return ask


def _names(found: Any) -> list[str]:
    return sorted({str(name) for name in np.ravel(found.status_names)})


def _of_numdifftools(name: str) -> Ask:
    def ask(f: Function, x: Any, order: int = 1) -> Said:
        options = {"n": order} if name == "derivative" else {}
        tool = getattr(import_module("numdifftools"), name.capitalize())
        found = tool(f, full_output=True, **options)(x)
        return Said(found.estimate, found.error_estimate)

    return ask


def _of_scipy(name: str) -> Ask:
    def ask(f: Function, x: Any, _order: int = 1) -> Said:
        act = getattr(import_module("scipy.differentiate"), name)
        found = act(_of_arrays(f, np.size(x) if np.ndim(x) else 0), x)
        value = found.ddf if name == "hessian" else found.df
        # a Hessian tells of no success
        flagged = ~np.asarray(getattr(found, "success", np.isfinite(value)))
        return Said(value, found.error, flagged)

    return ask


def _of_arrays(f: Function, n: int) -> Function:
    """Return f of many points at once, vectors of n entries along the first axis, or numbers."""

    def call(points: Array) -> Array:
        columns = points.reshape(n, -1).T if n else points.ravel()
        values = np.array([f(column) for column in columns], float)
        return np.moveaxis(values, 0, -1).reshape(values.shape[1:] + points.shape[n > 0 :])

    return call


def _of_differences(scheme: str) -> Ask:
    def ask(f: Function, x: Any, _order: int = 1) -> Said:
        act = import_module("scipy.optimize._numdiff").approx_derivative
        return Said(act(f, x, method=scheme))

    return ask


def _jacobi(f: Function, x: Any, _order: int = 1) -> Said:
    return Said(*import_module("jacobi").jacobi(f, x))


def _statsmodels(f: Function, x: Any, _order: int = 1) -> Said:
    act = import_module("statsmodels.tools.numdiff").approx_fprime
    return Said(act(np.atleast_1d(x), f, centered=True))


def _statsmodels_hessian(f: Function, x: Any) -> Said:
    return Said(import_module("statsmodels.tools.numdiff").approx_hess3(x, f))


def _fdm(f: Function, x: Any, _order: int = 1) -> Said:
    method = import_module("fdm").central_fdm(5, 1)
    return Said(method(f, x), method.acc)


def _fdm_of_arrays(name: str) -> Ask:
    return lambda f, x: Said(getattr(import_module("fdm"), name)(f)(x))


def _numericalderivative(f: Function, x: Any, _order: int = 1) -> Said:
    """Stepleman and Winarsky's rule, from the first step that the library's help gives."""
    act = import_module("numericalderivative").SteplemanWinarsky(f, x)
    step, _ = act.find_step(4.0 * np.cbrt(1e-16) * (abs(x) or 1.0))
    return Said(act.compute_first_derivative(step))


def _findiff(f: Function, x: Any, order: int = 1) -> Said:
    """Differences of the fourth order; the library leaves the step to the user."""
    rule = import_module("findiff").coefficients(deriv=order, acc=4)["center"]
    step = EPS ** (1.0 / (order + 4)) * max(1.0, abs(x))
    values = [f(x + offset * step) for offset in rule["offsets"]]
    return Said(np.dot(rule["coefficients"], values) / step**order)


def _of_optimagic(name: str) -> Ask:
    def ask(f: Function, x: Any, _order: int = 1) -> Said:
        return Said(getattr(import_module("optimagic"), name)(f, x).derivative)

    return ask


def _jax(f: Function, x: Any, _order: int = 1) -> Said:
    jax = import_module("jax")
    with jax.enable_x64(True):  # noqa: FBT003 - JAX's
        return Said(np.asarray(jax.jacfwd(f)(jax.numpy.asarray(x))))


def _torch(f: Function, x: Any, _order: int = 1) -> Said:
    torch = import_module("torch")
    act = torch.autograd.functional.jacobian
    return Said(act(f, torch.tensor(x, dtype=torch.float64)).numpy())


KINDS = ("derivative", "gradient", "jacobian", "hessian")
SLOPES = KINDS[:3]
ALL_ORDERS = (1, 2, 3, 4, 6)


def _each(make: Callable[[str], Ask], names: Sequence[str] = KINDS) -> Mapping[str, Ask]:
    """Return what is asked for each kind, by the name that the library has for it."""
    return dict(zip(KINDS, map(make, names), strict=True))


PEERS = (
    Peer("numdiff", "numdiff", _each(_of_numdiff), ALL_ORDERS),
    Peer("numdifftools", "numdifftools", _each(_of_numdifftools), ALL_ORDERS),
    Peer("jacobi", "jacobi", dict.fromkeys(SLOPES, _jacobi)),
    Peer(
        "scipy.differentiate",
        "scipy.differentiate",
        _each(_of_scipy, ("derivative", "jacobian", "jacobian", "hessian")),
    ),
    Peer("2-point", "scipy", dict.fromkeys(SLOPES, _of_differences("2-point"))),
    Peer("3-point", "scipy", dict.fromkeys(SLOPES, _of_differences("3-point"))),
    Peer(
        "statsmodels",
        "statsmodels",
        {**dict.fromkeys(SLOPES, _statsmodels), "hessian": _statsmodels_hessian},
    ),
    Peer(
        "fdm",
        "fdm",
        {
            "derivative": _fdm,
            "gradient": _fdm_of_arrays("gradient"),
            "jacobian": _fdm_of_arrays("jacobian"),
        },
    ),
    Peer("numericalderivative", "numericalderivative", {"derivative": _numericalderivative}),
    Peer("findiff", "findiff", {"derivative": _findiff}, ALL_ORDERS),
    Peer(
        "optimagic",
        "optimagic",
        {
            **dict.fromkeys(SLOPES, _of_optimagic("first_derivative")),
            "hessian": _of_optimagic("second_derivative"),
        },
    ),
    Peer("jax", "jax", dict.fromkeys(SLOPES, _jax), traces=True),
    Peer("torch", "torch", dict.fromkeys(SLOPES, _torch), traces=True),
)


def entries_of(numbers: Any, size: int) -> Floats:
    """Return `size` flat floats, of one number as well; None is nan."""
    flat = np.ravel(np.asarray(np.nan if numbers is None else numbers, float))
    return np.array(np.broadcast_to(flat, size))
