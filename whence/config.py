"""What a thread is doing just now: recording or not, watching for NaN or not.

The setting lives in a context variable, so a thread or an asyncio task that switches recording off
never touches another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np


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
