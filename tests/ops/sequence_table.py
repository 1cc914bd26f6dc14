"""Entries of the ops of networks that work on rows and sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from whence.ops.affine import affine
from whence.ops.attention import attention, packed_attention
from whence.ops.embedding import add_rows, lookup
from whence.ops.lstm import lstm_steps
from whence.ops.recurrent import gru_steps, rnn_steps

from .entries import Draw, Spec, Trial, entry


@entry("linear")
def _affine(draw: Draw, large: bool) -> Trial:
    inner, outer = (23, 24) if large else draw(st.sampled_from([(3, 2), (1, 4), (2, 1), (0, 2), (2, 0)]))
    before = draw(st.sampled_from([(25,)] if large else [(), (1,), (4,), (2, 3), (0,), (2, 1, 2)]))
    shapes = [(*before, inner), (outer, inner), (outer,)][: draw(st.integers(2, 3))]

    def plain(x: Any, weight: Any, bias: Any = 0) -> Any:
        return (x @ weight.T + bias).astype(np.result_type(x, weight, bias))

    return Trial(affine.apply, plain, tuple(Spec(shape) for shape in shapes), True)


def _indices(draw: Draw, large: bool) -> tuple[np.ndarray, int]:
    count = draw(st.integers(1, 5))
    shape = (700,) if large else draw(st.sampled_from([(), (3,), (0,), (2, 3)]))
    return np.random.default_rng(draw(st.integers(0, 9))).integers(0, count, shape), count


@entry("embedding")
def _lookup(draw: Draw, large: bool) -> Trial:
    indices, count = _indices(draw, large)
    return Trial(
        lambda w: lookup(w, indices=indices, padding=None), lambda w: w[indices], (Spec((count, 4)),), True
    )


@entry("rows added")
def _add_rows(draw: Draw, large: bool) -> Trial:
    indices, count = _indices(draw, large)
    padding = draw(st.sampled_from([None, 0]))

    def plain(g: np.ndarray) -> np.ndarray:
        total = np.zeros((count, 3), g.dtype)
        np.add.at(total, indices, g)
        if padding is not None:
            total[padding] = 0
        return total

    f = lambda g: add_rows(g, indices=indices, count=count, padding=padding)  # noqa: E731
    return Trial(f, plain, (Spec((*indices.shape, 3)),), True)


def _steps(draw: Draw, large: bool) -> tuple[int, int, int, bool, Any]:
    steps, batch, n = (
        (8, 9, 8) if large else draw(st.sampled_from([(1, 1, 1), (3, 2, 2), (2, 1, 3), (2, 0, 2)]))
    )
    masks = [None, np.arange(steps)[:, None] < 1 + np.arange(batch) % steps]
    return steps, batch, n, draw(st.booleans()), draw(st.sampled_from(masks))


def _through(op: Any, outputs: int, **params: Any) -> tuple[Any, Any]:
    """The op, and its formula; both without what only the way back reads."""
    return (lambda *xs: op(*xs, **params)[:outputs]), (lambda *xs: op.formula(*xs, **params)[:outputs])


@entry("rnn")
def _rnn(draw: Draw, large: bool) -> Trial:
    steps, batch, n, reverse, mask = _steps(draw, large)
    f, plain = _through(rnn_steps, 1, relu=False, reverse=reverse, mask=mask)
    return Trial(f, plain, (Spec((steps, batch, n)), Spec((batch, n)), Spec((n, n))))


@entry("gru")
def _gru(draw: Draw, large: bool) -> Trial:
    steps, batch, n, reverse, mask = _steps(draw, large)
    f, plain = _through(gru_steps, 1, reverse=reverse, mask=mask)
    bias = (Spec((3 * n,)),) * draw(st.integers(0, 1))
    return Trial(f, plain, (Spec((steps, batch, 3 * n)), Spec((batch, n)), Spec((3 * n, n)), *bias))


@entry("lstm")
def _lstm(draw: Draw, large: bool) -> Trial:
    steps, batch, n, reverse, mask = _steps(draw, large)
    f, plain = _through(lstm_steps, 2, reverse=reverse, mask=mask)
    project = draw(st.sampled_from([(), (n + 1,)]))  # states of another length than cells
    m = project[0] if project else n
    shapes = ((steps, batch, 4 * n), (batch, m), (batch, n), (4 * n, m), *[(m, n) for m in project])
    return Trial(f, plain, tuple(Spec(shape) for shape in shapes))


def _bias(draw: Draw, queries: int, keys: int) -> np.ndarray | None:
    """No bias, a causal one, or one with a row that sees nothing."""
    kind = draw(st.sampled_from(["none", "causal", "empty"]))
    if kind == "none":
        return None
    seen = np.tri(queries, keys, dtype=bool)
    if kind == "empty":
        seen = ~seen
    return np.where(seen, np.float32(0), np.float32(-np.inf))


@entry("attention")
def _attention(draw: Draw, large: bool) -> Trial:
    before = (2, 3) if large else draw(st.sampled_from([(), (2,), (2, 1)]))
    sizes = draw(st.sampled_from([(2, 3, 2, 1), (1, 1, 1, 2)]))
    queries, keys, inner, outer = (13, 14, 7, 5) if large else sizes
    halves = np.arange(queries * keys).reshape(queries, keys) % 2 * np.float32(2)
    drop = draw(st.sampled_from([None, halves]))
    bias = _bias(draw, queries, keys)
    shapes = [(*before, queries, inner), (*before, keys, inner), (*before, keys, outer)]
    if bias is None:
        shapes += [(queries, keys)] * draw(st.integers(0, 1))
    outputs = draw(st.integers(1, 2))
    f, plain = _through(attention, outputs, scale=0.5, drop=drop)
    given = () if bias is None else (bias,)
    specs = tuple(Spec(shape) for shape in shapes)
    return Trial(lambda *xs: f(*xs, *given), lambda *xs: plain(*xs, *given), specs)


@entry("self-attention")
def _packed(draw: Draw, large: bool) -> Trial:
    batch, steps, heads, n = (2, 9, 2, 4) if large else draw(st.sampled_from([(2, 2, 2, 1), (1, 3, 1, 2)]))
    f, plain = _through(packed_attention, 1, heads=heads, scale=0.5, drop=None)
    bias = _bias(draw, steps, steps)
    given = () if bias is None else (bias,)
    specs = (Spec((batch, steps, 3 * heads * n)),)
    return Trial(lambda x: f(x, *given), lambda x: plain(x, *given), specs)
