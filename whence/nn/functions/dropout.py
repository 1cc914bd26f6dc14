"""Dropout: elements, or whole channels, are set to 0 at random while a model is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import random
from ...core.batched import holds_batched
from ...core.origin import called_at
from ...errors import BatchingError, ShapeError, WhenceError
from .activation import SELU_ALPHA, SELU_SCALE


def _kept(name: str, x: Any, shape: tuple[int, ...], p: float, stream: random.Stream | None) -> Any:
    """Which elements stay: each with the probability ``1 - p``."""
    if holds_batched((x,)):
        raise BatchingError(
            f"{name} in training draws one mask for all examples of a vmap{called_at()}\n"
            "  → model.eval() first, or draw the masks outside and multiply"
        )
    stream = random.default if stream is None else stream
    count = math.prod(shape)
    words = stream.words((count + 1) // 2)
    limit = min(round(p * 2.0**32), 2**32 - 1)
    return np.greater_equal(words.view(np.uint32)[:count], np.uint32(limit)).reshape(shape)


def check_probability(name: str, p: float) -> None:
    """Refuse what is no probability."""
    if not 0 <= p <= 1:
        raise WhenceError(f"{name} with p={p!r}{called_at()}\n  → p is a probability, from 0 to 1")


def _masked(x: Any, kept: Any, p: float) -> Any:
    return x * (kept * np.asarray(1 / (1 - p), np.result_type(x)))


def dropout(x: Any, p: float = 0.5, training: bool = True, stream: random.Stream | None = None) -> Any:
    """Each element is 0 with the probability ``p``, else ``x / (1 - p)`` (Srivastava et al. 2014).

    Args:
        x: any shape.
        p: a probability (kept to 2**-32).
        training: x itself where False.
        stream: what the mask is drawn from; None for ``whence.random.default``.

    Raises:
        WhenceError: p is no probability. BatchingError: inside ``vmap``, which has one mask for all.

    Example:
        >>> y = dropout(np.ones(1000), 0.25)
        >>> print(np.unique(np.round(y, 3)), 0.65 < np.mean(y > 0) < 0.85)
        [0.    1.333] True
    """
    check_probability("dropout", p)
    if not training or p == 0:
        return x
    if p == 1:
        return x * np.zeros((), np.result_type(x))
    return _masked(x, _kept("dropout", x, np.shape(x), p, stream), p)


def _channels(name: str, rank: int, x: Any, p: float, training: bool, stream: random.Stream | None) -> Any:
    check_probability(name, p)
    shape = np.shape(x)
    if len(shape) not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{name} got x of shape {shape}{called_at()}\n"
            f"  → (N, C, *{rank} more) or (C, *{rank} more); dropout(x) for single elements"
        )
    if not training or p == 0:
        return x
    if p == 1:
        return x * np.zeros((), np.result_type(x))
    return _masked(x, _kept(name, x, shape[:-rank] + (1,) * rank, p, stream), p)


def dropout1d(x: Any, p: float = 0.5, training: bool = True, stream: random.Stream | None = None) -> Any:
    """Dropout of whole channels; x: (N, C, L) or (C, L).

    >>> y = dropout1d(np.ones((8, 9, 2)))
    >>> bool(np.all(y[..., 0] == y[..., 1]))
    True
    """
    return _channels("dropout1d", 1, x, p, training, stream)


def dropout2d(x: Any, p: float = 0.5, training: bool = True, stream: random.Stream | None = None) -> Any:
    """Dropout of whole channels; x: (N, C, H, W) or (C, H, W).

    >>> dropout2d(np.ones((8, 9, 2, 2))).shape
    (8, 9, 2, 2)
    """
    return _channels("dropout2d", 2, x, p, training, stream)


def dropout3d(x: Any, p: float = 0.5, training: bool = True, stream: random.Stream | None = None) -> Any:
    """Dropout of whole channels; x: (N, C, D, H, W) or (C, D, H, W).

    >>> dropout3d(np.ones((8, 9, 2, 2, 2))).shape
    (8, 9, 2, 2, 2)
    """
    return _channels("dropout3d", 3, x, p, training, stream)


def alpha_dropout(x: Any, p: float = 0.5, training: bool = True, stream: random.Stream | None = None) -> Any:
    """Dropout to the lower limit of ``selu``, scaled and shifted so that mean 0 and variance 1 stay.

    Klambauer et al. 2017, arXiv:1706.02515, section 3.

    >>> x = random.Stream(1).normal(100_000)
    >>> print(np.round(np.std(alpha_dropout(x, 0.2)), 1))
    1.0
    """
    check_probability("alpha_dropout", p)
    if not training or p == 0:
        return x
    dtype = np.result_type(x)
    if p == 1:
        return x * np.zeros((), dtype)
    limit = -SELU_ALPHA * SELU_SCALE
    scale = 1 / math.sqrt((1 - p) * (1 + p * limit * limit))
    kept = _kept("alpha_dropout", x, np.shape(x), p, stream)
    shift = np.where(kept, 0, limit) * scale - scale * p * limit
    return x * (kept * np.asarray(scale, dtype)) + shift.astype(dtype)
