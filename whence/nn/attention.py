"""Multi-head attention, and the memory of keys and values that decoding step by step needs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter, Variable, as_array
from ..errors import ShapeError, WhenceError
from ..ops.attention import attention, packed_attention
from ..random import Stream
from . import init
from .dtypes import default_dtype
from .functions.attention import bias_of, causal_bias, dropped_weights
from .functions.linear import linear
from .linear import Linear
from .module import Module
from .sizes import check_sizes


class KVCache:
    """Keys and values of the positions so far, for decoding position by position.

    Gradients go through it: a loss of several calls with one cache has the gradient of one call with all
    positions. Where nothing is recorded (``whence.no_grad()``, as in ``GPT.generate``), arrays are kept and
    written to, with room to grow; else each call copies all positions so far.

    >>> import numpy as np
    >>> cache = KVCache()
    >>> k, v = cache.extended(np.ones((1, 2, 3, 4)), np.ones((1, 2, 3, 4)))
    >>> k, v = cache.extended(np.zeros((1, 2, 1, 4)), np.zeros((1, 2, 1, 4)))
    >>> len(cache), k.shape
    (4, (1, 2, 4, 4))
    """

    def __init__(self) -> None:
        self._length = 0
        self._keys: Any = None
        self._values: Any = None

    def __len__(self) -> int:
        return self._length

    def extended(self, k: Any, v: Any) -> tuple[Any, Any]:
        """All keys and values, (B, heads, S, width), with these at the end."""
        old = self._length
        if self._keys is not None and self._keys.shape[:2] != k.shape[:2]:
            raise ShapeError(
                f"keys {k.shape} do not continue those of shape {self._keys.shape[:2]}{called_at()}\n"
                "  → a new KVCache for another batch"
            )
        self._length = old + k.shape[-2]
        if any(_remembers(x) for x in (k, v, self._keys, self._values)):
            self._keys, self._values = self._joined(self._keys, k, old), self._joined(self._values, v, old)
            return self._keys, self._values
        if self._keys is None or self._length > self._keys.shape[-2]:
            self._keys, self._values = self._longer(self._keys, k, old), self._longer(self._values, v, old)
        for kept, new in ((self._keys, k), (self._values, v)):
            kept[:, :, old : self._length] = new._data if isinstance(new, Variable) else new
        return self._keys[:, :, : self._length], self._values[:, :, : self._length]

    def _joined(self, kept: Any, new: Any, old: int) -> Any:
        """All positions as a new value, that remembers where each came from."""
        return new if kept is None else np.concatenate([kept[:, :, :old], new], axis=-2)

    def _longer(self, kept: Any, new: Any, old: int) -> Any:
        """Room for twice as many positions as there are: each is copied a few times in all."""
        room = np.empty((*new.shape[:-2], max(16, 2 * self._length), new.shape[-1]), new.dtype)
        if kept is not None:
            room[:, :, :old] = kept[:, :, :old]
        return room


def _remembers(x: Any) -> bool:
    """Would a gradient be lost, were only its values kept?"""
    return isinstance(x, Variable) and (type(x) is not Variable or x.creator is not None)


class MultiheadAttention(Module):
    """``concat(head_1 ... head_h) W_o``, each head attention over its own projections.

    Vaswani et al. (2017), arXiv:1706.03762, section 3.2.2.

    Args:
        embed_dim: width of queries, keys, values and the result.
        num_heads: it divides embed_dim.
        dropout: with this probability a weight is left out, in training.
        bias: add biases to the projections?
        add_bias_kv: one more key and value that are learned, at the end.
        add_zero_attn: one more key and value of zeros, at the end.
        kdim: width of keys; None for embed_dim.
        vdim: width of values; None for embed_dim.
        batch_first: the batch is the first axis, not the second.
        dtype: of the parameters; None for the default (float32).
        stream: what first weights and dropout are drawn from.

    Shapes:
        query: (L, B, embed_dim), or (L, embed_dim) without a batch; key: (S, B, kdim); value: (S, B, vdim).
        The parameters have PyTorch's names: in_proj_weight (3 embed_dim, embed_dim), or where kdim or vdim
        is another width q_proj_weight, k_proj_weight and v_proj_weight; out_proj.weight; bias_k, bias_v.

    Raises:
        ShapeError: sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> x = np.ones((2, 5, 8), np.float32)
        >>> y, weights = nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x, is_causal=True)
        >>> print(y.shape, weights.shape, weights.data[0, 1].round(3))
        (2, 5, 8) (2, 5, 5) [0.5 0.5 0.  0.  0. ]
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        check_sizes(self, 1, embed_dim=embed_dim, num_heads=num_heads, kdim=self.kdim, vdim=self.vdim)
        if embed_dim % num_heads:
            raise ShapeError(
                f"MultiheadAttention cannot split {embed_dim} into {num_heads} heads{called_at()}\n"
                "  → num_heads divides embed_dim"
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.batch_first, self.add_zero_attn, self._stream = batch_first, add_zero_attn, stream
        kind = default_dtype(dtype)
        if self.kdim == self.vdim == embed_dim:
            bound = math.sqrt(6 / (4 * embed_dim))  # Glorot's, of the three projections as one
            self.in_proj_weight = Parameter(init.uniform((3 * embed_dim, embed_dim), bound, stream, kind))
        else:
            self.in_proj_weight = None
            for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
                drawn = init.xavier_uniform((embed_dim, width), stream=stream, dtype=kind)
                setattr(self, f"{name}_proj_weight", Parameter(drawn))
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, kind)) if bias else None
        self.bias_k = self.bias_v = None
        if add_bias_kv:
            for name in ("bias_k", "bias_v"):
                drawn = init.xavier_normal((1, 1, embed_dim), stream=stream, dtype=kind)
                setattr(self, name, Parameter(drawn))
        self.out_proj = Linear(embed_dim, embed_dim, bias, kind, stream)
        if self.out_proj.bias is not None:
            self.out_proj.bias.assign(np.zeros(embed_dim, kind))

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
        cache: KVCache | None = None,
    ) -> tuple[Any, Any]:
        """The result, and the weights (B, L, S) or None; S has the added keys, too.

        Args:
            query: what looks.
            key: what is looked at.
            value: what is read there.
            key_padding_mask: (B, S), True for keys to leave out; or floats to add to the scores.
            need_weights: return the weights, too (as they are before dropout)?
            attn_mask: (L, S) or (B num_heads, L, S), True for pairs to leave out (the reverse of
                ``scaled_dot_product_attention``, as in PyTorch); or floats to add.
            average_attn_weights: the mean over heads, or (B, num_heads, L, S).
            is_causal: position i sees those up to i.
            cache: for decoding: key and value are those of the new positions, the earlier ones are in it.
        """
        same = query is key and key is value
        query, key, value = (x if isinstance(x, Variable) else as_array(x) for x in (query, key, value))
        self._check(query, key, value)
        single, turned = query.ndim == 2, query.ndim == 3 and not self.batch_first
        if single:
            query, key, value = query[None], key[None], value[None]
        elif turned:
            query = np.swapaxes(query, 0, 1)
            key, value = (query, query) if same else (np.swapaxes(key, 0, 1), np.swapaxes(value, 0, 1))
        batch, length, keys = query.shape[0], query.shape[1], key.shape[1]
        before = 0 if cache is None else len(cache)
        added = (self.bias_k is not None) + self.add_zero_attn
        dtype = self.out_proj.weight.dtype
        bias = self._bias(key_padding_mask, attn_mask, (batch, length, before + keys), dtype)
        if is_causal and length > 1:
            causal = causal_bias(length, before + keys, dtype, before)
            bias = causal if bias is None else bias + causal
        if bias is not None and added:  # nothing hides what is added
            bias = np.concatenate([bias, np.zeros((*bias.shape[:-1], added), dtype)], axis=-1)
        biases = () if bias is None else (bias,)
        drop = None
        if self.training and self.dropout:
            shape = (batch, self.num_heads, length, before + keys + added)
            drop = dropped_weights(shape, self.dropout, dtype, self._stream)
        how = {"scale": 1 / math.sqrt(self.embed_dim // self.num_heads), "drop": drop}
        if same and cache is None and not added and self.in_proj_weight is not None:
            packed = linear(query, self.in_proj_weight, self.in_proj_bias)
            y, w = packed_attention.apply(packed, *biases, heads=self.num_heads, **how)
        else:
            q, k, v = self._projected(query, key, value)
            k, v = (k, v) if cache is None else cache.extended(k, v)
            k, v = self._longer(k, self.bias_k), self._longer(v, self.bias_v)
            y, w = attention.apply(q, k, v, *biases, **how)
            y = np.reshape(np.transpose(y, (0, 2, 1, 3)), (batch, length, self.embed_dim))
        y = self.out_proj(y)
        y = y[0] if single else np.swapaxes(y, 0, 1) if turned else y
        if not need_weights:
            return y, None
        w = np.mean(w, axis=1) if average_attn_weights else w
        return y, w[0] if single else w

    def _check(self, query: Any, key: Any, value: Any) -> None:
        fits = query.ndim in (2, 3) and key.ndim == value.ndim == query.ndim
        fits = fits and key.shape[:-1] == value.shape[:-1]
        widths = (self.embed_dim, self.kdim, self.vdim)
        if not fits or tuple([x.shape[-1] for x in (query, key, value)]) != widths:
            order = "(B, L, " if self.batch_first else "(L, B, "
            raise ShapeError(
                f"MultiheadAttention of query {query.shape}, key {key.shape}, value {value.shape}"
                f"{called_at()}\n"
                f"  → {order}{self.embed_dim}), or (L, {self.embed_dim}) without a batch"
                + ("" if len(set(widths)) == 1 else f"; key {self.kdim} wide, value {self.vdim}")
            )

    def _projected(self, *xs: Any) -> list[Any]:
        """Queries, keys and values by heads: (B, heads, length, width)."""
        n, parts = self.embed_dim, []
        for i, (name, x) in enumerate(zip("qkv", xs, strict=True)):
            rows = slice(i * n, (i + 1) * n)
            packed = self.in_proj_weight
            weight = getattr(self, f"{name}_proj_weight") if packed is None else packed[rows]
            y = linear(x, weight, None if self.in_proj_bias is None else self.in_proj_bias[rows])
            parts.append(self._by_heads(y))
        return parts

    def _by_heads(self, x: Any) -> Any:
        """(B, length, embed_dim) as (B, heads, length, width)."""
        split = np.reshape(x, (*x.shape[:2], self.num_heads, self.embed_dim // self.num_heads))
        return np.transpose(split, (0, 2, 1, 3))

    def _longer(self, x: Any, learned: Any) -> Any:
        """Keys or values with those that are added at the end: a learned one, and zeros."""
        one, parts = (*x.shape[:2], 1, x.shape[3]), [x]
        if learned is not None:
            parts.append(np.broadcast_to(self._by_heads(learned), one))
        if self.add_zero_attn:
            parts.append(np.zeros(one, x.dtype))
        return np.concatenate(parts, axis=2) if len(parts) > 1 else x

    def _bias(self, padding: Any, mask: Any, sizes: tuple[int, int, int], dtype: Any) -> Any:
        """Both masks as one array to add to the scores, (B or 1, heads or 1, L or 1, S); None for none."""
        batch, length, keys = sizes
        total = None
        if mask is not None:
            shape = np.shape(mask)
            if shape not in ((length, keys), (batch * self.num_heads, length, keys)):
                raise ShapeError(
                    f"attn_mask of shape {shape}{called_at()}\n"
                    f"  → {(length, keys)} or {(batch * self.num_heads, length, keys)}"
                )
            total = bias_of(_inverted(mask), dtype)
            if len(shape) == 3:
                total = np.reshape(total, (batch, self.num_heads, length, keys))
        if padding is not None:
            shape = np.shape(padding)
            if shape != (batch, keys) and not (batch == 1 and shape == (keys,)):
                raise ShapeError(f"key_padding_mask of shape {shape}{called_at()}\n  → {(batch, keys)}")
            other = np.reshape(bias_of(_inverted(padding), dtype), (batch, 1, 1, keys))
            total = other if total is None else total + other
        return total

    def extra_repr(self) -> str:
        """Its sizes."""
        return f"{self.embed_dim}, {self.num_heads}" + (", batch_first=True" if self.batch_first else "")


def _inverted(mask: Any) -> Any:
    """PyTorch's layers take True as "leave out", its function as "take part"."""
    mask = mask if isinstance(mask, Variable) else as_array(mask)
    return np.logical_not(mask) if mask.dtype.kind == "b" else mask


def checked_activation(activation: Any, known: dict[str, Any]) -> Any:
    """A function by its name, or as it is."""
    if callable(activation):
        return activation
    if activation not in known:
        raise WhenceError(
            f"activation is a function or one of {sorted(known)}, not {activation!r}{called_at()}"
        )
    return known[activation]
