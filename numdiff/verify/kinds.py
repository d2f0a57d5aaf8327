"""The kinds of derivative as a table, and one that is to be checked as a value."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from numdiff import operators
from numdiff.compressed.missing import PatternError
from numdiff.estimate import Estimate
from numdiff.evaluation.call import Call, bound
from numdiff.geometry.domain import Box
from numdiff.options import as_args, as_kwargs, as_point, read, require_callable
from numdiff.signatures import Checking, Settings
from numdiff.sparse_estimate import SparseEstimate
from numdiff.verify import reading
from numdiff.verify.arrays import Array, Floats, Function, Mask, Shape
from numdiff.verify.directions.screen import Finding, along
from numdiff.verify.directions.slope import Told
from numdiff.verify.reading import Further, Product, Reading, Subject
from numdiff.verify.report import AGREE, DISAGREE, INCONCLUSIVE, Coverage, Report
from numdiff.verify.rule import Judged, Numerical, Sizes, judge

COMPARED = 36  # evaluations along a direction: six, and a closer look at what seems wrong
CONTRADICTED = "`grad` itself disagrees with f: f was differentiated instead"
LONGEST = 60  # characters of an argument in the call that gives a report again


class Kind(NamedTuple):
    """A kind of derivative.

    Attributes
    ----------
    axes : str
        The first axes of the derivative, those before the axes of x: none, ``"f"``, those of what
        f returns, ``"x"``, those of x, or ``"fx"``, both.
    product : str
        ``"right"`` or ``"left"``, the side on which it takes a vector; empty if it takes none.
    curved : bool
        Whether it is a second derivative.
    title : str
        What the report calls it, if not by its name.
    """

    axes: str = ""
    product: str = ""
    curved: bool = False
    title: str = ""


KINDS = MappingProxyType({
    "gradient": Kind(),
    "jacobian": Kind("f"),
    "hessian": Kind("fx", curved=True),
    "jvp": Kind("f", "right"),
    "vjp": Kind("f", "left"),
    "hvp": Kind("x", "right", curved=True),
    "directional": Kind("f", title="directional derivative"),
    "adjoint": Kind("f", title="adjoint products"),
})  # fmt: skip


class Plan(NamedTuple):
    """The options of a check, read; `settings` are those for the operators."""

    rtol: float
    n_points: int
    radius: float
    rng: Any
    further: Further
    accept: float
    atol: float
    settings: Settings


class Posed(NamedTuple):
    """A derivative that is to be checked.

    Attributes
    ----------
    name : str
        Of the check.
    kind : Kind
        What it is.
    plan : Plan
        The options.
    subject : Subject
        The point.
    call : Call
        How f is called, or its gradient where there is no f.
    gradient_of : callable or None
        The gradient of f, if that was handed over.
    handed : Any
        The derivative as it was handed over: an array holds at x alone.
    derivative : callable
        The derivative as a function of x, or the product as one of x and a vector.
    raw : callable
        The same, without copies of what it is handed.
    box : Box or None
        The bounds, if there are any.
    title, again : str
        What is checked, and the call that does it.
    """

    name: str
    kind: Kind
    plan: Plan
    subject: Subject
    call: Call
    gradient_of: Function | None
    handed: Any
    derivative: Function
    raw: Function
    box: Box | None
    title: str
    again: str

    def reading_at(self, x: Floats, outputs: Shape) -> Reading:
        """Ask for the derivative, whose first axes are `outputs`."""
        __tracebackhide__ = True
        try:
            if self.kind.product:
                left = self.kind.product == "left"
                value = reading.matrix_by_products(self.derivative, x, outputs, left=left)
            else:
                value = self.derivative(x)
        except Exception as exception:
            shown = np.array2string(x, threshold=12, precision=17)
            exception.add_note(f"numdiff: the derivative raised this at {shown}")
            raise
        return reading.read_matrix(value, outputs, x.shape)

    def report(self, shape: Shape, counts: Coverage, *, wrong: bool = False, **more: Any) -> Report:
        """Return the report; if something else is `wrong` it disagrees, whatever was counted."""
        sure = counts.agree and not counts.inconclusive
        verdict = DISAGREE if wrong or counts.disagree else AGREE if sure else INCONCLUSIVE
        fields = {"verdict": verdict, "coverage": counts, "reproduce": self.again, **more}
        return Report(title=f"{self.title}, of shape {shape}", **fields)

    def judge(self, matrix: Array, rounding: Floats, numerical: Numerical, sizes: Sizes) -> Judged:
        """Judge a derivative by the agreement that is asked for."""
        plan = self.plan
        return judge(
            matrix, rounding, numerical, sizes, plan.rtol, accept=plan.accept, atol=plan.atol
        )

    def along(
        self, product: Product, x: Floats, rng: Any, max_nfev: int | None,
        sizes: Floats | None = None,
    ) -> Finding:  # fmt: skip
        """Compare f along a direction with what is said to be its derivative times a vector."""
        __tracebackhide__ = True
        function, noise = self.call.f, self.plan.settings.get("noise")
        level = None if noise is None else float(np.max(as_point(noise, "noise")))
        told = Told(level, self.plan.settings.get("accuracy") or 0.0)

        def of_one_vector(v: Floats) -> Any:
            if self.call.vectorized and self.call.evaluator is None:
                return np.asarray(function(v.reshape(*x.shape, 1)))[..., 0]
            return function(v.reshape(x.shape))

        return along(
            of_one_vector, product.apply, x.ravel(), rtol=self.plan.rtol, max_nfev=max_nfev,
            rng=rng, bounds=self.box, total=product.total, rounding=product.rounding,
            told=told, sizes=sizes, accept=self.plan.accept, atol=self.plan.atol,
        )  # fmt: skip


def _plan(choices: Checking) -> Plan:
    settings: Any = dict(choices)
    settings.pop("names", None)
    rtol, rng = settings.pop("rtol", 1e-4), settings.pop("rng", 0)
    n_points, radius = settings.pop("n_points", 1), settings.pop("radius", 0.1)
    if not (isinstance(rtol, Real) and 0.0 < float(rtol) < 1.0):
        raise ValueError(f"`rtol` must lie between 0 and 1, got {rtol!r}")
    if not (isinstance(n_points, Integral) and int(n_points) >= 1):
        raise ValueError(f"`n_points` must be at least 1, a whole number, got {n_points!r}")
    if not (isinstance(radius, Real) and float(radius) > 0.0):
        raise ValueError(f"`radius` must be positive, got {radius!r}")
    further = as_args(settings.pop("args", ())), as_kwargs(settings.pop("kwargs", None))
    accept = _not_negative(settings.pop("accept", 0.0), "accept")
    atol = _not_negative(settings.pop("atol", 0.0), "atol")
    return Plan(float(rtol), int(n_points), float(radius), rng, further, accept, atol, settings)


def _not_negative(value: Any, name: str) -> float:
    if not (isinstance(value, Real) and 0.0 <= float(value) < math.inf):
        raise ValueError(f"`{name}` must be zero or positive, got {value!r}")
    return float(value)


def pose(
    name: str, f: Function | None, derivative: Any, x: Any, choices: Checking,
    grad: Function | None = None,
) -> Posed:  # fmt: skip
    """Put together what is to be checked.

    Raises
    ------
    TypeError, ValueError
        If an option is not allowed, or the derivative is no function where it must be one.
    """
    __tracebackhide__ = True
    kind, plan, subject = KINDS[name], _plan(choices), reading.subject_of(x, choices.get("names"))
    fixed = not reading.is_function(derivative)
    if kind.product:
        refuse_array(derivative, name)
    if plan.n_points > 1 and fixed:
        raise ValueError("an array is the derivative at x only: give a function for `n_points` > 1")
    gradient_of = _of_arrays(grad, "grad", subject, plan)
    function: Any = _of_arrays(f, "f", subject, plan, 1 + (name == "adjoint")) or gradient_of
    call, box = _call(function, subject, plan.settings, alone=name == "directional")
    if box is not None:  # those of a dict are read; what follows has x flat
        sides = [side.reshape(subject.x.shape) for side in box]
        plan.settings["bounds"] = sides[0], sides[1]
    at_x = (lambda *_: derivative) if fixed else derivative
    ask = subject.bound(at_x, plan.further, 1 + (kind.product == "right"))
    raw = bound(subject.inward(at_x, 1 + (kind.product == "right")), *plan.further)
    words = {"f": f if name == "hvp" else None, "grad": grad, **choices}
    order = (derivative, subject) if name == "hvp" else (f, derivative, subject)
    again = _call_text(name, order, words)
    title = f"{kind.title or name}, {_name_of(derivative)} for {_name_of(grad if f is None else f)}"
    return Posed(
        name, kind, plan, subject, call, gradient_of, derivative, ask, raw, box, title, again
    )


def _call(
    function: Any, subject: Subject, settings: Any, *, alone: bool
) -> tuple[Call, Box | None]:
    """Return how f is called beside the operators, which start their own processes, or alone."""
    options = read(function, subject.x, subject.layout, **settings)
    evaluator, asking = None, options.asking
    if asking is not None:
        if isinstance(asking.workers, int) and not alone:
            asking = asking._replace(workers=None)
        evaluator = asking.evaluator(function, function, vectorized=options.vectorized)
    called = function if evaluator is None else evaluator.one
    call = Call(called, subject.x.shape, options.vectorized, evaluator=evaluator)
    return call, options.box


def _of_arrays(
    function: Function | None, name: str, subject: Subject, plan: Plan, vectors: int = 1
) -> Function | None:
    """Return a user's function as one of arrays alone."""
    if function is None:
        return None
    require_callable(function, name)
    return bound(subject.inward(function, vectors), *plan.further)


