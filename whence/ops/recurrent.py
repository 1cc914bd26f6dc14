"""Recurrent layers over all time steps: an op for each kind, with its way back through time.

What the inputs contribute is the same product at every step, so it is computed for all steps at once outside
(``a``, of shape (T, B, gates)). The ops here add what the state contributes, step by step, into arrays made
beforehand. Their way back computes all that does not depend on the running cotangent in a few passes over all
steps, and leaves one product of matrices and a few small sums to each step.

The logistic function is ``(1 + tanh(z / 2)) / 2``: the gates of a step are one pass of ``tanh``.

``mask`` (T, B) is False where a sequence has ended, or for ``reverse`` not yet begun: the state stays there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..config import mode
from .together import Together

#: Steps of a recorded program that are written out: 64 take 0.3 s to record; thirty of 100 units run in 0.6
#: of the time of one call.
UNROLLED = 64


def in_order(reverse: bool, *arrays: Any) -> Any:
    """Views of arrays with the steps in the order in which they are taken."""
    return arrays if not reverse else tuple(None if a is None else a[::-1] for a in arrays)


def products(g: Any, first: Any, states: Any, reverse: bool) -> Any:
    """The sum over steps of ``g_tᵀ h_(t-1)``, ``first`` before the first of the ``states``: for a weight."""
    steps, batch, width = g.shape
    here, before = (g[:-1], states[1:]) if reverse else (g[1:], states[:-1])
    total = g[-1 if reverse else 0].T @ first
    if steps > 1:
        count = (steps - 1) * batch
        total += here.reshape(count, width).T @ before.reshape(count, first.shape[-1])
    return total


def shifted(first: Any, states: Any) -> Any:
    """The state before each step (steps in order)."""
    before = np.empty_like(states)
    before[0], before[1:] = first, states[:-1]
    return before


def stilled(mask: Any, frozen: tuple[Any, ...], carried: tuple[Any, ...]) -> None:
    """Let steps that are not taken pass nothing but what the state carries on."""
    if mask is not None:
        still = ~mask
        for a in frozen:
            a[still] = 0
        for a in carried:
            a[still] = 1


def sigmoid(z: Any) -> Any:
    """The logistic function, without overflow."""
    return 0.5 * np.tanh(0.5 * z) + 0.5


def steps_of(a: Any, mask: Any, reverse: bool) -> Any:
    """Number, ``a_t`` and the mask (None, or (B, 1)) of each step, for formulas; a: (..., T, B, n)."""
    count = a.shape[-3]
    for t in reversed(range(count)) if reverse else range(count):
        yield a[..., t, :, :], None if mask is None else mask[t][:, None]


def run(op: Together, a: Any, *inputs: Any, **how: Any) -> Any:
    """Run such an op; a program that is recorded takes short sequences step by step, as kernels."""
    steps = op.formula if mode().tracer is not None and a.shape[-3] <= UNROLLED else op.apply
    return steps(a, *inputs, **how)


def chosen(on: Any, new: Any, old: Any) -> Any:
    """The new state where a step is taken."""
    return new if on is None else np.where(on, new, old)


def joined(states: list[Any], reverse: bool) -> Any:
    """States of all steps as one array, (..., T, B, n)."""
    return np.stack(states[::-1] if reverse else states, axis=-3)


def turned(w: Any) -> Any:
    """``Wᵀ``, of each example if there are several."""
    return np.swapaxes(w, -1, -2)


def spread_bias(bias: Any) -> Any:
    """A bias as a row for the batch: (..., 1, n)."""
    return bias[..., None, :]


# --- the plain recurrent network -----------------------------------------------------------------


def _rnn(a: Any, h: Any, w: Any, relu: bool, reverse: bool, mask: Any) -> tuple[Any]:
    """Elman's network, ``h_t = tanh(a_t + W h_(t-1))``, or relu; Elman (1990), Cognitive Science 14."""
    states = np.empty((*a.shape[:2], h.shape[-1]), np.result_type(a, h, w))
    turned_w = np.ascontiguousarray(w.T)
    ordered, out, masks = in_order(reverse, a, states, mask)
    for t, step in enumerate(ordered):
        z = np.matmul(h, turned_w, out=out[t])
        z += step
        new = np.maximum(z, 0, out=z) if relu else np.tanh(z, out=z)
        if masks is not None:
            np.copyto(new, h, where=~masks[t][:, None])
        h = new
    return (states,)


