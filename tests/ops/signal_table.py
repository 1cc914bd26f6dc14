"""The mirrors of scipy.fft and scipy.signal in the tables of the laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal
from hypothesis import strategies as st

import whence.scipy.fft
import whence.scipy.signal
from whence.core.primitive import PRIMITIVES

from .entries import Draw, Spec, Trial, entry, shapes
from .examples import EXAMPLES, Example


def both(name: str, call: Callable[..., Any], *shapes: Any, complex: bool = True) -> None:
    """An example of the function ``name``: ``call(function, *operands)`` for the mirror and for SciPy's."""
    module, _, short = name.rpartition(".")
    mirror = getattr(getattr(whence.scipy, module), short)
    original = getattr(getattr(scipy, module), short)
    specs = tuple(s if isinstance(s, Spec) else Spec(s) for s in shapes)
    example = Example(lambda *xs: call(mirror, *xs), specs, complex, plain=lambda *xs: call(original, *xs))
    EXAMPLES.setdefault(mirror, []).append(example)


# --- fft -----------------------------------------------------------------------------------------------

for _name in ("fft", "ifft", "irfft", "hfft", "rfft", "ihfft"):
    _complex = _name not in ("rfft", "ihfft")
    both(f"fft.{_name}", lambda f, x: f(x), (5,), complex=_complex)
    both(f"fft.{_name}", lambda f, x: f(x, 6, 1, "ortho", workers=1), (2, 5), complex=_complex)
    both(f"fft.{_name}", lambda f, x: f(x, n=3, axis=0), (4, 2), complex=_complex)
for _name in ("fftn", "ifftn", "irfftn", "hfftn", "rfftn", "ihfftn"):
    _complex = _name not in ("rfftn", "ihfftn")
    both(f"fft.{_name}", lambda f, x: f(x), (3, 4), complex=_complex)
    both(f"fft.{_name}", lambda f, x: f(x, (5, 3), axes=(2, 0), norm="forward"), (3, 2, 4), complex=_complex)
for _name in ("fft2", "ifft2", "irfft2", "hfft2", "rfft2", "ihfft2"):
    both(f"fft.{_name}", lambda f, x: f(x), (2, 3, 4), complex=_name not in ("rfft2", "ihfft2"))
both("fft.fftshift", lambda f, x: f(x, axes=1), (2, 5))
both("fft.ifftshift", lambda f, x: f(x), (2, 5))
for _name in ("dct", "idct", "dst", "idst"):
    for _type in (1, 2, 3, 4):
        for _norm in (None, "ortho", "forward"):
            both(f"fft.{_name}", lambda f, x, t=_type, n=_norm: f(x, t, norm=n), (5,))
    both(f"fft.{_name}", lambda f, x: f(x, n=6, axis=0), (4, 2))
for _name in ("dctn", "idctn", "dstn", "idstn"):
    both(f"fft.{_name}", lambda f, x: f(x), (3, 4))
    both(f"fft.{_name}", lambda f, x: f(x, 3, s=(5,), axes=(0,), norm="ortho"), (3, 4))


def _cosine(name: str, plain: Any) -> None:
    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large, 1, least=2)
        keywords = {
            "type": draw(st.integers(1, 4)),
            "axis": draw(st.integers(-len(shape), len(shape) - 1)),
            "norm": draw(st.sampled_from([None, "ortho", "forward", "backward"])),
        }
        f = PRIMITIVES[name]
        return Trial(lambda x: f(x, **keywords), lambda x: plain(x, **keywords), (Spec(shape),), True)


_cosine("scipy.fft.dct", scipy.fft.dct)
_cosine("scipy.fft.dst", scipy.fft.dst)

# --- convolutions --------------------------------------------------------------------------------------

MODES = ("full", "same", "valid")
for _name in ("convolve", "correlate", "fftconvolve", "oaconvolve"):
    for _mode in MODES:
        both(f"signal.{_name}", lambda f, x, y, m=_mode: f(x, y, m), (5,), (3,))
        both(f"signal.{_name}", lambda f, x, y, m=_mode: f(x, y, m), (2,), (4,))
        both(f"signal.{_name}", lambda f, x, y, m=_mode: f(x, y, mode=m), (4, 5), (3, 2))
for _name in ("convolve", "correlate"):
    both(f"signal.{_name}", lambda f, x: f(x, np.array([1.0, 2.0])), (5,))
for _name in ("fftconvolve", "oaconvolve"):
    both(f"signal.{_name}", lambda f, x, y: f(x, y, "same", axes=1), (2, 5), (2, 3))
    both(f"signal.{_name}", lambda f, x, y: f(x, y, axes=-1), (2, 5), (1, 3))
