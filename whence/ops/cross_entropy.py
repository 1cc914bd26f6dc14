"""Cross entropy of logits and labels, in one op; and of probabilities of one event."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.primitive import Primitive
from .activation import row_sums, softmax


def _losses(x: Any, target: Any, share: Any, summed: bool) -> Any:
    top = np.maximum.reduce(x, 1, keepdims=True)
    e = x - top
    np.exp(e, e)
    rows = np.log(row_sums(e, 1))
    rows += top
    rows = rows.reshape(-1)
    rows -= x[np.arange(len(x)), target]
    if not summed:
        return share * rows
    return share * np.add.reduce(rows) if share.ndim == 0 else np.add.reduce(share * rows)


def _slope(x: Any, weight: Any, target: Any) -> Any:
    y = x - np.maximum.reduce(x, 1, keepdims=True)
    np.exp(y, y)
    y *= _lifted(weight) / row_sums(y, 1)
    y[np.arange(len(x)), target] -= weight
    return y


def _losses_expanded(x: Any, target: Any, share: Any, summed: bool) -> Any:
    top = np.max(x, axis=1, keepdims=True)
    total = (np.log(np.sum(np.exp(x - top), axis=1, keepdims=True)) + top).reshape(-1)
    rows = share * (total - np.sum(np.where(_one_hot(target, x), x, 0), axis=1))
    return np.sum(rows) if summed else rows


def _slope_expanded(x: Any, weight: Any, target: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    y = e * (_lifted(weight) / np.sum(e, axis=1, keepdims=True))
    return np.where(_one_hot(target, x), y - _lifted(weight), y)


def _one_hot(target: Any, x: Any) -> Any:
    return np.expand_dims(target, 1) == np.arange(x.shape[1], dtype=target.dtype)


def _lifted(weight: Any) -> Any:
    """One number for all rows, or a column of them."""
    return np.expand_dims(weight, 1) if weight.ndim else weight


def _slope_by_logits(h: Any, y: Any, x: Any, weight: Any, target: Any) -> Any:
    p = softmax.apply(x, axis=1)
    part = h * p
    return (part - p * np.sum(part, axis=1, keepdims=True)) * _lifted(weight)


def _slope_by_weight(h: Any, y: Any, x: Any, weight: Any, target: Any) -> Any:
    return np.sum(h * softmax.apply(x, axis=1), axis=1) - h[np.arange(len(target)), target]


def _losses_of_all(op: Any, batched: Any, x: Any, target: Any, share: Any, summed: bool) -> Any:
    """Examples of several rows each are so many rows more."""
    size, count, classes = np.shape(x)
    share = np.tile(share, size) if np.ndim(share) else share
    rows = op(np.reshape(x, (size * count, classes)), target=np.tile(target, size), share=share, summed=False)
    rows = np.reshape(rows, (size, count))
    return np.sum(rows, axis=1) if summed else rows


def _slopes_of_all(op: Any, batched: Any, x: Any, weight: Any, target: Any) -> Any:
    size, count = np.shape(x if batched[0] else weight)[0], len(target)
    if not batched[0]:
        x = np.broadcast_to(x, (size, *np.shape(x)))
    if batched[1] and np.ndim(weight) == 1:
        weight = np.expand_dims(weight, 1)
    rows = np.reshape(x, (size * count, np.shape(x)[2]))
    weight = np.reshape(np.broadcast_to(weight, (size, count)), (size * count,))
    return np.reshape(op(rows, weight, target=np.tile(target, size)), np.shape(x))


#: ``(softmax(x) - onehot(target)) weight``, with one weight for all rows or one for each. The softmax is
#: computed anew: to hand it on would take a second output, 8 µs of a small step's 210.
cross_entropy_slope = Primitive(
    "nn.cross_entropy slope",
    _slope,
    vjp=[_slope_by_logits, _slope_by_weight],
    reads=["01", "0"],
    batch=_slopes_of_all,
    expansion=_slope_expanded,
)


def _cross_entropy_rule(g: Any, y: Any, x: Any, target: Any, share: Any, summed: bool) -> Any:
    return cross_entropy_slope.apply(x, share * g, target=target)


#: For logits x: (rows, C) and labels (rows,), ``share (logsumexp(x) - x[label])`` of each row, or their sum.
cross_entropy = Primitive(
    "nn.cross_entropy",
    _losses,
    vjp=[_cross_entropy_rule],
    reads=["0"],
    batch=_losses_of_all,
    expansion=_losses_expanded,
)


# --- one event -----------------------------------------------------------------------------------


def _event_loss(p: Any, t: Any) -> Any:
    with np.errstate(divide="ignore"):
        return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))


binary_cross_entropy = Primitive(
    "nn.binary_cross_entropy",
    _event_loss,
    vjp=[
        lambda g, y, p, t: g * ((p - t) / np.maximum(p * (1 - p), 1e-12)),
        lambda g, y, p, t: (
            g
            * (
                binary_cross_entropy.apply(p, np.ones_like(p))
                - binary_cross_entropy.apply(p, np.zeros_like(p))
            )
        ),
    ],
    reads=["01", "0"],
    kind="elementwise",
    domain=[(0.1, 0.9), (0.0, 1.0)],
)
