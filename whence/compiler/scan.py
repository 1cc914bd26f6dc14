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
    """A name, and what was found there.

    Attributes:
        holder: the dict or the closure's cell that is looked into.
        key: where in it.
        found: the value.
        label: how messages call it.
    """

    __slots__ = ("found", "holder", "key", "label")

    def __init__(self, holder: Any, key: Any, found: Any, label: str) -> None:
        self.holder, self.key, self.found, self.label = holder, key, found, label

    def changed(self) -> str | None:
        """What stands there now is another value: its label."""
        try:
            now = self.holder[self.key] if isinstance(self.holder, dict) else self.holder.cell_contents
        except (KeyError, ValueError):
            return self.label
        return None if _same(now, self.found) else self.label


class Contents:
    """A container or the attributes of an object, and what was in it.

    One comparison of dicts looks at each value's identity first: about 30 ns a value.
    """

    __slots__ = ("copy", "holder", "label")

    def __init__(self, holder: Any, label: str) -> None:
        self.holder, self.copy, self.label = holder, holder.copy(), label

    def changed(self) -> str | None:
        """Something else is in it: its label."""
        try:
            if self.holder == self.copy:
                return None
        except Exception:  # two arrays are not the same, and have no truth
            pass
        if isinstance(self.holder, list):
            return self.label
        for key in self.holder.keys() | self.copy.keys():
            if not _same(self.holder.get(key, _GONE), self.copy.get(key, _GONE)):
                return f"{self.label}.{key}" if self.label else str(key)
        return None


def _same(now: Any, found: Any) -> bool:
    if now is found:
        return True
    if type(now) is not type(found) or not isinstance(now, PLAIN):
        return False
    return now == found or (now != now and found != found)


class Surroundings:
    """What a function and its arguments reach.

    Attributes:
        variables: all Variables among it, each once.
        places: names and containers whose values a program takes for granted.
    """

    def __init__(self, *roots: Any) -> None:
        self.variables: list[Variable] = []
        self.places: list[Place | Contents] = []
        self._seen: dict[int, Any] = {}
        for root in roots:
            self._look(root, "", DEEP)

    def change(self) -> str | None:
        """A place where something else stands now; None if there is none."""
        for place in self.places:
            label = place.changed()
            if label is not None:
                return label
        return None

    def _look(self, thing: Any, label: str, depth: int) -> None:
        if depth < 0 or isinstance(thing, PLAIN) or id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        if isinstance(thing, Variable):
            self.variables.append(thing)
            return
        holder = _contents(thing)
        if holder is not None:
            self.places.append(Contents(holder, label))
        for where, key, found, name in _parts(thing, label):
            if not isinstance(found, (ModuleType, type, np.dtype)):
                if where is not holder and type(where) is not tuple and _is_taken_for_granted(found):
                    self.places.append(Place(where, key, found, name))
                self._look(found, name, depth - 1)


def _contents(thing: Any) -> Any:
    """The dict or list that is compared whole; None for what is looked at part by part, or not at all."""
    if isinstance(thing, (dict, list)):
        return thing
    skipped = isinstance(thing, (MethodType, FunctionType, tuple, np.ndarray, Stream, functools.partial))
    if skipped or hasattr(thing, "compile_parts") or _is_foreign(type(thing)):
        return None
    attributes = getattr(thing, "__dict__", None)
    return attributes if type(attributes) is dict else None


def _is_taken_for_granted(found: Any) -> bool:
    kinds = (*PLAIN, np.ndarray, np.generic, Variable, FunctionType)
    return isinstance(found, kinds) or hasattr(found, "__dict__")


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
    elif isinstance(thing, functools.partial):
        parts = {"function": thing.func, "args": thing.args, "keywords": thing.keywords}
        for key, value in parts.items():
            yield parts, key, value, label
    elif isinstance(thing, (np.ndarray, Stream)) or _is_foreign(type(thing)):
        return
    elif hasattr(thing, "compile_parts"):
        yield from thing.compile_parts(label)
    elif hasattr(thing, "__dict__"):
        attributes = vars(thing)
        for key, value in list(attributes.items()):
            yield attributes, key, value, f"{label}.{key}" if label else key


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
