"""Random numbers from explicit state: counter-based streams that split.

A :class:`Stream` is a key and a count. Every draw uses Philox (Salmon, Moraes, Dror and Shaw, *Parallel
random numbers: as easy as 1, 2, 3*, 2011) with that key, from the block that the count names, and
counts on by one. So a draw depends on nothing but key and count: not on the number of threads, nor on what
other streams have drawn; and two integers are all that has to be saved to go on where a run stopped.

>>> stream = Stream(0)
>>> first = stream.normal(3)
>>> state = stream.state
>>> second = stream.normal(3)
>>> stream.state = state
>>> bool((stream.normal(3) == second).all()), bool((first == second).any())
(True, False)
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from operator import index
from typing import Any, NamedTuple

import numpy as np

from .config import mode
from .errors import DtypeError, TraceError, WhenceError

Shape = int | Sequence[int] | None
_BLOCK = 1 << 64  # of Philox's 256-bit counter: how many blocks of numbers one draw may use


class State(NamedTuple):
    """All that a stream is."""

    key: int  # 128 bits
    draws: int


class Stream:
    """A sequence of random draws, each named by its number.

    Args:
        seed: any non-negative integer; equal seeds give equal draws.

    Raises:
        DtypeError: a seed that is no integer. WhenceError: a negative one.
    """

    def __init__(self, seed: int = 0) -> None:
        try:
            number = index(seed)
        except TypeError:
            raise DtypeError(f"a seed is an integer, not {seed!r}") from None
        if number < 0:
            raise WhenceError(f"a seed is not negative: {number}")
        self._key, self._count = _digest("seed", number), 0
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """Key and count; assign it to go back (or on)."""
        return State(self._key, self._count)

    @state.setter
    def state(self, state: Sequence[int]) -> None:
        key, count = (index(part) for part in state)
        if not (0 <= key < 1 << 128 and 0 <= count < _BLOCK):
            raise WhenceError(f"the state of a stream is a key of 128 bits and a count, not {state!r}")
        self._key, self._count = key, count

    def split(self, *path: int | str) -> Stream:
        """The stream that ``path`` names below this one, whatever has been drawn from either.

        >>> Stream(1).split("worker", 3).state == Stream(1).split("worker", 3).state
        True
        """
        return _stream(State(_digest(self._key, *path), 0))

    def fork(self) -> Stream:
        """A new stream of its own, which counts as one draw from this one."""
        return _stream(State(_digest(self._key, "fork", self._advance()), 0))

    def _advance(self) -> int:
        with self._lock:
            count = self._count
            self._count = count + 1
        return count

    @classmethod
    def at(cls, state: Sequence[int]) -> Stream:
        """A stream in this state."""
        return _stream(State(*state))

    def generator(self) -> np.random.Generator:
        """NumPy's generator of the next draw, for any distribution that NumPy has.

        Raises:
            TraceError: ``compile`` is recording, which cannot see what is drawn from it.
        """
        if mode().tracer is not None:
            raise TraceError(
                "a generator inside a function that is compiled would give the same numbers at every call\n"
                "  → stream.uniform(), normal(), integers(), permutation(), which are recorded"
            )
        return np.random.Generator(np.random.Philox(key=self._key, counter=self._advance() * _BLOCK))

    def uniform(
        self, size: Shape = None, low: float = 0.0, high: float = 1.0, dtype: Any = np.float64
    ) -> Any:
        """Uniform on [low, high)."""
        if (tracer := mode().tracer) is not None:
            return tracer.draw(self, "uniform", _shape(size), low, high, np.dtype(dtype))
        x = self.generator().random(size, dtype)
        if low == 0.0 and high == 1.0:
            return x
        dtype = np.dtype(dtype).type
        return dtype(low) + dtype(high - low) * x

    def normal(self, size: Shape = None, mean: float = 0.0, std: float = 1.0, dtype: Any = np.float64) -> Any:
        """Normal with this mean and standard deviation."""
        if (tracer := mode().tracer) is not None:
            return tracer.draw(self, "normal", _shape(size), mean, std, np.dtype(dtype))
        x = self.generator().standard_normal(size, dtype)
        if mean == 0.0 and std == 1.0:
            return x
        dtype = np.dtype(dtype).type
        return dtype(mean) + dtype(std) * x

    def integers(self, low: int, high: int, size: Shape = None) -> Any:
        """Integers from ``low`` up to but without ``high``."""
        if (tracer := mode().tracer) is not None:
            return tracer.draw(self, "integers", low, high, _shape(size))
        return self.generator().integers(low, high, size)

    def permutation(self, n: int) -> np.ndarray:
        """The numbers 0 to ``n - 1`` in random order."""
        if (tracer := mode().tracer) is not None:
            return tracer.draw(self, "permutation", n)
        return self.generator().permutation(n)

    def words(self, count: int) -> np.ndarray:
        """So many random words of 64 bits."""
        if (tracer := mode().tracer) is not None:
            return tracer.draw(self, "random_words", count)
        return self.generator().bit_generator.random_raw(count)

    def __reduce__(self) -> Any:
        return _stream, (self.state,)

    def __repr__(self) -> str:
        return f"Stream(key={self._key:#034x}, count={self._count})"


def _shape(size: Shape) -> tuple[int, ...] | None:
    return (size,) if isinstance(size, int) else size if size is None else tuple(size)


def _stream(state: State) -> Stream:
    stream = Stream()
    stream.state = state
    return stream


def _digest(*path: int | str) -> int:
    """128 bits of a path."""
    text = "/".join(f"{type(part).__name__}:{part}" for part in path)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


#: What layers and losses draw from unless they are given a stream of their own.
default = Stream(0)


def seed(number: int) -> None:
    """Start the default stream anew: initialisers, dropout and shuffling that name no stream draw from it.

    >>> import whence
    >>> whence.random.seed(7)
    """
    default.state = Stream(number).state
