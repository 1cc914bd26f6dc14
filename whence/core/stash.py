"""What a user's ``forward`` leaves on ``self``: values that a second derivative would miss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .graph import fingerprint
from .variable import Variable

ndarray = np.ndarray


class Stash(NamedTuple):
    """An attribute with floating-point contents that forward left on self."""

    name: str
    source: str  # "input" or "output", if it is that very array
    position: int


def in_slots(node: Any, base: type) -> dict[str, Any]:
    """What an instance of a class below ``base`` keeps in slots of its own."""
    names = [name for cls in type(node).__mro__ if not issubclass(base, cls) for name in _slots(cls)]
    return {name: getattr(node, name) for name in names if hasattr(node, name)}


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def snapshot(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes, and of those that can be written to in place the contents."""
    return {name: (value, _contents(value)) for name, value in attributes.items()}


def _contents(value: Any) -> Any:
    if isinstance(value, list):
        return [id(part) for part in value]
    if isinstance(value, dict):
        return [id(part) for part in value.values()]
    return fingerprint(value, exact=False) if type(value) is ndarray else None


def stashed(
    before: dict[str, Any], after: dict[str, Any], inputs: list[Any], outputs: tuple[Any, ...]
) -> Iterator[Stash]:
    """The attributes that forward set or wrote to."""
    for name, value in after.items():
        if name in before and before[name][0] is value and before[name][1] == _contents(value):
            continue
        if not _holds_floats(value):
            continue
        source, position = "", 0
        for i, x in enumerate(inputs):
            if x is value:
                source, position = "input", i
        for i, y in enumerate(outputs):
            if y._data is value:
                source, position = "output", i
        yield Stash(name, source, position)


def _holds_floats(value: Any) -> bool:
    if isinstance(value, (ndarray, np.generic)):
        return value.dtype.kind in "fc"
    if isinstance(value, (tuple, list)):
        return any(_holds_floats(part) for part in value)
    if isinstance(value, dict):
        return any(_holds_floats(part) for part in value.values())
    return isinstance(value, (float, complex, Variable))
