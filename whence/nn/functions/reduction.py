"""What losses share: reductions, and checks of shapes and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...config import mode
from ...core.batched import holds_batched, peeled
from ...core.origin import called_at
from ...core.symbolic import Symbolic
from ...core.variable import Variable, as_data
from ...errors import BoundsError, DtypeError, ShapeError, WhenceError

_NATURAL = {np.dtype(f"{kind}{size}"): np.dtype(f"u{size}") for kind in "iu" for size in (1, 2, 4, 8)}


def check_reduction(reduction: str, *more: str) -> None:
    """Refuse what is no reduction."""
    if reduction not in ("none", "mean", "sum", *more):
        names = ", ".join(repr(name) for name in ("none", "mean", "sum", *more))
        raise WhenceError(f"no reduction is called {reduction!r}{called_at()}\n  → {names}")


def reduced(losses: Any, reduction: str) -> Any:
    """All losses, their mean or their sum."""
    if reduction == "mean":
        return np.mean(losses)
    if reduction == "sum":
        return np.sum(losses)
    check_reduction(reduction)
    return losses


def same_shapes(name: str, **parts: Any) -> None:
    """Refuse arguments of different shapes: broadcasting (N,) and (N, 1) would compare all with all."""
    shapes = [np.shape(part) for part in parts.values()]
    if any(shape != shapes[0] for shape in shapes):
        text = ", ".join(f"{key} {shape}" for key, shape in zip(parts, shapes, strict=True))
        raise ShapeError(
            f"{name} got different shapes: {text}{called_at()}\n  → reshape one to the other's shape"
        )


def labels(name: str, target: Any) -> Any:
    """Labels as integers: an array, or a batch of them inside ``vmap``."""
    if isinstance(target, Variable) and not holds_batched((target,)):
        target = target._data
    elif not isinstance(target, Variable):
        target = as_data(target)
    if target.dtype.kind not in "iu":
        raise DtypeError(
            f"{name} got labels of dtype {target.dtype}, shape {np.shape(target)}{called_at()}\n"
            "  → integers, one for each row; or probabilities of the same shape as the logits"
        )
    return target


def check_labels(name: str, target: Any, count: int, ignore: int | None = None) -> bool:
    """Are some labels to be ignored? The first that names none of ``count`` classes is refused."""
    bare = peeled(target)[0]
    bare = getattr(bare, "_data", bare)
    if not bare.size:
        return False
    if isinstance(bare, Symbolic):
        return _expect_labels(name, bare, count, ignore)
    natural = _NATURAL.get(bare.dtype)  # negative ones are large there: one pass, not two
    within = natural is not None and np.maximum.reduce(bare.view(natural), None) < count
    if within and (ignore is None or not 0 <= ignore < count):
        return False
    wrong = (bare < 0) | (bare >= count)
    if ignore is not None:
        wrong &= bare != ignore
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f"target[{', '.join(map(str, place))}]" if place else "target"
        beside = "" if ignore is None else f" (or ignore_index={ignore})"
        raise BoundsError(
            f"{name} got the label {bare[place]} at {where}; there are {count} classes{called_at()}\n"
            f"  → labels from 0 to {count - 1}{beside}"
        )
    return bool((bare == ignore).any())


def _expect_labels(name: str, bare: Any, count: int, ignore: int | None) -> bool:
    """The same for labels of a program that is recorded: it departs from other answers."""
    tracer = mode().tracer
    answer = check_labels(name, tracer.concrete(bare), count, ignore)
    wrong = (bare < 0) | (bare >= count)
    tracer.depart_if(np.any(wrong & (bare != ignore) if answer else wrong))
    return answer
