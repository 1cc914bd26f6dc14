"""What a thread is doing just now: recording or not, watching for NaN or not.

The setting lives in a context variable, so a thread or an asyncio task that switches recording off
never touches another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from numbers import Integral
from typing import Any, NamedTuple, overload

import numpy as np

from .errors import SettingError


class Mode(NamedTuple):
    """How ops behave: ``recording`` makes them remember, ``watch`` sees every value they make.

    ``tracer`` is there while ``compile`` records a program: ops are noted down in it.
    """

    recording: bool = True
    watch: Callable[[Any, Any, str], None] | None = None
    tracer: Any = None


EAGER = Mode()
_mode: ContextVar[Mode] = ContextVar("whence mode", default=EAGER)
mode = _mode.get  # one C call, about 20 ns: ops ask `mode() is EAGER` and are done


@contextmanager
def using(setting: Mode) -> Iterator[None]:
    """Run a block under ``setting``; whatever happens inside, the old one comes back."""
    token = _mode.set(setting)
    try:
        yield
    finally:
        _mode.reset(token)


def _adjusted(**changes: Any) -> Mode:
    setting = mode()._replace(**changes)
    return EAGER if setting == EAGER else setting


STRICT: ContextVar[bool] = ContextVar("whence strict", default=False)
strict = STRICT.get  # True where float(v) would cut the graph that is being differentiated


class Level(NamedTuple):
    """A ``vmap`` that is running: its number (inner ones have higher ones) and its batch size."""

    number: int
    size: int


LEVELS: ContextVar[tuple[Level, ...]] = ContextVar("whence levels", default=())
levels = LEVELS.get  # of the vmaps that are running, outermost first


@contextmanager
def at_levels(running: tuple[Level, ...]) -> Iterator[None]:
    """A block in which these vmaps are running, and no others."""
    token = LEVELS.set(running)
    try:
        yield
    finally:
        LEVELS.reset(token)


class Strictly:
    """A block in which ``float(v)`` of a recorded value raises, since its gradient would be lost."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = STRICT.set(True)

    def __exit__(self, *error: object) -> None:
        STRICT.reset(self._token)


_PASSING_NAN: ContextVar[bool] = ContextVar("whence passing NaN", default=False)
passing_nan = _PASSING_NAN.get  # True where a NaN in a gradient is handed out, not refused


@contextmanager
def pass_nan() -> Iterator[None]:
    """Hand out gradients that are NaN, as programs written for autograd expect."""
    token = _PASSING_NAN.set(True)
    try:
        yield
    finally:
        _PASSING_NAN.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results have no creator. A context manager and a decorator.

    >>> import numpy as np, whence
    >>> x = whence.Variable(np.array(2.0))
    >>> with whence.no_grad():
    ...     y = x * x
    >>> print(y.creator)
    None
    """
    with using(_adjusted(recording=False)):
        yield


def set_recording(on: bool) -> None:
    """Switch recording from here on, for programs that set it as an attribute; a block ends it too."""
    _mode.set(_adjusted(recording=on))


@contextmanager
def enable_grad() -> Iterator[None]:
    """Record again inside a :func:`no_grad` block."""
    with using(_adjusted(recording=True)):
        yield


@contextmanager
def watching(watch: Callable[[Any, Any, str], None]) -> Iterator[None]:
    """Call ``watch(maker, value, direction)`` on every value that is made inside the block."""
    with using(_adjusted(watch=watch)), np.errstate(all="ignore"):
        yield


#: Threads for kernels, 0 for as many as usual. Native code reads this variable itself.
THREADS: ContextVar[int] = ContextVar("whence threads", default=0)


@cache
def usual_threads() -> int:
    """WHENCE_THREADS, or how many cores this process may use.

    Raises:
        SettingError: WHENCE_THREADS is not a whole number from 1 on.
    """
    text = os.environ.get("WHENCE_THREADS", "").strip()
    if text:
        if not text.isdecimal() or int(text) < 1:
            raise SettingError(f"WHENCE_THREADS={text!r} is not a number of threads\n  → 1, 2, 3, ...")
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@overload
def threads() -> int: ...
@overload
def threads(count: int) -> AbstractContextManager[None]: ...
def threads(count: int | None = None) -> int | AbstractContextManager[None]:
    """How many threads compiled functions may use: ask, or set it for a block.

    Results have the same bits for any number. What NumPy and SciPy do on their own is not governed by it.

    Args:
        count: from 1 on; without it, the number that holds here is returned. The usual number is that of the
            cores that this process may use, or what the environment variable WHENCE_THREADS says.

    Raises:
        SettingError: ``count`` is not a whole number from 1 on.

    >>> import whence
    >>> with whence.threads(1):
    ...     whence.threads()
    1
    """
    if count is None:
        return THREADS.get() or usual_threads()
    if isinstance(count, bool) or not isinstance(count, Integral) or count < 1:
        raise SettingError(
            f"{count!r} is not a number of threads\n  → whence.threads(1), whence.threads(2), ..."
        )
    return _on_threads(int(count))


@contextmanager
def _on_threads(count: int) -> Iterator[None]:
    token = THREADS.set(count)
    try:
        yield
    finally:
        THREADS.reset(token)
