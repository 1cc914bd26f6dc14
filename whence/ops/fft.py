"""Fourier transforms: ``numpy.fft``, of any length, along any axes, real and complex.

All are linear. The matrix of a discrete Fourier transform is symmetric, so a complex transform is
its own transpose; a real one keeps half of the spectrum, whose other half is the conjugate of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.table import OPS, PLAIN
from ..errors import AxisError
from .batching import along_axis
from .declare import implements, misfit, no_out, normal_axes

#: The norm that scales the other direction's transform as this one scales its own.
SWAPPED: dict[Any, Any] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}

# --- primitives: transforms of the whole length --------------------------------------------------


def _along_axes(op: Any, batched: Any, x: Any, axes: Any, norm: Any = None) -> Any:
    ndim = np.ndim(x) - 1
    return op(x, axes=tuple(normal_axes(a, ndim)[0] + 1 for a in axes), norm=norm)


fftn = Primitive(
    "np.fft.fftn",
    lambda x, axes, norm=None: np.fft.fftn(x, axes=axes, norm=norm),
    vjp=[lambda g, y, x, axes, norm=None: np.fft.fftn(g, axes=axes, norm=norm)],
    reads=[""],
    kind="linear",
    batch=_along_axes,
)
ifftn = Primitive(
    "np.fft.ifftn",
    lambda x, axes, norm=None: np.fft.ifftn(x, axes=axes, norm=norm),
    vjp=[lambda g, y, x, axes, norm=None: np.fft.ifftn(g, axes=axes, norm=norm)],
    reads=[""],
    kind="linear",
    batch=_along_axes,
)


def _occurrences(n: int, ndim: int, axis: int, like: Any) -> Any:
    """How often each element of half a spectrum stands in the whole one of length ``n``."""
    times = np.full(n // 2 + 1, 2.0)
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    shape = [1] * ndim
    shape[axis] = -1
    return times.reshape(shape).astype(like.dtype.char.lower())  # F, D and G: f, d and g


def _rfft_rule(g: Any, y: Any, x: Any, axis: int = -1, norm: Any = None) -> Any:
    n = x.shape[axis]
    half = np.conjugate(g) / _occurrences(n, x.ndim, axis, g)
    return np.fft.irfft(half, n, axis, SWAPPED[norm])


def _irfft_rule(g: Any, y: Any, x: Any, n: int, axis: int = -1, norm: Any = None) -> Any:
    spectrum = np.conjugate(np.fft.rfft(g, n, axis, SWAPPED[norm]))
    return spectrum * _occurrences(n, x.ndim, axis, spectrum)


rfft = Primitive(
    "np.fft.rfft",
    lambda x, axis=-1, norm=None: np.fft.rfft(x, None, axis, norm),
    vjp=[_rfft_rule],
    reads=[""],
    kind="linear",
    batch=along_axis,
)
irfft = Primitive(
    "np.fft.irfft",
    lambda x, n, axis=-1, norm=None: np.fft.irfft(x, n, axis, norm),
    vjp=[_irfft_rule],
    reads=[""],
    kind="linear",
    batch=along_axis,
)

# --- NumPy's functions: cropped or padded first --------------------------------------------------


def sized(a: Any, lengths: Sequence[int], axes: Sequence[int]) -> Any:
    """``a`` with these ``lengths`` along ``axes``: cut off, or filled up with zeros."""
    keep: list[Any] = [slice(None)] * a.ndim
    width = [(0, 0)] * a.ndim
    for n, axis in zip(lengths, axes, strict=True):
        if n < 1:
            raise misfit(f"Invalid number of FFT data points ({n}) specified.")
        if n < a.shape[axis]:
            keep[axis] = slice(n)
        width[axis] = (0, max(0, n - a.shape[axis]))
    if any(part != slice(None) for part in keep):
        a = a[tuple(keep)]
    return np.pad(a, width) if any(after for _, after in width) else a


def _norm(norm: Any) -> Any:
    if norm not in SWAPPED:
        raise misfit(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return norm


def _lengths(a: Any, s: Any, axes: Any, half: bool = False) -> tuple[list[int], list[int]]:
    """Lengths and axes of a transform over several; ``half``: the last is half a spectrum."""
    if s is None:
        given = range(a.ndim) if axes is None else axes
        axes = [normal_axes(axis, a.ndim)[0] for axis in given]
        lengths = [a.shape[axis] for axis in axes]
        if half and axes:
            lengths[-1] = 2 * (lengths[-1] - 1)
        return lengths, axes
    lengths = [int(n) for n in s]
    axes = range(-len(lengths), 0) if axes is None else axes
    axes = [normal_axes(axis, a.ndim)[0] for axis in axes]
    if len(axes) != len(lengths):
        raise misfit("Shape and axes have different lengths.")
    lengths = [a.shape[axis] if n == -1 else n for n, axis in zip(lengths, axes, strict=True)]
    return lengths, axes


def _complex(primitive: Primitive, a: Any, s: Any, axes: Any, norm: Any) -> Any:
    lengths, axes = _lengths(a, s, axes)
    if len(set(axes)) == len(axes):
        return primitive(sized(a, lengths, axes), axes=tuple(axes), norm=_norm(norm)) if axes else a
    for n, axis in zip(reversed(lengths), reversed(axes), strict=True):  # an axis named twice
        a = primitive(sized(a, [n], [axis]), axes=(axis,), norm=_norm(norm))
    return a


def _one(primitive: Primitive, name: str) -> Any:
    def transform(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        no_out(name, out)
        return _complex(primitive, a, None if n is None else (n,), (axis,), norm)

    return transform


def _several(primitive: Primitive, name: str, default: Any) -> Any:
    def transform(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        no_out(name, out)
        return _complex(primitive, a, s, axes, norm)

    return transform


OPS[np.fft.fft], OPS[np.fft.ifft] = _one(fftn, "np.fft.fft"), _one(ifftn, "np.fft.ifft")
OPS[np.fft.fftn] = _several(fftn, "np.fft.fftn", None)
OPS[np.fft.ifftn] = _several(ifftn, "np.fft.ifftn", None)
OPS[np.fft.fft2] = _several(fftn, "np.fft.fft2", (-2, -1))
OPS[np.fft.ifft2] = _several(ifftn, "np.fft.ifft2", (-2, -1))


@implements(np.fft.rfft)
def _rfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    no_out("np.fft.rfft", out)
    (axis,) = normal_axes(axis, a.ndim)
    a = a if n is None else sized(a, [int(n)], [axis])
    return rfft(a, axis=axis, norm=_norm(norm))


@implements(np.fft.irfft)
def _irfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    no_out("np.fft.irfft", out)
    (axis,) = normal_axes(axis, a.ndim)
    length = 2 * (a.shape[axis] - 1) if n is None else int(n)
    return irfft(sized(a, [length // 2 + 1], [axis]), n=length, axis=axis, norm=_norm(norm))


def _rfftn_over(name: str, default: Any) -> Any:
    def transform(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        no_out(name, out)
        lengths, axes = _lengths(a, s, axes)
        _at_least_one(name, axes)
        y = _rfft(a, lengths[-1], axes[-1], norm)
        return _complex(fftn, y, lengths[:-1], axes[:-1], norm) if axes[:-1] else y

    return transform


def _irfftn_over(name: str, default: Any) -> Any:
    def transform(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        no_out(name, out)
        lengths, axes = _lengths(a, s, axes, half=True)
        _at_least_one(name, axes)
        y = _complex(ifftn, a, lengths[:-1], axes[:-1], norm) if axes[:-1] else a
        return _irfft(y, lengths[-1], axes[-1], norm)

    return transform


def _at_least_one(name: str, axes: Sequence[int]) -> None:
    if not axes:
        raise AxisError(f"{name}: at least 1 axis must be transformed{called_at()}")


OPS[np.fft.rfftn], OPS[np.fft.rfft2] = (
    _rfftn_over("np.fft.rfftn", None),
    _rfftn_over("np.fft.rfft2", (-2, -1)),
)
OPS[np.fft.irfftn], OPS[np.fft.irfft2] = (
    _irfftn_over("np.fft.irfftn", None),
    _irfftn_over("np.fft.irfft2", (-2, -1)),
)


@implements(np.fft.hfft)
def _hfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    no_out("np.fft.hfft", out)
    return _irfft(np.conjugate(a), n, axis, SWAPPED[_norm(norm)])


@implements(np.fft.ihfft)
def _ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    no_out("np.fft.ihfft", out)
    return np.conjugate(_rfft(a, n, axis, SWAPPED[_norm(norm)]))


def _shifted(x: Any, axes: Any, direction: int) -> Any:
    axes = normal_axes(axes, x.ndim)
    return np.roll(x, tuple(direction * (x.shape[i] // 2) for i in axes), axes)


OPS[np.fft.fftshift] = lambda x, axes=None: _shifted(x, axes, 1)
OPS[np.fft.ifftshift] = lambda x, axes=None: _shifted(x, axes, -1)
PLAIN |= {np.fft.fftfreq, np.fft.rfftfreq}
