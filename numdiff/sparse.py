"""Sparse derivatives: prepared colourings, and patterns found and checked by calls of f.

`jacobian` and `hessian` take a pattern, or a colouring that is prepared once, as the option
`sparsity`.

Examples
--------
>>> import numpy as np
>>> import numdiff as nd
>>> def flow(x):
...     return np.diff(np.pad(x, 1), 2) - x**3
>>> x = np.linspace(0.0, 1.0, 100)
>>> coloring = nd.sparse.color(nd.sparse.detect(flow, x))
>>> coloring
Coloring(100 x 100, 298 entries, 3 colors)
>>> slopes = nd.jacobian(flow, x, sparsity=coloring)
>>> slopes.value.nnz, bool(slopes.success.all())
(298, True)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from numdiff.coloring.pattern import as_pattern, require_inputs
from numdiff.coloring.prepared import Coloring, color
from numdiff.compressed.derivatives import pattern_of
from numdiff.compressed.detection import missing
from numdiff.evaluation.call import NOBODY
from numdiff.operators import asked
from numdiff.signatures import Detecting, public

if TYPE_CHECKING:
    from scipy.sparse import csc_array

    from numdiff.signatures import Point

__all__ = ["Coloring", "check", "color", "detect"]


@public(Detecting)
def detect(f: Callable[..., Any], x: Point, **options: Unpack[Detecting]) -> csc_array:
    """Find which outputs of a function depend on which entries of x.

    Random groups of entries move at random points near x; what does not change depends on nothing
    in the group. Where some entry is alone, two further points tell its number. About 100 times the
    longest row is what that takes, however large x is; where it would be more than x has entries,
    each moves alone.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` returns an array of any shape, the same for the same x.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and x counts as flat.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    csc_array of bool
        The pattern, ``(f.size, x.size)``.

    Raises
    ------
    TypeError
        If f cannot be called or does not return numbers.
    ValueError
        If f differs between calls, or x is no point.

    Notes
    -----
    The pattern is that of a neighbourhood of x, within 2**-8 of its size: what f does not depend on
    there, as behind a branch, is not found. Nor is a change that drowns in the rounding of f at
    steps of 2**-13 of x. Of all other entries the probability that any is missed is below 0.001.
    Rows that change with nearly every group are taken to be dense, if they are few. Entries that
    are not there may be found, which does no harm.

    Examples
    --------
    >>> import numpy as np
    >>> detect(lambda x: x[:-1] * x[1:], np.ones(4)).toarray().astype(int).tolist()
    [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    """
    point, call, settings, _ = asked(f, x, options)
    with call.evaluator or NOBODY:
        return pattern_of(call, point.ravel(), settings)[0]


@public(Detecting)
def check(f: Callable[..., Any], x: Point, pattern: Any, **options: Unpack[Detecting]) -> csc_array:
    """Find entries that a pattern misses.

    Parameters
    ----------
    f : callable
        ``f(x, *args)`` returns an array of any shape, the same for the same x.
    x : array of float, dict or Series
        The point, of any shape. With a dict or a Series f gets the same, and x counts as flat.
    pattern : sparse array, dense array or Coloring
        Where f is said to depend on x.
    **options
        The options of all, spelled out in the signature.

    Returns
    -------
    csc_array of bool
        The entries that are missing, ``(f.size, x.size)``: none, if ``nnz`` is 0. One that is there
        is overlooked with a probability below 0.01. Where nothing is missing, this takes some 12
        evaluations per entry of the longest row.

    Raises
    ------
    TypeError, ValueError
        As in `detect`; ValueError if the pattern has another shape than the Jacobian.

    Examples
    --------
    >>> import numpy as np
    >>> wrong = check(lambda x: x[:-1] * x[1:], np.ones(4), np.eye(3, 4))
    >>> print(wrong.toarray().astype(int).tolist())
    [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    """
    from scipy.sparse import csc_array  # noqa: PLC0415 - loads when needed

    point, call, settings, _ = asked(f, x, options)
    with call.evaluator or NOBODY:
        known = pattern.pattern if isinstance(pattern, Coloring) else as_pattern(pattern)
        require_inputs(known, point.size)
        places = missing(call, point.ravel(), settings.box, known)
    new = csc_array((np.ones(len(places[0]), np.bool_), places), shape=known.shape)
    return as_pattern(new)
