"""The words that programs are written in: the few functions that everything NumPy says is brought down to.

Elementwise ufuncs, ``np.where``, ``np.matmul``, ``np.concatenate``, ``np.reshape(x, shape)``,
``np.transpose(x, axes)``, ``np.broadcast_to(x, shape)``, ``np.sum``/``prod``/``max``/``min``/``any``/``all``
with ``axis`` a tuple and ``keepdims``, ``np.argmax``/``argmin`` with one axis; and those of this module.
Whatever else stands in a program is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..random import State, Stream

F = TypeVar("F", bound=Callable[..., Any])


def labelled(label: str) -> Callable[[F], F]:
    """Give a function the name that it has in printed programs."""

    def name(function: F) -> F:
        function.label = label  # type: ignore[attr-defined]
        return function

    return name


@labelled("astype")
def astype(x: Any, dtype: Any) -> Any:
    """``x`` with elements of another type."""
    return np.asarray(x).astype(dtype)[()]


@labelled("getitem")
def getitem(x: Any, index: Any) -> Any:
    """``x[index]``: slices, integers, None, integer and boolean arrays."""
    return x[index]


@labelled("index_add")
def index_add(x: Any, index: Any, values: Any) -> Any:
    """A copy of ``x`` with ``values`` added at ``index``, as often as an element is named there."""
    y = np.array(x)
    np.add.at(y, index, values)
    return y


@labelled("index_set")
def index_set(x: Any, index: Any, values: Any) -> Any:
    """A copy of ``x`` with ``values`` written at ``index``."""
    y = np.array(x)
    y[index] = values
    return y


@labelled("placed")
def placed(values: list[Any], indices: tuple[Any, ...], shape: tuple[int, ...], dtype: Any) -> Any:
    """Zeros, with values added at slices: ``y[indices[i]] += values[i]`` for each i."""
    y = np.zeros(shape, dtype)
    for part, index in zip(values, indices, strict=True):
        y[index] += part
    return y


@labelled("written")
def written(x: Any, function: Any, *args: Any, **keywords: Any) -> Any:
    """A copy of ``x`` that one of NumPy's functions has written into."""
    y = np.array(x)
    function(y, *args, **keywords)
    return y


@labelled("full")
def full(shape: tuple[int, ...], number: Any, dtype: Any) -> Any:
    """An array of one number."""
    return np.full(shape, number, dtype)


class Departed(Exception):
    """A program met values that it was not recorded for."""


@labelled("depart_if")
def depart_if(condition: Any) -> tuple[Any, ...]:
    """Leave the program if ``condition`` is true: the function then runs eagerly, on unchanged state."""
    if condition:
        raise Departed
    return ()


@labelled("reinterpret")
def reinterpret(x: Any, dtype: Any) -> Any:
    """The memory of ``x`` read as another type."""
    return np.ascontiguousarray(x).view(dtype)


@labelled("uniform")
def uniform(key: int, draw: int, shape: tuple[int, ...], low: float, high: float, dtype: Any) -> Any:
    """Draw number ``draw`` of the stream with this key, uniform on [low, high)."""
    return Stream.at(State(key, draw)).uniform(shape, low, high, dtype)


@labelled("normal")
def normal(key: int, draw: int, shape: tuple[int, ...], mean: float, std: float, dtype: Any) -> Any:
    """Draw number ``draw`` of the stream with this key, normal."""
    return Stream.at(State(key, draw)).normal(shape, mean, std, dtype)


@labelled("integers")
def integers(key: int, draw: int, low: int, high: int, shape: tuple[int, ...]) -> Any:
    """Draw number ``draw`` of the stream with this key, integers from ``low`` up to but without ``high``."""
    return Stream.at(State(key, draw)).integers(low, high, shape)


@labelled("permutation")
def permutation(key: int, draw: int, n: int) -> Any:
    """Draw number ``draw`` of the stream with this key, the numbers to ``n`` in random order."""
    return Stream.at(State(key, draw)).permutation(n)


@labelled("random words")
def random_words(key: int, draw: int, count: int) -> Any:
    """Draw number ``draw`` of the stream with this key, as words of 64 bits."""
    return Stream.at(State(key, draw)).words(count)


#: NumPy's functions that are words, besides the elementwise ufuncs.
OF_NUMPY: frozenset[Any] = frozenset(
    {
        np.where, np.matmul, np.concatenate, np.reshape, np.transpose, np.broadcast_to, np.sum, np.prod,
        np.max, np.min, np.any, np.all, np.argmax, np.argmin,
    }
)  # fmt: skip


def is_word(function: Any) -> bool:
    """Is it one of the words, for which there are kernels?"""
    if isinstance(function, np.ufunc):
        return function.signature is None or function is np.matmul
    return function in OF_NUMPY or (
        getattr(function, "__module__", "") == __name__ and function is not written
    )
