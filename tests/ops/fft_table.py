"""Fourier transforms in the tables of the laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from whence.core.primitive import PRIMITIVES

from .entries import Draw, Spec, Trial, entry, shapes
from .examples import EXAMPLES, of

NORMS = st.sampled_from([None, "ortho", "forward", "backward"])
cube, vector = of((2, 5, 4)), of((5,))
real_cube, real_vector = of((2, 5, 4), complex=False), of((5,), complex=False)


def _over_axes(name: str, plain: Any) -> None:
    @entry(name)
    def trial(draw: Draw, large: bool) -> Trial:
        shape = shapes(draw, large, 1, least=1)
        chosen = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
        keywords = {"axes": tuple(chosen), "norm": draw(NORMS)}
        f = PRIMITIVES[name]
        return Trial(lambda x: f(x, **keywords), lambda x: plain(x, **keywords), (Spec(shape),), True)


_over_axes("np.fft.fftn", np.fft.fftn)
_over_axes("np.fft.ifftn", np.fft.ifftn)


@entry("np.fft.rfft")
def _rfft(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1, least=1)
    keywords = {"axis": draw(st.integers(-len(shape), len(shape) - 1)), "norm": draw(NORMS)}
    f = PRIMITIVES["np.fft.rfft"]
    return Trial(lambda x: f(x, **keywords), lambda x: np.fft.rfft(x, **keywords), (Spec(shape),))


@entry("np.fft.irfft")
def _irfft(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large, 1, least=1)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    n = max(1, 2 * shape[axis] - draw(st.integers(1, 2)))
    keywords = {"n": n, "axis": axis, "norm": draw(NORMS)}
    f = PRIMITIVES["np.fft.irfft"]
    return Trial(lambda x: f(x, **keywords), lambda x: np.fft.irfft(x, **keywords), (Spec(shape),), True)


EXAMPLES.update(
    {
        f: [
            *vector(
                lambda x, f=f: f(x),
                lambda x, f=f: f(x, 8),
                lambda x, f=f: f(x, n=3, norm="ortho"),
            ),
            *cube(lambda x, f=f: f(x, axis=1), lambda x, f=f: f(x, 7, -2, "forward")),
        ]
        for f in (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft)
    }
)
EXAMPLES.update(
    {
        f: [
            *real_vector(
                lambda x, f=f: f(x),
                lambda x, f=f: f(x, 8),
                lambda x, f=f: f(x, n=3, norm="ortho"),
            ),
            *real_cube(lambda x, f=f: f(x, axis=1), lambda x, f=f: f(x, 7, -2, "forward")),
        ]
        for f in (np.fft.rfft, np.fft.ihfft)
    }
)
for _f, _draw in [
    (np.fft.fftn, cube), (np.fft.ifftn, cube), (np.fft.irfftn, cube), (np.fft.rfftn, real_cube),
    (np.fft.fft2, cube), (np.fft.ifft2, cube), (np.fft.irfft2, cube), (np.fft.rfft2, real_cube),
]:  # fmt: skip
    EXAMPLES[_f] = _draw(
        lambda x, f=_f: f(x),
        lambda x, f=_f: f(x, s=(3, 6), axes=(0, 2)),
        lambda x, f=_f: f(x, axes=(2, 1), norm="ortho"),
        lambda x, f=_f: f(x, (7, -1), axes=(1, 2), norm="forward"),
        lambda x, f=_f: f(x, axes=(1,)),
    )
EXAMPLES[np.fft.fftn] += cube(lambda x: np.fft.fftn(x, axes=(1, 1)))
for _shift in (np.fft.fftshift, np.fft.ifftshift):
    EXAMPLES[_shift] = cube(
        lambda x, f=_shift: f(x), lambda x, f=_shift: f(x, axes=1), lambda x, f=_shift: f(x, (0, -2))
    )
