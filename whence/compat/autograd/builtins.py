"""Containers: Python's own, since whence looks into them; ``isinstance`` and ``type`` of values."""

from __future__ import annotations

import builtins
from typing import Any

from .tracer import getval

list = builtins.list
tuple = builtins.tuple
dict = builtins.dict
SequenceBox = builtins.tuple
DictBox = builtins.dict


def isinstance(x: Any, kind: Any) -> bool:
    """Is ``x``, or the value of the Variable ``x``, of this kind?"""
    return builtins.isinstance(x, kind) or builtins.isinstance(getval(x), kind)


def type(x: Any) -> Any:
    """The type of ``x``, of a Variable that of its value."""
    return builtins.type(getval(x))
