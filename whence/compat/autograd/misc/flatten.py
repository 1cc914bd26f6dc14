"""Containers of arrays as one flat array, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....core.array import raw
from ....tree import flatten as leaves_of


def flatten(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """``(flat, unflatten)`` of nested tuples, lists and dicts (keys sorted) of arrays and numbers.

    Both ways are differentiable.
    """
    leaves, structure = leaves_of(value)
    shapes = [np.shape(leaf) for leaf in leaves]
    real = [np.asarray(raw(leaf)).dtype.kind != "c" for leaf in leaves]

    def unflatten(flat: Any) -> Any:
        parts, start = [], 0
        for shape, is_real in zip(shapes, real, strict=True):
            stop = start + math.prod(shape)
            part = np.reshape(flat[start:stop], shape)[()]
            parts.append(np.real(part) if is_real and part.dtype.kind == "c" else part)
            start = stop
        return structure.unflatten(parts)

    flat = np.concatenate([np.ravel(leaf) for leaf in leaves]) if leaves else np.array([])
    return flat, unflatten


def flatten_func(func: Callable[..., Any], example: Any) -> tuple[Any, Any, Any]:
    """``func`` from containers to containers, as a function from flat arrays to flat arrays."""
    flat, unflatten = flatten(example)

    def flat_func(x: Any, *args: Any) -> Any:
        return flatten(func(unflatten(x), *args))[0]

    return flat_func, unflatten, flat
