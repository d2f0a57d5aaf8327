"""Evaluations that outlive the process: an SQLite file of what f returned, and at which x.

A row is there for good as soon as an evaluation has returned, whatever happens to the process then.
Several processes may use one file at once. Nothing in it is pickled.
"""

from __future__ import annotations

import builtins
import contextlib
import sqlite3
import warnings
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from numdiff.evaluation.attempts import OUTSIDE, AskingError, OverdueError, Raised

MAGIC, NUMDIFF, FORMAT = b"SQLite format 3\0", 0x6E646A6C, 1  # "ndjl"
PATIENCE = 60.0  # seconds to wait for another process that writes
TABLES = """
CREATE TABLE function (part TEXT PRIMARY KEY, digest TEXT NOT NULL);
CREATE TABLE evaluations (
    key BLOB PRIMARY KEY, x BLOB NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL,
    value BLOB NOT NULL, checksum INTEGER NOT NULL
);
"""
FAILURE = "exception"  # stands for the dtype of a value that there is not
NAME, VARIES = "name", "*"  # the part that is the name; the digest of one that f itself changes


class JournalError(AskingError, ValueError):
    """A file that cannot serve as a journal; it is left as it was."""


class Journal:
    """The evaluations of one function in a file.

    Parameters
    ----------
    path : path
        Of the file; it is made if it is not there.
    name : str
        Of the function.
    parts : callable
        Returns digests of what the function is made of. What changes while f is being called, as
        a counter does, tells nothing.
    inputs : str
        A digest of the further arguments of f.

    Raises
    ------
    JournalError
        If the file is something else, damaged, of another format or of another function.
    """

    def __init__(
        self, path: Path, name: str, parts: Callable[[], Mapping[str, str]], inputs: str
    ) -> None:
        self._path, self._inputs, self._full = path, inputs.encode(), False
        self._parts, self._made_of, self._begun = parts, dict(parts()), False
        if path.exists() and path.stat().st_size:
            self._require_ours()
        try:
            self._file = self._opened(name)
        except sqlite3.OperationalError as error:
            raise OSError(f"`journal` {str(path)!r} cannot be written: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._refusal(f"is damaged ({error})") from error

    def recall(self, points: Mapping[bytes, Any]) -> dict[bytes, Any]:
        """Return what is known of f at points, which are given by the keys of the evaluations."""
        found = {}
        for key, point in points.items():
            row = self._file.execute(
                "SELECT x, dtype, shape, value, checksum FROM evaluations WHERE key = ?",
                (self._digest(key),),
            ).fetchone()
            if row is not None and row[0] == np.asarray(point).tobytes():
                if row[4] != _checksum(*row[:4]):
                    raise self._refusal("is damaged: a value does not have its checksum")
                found[key] = _value(*row[1:4])
        return found

    def keep(self, key: bytes, point: Any, outcome: Any) -> None:
        """Write down what f returned; where there is no room, warn and go on without."""
        if isinstance(outcome, Raised):
            if outcome.fatal or isinstance(outcome.exception, OverdueError):
                return
            kind, message = type(outcome.exception).__name__, str(outcome.exception)
            columns: tuple[str, str, bytes] = (FAILURE, kind, message.encode())
        else:
            array = np.asarray(outcome)
            columns = (array.dtype.str, ",".join(map(str, array.shape)), array.tobytes())
        row = (np.asarray(point).tobytes(), *columns)
        try:
            with self._file:
                self._file.execute(
                    "INSERT OR IGNORE INTO evaluations VALUES (?, ?, ?, ?, ?, ?)",
                    (self._digest(key), *row, _checksum(*row)),
                )
            if not self._begun:
                self._note_changes()
                self._begun = True
        except sqlite3.Error as error:
            if not self._full:
                self._full = True
                warnings.warn(
                    f"`journal` {str(self._path)!r} takes no more evaluations ({error}): the run "
                    "goes on, but these would be repeated after a crash",
                    RuntimeWarning,
                    stacklevel=2,
                )

    def close(self) -> None:
        """Close the file."""
        if self._begun:
            with contextlib.suppress(sqlite3.Error):
                self._note_changes()
        self._file.close()

    def _require_ours(self) -> None:
        """Look at the file without opening it as a database, which might write to it."""
        with self._path.open("rb") as file:
            header = file.read(100)
        if len(header) < 100 or not header.startswith(MAGIC):
            raise self._refusal("is no journal, nor any database")
        application, version = (int.from_bytes(header[k : k + 4]) for k in (68, 60))
        if application != NUMDIFF:
            raise self._refusal("is a database, but not a journal of numdiff")
        if version != FORMAT:
            raise self._refusal(
                f"was written by another version of numdiff: its format is {version}, this one "
                f"reads {FORMAT}"
            )

    def _opened(self, name: str) -> sqlite3.Connection:
        file = sqlite3.connect(self._path, timeout=PATIENCE, check_same_thread=False)
        try:
            with file:
                file.execute("BEGIN IMMEDIATE")  # another process may be making the tables
                if not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in TABLES.split(";"):
                        file.execute(statement)
                    made_of = [(NAME, name), *self._made_of.items()]
                    file.executemany("INSERT INTO function VALUES (?, ?)", made_of)
                    file.execute(f"PRAGMA application_id = {NUMDIFF}")
                    file.execute(f"PRAGMA user_version = {FORMAT}")
            self._require_function(file, name)
            self._require_whole(file)
            # only now, so that the header of the file itself always says whose it is
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            file.close()
            raise
        return file

    def _require_function(self, file: sqlite3.Connection, name: str) -> None:
        kept = dict(file.execute("SELECT part, digest FROM function"))
        if kept.pop(NAME) != name:
            (other,) = file.execute(
                "SELECT digest FROM function WHERE part = ?", (NAME,)
            ).fetchone()
            raise self._refusal(f"holds values of another function, {other}, not of {name}")
        for part in kept.keys() | self._made_of.keys() if self._made_of else ():
            if kept.get(part) not in {VARIES, self._made_of.get(part)}:
                raise self._refusal(
                    f"holds values of {name} from when {part} was different. If these still hold, "
                    f"say so by its name, journal=(path, {name!r}); if not"
                )

    def _note_changes(self) -> None:
        """Write down which parts of f have changed although nobody but f was there."""
        parts = self._parts()
        varying = [(VARIES, part) for part in parts if parts[part] != self._made_of.get(part)]
        if varying:
            with self._file:
                self._file.executemany("UPDATE function SET digest = ? WHERE part = ?", varying)

    def _require_whole(self, file: sqlite3.Connection) -> None:
        if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise self._refusal("is damaged")

    def _refusal(self, what: str) -> JournalError:
        return JournalError(
            f"`journal` {str(self._path)!r} {what}: give another path, or remove the file"
        )

    def _digest(self, key: bytes) -> bytes:
        return blake2b(key, key=self._inputs, digest_size=16).digest()


def _checksum(x: bytes, dtype: str, shape: str, value: bytes) -> int:
    return crc32(value, crc32(f"{dtype} {shape}".encode(), crc32(x)))


def _value(dtype: str, shape: str, value: bytes) -> Any:
    """Return what f returned, or raised."""
    if dtype == FAILURE:
        kind: Any = getattr(builtins, shape, ValueError)
        usable = isinstance(kind, type) and issubclass(kind, OUTSIDE)
        message = value.decode()
        try:
            return Raised(kind(message) if usable else ValueError(f"{shape}: {message}"))
        except TypeError:  # UnicodeError and the like want more
            return Raised(ValueError(f"{shape}: {message}"))
    sizes = [int(size) for size in shape.split(",") if size]
    return np.frombuffer(value, dtype=np.dtype(dtype)).reshape(sizes).copy()
