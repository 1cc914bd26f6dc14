"""The mirror of ``scipy.signal``: convolutions, filters and resampling of Variables.

Everything here is linear in the signal; filters are differentiated in their coefficients too.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import fft as plain_fft
from scipy import signal

from ..core.primitive import Primitive
from ..ops.declare import arrayed, frozen, misfit, normal_axes
from .beyond import bare, holds_variable, no_gradient, passed_on

# --- convolutions ------------------------------------------------------------------------------------

full_convolution = Primitive(
    "scipy.signal.convolve",
    lambda a, v, method="auto": signal.convolve(a, v, "full", method),
    vjp=[
        lambda g, y, a, v, method="auto": convolve(g, np.flip(v), "valid", method),
        lambda g, y, a, v, method="auto": convolve(g, np.flip(a), "valid", method),
    ],
    reads=["1", "0"],
    kind="multilinear",
)


def _part(full: Any, first: tuple[int, ...], second: tuple[int, ...], mode: str, axes: Any = None) -> Any:
    """The part of a full convolution that a mode asks for; 'same' means as large as the first."""
    if mode == "full":
        return full
    if mode not in ("same", "valid"):
        raise misfit("acceptable mode flags are 'valid', 'same', or 'full'")
    chosen = range(full.ndim) if axes is None else axes
    larger = [first[i] >= second[i] for i in chosen]
    if mode == "valid" and not (all(larger) or not any(n > m for n, m in zip(first, second, strict=True))):
        raise misfit("For 'valid' mode, one must be at least as large as the other in every dimension")
    index: list[Any] = [slice(None)] * full.ndim
    for i in chosen:
        n, m = (first[i], second[i]) if mode == "same" else sorted((first[i], second[i]), reverse=True)
        start, length = ((m - 1) // 2, n) if mode == "same" else (m - 1, n - m + 1)
        index[i] = slice(start, start + length)
    return full[tuple(index)]


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """``scipy.signal.convolve``: the convolution of two arrays of any number of axes.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy import signal
        >>> print(whence.grad(lambda v: np.sum(signal.convolve(v, [1.0, 2.0])))(np.ones(3)))
        [3. 3. 3.]
    """
    if not holds_variable(in1, in2):
        return signal.convolve(bare(in1), bare(in2), mode, method)
    in1, in2 = arrayed(in1), arrayed(in2)
    if in1.ndim == in2.ndim == 0:
        return in1 * in2
    if in1.ndim != in2.ndim:
        raise misfit("volume and kernel should have the same dimensionality")
    return _part(full_convolution(in1, in2, method=method), in1.shape, in2.shape, mode)


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """``scipy.signal.correlate``: the cross-correlation of two arrays."""
    if not holds_variable(in1, in2):
        return signal.correlate(bare(in1), bare(in2), mode, method)
    return convolve(in1, np.flip(np.conjugate(arrayed(in2))), mode, method)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """``scipy.signal.fftconvolve``: a convolution by Fourier transforms, along some axes."""
    if not holds_variable(in1, in2):
        return signal.fftconvolve(bare(in1), bare(in2), mode, axes)
    in1, in2 = arrayed(in1), arrayed(in2)
    if in1.ndim != in2.ndim:
        raise misfit("in1 and in2 should have the same dimensionality")
    axes = normal_axes(axes, in1.ndim)
    lengths = [in1.shape[i] + in2.shape[i] - 1 for i in axes]
    precise = np.result_type(in1.dtype, in2.dtype, np.float32)
    in1, in2 = (v.astype(precise) if v.dtype != precise else v for v in (in1, in2))
    quick: Any = [plain_fft.next_fast_len(n, True) for n in lengths]
    if in1.dtype.kind == "c" or in2.dtype.kind == "c":
        full = np.fft.ifftn(np.fft.fftn(in1, quick, axes) * np.fft.fftn(in2, quick, axes), quick, axes)
    else:
        full = np.fft.irfftn(np.fft.rfftn(in1, quick, axes) * np.fft.rfftn(in2, quick, axes), quick, axes)
    index: list[Any] = [slice(None)] * full.ndim
    for i, n in zip(axes, lengths, strict=True):
        index[i] = slice(n)
    return _part(full[tuple(index)], in1.shape, in2.shape, mode, axes)


def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """``scipy.signal.oaconvolve``: the value of ``fftconvolve``."""
    if not holds_variable(in1, in2):
        return signal.oaconvolve(bare(in1), bare(in2), mode, axes)
    return fftconvolve(in1, in2, mode, axes)


def convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """``scipy.signal.convolve2d``: a convolution of two matrices, with a choice of what lies outside."""
    if not holds_variable(in1, in2, fillvalue):
        return signal.convolve2d(bare(in1), bare(in2), mode, boundary, bare(fillvalue))
    in1, in2 = arrayed(in1), arrayed(in2)
    if in1.ndim != 2 or in2.ndim != 2:
        raise misfit("convolve2d inputs must both be 2-D arrays")
    if mode == "valid" and any(n < m for n, m in zip(in1.shape, in2.shape, strict=True)):
        in1, in2 = in2, in1
    if mode == "valid" or (boundary == "fill" and not isinstance(fillvalue, type(in1)) and fillvalue == 0):
        return convolve(in1, in2, mode, "direct")
    around = [(m - 1, m - 1) for m in in2.shape]
    how = {
        "fill": "constant",
        "wrap": "wrap",
        "circular": "wrap",
        "symm": "symmetric",
        "symmetric": "symmetric",
    }
    if boundary not in how:
        raise misfit(
            "acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm')"
        )
    given: Any = {"constant_values": fillvalue} if boundary == "fill" else {}
    given["mode"] = how[boundary]
    wide = np.pad(in1, around, **given)
    return _part(convolve(wide, in2, "valid", "direct"), in1.shape, in2.shape, mode)


def correlate2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0) -> Any:
    """``scipy.signal.correlate2d``: the cross-correlation of two matrices."""
    if not holds_variable(in1, in2, fillvalue):
        return signal.correlate2d(bare(in1), bare(in2), mode, boundary, bare(fillvalue))
    in1, in2 = arrayed(in1), arrayed(in2)
    if mode == "same" and any(m % 2 == 0 for m in in2.shape):
        full = convolve2d(in1, np.flip(np.conjugate(in2)), "full", boundary, fillvalue)
        start = [m // 2 for m in in2.shape]  # the middle of the flipped kernel
        return full[tuple(slice(k, k + n) for k, n in zip(start, in1.shape, strict=True))]
    return convolve2d(in1, np.flip(np.conjugate(in2)), mode, boundary, fillvalue)


# --- recursive filters -----------------------------------------------------------------------------------


def _earlier(g: Any, x: Any, count: int) -> Any:
    """``sum_n g[n] x[n - k]`` for each k below ``count``, over all signals."""
    n = x.shape[-1]
    return np.stack([np.sum(g[..., k:] * x[..., : max(n - k, 0)]) for k in range(count)])


def _backwards(b: Any, a: Any, g: Any) -> Any:
    return np.flip(_filtered(b, a, np.flip(g, -1)), -1)


_ONE = np.ones(1)
filtering = Primitive(
    "scipy.signal.lfilter",
    lambda b, a, x: signal.lfilter(b, a, x),
    vjp=[
        lambda g, y, b, a, x: _earlier(_backwards(_ONE.astype(b.dtype), a, g), x, len(b)),
        lambda g, y, b, a, x: -_earlier(_backwards(_ONE.astype(b.dtype), a, g), y, len(a)),
        lambda g, y, b, a, x: _backwards(b, a, g),
    ],
    reads=["12", "1y", "01"],
)
_filtered = filtering.apply


def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """``scipy.signal.lfilter``: a recursive filter, differentiable in its coefficients too.

    ``a[0] y[n] = sum_k b[k] x[n-k] - sum_(k>0) a[k] y[n-k]``; with the state ``zi`` also the state
    at the end is returned.
    """
    if not holds_variable(b, a, x, zi):
        return signal.lfilter(bare(b), bare(a), bare(x), axis, bare(zi))
    b, a, x = (np.atleast_1d(arrayed(v)) for v in (b, a, x))
    precise = np.result_type(frozen(b), frozen(a), frozen(x), np.float32)
    b, a, x = (v.astype(precise) if v.dtype != precise else v for v in (b, a, x))
    x = np.moveaxis(x, axis, -1)
    y = _filtered(b, a, x)
    if zi is None:
        return np.moveaxis(y, -1, axis)
    order, n = max(len(a), len(b)) - 1, x.shape[-1]
    zi = np.moveaxis(arrayed(zi), axis, -1)
    if n < order or zi.shape[-1] != order:
        raise misfit(f"lfilter needs a state of length {order} and a signal that is not shorter")
    late = np.pad(zi, [(0, 0)] * (zi.ndim - 1) + [(0, n - order)])
    y = y + _filtered(a[:1], a, np.broadcast_to(late, y.shape))
    state = _state(b / a[0], a / a[0], x, y, order)
    return np.moveaxis(y, -1, axis), np.moveaxis(state, -1, axis)


def _state(b: Any, a: Any, x: Any, y: Any, order: int) -> Any:
    """What the filter remembers after the last sample."""
    n = x.shape[-1]
    b, a = (np.pad(v, (0, order + 1 - len(v))) for v in (b, a))
    parts = []
    for k in range(order):
        terms = [b[i] * x[..., n + k - i] - a[i] * y[..., n + k - i] for i in range(k + 1, order + 1)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        parts.append(total)
    return np.stack(parts, axis=-1) if parts else x[..., :0]


def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """``scipy.signal.sosfilt``: one filter of second order after the other."""
    if not holds_variable(sos, x, zi):
        return signal.sosfilt(bare(sos), bare(x), axis, bare(zi))
    sos, states = arrayed(sos), []
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise misfit("sos array must be shape (n_sections, 6)")
    for i in range(sos.shape[0]):
        x = lfilter(sos[i, :3], sos[i, 3:], x, axis, None if zi is None else zi[i])
        if zi is not None:
            x, state = x
            states.append(state)
    return x if zi is None else (x, np.stack(states))


def _extended(x: Any, padtype: Any, padlen: int | None, default: int) -> tuple[Any, int]:
    """The signal (along the last axis) continued at both ends."""
    edge = 0 if padtype is None else default if padlen is None else padlen
    n = x.shape[-1]
    if n <= edge:
        raise misfit(f"The length of the input vector x must be greater than padlen, which is {edge}.")
    if edge == 0:
        return x, 0
    before, after = np.flip(x[..., 1 : edge + 1], -1), np.flip(x[..., n - edge - 1 : n - 1], -1)
    first, last = x[..., :1], x[..., n - 1 :]
    if padtype == "odd":
        before, after = 2 * first - before, 2 * last - after
    elif padtype == "constant":
        before, after = first + 0 * before, last + 0 * after
    elif padtype != "even":
        raise misfit(
            f"Unknown value '{padtype}' given to padtype. padtype must be 'even', 'odd', or 'constant'"
        )
    return np.concatenate([before, x, after], axis=-1), edge


def filtfilt(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: Any = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: int | None = None,
) -> Any:
    """``scipy.signal.filtfilt``: a filter forwards and backwards; differentiable in the signal."""
    if not holds_variable(b, a, x):
        return signal.filtfilt(bare(b), bare(a), bare(x), axis, padtype, padlen, method, irlen)
    if holds_variable(b, a) or method != "pad":
        raise no_gradient("scipy.signal.filtfilt with method='gust', or in its coefficients")
    b, a = np.atleast_1d(b), np.atleast_1d(a)
    x, edge = _extended(np.moveaxis(x, axis, -1), padtype, padlen, 3 * max(len(a), len(b)))
    state = signal.lfilter_zi(b, a)
    y, _ = lfilter(b, a, x, zi=state * x[..., :1])
    y, _ = lfilter(b, a, np.flip(y, -1), zi=state * y[..., -1:])
    y = np.flip(y, -1)
    return np.moveaxis(y[..., edge : y.shape[-1] - edge], -1, axis)


def sosfiltfilt(sos: Any, x: Any, axis: int = -1, padtype: Any = "odd", padlen: int | None = None) -> Any:
    """``scipy.signal.sosfiltfilt``: sections forwards and backwards; differentiable in the signal."""
    if not holds_variable(sos, x):
        return signal.sosfiltfilt(bare(sos), bare(x), axis, padtype, padlen)
    if holds_variable(sos):
        raise no_gradient("scipy.signal.sosfiltfilt in its coefficients")
    sos = np.asarray(sos)
    taps = 2 * len(sos) + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    x, edge = _extended(np.moveaxis(x, axis, -1), padtype, padlen, int(3 * taps))
    state = signal.sosfilt_zi(sos)
    state = state.reshape(len(sos), *(1,) * (x.ndim - 1), 2)
    y, _ = sosfilt(sos, x, zi=state * x[..., :1])
    y, _ = sosfilt(sos, np.flip(y, -1), zi=state * y[..., -1:])
    y = np.flip(y, -1)
    return np.moveaxis(y[..., edge : y.shape[-1] - edge], -1, axis)


# --- trends, envelopes, resampling -------------------------------------------------------------------------


def detrend(
    data: Any, axis: int = -1, type: Any = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """``scipy.signal.detrend``: without its mean, or its best line between break points."""
    if not holds_variable(data):
        return signal.detrend(bare(data), axis, type, bp, overwrite_data)
    if type in ("constant", "c"):
        return data - np.mean(data, axis=axis, keepdims=True)
    if type not in ("linear", "l"):
        raise misfit("Trend type must be 'linear' or 'constant'.")
    data = np.moveaxis(data, axis, -1)
    n = data.shape[-1]
    cuts = np.sort(np.unique(np.concatenate(np.atleast_1d(0, bp, n), axis=None)))
    if cuts[-1] > n:
        raise misfit("Breakpoints must be less than length of data along given axis.")
    pieces = []
    for start, stop in itertools.pairwise(cuts):
        count = int(stop - start)
        line = np.stack([np.ones(count), np.arange(1, count + 1) / count], axis=1)
        basis = np.linalg.qr(line)[0].astype(frozen(data).real.dtype)
        piece = data[..., int(start) : int(stop)]
        pieces.append(piece - np.matmul(np.matmul(piece, basis), basis.T))
    return np.moveaxis(np.concatenate(pieces, axis=-1), -1, axis)


def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:
    """``scipy.signal.hilbert``: the analytic signal."""
    if not holds_variable(x):
        return signal.hilbert(bare(x), N, axis)
    if x.dtype.kind == "c":
        raise misfit("x must be real.")
    n = x.shape[axis] if N is None else int(N)
    weights = np.zeros(n, x.dtype)
    weights[0] = 1
    weights[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        weights[n // 2] = 1
    shape = [1] * x.ndim
    shape[axis] = n
    return np.fft.ifft(np.fft.fft(x, n, axis) * weights.reshape(shape), axis=axis)


def resample(x: Any, num: int, t: Any = None, axis: int = 0, window: Any = None, domain: str = "time") -> Any:
    """``scipy.signal.resample``: ``num`` samples by way of the Fourier transform."""
    if not holds_variable(x):
        return signal.resample(bare(x), num, t, axis, window, domain)
    if window is not None or domain != "time" or x.dtype.kind == "c":
        raise no_gradient("scipy.signal.resample with window=, in the domain 'freq', or of complex signals")
    (axis,) = normal_axes(axis, x.ndim)
    n, num = x.shape[axis], int(num)
    short = min(n, num)
    spectrum = np.moveaxis(np.fft.rfft(x, axis=axis), axis, -1)[..., : short // 2 + 1]
    weights = np.full(short // 2 + 1, num / n, x.dtype)
    if short % 2 == 0 and n != num:
        weights[-1] *= 2 if num < n else 0.5  # the middle frequency stands for two, or is shared by two
    y = np.moveaxis(np.fft.irfft(spectrum * weights, num), -1, axis)
    if t is None:
        return y
    t = np.asarray(bare(t))
    return y, np.arange(num) * (t[1] - t[0]) * n / float(num) + t[0]


def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: float = 0.0,
) -> Any:
    """``scipy.signal.savgol_filter``: a local polynomial of best fit at each sample."""
    settings = (window_length, polyorder, deriv, delta)
    if not holds_variable(x):
        return signal.savgol_filter(bare(x), *settings, axis, mode, cval)
    if window_length % 2 == 0:
        raise no_gradient("scipy.signal.savgol_filter with an even window")
    half = window_length // 2
    x = np.moveaxis(x, axis, -1)
    if x.dtype.kind != "c" and x.dtype not in (np.float32, np.float64):
        x = np.astype(x, np.float64)
    around, ends = [(0, 0)] * (x.ndim - 1), None
    coefficients = signal.savgol_coeffs(window_length, polyorder, deriv=deriv, delta=delta)
    if mode == "interp":
        if window_length > x.shape[-1]:
            raise misfit("If mode is 'interp', window_length must be less than or equal to the size of x.")
        at_ends: Any = signal.savgol_filter(np.eye(window_length), *settings, axis=0)
        at_ends = at_ends.astype(x.dtype)
        first = np.matmul(x[..., :window_length], at_ends[:half].T)
        last = np.matmul(x[..., x.shape[-1] - window_length :], at_ends[window_length - half :].T)
        ends, wide = (first, last), x
    else:
        how = {"mirror": "reflect", "constant": "constant", "nearest": "edge", "wrap": "wrap"}
        given: Any = {"constant_values": cval} if mode == "constant" else {}
        given["mode"] = how[mode]
        wide = np.pad(x, [*around, (half, half)], **given)
    kernel = coefficients.astype(x.dtype).reshape((1,) * (x.ndim - 1) + (-1,))
    inner = convolve(wide, kernel, "valid", "direct")
    y = inner if ends is None else np.concatenate([ends[0], inner, ends[1]], axis=-1)
    return np.moveaxis(y, -1, axis)


def __getattr__(name: str) -> Any:
    return passed_on(signal, name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(signal)))
