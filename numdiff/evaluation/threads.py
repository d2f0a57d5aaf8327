"""Threads for functions that are compiled, where they pay."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import TypeVar

import numpy as np

R = TypeVar("R")

PAYS = 2e-3  # seconds: with less to do, starting threads takes longer than they save
PIECES = 4  # for each thread, so that all end at about the same time


def spread(work: Callable[[slice], R], count: int, workers: int) -> list[R]:
    """Do some work for all of 0 to `count`, in threads if there is enough of it.

    Parameters
    ----------
    work : callable
        ``work(part)`` does a slice, independently of all others; it releases the interpreter.
    count : int
        How much there is to do.
    workers : int
        How many threads there may be.

    Returns
    -------
    list
        What each part returned, in order.
    """
    if workers < 2 or count < 3:
        return [work(slice(0, count))]
    start = perf_counter()
    first = work(slice(0, 1))
    if (perf_counter() - start) * (count - 1) < PAYS:
        return [first, work(slice(1, count))]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - loads when needed

    edges = np.linspace(1, count, min(PIECES * workers, count - 1) + 1).astype(int).tolist()
    parts = [slice(*edge) for edge in pairwise(edges)]
    with ThreadPoolExecutor(workers) as pool:
        return [first, *pool.map(work, parts)]
