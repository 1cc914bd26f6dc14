"""scan: what a function reaches besides its arguments, and whether it is still what it was.

Closures, global names, the object that a method belongs to, and what these hold. Variables are found so
that their arrays are state from the start; plain numbers, flags and names are remembered, and compared
before each call.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..core.variable import Variable
from ..random import Stream

PLAIN = (bool, int, float, complex, str, bytes, type(None))
_GONE: Any = object()  # stands for what is not there
DEEP = 12  # levels of containers and objects below a name
_HOMES = ("numpy", "scipy", "builtins", "collections", "functools", "threading", "logging")


class Place:
    """A name, an attribute or an item, and what was found there.

    Attributes:
        holder: the dict, list or closure cell that is looked into.
        key: where in it.
        found: the value.
        label: how messages call it.
    """

    __slots__ = ("found", "holder", "key", "label")

    def __init__(self, holder: Any, key: Any, found: Any, label: str) -> None:
        self.holder, self.key, self.found, self.label = holder, key, found, label

    def now(self) -> Any:
        """What is there now."""
        try:
            if isinstance(self.holder, (dict, list, tuple)):
                return self.holder[self.key]
            return self.holder.cell_contents
        except (KeyError, IndexError, ValueError):
            return _GONE

    def changed(self) -> bool:
        """Is it another value?"""
        now = self.now()
        if now is self.found:
            return False
        if type(now) is not type(self.found) or not isinstance(now, PLAIN):
            return True
        return now != self.found and not (now != now and self.found != self.found)


class Surroundings:
    """What a function and its arguments reach.

    Attributes:
        variables: all Variables among it, each once.
        places: names and attributes whose values a program takes for granted.
    """

    def __init__(self, *roots: Any) -> None:
        self.variables: list[Variable] = []
        self.places: list[Place] = []
        self._seen: dict[int, Any] = {}
        for root in roots:
            self._look(root, "", DEEP)

    def first_change(self) -> Place | None:
        """A place where something else stands now."""
        for place in self.places:
            if place.changed():
                return place
        return None

    def _look(self, thing: Any, label: str, depth: int) -> None:
        if depth < 0 or isinstance(thing, PLAIN) or id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        if isinstance(thing, Variable):
            self.variables.append(thing)
            return
        for holder, key, found, name in _parts(thing, label):
            if not isinstance(found, (ModuleType, type, np.dtype)):
                if _is_taken_for_granted(holder, found):
                    self.places.append(Place(holder, key, found, name))
                self._look(found, name, depth - 1)


def _is_taken_for_granted(holder: Any, found: Any) -> bool:
    if found is _GONE:
        return True
    return isinstance(found, (*PLAIN, np.ndarray, np.generic, Variable, FunctionType)) or hasattr(
        found, "__dict__"
    )


def _parts(thing: Any, label: str) -> Iterator[tuple[Any, Any, Any, str]]:
    """What a function, container or object holds: holder, key, value, name."""
    if isinstance(thing, MethodType):
        yield from _parts(thing.__func__, label)
        yield {"self": thing.__self__}, "self", thing.__self__, label or "self"
    elif isinstance(thing, FunctionType):
        yield from _of_function(thing)
    elif isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield thing, key, value, f"{label}[{key!r}]"
    elif isinstance(thing, (list, tuple)):
        for i, value in enumerate(thing):
            yield thing, i, value, f"{label}[{i}]"
    elif isinstance(thing, (np.ndarray, Stream)) or _is_foreign(type(thing)):
        return
    elif hasattr(thing, "__wrapped__") and callable(thing.__wrapped__):
        yield {"": thing.__wrapped__}, "", thing.__wrapped__, label
    elif hasattr(thing, "compile_parts"):
        yield from thing.compile_parts(label)
    elif hasattr(thing, "__dict__"):
        attributes = vars(thing)
        for key, value in list(attributes.items()):
            yield attributes, key, value, f"{label}.{key}" if label else key
        for key in _defaults(type(thing)) - attributes.keys():
            yield attributes, key, _GONE, f"{label}.{key}" if label else key


@functools.cache
def _defaults(kind: type) -> frozenset[str]:
    """Plain values that a class gives to instances that have none of their own."""
    classes = [cls for cls in kind.__mro__ if not _is_foreign(cls)]
    return frozenset(
        name
        for cls in classes
        for name, value in vars(cls).items()
        if isinstance(value, PLAIN) and not name.startswith("__")
    )


def _is_foreign(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _HOMES


def _of_function(function: FunctionType) -> Iterator[tuple[Any, Any, Any, str]]:
    if function.__module__ and function.__module__.partition(".")[0] in ("numpy", "scipy"):
        return
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield cell, None, cell.cell_contents, name
        except ValueError:  # not assigned yet
            continue
    if not (function.__module__ or "").startswith("whence."):
        for name in _names(code):
            if name in function.__globals__:
                yield function.__globals__, name, function.__globals__[name], name
    defaults = dict(enumerate(function.__defaults__ or ())) | (function.__kwdefaults__ or {})
    for key, value in defaults.items():
        yield defaults, key, value, f"a default of {function.__name__}"


def _names(code: Any) -> set[str]:
    """Global names that a function uses, and those of the functions written in it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            names |= _names(constant)
    return names