def _rnn_pull(
    g: Any, y: Any, a: Any, h: Any, w: Any, relu: bool, reverse: bool, mask: Any
) -> tuple[Any, ...]:
    (states,) = y
    slope = (states > 0).astype(states.dtype) if relu else 1 - states * states
    stilled(mask, (slope,), ())
    da, gs, masks = in_order(reverse, slope, g[0], mask)
    dh = np.zeros_like(h, dtype=slope.dtype)
    for t in reversed(range(len(da))):
        dh += gs[t]
        da[t] *= dh
        back = da[t] @ w
        if masks is not None:
            back += dh * ~masks[t][:, None]
        dh = back
    return slope, dh, products(slope, h, states, reverse)


def _rnn_formula(a: Any, h: Any, w: Any, relu: bool, reverse: bool, mask: Any) -> tuple[Any]:
    states = []
    for step, on in steps_of(a, mask, reverse):
        z = step + h @ turned(w)
        h = chosen(on, np.maximum(z, 0) if relu else np.tanh(z), h)
        states.append(h)
    return (joined(states, reverse),)


# --- gated recurrent units -----------------------------------------------------------------------


def _gru(a: Any, h: Any, w: Any, *bias: Any, reverse: bool, mask: Any) -> tuple[Any, Any, Any]:
    """Cho et al. (2014), arXiv:1406.1078, with the reset after the product, as in cuDNN.

    ``r, z = σ(a + W h + b)``, ``n = tanh(a_n + r (W_n h + b_n))``, ``h' = (1 - z) n + z h``; the gates in
    the order r, z, n. Besides the states it returns gates and ``W_n h + b_n``.
    """
    n = h.shape[-1]
    dtype = np.result_type(a, h, w, *bias)
    states, gates = np.empty((*a.shape[:2], n), dtype), np.empty(a.shape, dtype)
    inner = np.empty_like(states)
    turned_w = np.ascontiguousarray(w.T)
    ordered, out, kept, inners, masks = in_order(reverse, a, states, gates, inner, mask)
    for t, step in enumerate(ordered):
        s, q = kept[t], inners[t]
        hidden = h @ turned_w
        if bias:
            hidden += bias[0]
        q[...] = hidden[:, 2 * n :]
        both, candidate = s[:, : 2 * n], s[:, 2 * n :]
        np.add(hidden[:, : 2 * n], step[:, : 2 * n], out=both)
        both *= 0.5
        np.tanh(both, out=both)
        both *= 0.5
        both += 0.5
        np.multiply(both[:, :n], q, out=candidate)
        candidate += step[:, 2 * n :]
        np.tanh(candidate, out=candidate)
        new = np.subtract(h, candidate, out=out[t])
        new *= both[:, n:]
        new += candidate
        if masks is not None:
            np.copyto(new, h, where=~masks[t][:, None])
        h = new
    return states, gates, inner