for _name in ("convolve2d", "correlate2d"):
    for _mode in MODES:
        for _boundary in ("fill", "wrap", "symm"):
            both(
                f"signal.{_name}", lambda f, x, y, m=_mode, b=_boundary: f(x, y, m, b), (4, 5), (3, 2),
                complex=False,
            )  # fmt: skip
    both(f"signal.{_name}", lambda f, x, y: f(x, y, "same"), (4, 5), (3, 3))
    both(f"signal.{_name}", lambda f, x, y: f(x, y, "full", fillvalue=2.0), (4, 5), (3, 2), complex=False)


@entry("scipy.signal.convolve")
def _convolve(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1, 2, least=1)
    other = tuple(draw(st.integers(1, 3)) for _ in shape)
    method = draw(st.sampled_from(["direct", "fft"]))
    f = PRIMITIVES["scipy.signal.convolve"]
    return Trial(
        lambda a, v: f(a, v, method=method),
        lambda a, v: scipy.signal.convolve(a, v, "full", method),
        (Spec(shape), Spec(other)),
        True,
    )


# --- filters -------------------------------------------------------------------------------------------

B, A = np.array([0.3, 0.5, 0.2]), np.array([1.0, -0.4, 0.1])
LEADING = Spec((2,), 0.8, 1.2)
SOS = np.array([[0.3, 0.5, 0.2, 1.0, -0.4, 0.1], [1.0, 0.3, 0.0, 1.0, 0.2, 0.0]])


@entry("scipy.signal.lfilter")
def _lfilter(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1, 2, least=1)
    f = PRIMITIVES["scipy.signal.lfilter"]
    b, a = Spec((draw(st.integers(1, 3)),)), Spec((draw(st.integers(1, 3)),), 0.1, 0.25)
    first = np.zeros(a.shape)
    first[0] = 1
    return Trial(
        lambda b, a, x: f(b, a + first.astype(a.dtype), x),
        lambda b, a, x: scipy.signal.lfilter(b, a + first.astype(a.dtype), x),
        (b, a, Spec(shape)),
    )


both("signal.lfilter", lambda f, x: f(B, A, x), (6,))
both("signal.lfilter", lambda f, b, x: f(b, [1.0], x, axis=0), (3,), (4, 2))
both("signal.lfilter", lambda f, a, x: f(B[:2], a * [1.0, -0.5], x), LEADING, (2, 6), complex=False)
both("signal.lfilter", lambda f, x, z: f(B, A, x, zi=z), (2, 6), (2, 2), complex=False)
both("signal.lfilter", lambda f, x, z: f(2 * B, 2 * A[:2], x, 0, z), (6, 2), (2, 2), complex=False)
both("signal.sosfilt", lambda f, x: f(SOS, x), (2, 6), complex=False)
both("signal.sosfilt", lambda f, x, z: f(SOS, x, zi=z), (3, 6), (2, 3, 2), complex=False)
FREE = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])  # SciPy wants the fourth to be one
both("signal.sosfilt", lambda f, s, x: f(0.1 * s * FREE + SOS, x), (2, 6), (6,), complex=False)
for _padtype in ("odd", "even", "constant", None):
    both("signal.filtfilt", lambda f, x, p=_padtype: f(B, A, x, padtype=p), (2, 12), complex=False)
    both(
        "signal.sosfiltfilt", lambda f, x, p=_padtype: f(SOS, x, padtype=p, padlen=4), (2, 12), complex=False
    )
both("signal.filtfilt", lambda f, x: f(B, A, x, axis=0, padlen=2), (6, 2), complex=False)
both("signal.sosfiltfilt", lambda f, x: f(SOS, x, axis=0), (20, 2), complex=False)
both("signal.detrend", lambda f, x: f(x), (2, 6))
both("signal.detrend", lambda f, x: f(x, axis=0, bp=[3]), (7, 2), complex=False)
both("signal.detrend", lambda f, x: f(x, type="constant"), (2, 6))
for _n in (5, 6):
    both("signal.hilbert", lambda f, x: f(x), (_n,), complex=False)
    both("signal.resample", lambda f, x: f(x, 4), (_n,), complex=False)
    both("signal.resample", lambda f, x: f(x, 7, axis=1), (2, _n), complex=False)
    both("signal.resample", lambda f, x: f(x, 10), (_n, 2), complex=False)
both("signal.hilbert", lambda f, x: f(x, N=8, axis=0), (5, 2), complex=False)
both("signal.savgol_filter", lambda f, x: f(x, 5, 2), (2, 9), complex=False)
both("signal.savgol_filter", lambda f, x: f(x, 3, 2, deriv=1, delta=0.5, axis=0), (9, 2), complex=False)
for _mode in ("mirror", "constant", "nearest", "wrap"):
    both("signal.savgol_filter", lambda f, x, m=_mode: f(x, 5, 2, mode=m, cval=1.0), (9,), complex=False)
