"""Mirrors inside ``vmap``: what reads its arguments is called, or made, for each example."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..core.batched import Batched, called_on_rows, stacked
from ..core.variable import Variable
from ..errors import BatchingError
from ..tree import flatten

F = TypeVar("F", bound=Callable[..., Any])


def one_by_one(function: F) -> F:
    """Let ``function`` be called for each example, if it reads values that differ between them."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BatchingError:
            level = level_of(args, kwargs)
            if level is None:
                raise
        return together(called_on_rows(function, function.__name__, level, args, kwargs), level)

    return call  # type: ignore[return-value]


def for_each(function: F) -> F:
    """Let ``function``, which iterates on values and so knows no batches, be called for each example."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        level = level_of(args, kwargs)
        if level is None:
            return function(*args, **kwargs)
        return together(called_on_rows(function, function.__name__, level, args, kwargs), level)

    return call  # type: ignore[return-value]


class MadeOneByOne:
    """A base of classes whose objects hold one example: batched arguments make one for each."""

    __slots__ = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """An object; for batched arguments, an :class:`OfExamples`."""
        level = level_of(args, kwargs)
        if level is None:
            return object.__new__(cls)
        return OfExamples(called_on_rows(cls, cls.__name__, level, args, kwargs), level)


class OfExamples:
    """An object for each example: its methods are called, and its attributes read, one by one."""

    def __init__(self, objects: list[Any], level: int) -> None:
        self._objects, self._level = objects, level

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What each object gives for its example."""
        return self._each("__call__", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        found = [getattr(one, name) for one in self._objects]
        if callable(found[0]):
            return lambda *args, **kwargs: self._each(name, args, kwargs)
        return together(found, self._level)

    def _each(self, name: str, args: Any, kwargs: Any) -> Any:
        level = level_of(args, kwargs)
        if level is not None and level > self._level:

            def inner(*some: Any, **keywords: Any) -> Any:
                return self._each(name, some, keywords)

            return together(called_on_rows(inner, name, level, args, kwargs), level)
        if level is None or level < self._level:
            return together([getattr(one, name)(*args, **kwargs) for one in self._objects], self._level)
        objects = iter(self._objects)

        def of_next(*some: Any, **keywords: Any) -> Any:
            return getattr(next(objects), name)(*some, **keywords)

        return together(called_on_rows(of_next, name, level, args, kwargs), level)


def level_of(*trees: Any) -> int | None:
    """The innermost level of the batched values in these containers."""
    return max((x.level for x in flatten(trees)[0] if type(x) is Batched), default=None)


def together(results: list[Any], level: int) -> Any:
    """The results for all examples: batched arrays, or an object for each."""
    parts = flatten(results[0])[0] if results else []
    plain = (Variable, np.ndarray, np.generic, int, float, complex, type(None))
    if all(isinstance(part, plain) for part in parts):
        return stacked(results, "SciPy's function", level)
    return OfExamples(results, level)
