"""Scaled dot-product attention."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ... import random
from ...core.origin import called_at
from ...core.variable import Variable, as_array
from ...errors import DtypeError, ShapeError, WhenceError
from ...ops.attention import attention


@lru_cache(maxsize=32)
def causal_bias(queries: int, keys: int, dtype: Any, offset: int = 0) -> Any:
    """0 where a query may look, ``-inf`` where a key comes after it; query 0 stands at key ``offset``."""
    bias = np.where(np.tri(queries, keys, offset, dtype=bool), 0.0, -np.inf).astype(dtype)
    bias.setflags(write=False)
    return bias


def bias_of(mask: Any, dtype: Any) -> Any:
    """A mask as numbers to add to the scores: a boolean one is True where a key takes part."""
    kind = mask.dtype.kind if hasattr(mask, "dtype") else as_array(mask).dtype.kind
    if kind == "b":
        return np.where(mask, 0.0, -np.inf).astype(dtype)
    if kind != "f":
        raise DtypeError(
            f"an attention mask holds booleans, or floats to add to the scores{called_at()}\n"
            "  → mask.astype(bool)"
        )
    if isinstance(mask, Variable):
        return mask if mask.dtype == dtype else mask.astype(dtype)
    return as_array(mask, dtype)


def dropped_weights(shape: tuple[int, ...], p: float, dtype: Any, stream: random.Stream | None) -> Any:
    """What the weights are multiplied with: 0 with probability p, else ``1 / (1 - p)``; None for p = 0."""
    if not 0 <= p <= 1:
        raise WhenceError(f"dropout_p is a probability, not {p}{called_at()}")
    if p == 0:
        return None
    stream = random.default if stream is None else stream
    return np.multiply(
        stream.uniform(shape, dtype=np.float32) >= p, 1 / (1 - p) if p < 1 else 0.0, dtype=dtype
    )


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    stream: random.Stream | None = None,
) -> Any:
    """``softmax(scale q kᵀ + bias) v``; Vaswani et al. (2017), arXiv:1706.03762, eq. 1.

    Args:
        query: (..., L, E).
        key: (..., S, E).
        value: (..., S, Ev).
        attn_mask: (L, S), or broadcast to (..., L, S): booleans, True where a key takes part, or floats to
            add to the scores. A query for which no key takes part gets zeros.
        dropout_p: with this probability a weight is left out.
        is_causal: query i sees the keys up to i.
        scale: None for 1/√E.
        enable_gqa: each head of keys and values serves several of queries (axis -3).
        stream: what dropout is drawn from; None for the default stream.

    Returns:
        (..., L, Ev).

    Raises:
        ShapeError: sizes that do not fit. WhenceError: both a mask and is_causal.

    Example:
        >>> import numpy as np
        >>> q = k = np.zeros((2, 1))
        >>> print(scaled_dot_product_attention(q, k, np.array([[1.0], [3.0]]), is_causal=True))
        [[1.]
         [2.]]
    """
    query, key, value = (x if isinstance(x, Variable) else as_array(x) for x in (query, key, value))
    if query.shape[-1:] != key.shape[-1:] or key.shape[-2:-1] != value.shape[-2:-1] or value.ndim < 2:
        raise ShapeError(
            f"attention of q {query.shape}, k {key.shape} and v {value.shape}{called_at()}\n"
            "  → (..., L, E), (..., S, E), (..., S, Ev)"
        )
    if enable_gqa:
        key, value = _for_heads(query, key, "keys"), _for_heads(query, value, "values")
    length, keys, dtype = query.shape[-2], key.shape[-2], query.dtype
    bias = ()
    if is_causal:
        if attn_mask is not None:
            raise WhenceError(f"attention takes attn_mask or is_causal, not both{called_at()}")
        bias = (causal_bias(length, keys, dtype),)
    elif attn_mask is not None:
        bias = (bias_of(attn_mask, dtype),)
    scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else float(scale)
    drop = None
    if dropout_p:
        drop = dropped_weights((*query.shape[:-1], keys), dropout_p, dtype, stream)
    return attention.apply(query, key, value, *bias, scale=scale, drop=drop)[0]


def _for_heads(query: Any, x: Any, name: str) -> Any:
    """Keys or values once for each head of queries; (..., heads, S, E)."""
    if x.ndim < 3 or query.ndim < 3 or query.shape[-3] % x.shape[-3]:
        raise ShapeError(
            f"enable_gqa: {query.shape} queries and {x.shape} {name}{called_at()}\n"
            "  → heads of queries (axis -3) are a multiple of those of keys and values"
        )
    return np.repeat(x, query.shape[-3] // x.shape[-3], axis=-3)