def _gru_pull(
    g: Any, y: Any, a: Any, h: Any, w: Any, *bias: Any, reverse: bool, mask: Any
) -> tuple[Any, ...]:
    states, gates, inner = y
    n = h.shape[-1]
    r, z, c = gates[..., :n], gates[..., n : 2 * n], gates[..., 2 * n :]
    before = shifted(h, states) if not reverse else shifted(h, states[::-1])[::-1]
    da = np.empty_like(gates)
    np.multiply((1 - r) * r, inner, out=da[..., :n])
    np.multiply((1 - z) * z, before - c, out=da[..., n : 2 * n])
    np.multiply(1 - z, 1 - c * c, out=da[..., 2 * n :])
    carry = z.copy()
    stilled(mask, (da,), (carry,))
    dm = np.empty_like(gates)  # the cotangent of W h + b: where the reset gate stands between
    back, inside, gs, resets, carries = in_order(reverse, da, dm, g[0], r, carry)
    dh = np.zeros_like(h, dtype=gates.dtype)
    for t in reversed(range(len(back))):
        dh += gs[t]
        s, m = back[t], inside[t]
        s[:, 2 * n :] *= dh
        s[:, n : 2 * n] *= dh
        s[:, :n] *= s[:, 2 * n :]
        m[:, : 2 * n] = s[:, : 2 * n]
        np.multiply(s[:, 2 * n :], resets[t], out=m[:, 2 * n :])
        dh *= carries[t]
        dh += m @ w
    gradients = (da, dh, products(dm, h, states, reverse))
    return (*gradients, dm.sum(axis=(0, 1))) if bias else gradients


def _gru_formula(a: Any, h: Any, w: Any, *bias: Any, reverse: bool, mask: Any) -> tuple[Any, Any, Any]:
    n = h.shape[-1]
    states, gates, inner = [], [], []
    for step, on in steps_of(a, mask, reverse):
        hidden = h @ turned(w)
        hidden = hidden + spread_bias(bias[0]) if bias else hidden
        both = sigmoid(step[..., : 2 * n] + hidden[..., : 2 * n])
        q = hidden[..., 2 * n :]
        c = np.tanh(step[..., 2 * n :] + both[..., :n] * q)
        h = chosen(on, c + both[..., n:] * (h - c), h)
        states.append(h)
        gates.append(np.concatenate([both, c], axis=-1))
        inner.append(q)
    return joined(states, reverse), joined(gates, reverse), joined(inner, reverse)


# --- whole batches -------------------------------------------------------------------------------


def beside(formula: Any, states: int) -> Any:
    """The rule for ``vmap``: examples side by side in the batch; if weights differ, the formula.

    ``states`` operands after the first are (B, n); the others are weights.
    """

    def rule(op: Any, batched: Any, *xs: Any, mask: Any, **params: Any) -> Any:
        if any(batched[1 + states :]):
            lines = [
                x if mine or np.ndim(x) == 1 else np.expand_dims(x, 0)
                for x, mine in zip(xs, batched, strict=True)
            ]
            size = next(x.shape[0] for x, mine in zip(xs, batched, strict=True) if mine)
            lines[0] = np.broadcast_to(lines[0], (size, *lines[0].shape[1:]))  # every state has all examples
            ys = formula(*lines, mask=mask, **params)
            return tuple(np.broadcast_to(y, (size, *y.shape[1:])) for y in ys)
        size = next(x.shape[0] for x, mine in zip(xs, batched, strict=True) if mine)
        flat = []
        for k, (x, mine) in enumerate(zip(xs, batched, strict=True)):
            if k <= states:
                x = x if mine else np.broadcast_to(x, (size, *x.shape))
                x = np.moveaxis(x, 0, 1) if k == 0 else x  # (T, examples, B, n)
                x = np.reshape(x, (*x.shape[: 1 - (k > 0)], size * x.shape[-2], x.shape[-1]))
            flat.append(x)
        mask = None if mask is None else np.tile(mask, (1, size))
        ys = op(*flat, mask=mask, **params)
        return tuple(
            np.moveaxis(np.reshape(y, (y.shape[0], size, y.shape[1] // size, y.shape[2])), 1, 0) for y in ys
        )

    return rule


rnn_steps = Together("rnn", _rnn, _rnn_pull, _rnn_formula, batch=beside(_rnn_formula, 1))
gru_steps = Together("gru", _gru, _gru_pull, _gru_formula, batch=beside(_gru_formula, 1))
