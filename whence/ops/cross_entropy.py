"""Cross entropy of logits and labels, in one op; and of probabilities of one event."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.primitive import Primitive
from .activation import row_sums


def _losses(x: Any, target: Any, share: Any) -> Any:
    top = np.max(x, axis=1, keepdims=True)
    e = x - top
    np.exp(e, out=e)
    total = np.log(row_sums(e, 1)) + top
    total = total.reshape(-1)
    return share * (total - x[np.arange(len(x)), target]), total


def _slope(x: Any, total: Any, weight: Any, lift: Any, target: Any) -> Any:
    y = x - total[:, None]
    np.exp(y, out=y)
    y *= (weight + lift)[:, None]
    y[np.arange(len(x)), target] -= weight
    return y


def _losses_expanded(x: Any, target: Any, share: Any) -> Any:
    top = np.max(x, axis=1, keepdims=True)
    total = (np.log(np.sum(np.exp(x - top), axis=1, keepdims=True)) + top).reshape(-1)
    return share * (total - np.sum(np.where(_one_hot(target, x), x, 0), axis=1)), total


def _slope_expanded(x: Any, total: Any, weight: Any, lift: Any, target: Any) -> Any:
    y = np.exp(x - total[:, None]) * (weight + lift)[:, None]
    return np.where(_one_hot(target, x), y - weight[:, None], y)


def _one_hot(target: Any, x: Any) -> Any:
    return np.expand_dims(target, 1) == np.arange(x.shape[1], dtype=target.dtype)


def _row_products(a: Any, b: Any) -> Any:
    return np.sum(a * b, axis=1)


def _probabilities(x: Any, total: Any) -> Any:
    return np.exp(x - np.expand_dims(total, 1))


def _slope_by_logits(h: Any, x: Any, total: Any, weight: Any, lift: Any) -> Any:
    return h * _probabilities(x, total) * np.expand_dims(weight + lift, 1)


def _of_all(op: Any, batched: Any, *xs: Any, target: Any, **params: Any) -> Any:
    """Examples of several rows each are so many rows more."""
    size, count = next(np.shape(x)[0] for x, mine in zip(xs, batched, strict=True) if mine), len(target)
    full = [
        x if mine else np.broadcast_to(x, (size, *np.shape(x))) for x, mine in zip(xs, batched, strict=True)
    ]
    rows = [np.reshape(x, (size * count, *np.shape(x)[2:])) for x in full]
    if np.ndim(params.get("share", 0)):
        params["share"] = np.tile(params["share"], size)
    ys = op(*rows, target=np.tile(target, size), **params)
    if isinstance(ys, tuple):
        return tuple(np.reshape(y, (size, count)) for y in ys)
    return np.reshape(ys, (size, count, np.shape(full[0])[-1]))


#: ``softmax(x) (weight + lift) - onehot(target) weight``, where ``total`` is the logsumexp of each row.
cross_entropy_slope = Primitive(
    "nn.cross_entropy slope",
    _slope,
    vjp=[
        lambda h, y, x, total, weight, lift, target: _slope_by_logits(h, x, total, weight, lift),
        lambda h, y, x, total, weight, lift, target: (
            -np.sum(_slope_by_logits(h, x, total, weight, lift), axis=1)
        ),
        lambda h, y, x, total, weight, lift, target: (
            _row_products(h, _probabilities(x, total)) - h[np.arange(len(target)), target]
        ),
        lambda h, y, x, total, weight, lift, target: _row_products(h, _probabilities(x, total)),
    ],
    reads=["0123", "0123", "01", "01"],
    batch=_of_all,
    expansion=_slope_expanded,
)


def _cross_entropy_rule(g: Any, y: Any, x: Any, target: Any, share: Any) -> Any:
    return cross_entropy_slope.apply(x, y[1], share * g[0], g[1], target=target)


#: For logits x: (rows, C) and labels (rows,), ``share (total - x[label])`` of each row, and ``total``, the
#: logsumexp of each row.
cross_entropy = Primitive(
    "nn.cross_entropy",
    _losses,
    vjp=[_cross_entropy_rule],
    reads=["0y"],
    many=True,
    batch=_of_all,
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