def _call_text(name: str, order: Any, words: dict[str, Any]) -> str:
    """Write the call that gives a report again; what is None was not handed over."""
    parts = list(map(_name_of, order))
    for key, word in words.items():
        parts += [f"{key}={_name_of(word)}"] * (word is not None)
    return f"numdiff.verify.{name}({', '.join(parts)})"


def refuse_array(product: Any, name: str) -> None:
    """Raise TypeError if a product is no function."""
    if not callable(product):
        raise TypeError(f"`{name}` must be callable, got {type(product).__name__}")


def _name_of(value: Any) -> str:
    if isinstance(value, Subject):
        text = np.array2string(value.x, separator=", ", floatmode="unique").replace("\n", "")
        return text if value.layout is None and len(text) <= LONGEST else "x"
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"<{type(value).__name__}>"


def measure(posed: Posed, x: Floats, stored: Mask | None = None) -> Estimate:
    """Return the numerical derivative at x.

    Where only some entries of a Jacobian are `stored`, their columns share directions, as long as
    one direction more tells that there are no others.
    """
    function, gradient_of, settings = posed.call.plain, posed.gradient_of, posed.plan.settings
    if stored is not None and posed.kind == KINDS["jacobian"]:
        try:
            estimate = operators.jacobian(function, x, sparsity=stored, **settings)
        except PatternError:
            return operators.jacobian(function, x, **settings)
        return estimate.dense() if isinstance(estimate, SparseEstimate) else estimate
    if not posed.kind.curved:
        operator = operators.jacobian if posed.kind.axes else operators.gradient
        return operator(function, x, **settings)
    of_f = settings if gradient_of is None else settings | {"journal": None}  # it is that of f
    estimate = operators.hessian(function, x, grad=gradient_of, **of_f)
    if gradient_of is None or function is gradient_of or not x.size:
        return estimate
    slope = np.ravel(gradient_of(x.copy()))
    compared = posed.along(Product(lambda v: slope @ v), x, posed.plan.rng, COMPARED)
    nfev = estimate.nfev + compared.nfev
    if compared.verdict != DISAGREE:
        return replace(estimate, nfev=nfev)
    plain = operators.hessian(function, x, **settings)
    return replace(plain, nfev=plain.nfev + nfev, notes=(*plain.notes, CONTRADICTED))
