"""Long short-term memory over all time steps (see ``recurrent`` for how such ops are built)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .recurrent import beside, chosen, in_order, joined, products, shifted, sigmoid, steps_of, stilled, turned
from .together import Together


def _lstm(a: Any, h: Any, c: Any, w: Any, *project: Any, reverse: bool, mask: Any) -> tuple[Any, ...]:
    """Hochreiter and Schmidhuber (1997), Neural Computation 9(8), with forget gates.

    ``i, f, o = σ(a + W h)``, ``g = tanh(a_g + W_g h)``, ``c' = f c + i g``, ``h' = o tanh(c')``; the gates
    in the order i, f, g, o. With ``project``, a matrix R, ``h' = R (o tanh(c'))``: Sak et al. (2014),
    arXiv:1402.1128. Returns states, cells, gates and ``tanh(c')``.
    """
    n = c.shape[-1]
    dtype = np.result_type(a, h, c, w, *project)
    states = np.empty((*a.shape[:2], h.shape[-1]), dtype)
    cells, squashed = np.empty((*a.shape[:2], n), dtype), np.empty((*a.shape[:2], n), dtype)
    half, shift = np.full(4 * n, 0.5, dtype), np.full(4 * n, 0.5, dtype)
    half[2 * n : 3 * n], shift[2 * n : 3 * n] = 1, 0  # g is a tanh as it is
    gates = np.multiply(a, half, dtype=dtype)
    turned_w = np.multiply(w.T, half, order="C", dtype=dtype)
    kept, out, memory, tanhs, masks = in_order(reverse, gates, states, cells, squashed, mask)
    for t, s in enumerate(kept):
        s += h @ turned_w
        np.tanh(s, out=s)
        s *= half
        s += shift
        new = np.multiply(s[:, n : 2 * n], c, out=memory[t])
        new += s[:, :n] * s[:, 2 * n : 3 * n]
        np.tanh(new, out=tanhs[t])
        if project:
            state = np.matmul(s[:, 3 * n :] * tanhs[t], project[0].T, out=out[t])
        else:
            state = np.multiply(s[:, 3 * n :], tanhs[t], out=out[t])
        if masks is not None:
            still = ~masks[t][:, None]
            np.copyto(new, c, where=still)
            np.copyto(state, h, where=still)
        h, c = state, new
    return states, cells, gates, squashed


def _lstm_pull(
    g: Any, y: Any, a: Any, h: Any, c: Any, w: Any, *project: Any, reverse: bool, mask: Any
) -> tuple[Any, ...]:
    states, cells, gates, squashed = y
    n = c.shape[-1]
    i, f, o = gates[..., :n], gates[..., n : 2 * n], gates[..., 3 * n :]
    candidate = gates[..., 2 * n : 3 * n]
    before = shifted(c, cells) if not reverse else shifted(c, cells[::-1])[::-1]
    # slopes of the gates times what each is multiplied with; the running cotangents come in the loop
    da = 1 - gates
    da *= gates
    np.subtract(1, candidate * candidate, out=da[..., 2 * n : 3 * n])
    da[..., :n] *= candidate
    da[..., n : 2 * n] *= before
    da[..., 2 * n : 3 * n] *= i
    da[..., 3 * n :] *= squashed
    through = squashed * squashed
    np.subtract(1, through, out=through)
    through *= o
    if mask is not None:
        f = f.copy()
    stilled(mask, (da, through), (f,) if mask is not None else ())
    arrived: Any = np.empty(states.shape, da.dtype) if project else None  # the cotangents of all states
    back, into, forget, gs, gc, masks, kept = in_order(reverse, da, through, f, g[0], g[1], mask, arrived)
    dh, dc = np.zeros_like(h, dtype=da.dtype), np.zeros_like(c, dtype=da.dtype)
    for t in reversed(range(len(back))):
        s = back[t]
        dh += gs[t]
        dc += gc[t]
        inner = dh
        if project:
            kept[t] = dh
            inner = dh @ project[0]
        dc += inner * into[t]
        s[:, 3 * n :] *= inner
        first = s[:, : 3 * n].reshape(len(s), 3, n)
        first *= dc[:, None]
        dc *= forget[t]
        new = s @ w
        if masks is not None:
            new += dh * ~masks[t][:, None]
        dh = new
    gradients = (da, dh, dc, products(da, h, states, reverse))
    if not project:
        return gradients
    hidden = o * squashed
    stilled(mask, (hidden,), ())
    return *gradients, np.reshape(arrived, (-1, h.shape[-1])).T @ np.reshape(hidden, (-1, n))


def _lstm_formula(
    a: Any, h: Any, c: Any, w: Any, *project: Any, reverse: bool, mask: Any
) -> tuple[Any, Any, Any, Any]:
    n = c.shape[-1]
    states, cells, gates, squashed = [], [], [], []
    for step, on in steps_of(a, mask, reverse):
        z = step + h @ turned(w)
        first, candidate, o = (
            sigmoid(z[..., : 2 * n]),
            np.tanh(z[..., 2 * n : 3 * n]),
            sigmoid(z[..., 3 * n :]),
        )
        new = first[..., n:] * c + first[..., :n] * candidate
        tanh = np.tanh(new)
        state = (o * tanh) @ turned(project[0]) if project else o * tanh
        h, c = chosen(on, state, h), chosen(on, new, c)
        states.append(h)
        cells.append(c)
        gates.append(np.concatenate([first, candidate, o], axis=-1))
        squashed.append(tanh)
    return joined(states, reverse), joined(cells, reverse), joined(gates, reverse), joined(squashed, reverse)


lstm_steps = Together("lstm", _lstm, _lstm_pull, _lstm_formula, batch=beside(_lstm_formula, 2))
