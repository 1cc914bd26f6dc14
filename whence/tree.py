"""Nested containers of arrays: flatten, map, put together again.

Tuples, named tuples, lists, dicts (in sorted key order where keys sort, else as inserted) and
dataclass instances are containers, and so is an object that says what its parts are: ``tree_parts()``
gives them by name, ``with_tree_parts(parts)`` a copy with others. All else, ``None`` included, is a leaf.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import WhenceError


class TreeError(WhenceError, ValueError):
    """Two containers that should have the same structure do not."""


@dataclasses.dataclass(frozen=True)
class Structure:
    """What is left of a container when its leaves are taken out. Compares by value."""

    kind: type | None  # None marks a leaf
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()
    factory: Any = dataclasses.field(default=None, compare=False)  # of a defaultdict, or the object itself

    @property
    def leaves(self) -> int:
        """How many leaves the structure holds."""
        return 1 if self.kind is None else sum(child.leaves for child in self.children)

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """Put ``leaves`` back, in the order in which :func:`flatten` gave them."""
        if self is LEAF and isinstance(leaves, list) and len(leaves) == 1:
            return leaves[0]
        iterator = iter(leaves)
        tree = self._build(iterator)
        if next(iterator, _END) is not _END:
            raise TreeError(f"more leaves were given than the {self.leaves} that the container has")
        return tree

    def _build(self, leaves: Any) -> Any:
        if self.kind is None:
            leaf = next(leaves, _END)
            if leaf is _END:
                raise TreeError("fewer leaves were given than the container has")
            return leaf
        parts = [child._build(leaves) for child in self.children]
        if issubclass(self.kind, dict):
            built: Any = self.kind.__new__(self.kind)
            built.update(zip(self.keys, parts, strict=True))
            if self.factory is not None:
                built.default_factory = self.factory
            return built
        if hasattr(self.kind, "tree_parts"):
            return self.factory.with_tree_parts(dict(zip(self.keys, parts, strict=True)))
        if dataclasses.is_dataclass(self.kind):
            return _dataclass_like(self.kind, zip(self.keys, parts, strict=True))
        if hasattr(self.kind, "_fields"):  # a named tuple takes its fields one by one
            return self.kind(*parts)
        return self.kind(parts)


_END = object()
LEAF = Structure(None)


def _dataclass_like(kind: type, items: Iterable[tuple[str, Any]]) -> Any:
    built = object.__new__(kind)
    for name, value in items:
        object.__setattr__(built, name, value)
    return built


def _keys_of(tree: dict[Any, Any]) -> tuple[Any, ...]:
    """Sorted, so that dicts with the same keys have the same structure.

    As inserted where they do not sort, and in an OrderedDict, which means its order.
    """
    if isinstance(tree, OrderedDict):
        return tuple(tree)
    try:
        return tuple(sorted(tree))
    except TypeError:
        return tuple(tree)


def _open(tree: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """Keys and children of a container, or None for a leaf."""
    if isinstance(tree, dict):
        keys = _keys_of(tree)
        return keys, tuple(tree[key] for key in keys)
    if isinstance(tree, (list, tuple)):
        return (), tuple(tree)
    if isinstance(tree, type):
        return None
    if hasattr(type(tree), "tree_parts"):
        named = tree.tree_parts()
        return tuple(named), tuple(named.values())
    if dataclasses.is_dataclass(tree):
        keys = tuple(field.name for field in dataclasses.fields(tree))
        return keys, tuple(getattr(tree, key) for key in keys)
    return None


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of ``tree``, left to right, and the structure that puts them back.

    >>> leaves, structure = flatten({"w": 1.0, "b": (2.0, 3.0)})
    >>> leaves
    [2.0, 3.0, 1.0]
    >>> structure.unflatten([20.0, 30.0, 10.0])
    {'b': (20.0, 30.0), 'w': 10.0}

    Raises:
        TreeError: a container that holds itself.
    """
    opened = _open(tree)
    if opened is None:
        return [tree], LEAF
    keys, parts = opened
    leaves: list[Any] = []
    children = []
    try:
        for part in parts:
            below, structure = flatten(part)
            leaves += below
            children.append(structure)
    except RecursionError:
        raise TreeError(f"a {type(tree).__name__} holds itself, or is nested too deeply") from None
    factory = tree.default_factory if isinstance(tree, defaultdict) else None
    factory = tree if hasattr(type(tree), "tree_parts") else factory
    return leaves, Structure(type(tree), keys, tuple(children), factory)


def map_tree(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """``function`` of each leaf (and of the leaves at the same place in ``others``).

    Raises:
        TreeError: one of ``others`` has another structure than ``tree``.
    """
    leaves, structure = flatten(tree)
    columns = [leaves, *(flatten_like(structure, other) for other in others)]
    return structure.unflatten(function(*row) for row in zip(*columns, strict=True))


def flatten_like(structure: Structure, tree: Any) -> Sequence[Any]:
    """The leaves of ``tree``, which must have this very structure."""
    leaves, found = flatten(tree)
    if found != structure:
        raise TreeError(f"containers differ: {describe(structure)} and {describe(found)}")
    return leaves


def paths(structure: Structure) -> list[str]:
    """How to reach each leaf, as it would be written: ``['w'][0]`` or ``.weight``.

    >>> paths(flatten({"w": (1.0, 2.0), "b": 3.0})[1])
    ["['b']", "['w'][0]", "['w'][1]"]
    """
    if structure.kind is None:
        return [""]
    names = [f"[{key!r}]" for key in structure.keys or range(len(structure.children))]
    if dataclasses.is_dataclass(structure.kind):
        names = [f".{key}" for key in structure.keys]
    return [
        name + below for name, child in zip(names, structure.children, strict=True) for below in paths(child)
    ]


def describe(structure: Structure) -> str:
    """A short text of a structure: ``{'b': (*, *), 'w': *}``."""
    kind = structure.kind
    if kind is None:
        return "*"
    parts = [describe(child) for child in structure.children]
    if issubclass(kind, dict):
        pairs = zip(structure.keys, parts, strict=True)
        return "{" + ", ".join(f"{key!r}: {part}" for key, part in pairs) + "}"
    fields = structure.keys or getattr(kind, "_fields", ())
    if fields:
        named = ", ".join(f"{key}={part}" for key, part in zip(fields, parts, strict=True))
        return f"{kind.__name__}({named})"
    inside = ", ".join(parts)
    if issubclass(kind, list):
        return f"[{inside}]"
    return f"({inside},)" if len(parts) == 1 else f"({inside})"
