"""Convolution, its transpose, and the gradient of its kernel: three maps that are each other's derivatives.

All three come from one trilinear form, with ``i = p·stride + k·dilation - low`` for each axis,

    T(x, w, g) = Σ x[n, c, i] w[o, c, k] g[n, o, p]

(x: (N, C, *size), w: (O, C/groups, *kernel), g: (N, O, *counts)). Each of them is the gradient of T by the
operand that it lacks; so the derivatives of each are the two others, and every order is right.

Inside, channels come last, and windows are copied, a cache full of them at a time, into the rows of a
matrix that one product multiplies by the kernel. Results keep that order in memory (``y.strides``): what
follows elementwise, and the next convolution, run along it.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from .batching import examples, repeated
from .served import kernels, served
from .window import BLOCK, Window, patches

FEW = 8  # channels of a result, lanes of its vectors, below which products of rows of the kernel are faster
SMALL = 1 << 18  # products below which NumPy is as fast as a native kernel is called

# --- arrays --------------------------------------------------------------------------------------------


def _convolved(x: Any, w: Any, b: Any = None, *, window: Window, groups: int) -> Any:
    """``∂T/∂g``, and ``b`` (O,) added."""
    operands = (x, w) if b is None else (x, w, b)
    y = np.empty((x.shape[0], *window.counts, w.shape[0]), np.result_type(*operands))
    convolve_into(y, np.moveaxis(x, 1, -1), w, b, window, groups)
    return np.moveaxis(y, -1, 1)


def convolve_into(y: Any, x: Any, w: Any, b: Any, window: Window, groups: int) -> None:
    """Convolve x (N, *size, C) into y (N, *counts, O)."""
    if groups > 1 and w.shape[1] == 1:
        _convolve_each(y, x, w, b, window)
        return
    for part, mine in zip(_shares(x.shape[-1], groups), _shares(w.shape[0], groups), strict=True):
        target = y[..., mine]
        own = b if b is None else b[mine]
        if _worth(target, w[mine]) and served("convolution", target, x[..., part], w[mine], own, window):
            continue
        flat = _flat(w[mine])
        for images, rows, columns in patches(x[..., part], window, flat.nbytes):
            _product_into(target[images, rows], columns, flat)
            if own is not None:
                target[images, rows] += own
    if x.shape[-1] == 0:
        y[...] = 0 if b is None else b


def _worth(y: Any, w: Any) -> bool:
    """Is there so much to do that native kernels are worth looking for?"""
    return y.size * w.size >= SMALL * w.shape[0]


def _flat(w: Any) -> Any:
    """A kernel (O, C, ...) as a matrix (taps × C, O), copied along the axis that is nearer in memory."""
    if w.strides[1] < w.strides[0]:
        return np.moveaxis(w, 1, -1).reshape(w.shape[0], -1).T
    return np.moveaxis(w, (0, 1), (-1, -2)).reshape(-1, w.shape[0])


def _convolve_each(y: Any, x: Any, w: Any, b: Any, window: Window) -> None:
    """Each channel by kernels of its own: products along the channels, element by element of the kernel."""
    if _worth(y, w) and served("convolution of each channel", y, x, w, b, window):
        return
    c = x.shape[-1]
    many = w.shape[0] // c
    kernel = np.moveaxis(w[:, 0].reshape(c, many, *window.kernel), (0, 1), (-2, -1))
    total, term = np.empty((2, *window.counts, c, many), y.dtype)
    for i in range(x.shape[0]):
        windows = window.view(window.padded(x[i : i + 1], False))[0]
        total[...] = 0 if b is None else b.reshape(c, many)
        for tap in np.ndindex(window.kernel):
            np.multiply(windows[(..., *tap, slice(None), None)], kernel[tap], out=term)
            np.add(total, term, out=total)
        y[i] = total.reshape(y[i].shape)


def _product_into(target: Any, rows: Any, flat: Any) -> None:
    """``rows @ flat`` into the memory of target, if it is in one piece."""
    try:
        out = target.reshape(-1, target.shape[-1], copy=False)
    except ValueError:
        target[...] = np.matmul(rows, flat).reshape(target.shape)
    else:
        np.matmul(rows, flat, out=out)


def _transposed(g: Any, w: Any, *, window: Window, groups: int) -> Any:
    """``∂T/∂x``: ordinary convolutions of g, one for each residue of a position modulo the stride.

    To the positions ``i = r + j·stride`` only those ``k`` contribute for which the stride divides
    ``r + low - k·dilation``: every (stride / gcd)-th. With the stride 1 that is one convolution with the
    kernel turned round.
    """
    x = np.empty((len(g), *window.size, w.shape[1] * groups), np.result_type(g, w))
    transpose_into(x, np.moveaxis(g, 1, -1), w, window, groups)
    return np.moveaxis(x, -1, 1)


def transpose_into(x: Any, g: Any, w: Any, window: Window, groups: int) -> None:
    """The transpose of a convolution, of g (N, *counts, O), into x (N, *size, C)."""
    o, c = g.shape[-1], x.shape[-1]
    plain = groups == 1 and len(window.size) == 2 and window.dense and 0 not in g.shape + w.shape
    worth = c >= FEW and groups == 1 and _worth(x, w.swapaxes(0, 1)) and kernels()
    if (
        plain and not worth and c <= o and x[:1].nbytes * window.kernel[0] <= 2 * BLOCK
    ):  # an image stays in the cache
        _scatter_into(x, g, w, window)
        return
    turned = w.reshape(groups, o // groups, *w.shape[1:]).swapaxes(1, 2).reshape(c, o // groups, *w.shape[2:])
    axes = [_residues(*axis) for axis in zip(*window, window.counts, strict=True)]
    for choice in product(*axes):
        places, taps, *geometry = zip(*choice, strict=True)
        part = x[(slice(None), *places)]
        kernel = turned[(slice(None), slice(None), *taps)]
        if 0 in kernel.shape:
            part[...] = 0
        else:
            low_high, dilation = geometry
            inner = Window(window.counts, kernel.shape[2:], (1,) * len(dilation), low_high, dilation)
            convolve_into(part, g, kernel, None, inner, groups)


def _scatter_into(x: Any, g: Any, w: Any, window: Window) -> None:
    """The transpose of a plain convolution of images, into x (N, H, W, C) from g (N, *counts, O).

    With g in rows as long as those of x, zeros behind them, a row of the kernel (k, C) sends pixel i to the
    pixels i ... i + k - 1, which lie in one piece. Of the pixels r, r + k, r + 2k, ... the pieces follow each
    other: one product makes them all, and one sum in a row adds them. Against windows of g, (64, 32 -> 64,
    26 × 26, 3 × 3) takes 0.78 of the time: less is copied, and the border costs no products.
    """
    (high, k), c, width = window.kernel, x.shape[-1], window.size[1]
    taps = np.ascontiguousarray(np.transpose(w, (2, 0, 3, 1))).reshape(high, -1, k * c)
    pixels = window.counts[0] * width
    images = min(len(x), max(1, BLOCK // (pixels * high * c * x.itemsize)))
    most = -(-images * pixels // k)
    memory = np.zeros((most * k, g.shape[-1]), g.dtype)
    parts = np.empty((high, (most + 1) * k * c), x.dtype)
    for start in range(0, len(x), images):
        some = x[start : start + images]
        count = len(some) * pixels
        m = -(-count // k)
        places = memory[:count].reshape(len(some), -1, width, g.shape[-1])
        places[:, :, : window.counts[1]] = g[start : start + images]
        memory[count:] = 0
        rows = memory[: m * k].reshape(m, k, -1)
        flat = some.reshape(len(some), -1)
        flat[...] = 0
        for r in range(k):
            parts[:, : r * c] = 0  # nothing comes before the first piece
            np.matmul(rows[:, r], taps, out=parts[:, r * c : (r + m * k) * c].reshape(high, m, k * c))
            for i in range(high):
                target = flat[:, i * width * c :][:, : pixels * c]
                np.add(target, parts[i, : count * c].reshape(len(some), -1), out=target)


def _residues(
    n: int, k: int, s: int, padding: tuple[int, int], d: int, count: int
) -> list[tuple[slice, slice, tuple[int, int], int]]:
    """Along one axis, for each residue: positions, elements of the kernel, padding and dilation."""
    found = []
    step, apart = s // math.gcd(s, d), d // math.gcd(s, d)
    for r in range(min(s, n)):
        places = slice(r, None, s)
        taps = [tap for tap in range(min(step, k)) if (r + padding[0] - tap * d) % s == 0]
        if not taps:
            found.append((places, slice(0, 0), (0, 0), 1))
            continue
        used = (k - 1 - taps[0]) // step
        last = taps[0] + used * step
        low = -((r + padding[0] - last * d) // s)
        high = len(range(n)[places]) - count - low + apart * used
        found.append((places, slice(last, None, -step), (low, high), apart))
    return found


def _kernel(x: Any, g: Any, *, window: Window, groups: int) -> Any:
    """``∂T/∂w``."""
    c, o = x.shape[1], g.shape[1]
    dtype = np.result_type(x, g)
    rows, gs = np.moveaxis(x, 1, -1), np.moveaxis(g, 1, -1)
    if groups == c > 1:
        return _kernel_each(rows, gs, window, dtype)
    w = np.empty((o, c // groups, *window.kernel), dtype)
    for part, mine in zip(_shares(c, groups), _shares(o, groups), strict=True):
        if _worth(gs[..., mine], w[mine]):
            found = served("the kernel of a convolution", rows[..., part], gs[..., mine], window)
            if found is not None:
                w[mine] = found
                continue
        total = np.zeros((o // groups, window.taps * (c // groups)), dtype)
        for images, some, columns in patches(rows[..., part], window, total.nbytes):
            total += np.matmul(gs[images, some, ..., mine].reshape(-1, o // groups).T, columns)
        w[mine] = np.moveaxis(total.reshape(o // groups, *window.kernel, c // groups), -1, 1)
    return w


def _kernel_each(x: Any, g: Any, window: Window, dtype: Any) -> Any:
    c, o = x.shape[-1], g.shape[-1]
    if g.size * window.taps >= SMALL:
        found = served("the kernels of each channel", x, g, window)
        if found is not None:
            return found
    w = np.zeros((*window.kernel, c, o // c), dtype)
    for i in range(len(x)):
        windows = window.view(window.padded(x[i : i + 1], False))
        for tap in np.ndindex(window.kernel):
            at = (0, *(slice(None),) * len(tap), *tap)
            w[tap] += np.einsum("pc,pcm->cm", windows[at].reshape(-1, c), g[i].reshape(-1, c, o // c))
    return np.moveaxis(w.reshape(*window.kernel, 1, o), (-1, -2), (0, 1))


def _shares(count: int, groups: int) -> list[slice]:
    size = count // groups
    return [slice(i * size, (i + 1) * size) for i in range(groups)]


# --- many examples at once -------------------------------------------------------------------------------


def _side_by_side(x: Any, mine: bool, size: int) -> Any:
    """Examples (B, N, C, ...) as channels, (N, B × C, ...)."""
    x = np.moveaxis(repeated(x, mine, size), 0, 1)
    return np.reshape(x, (x.shape[0], size * x.shape[2], *x.shape[3:]))


def _stacked(w: Any, mine: bool, size: int) -> Any:
    """Kernels (B, O, ...) as groups, (B × O, ...)."""
    w = repeated(w, mine, size)
    return np.reshape(w, (size * w.shape[1], *w.shape[2:]))


def _split(y: Any, size: int, axis: int) -> Any:
    shape = (*y.shape[:axis], size, y.shape[axis] // size, *y.shape[axis + 1 :])
    return np.moveaxis(np.reshape(y, shape), axis, 0)


def _map_all(op: Any, batched: Any, x: Any, w: Any, *b: Any, window: Window, groups: int) -> Any:
    """Of convolution and its transpose: images in a row, or, for kernels of their own, a group for each."""
    size = examples(batched, (x, w, *b))
    if batched == (True, False, *[False] * len(b)):
        y = op(np.reshape(x, (size * x.shape[1], *x.shape[2:])), w, *b, window=window, groups=groups)
        return np.reshape(y, (size, y.shape[0] // size, *y.shape[1:]))
    xs, ws = _side_by_side(x, batched[0], size), _stacked(w, batched[1], size)
    bs = [_stacked(part, mine, size) for part, mine in zip(b, batched[2:], strict=True)]
    return _split(op(xs, ws, *bs, window=window, groups=size * groups), size, 1)


def _kernel_all(op: Any, batched: Any, x: Any, g: Any, window: Window, groups: int) -> Any:
    size = examples(batched, (x, g))
    xs, gs = _side_by_side(x, batched[0], size), _side_by_side(g, batched[1], size)
    return _split(op(xs, gs, window=window, groups=size * groups), size, 0)


# --- declarations ----------------------------------------------------------------------------------------

_by_x = lambda g, y, x, w, *b, window, groups: transposed(g, w, window=window, groups=groups)  # noqa: E731
_by_w = lambda g, y, x, w, *b, window, groups: kernel(x, g, window=window, groups=groups)  # noqa: E731


def per_channel(g: Any) -> Any:
    """The sum of g (N, C, ...) over everything but channels, as a product, which is quicker."""
    flat = np.reshape(np.moveaxis(g, 1, -1), (-1, g.shape[1]))
    return np.matmul(np.ones(flat.shape[0], flat.dtype), flat)


convolution = Primitive(
    "convolution",
    _convolved,
    vjp=[_by_x, _by_w],
    reads=["1", "0"],
    kind="multilinear",
    batch=_map_all,
)
affine_convolution = Primitive(
    "convolution with bias",
    _convolved,
    vjp=[_by_x, _by_w, lambda g, y, x, w, b, window, groups: per_channel(g)],
    reads=["1", "0", ""],
    batch=_map_all,
)
transposed = Primitive(
    "transposed convolution",
    _transposed,
    vjp=[
        lambda h, y, g, w, window, groups: convolution(h, w, window=window, groups=groups),
        lambda h, y, g, w, window, groups: kernel(h, g, window=window, groups=groups),
    ],
    reads=["1", "0"],
    kind="multilinear",
    batch=_map_all,
)
kernel = Primitive(
    "the kernel of a convolution",
    _kernel,
    vjp=[
        lambda v, y, x, g, window, groups: transposed(g, v, window=window, groups=groups),
        lambda v, y, x, g, window, groups: convolution(x, v, window=window, groups=groups),
    ],
    reads=["1", "0"],
    kind="multilinear",
    batch=_kernel_all,
)
