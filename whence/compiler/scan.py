"""scan: what a function reaches besides its arguments, and whether it is still what it was.

Closures, global names, the object that a method belongs to, and what these hold. Variables are found so
that their arrays are state from the start; plain numbers, flags and names are remembered, and compared
before each call.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Iterator
from operator import is_
from struct import pack
from types import CellType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..core.variable import Variable
from ..random import Stream

PLAIN = (bool, int, float, complex, str, bytes, type(None))
WATCHED = 4096  # bytes of an array up to which its elements are compared at each call
DEEP = 12  # levels of containers and objects below a name
_HOMES = ("numpy", "scipy", "builtins", "collections", "functools", "threading", "logging")


class Place:
    """A name, and what was found there.

    Attributes:
        holder: the dict, the closure's cell or the object that is looked into.
        key: where in it; an attribute's name for objects.
        found: the value.
        label: how messages call it.
    """

    __slots__ = ("found", "holder", "key", "label")

    def __init__(self, holder: Any, key: Any, found: Any, label: str) -> None:
        self.holder, self.key, self.found, self.label = holder, key, found, label

    def changed(self) -> str | None:
        """What stands there now is another value: its label."""
        holder = self.holder
        try:
            if isinstance(holder, dict):
                now = holder[self.key]
            elif type(holder) is CellType:
                now = holder.cell_contents
            else:
                now = getattr(holder, self.key)
        except (KeyError, ValueError, AttributeError):
            return self.label
        return None if now is self.found or _same(now, self.found) else self.label


class Contents:
    """A container, the attributes of an object or of a class, and what was in it, by identity.

    Values that are equal are not enough: 1 and 1.0 make different programs, and of two equal lists only one
    is looked into. About 35 ns a value.
    """

    __slots__ = ("holder", "keys", "label", "values")

    def __init__(self, holder: Any, label: str) -> None:
        self.holder, self.label = holder, label
        self.keys, self.values = self._keys(), self._values()

    def _keys(self) -> list[Any]:
        return list(self.holder) if hasattr(self.holder, "values") else []

    def _values(self) -> list[Any]:
        return list(self.holder.values() if hasattr(self.holder, "values") else self.holder)

    def changed(self) -> str | None:
        """Something else is in it: its label."""
        now = self._values()
        if len(now) == len(self.values) and all(map(is_, now, self.values)) and self._keys() == self.keys:
            return None
        keys = self._keys()
        if len(now) != len(self.values) or keys != self.keys:
            return self.label or next(iter({*map(str, keys)} ^ {*map(str, self.keys)}), "a container")
        for i, (value, found) in enumerate(zip(now, self.values, strict=True)):
            if not _same(value, found):
                key = keys[i] if keys else i
                return f"{self.label}.{key}" if self.label else str(key)
        return None


class Elements:
    """A small array, and what was in it: the function may have computed with it on its own."""

    __slots__ = ("array", "found", "label")

    def __init__(self, array: Any, label: str) -> None:
        self.array, self.found, self.label = array, array.tobytes(), label

    def changed(self) -> str | None:
        """It was written to: its label."""
        return None if self.array.tobytes() == self.found else f"what is in {self.label or 'an array'}"


def _same(now: Any, found: Any) -> bool:
    if now is found:
        return True
    if type(now) is MethodType and type(found) is MethodType:  # made anew whenever it is asked for
        return now.__func__ is found.__func__ and now.__self__ is found.__self__
    if type(now) is not type(found) or not isinstance(now, PLAIN):
        return False
    if isinstance(now, float):
        return pack("d", now) == pack("d", found)  # 0.0 is not -0.0
    return now == found or (now != now and found != found)


class Surroundings:
    """What a function and its arguments reach.

    Attributes:
        variables: all Variables among it, each once.
        places: names and containers whose values a program takes for granted.
    """

    def __init__(self, *roots: Any) -> None:
        self.variables: list[Variable] = []
        self.places: list[Place | Contents | Elements] = []
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
        if isinstance(thing, np.ndarray):
            if thing.nbytes <= WATCHED and thing.dtype.kind in "fciub":
                self.places.append(Elements(thing, label))
            return
        if isinstance(thing, ModuleType) or (isinstance(thing, type) and not _is_readable(thing.__module__)):
            return
        holder = _contents(thing)
        if holder is not None:
            self.places.append(Contents(holder, label))
        if hasattr(thing, "compile_contents"):
            for key in thing.compile_contents():
                held, name = getattr(thing, key), f"{key.strip('_')} of the optimiser"
                self.places += [Place(vars(thing), key, held, name), Contents(held, name)]
        for where, key, found, name in _parts(thing, label):
            if where is not holder and type(where) is not tuple and not isinstance(found, ModuleType):
                self.places.append(Place(where, key, found, name))
            self._look(found, name, depth - 1)
        if not isinstance(thing, type):
            for kind in type(thing).__mro__:
                self._look(kind, kind.__name__, depth - 1)


def _contents(thing: Any) -> Any:
    """The container that is compared whole; None for what is looked at part by part, or not at all."""
    if isinstance(thing, (dict, list, set, deque)):
        return thing
    if isinstance(thing, type):
        return vars(thing)
    skipped = isinstance(thing, (MethodType, FunctionType, tuple, np.ndarray, Stream, functools.partial))
    if skipped or hasattr(thing, "compile_parts") or _is_foreign(type(thing)):
        return None
    return getattr(thing, "__dict__", None)


def _parts(thing: Any, label: str) -> Iterator[tuple[Any, Any, Any, str]]:
    """What a function, class, container or object holds: holder, key, value, name."""
    if isinstance(thing, MethodType):
        yield from _parts(thing.__func__, label)
        yield {"self": thing.__self__}, "self", thing.__self__, label or "self"
    elif isinstance(thing, FunctionType):
        yield from _of_function(thing)
    elif isinstance(thing, type):
        for key, value in list(vars(thing).items()):
            code = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            yield (), key, code, f"{label}.{key}"
    elif isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield thing, key, value, f"{label}[{key!r}]"
    elif isinstance(thing, (list, tuple, deque)):
        for i, value in enumerate(thing):
            yield thing if isinstance(thing, (list, deque)) else (), i, value, f"{label}[{i}]"
    elif isinstance(thing, functools.partial):
        parts = {"function": thing.func, "args": thing.args, "keywords": thing.keywords}
        for key, value in parts.items():
            yield parts, key, value, label
    elif isinstance(thing, (np.ndarray, Stream)) or _is_foreign(type(thing)):
        return
    elif hasattr(thing, "compile_parts"):
        yield from thing.compile_parts(label)
    else:
        attributes = getattr(thing, "__dict__", {})
        for key, value in list(attributes.items()):
            yield attributes, key, value, f"{label}.{key}" if label else key
        yield from _of_slots(thing, label)


def _of_slots(thing: Any, label: str) -> Iterator[tuple[Any, Any, Any, str]]:
    for kind in type(thing).__mro__:
        if "__slots__" in vars(kind) and _is_readable(kind.__module__):
            for key, slot in list(vars(kind).items()):
                if isinstance(slot, MemberDescriptorType) and hasattr(thing, key):
                    yield thing, key, getattr(thing, key), f"{label}.{key}"


def _is_foreign(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _HOMES


@functools.cache
def _is_readable(module: str | None) -> bool:
    """Is it the user's own code: neither Python's own, nor whence, nor what was installed?"""
    root = (module or "").partition(".")[0]
    if root in sys.stdlib_module_names or root in ("whence", "numpy", "scipy"):
        return False
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return "site-packages" not in file and "dist-packages" not in file


def _of_function(function: FunctionType) -> Iterator[tuple[Any, Any, Any, str]]:
    if function.__module__ and function.__module__.partition(".")[0] in ("numpy", "scipy"):
        return
    code = function.__code__
    names = _names(code)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            found = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        yield cell, None, found, name
        yield from _of_module(found, names, name)
    if not _is_readable(function.__module__):
        return
    for name in names:
        if name in function.__globals__:
            found = function.__globals__[name]
            yield function.__globals__, name, found, name
            yield from _of_module(found, names, name)
    for key in ("__defaults__", "__kwdefaults__"):
        yield function, key, getattr(function, key), f"a default of {function.__name__}"


def _of_module(module: Any, names: set[str], label: str) -> Iterator[tuple[Any, Any, Any, str]]:
    """Of a module what these names ask for."""
    if not isinstance(module, ModuleType) or not _is_readable(module.__name__):
        return
    for name in sorted(names & vars(module).keys()):
        found = vars(module)[name]
        yield vars(module), name, found, f"{label}.{name}"
        if found is not module:
            yield from _of_module(found, names - {name}, f"{label}.{name}")


def _names(code: Any) -> set[str]:
    """Global names that a function uses, and those of the functions written in it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            names |= _names(constant)
    return names
