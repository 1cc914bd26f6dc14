"""The mirror of ``scipy.fft``: Fourier, cosine and sine transforms of Variables.

SciPy's functions do not look at NumPy's protocols; these do what they do, and differentiate.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import fft as scipys

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..errors import NoGradientError
from ..ops.declare import normal_axes
from ..ops.fft import SWAPPED, sized
from .beyond import bare, holds_variable, passed_on

# --- Fourier transforms: NumPy's, which are SciPy's ------------------------------------------------


def _mirrored(name: str, op: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's function for plain arrays; ``op``, which takes its arguments by name, for Variables."""
    plain = getattr(scipys, name)
    signature = inspect.signature(plain)

    @functools.wraps(plain)
    def mirror(*args: Any, **kwargs: Any) -> Any:
        if not holds_variable(args, kwargs):
            return plain(*bare(args), **bare(kwargs))
        given = signature.bind(*args, **kwargs).arguments
        for how in ("overwrite_x", "workers", "plan"):  # they change nothing of the result
            given.pop(how, None)
        return op(**given)

    return mirror


def _numpys(name: str) -> Callable[..., Any]:
    function = getattr(np.fft, name)
    return _mirrored(name, lambda x, **given: function(x, **given))


fft, ifft, rfft, irfft = _numpys("fft"), _numpys("ifft"), _numpys("rfft"), _numpys("irfft")
hfft, ihfft = _numpys("hfft"), _numpys("ihfft")
fftn, ifftn, rfftn, irfftn = _numpys("fftn"), _numpys("ifftn"), _numpys("rfftn"), _numpys("irfftn")
fft2, ifft2, rfft2, irfft2 = _numpys("fft2"), _numpys("ifft2"), _numpys("rfft2"), _numpys("irfft2")
fftshift, ifftshift = _numpys("fftshift"), _numpys("ifftshift")


def _hermitian(x: Any, norm: Any = None, **given: Any) -> Any:
    return np.fft.irfftn(np.conjugate(x), norm=SWAPPED[norm], **given)


def _from_hermitian(x: Any, norm: Any = None, **given: Any) -> Any:
    return np.conjugate(np.fft.rfftn(x, norm=SWAPPED[norm], **given))


hfftn, ihfftn = _mirrored("hfftn", _hermitian), _mirrored("ihfftn", _from_hermitian)
hfft2 = _mirrored("hfft2", lambda x, axes=(-2, -1), **given: _hermitian(x, axes=axes, **given))
ihfft2 = _mirrored("ihfft2", lambda x, axes=(-2, -1), **given: _from_hermitian(x, axes=axes, **given))

# --- cosine and sine transforms ----------------------------------------------------------------------

INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}


def _end(x: Any, axis: int, place: int, factor: float) -> Any:
    """A factor for one element along ``axis``, 1 for the others."""
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    factors = np.ones(x.shape[axis], np.zeros((), x.dtype).real.dtype)
    factors[place] = factor
    return factors.reshape(shape)


def _cosine_rule(g: Any, y: Any, x: Any, type: int, axis: int, norm: Any = None) -> Any:
    """The transpose, by the sums that define the types (SciPy's documentation of ``dct``)."""
    if norm == "ortho":
        return dct(g, INVERSE[type], axis=axis, norm=norm)
    if type == 2:
        return dct(g * _end(x, axis, 0, 2.0), 3, axis=axis, norm=norm)
    if type == 3:
        return dct(g, 2, axis=axis, norm=norm) * _end(x, axis, 0, 0.5)
    if type == 1:  # a symmetric matrix, with the first and the last column halved
        ends = _end(x, axis, 0, 2.0) * _end(x, axis, -1, 2.0)
        return dct(g * ends, 1, axis=axis, norm=norm) / ends
    return dct(g, 4, axis=axis, norm=norm)


def _sine_rule(g: Any, y: Any, x: Any, type: int, axis: int, norm: Any = None) -> Any:
    if norm == "ortho":
        return dst(g, INVERSE[type], axis=axis, norm=norm)
    if type == 2:
        return dst(g * _end(x, axis, -1, 2.0), 3, axis=axis, norm=norm)
    if type == 3:
        return dst(g, 2, axis=axis, norm=norm) * _end(x, axis, -1, 0.5)
    return dst(g, type, axis=axis, norm=norm)


cosine = Primitive(
    "scipy.fft.dct",
    lambda x, type, axis, norm=None: scipys.dct(x, type, axis=axis, norm=norm),
    vjp=[_cosine_rule],
    reads=[""],
    kind="linear",
)
sine = Primitive(
    "scipy.fft.dst",
    lambda x, type, axis, norm=None: scipys.dst(x, type, axis=axis, norm=norm),
    vjp=[_sine_rule],
    reads=[""],
    kind="linear",
)


def _over(primitive: Primitive, inverse: bool) -> Callable[..., Any]:
    def transform(x: Any, type: int, lengths: Any, axes: Any, norm: Any, orthogonalize: Any) -> Any:
        if orthogonalize is not None and orthogonalize != (norm == "ortho"):
            raise NoGradientError(
                f"{primitive.name}(orthogonalize={orthogonalize}) has no gradient in whence with "
                f"norm={norm!r}{called_at()}\n  → leave it out, or scale the ends yourself"
            )
        if lengths is not None:
            x = sized(x, [int(n) for n in lengths], axes)
        type, norm = (INVERSE[type], SWAPPED[norm]) if inverse else (type, norm)
        for axis in axes:
            x = primitive(x, type=type, axis=axis, norm=norm)
        return x

    return transform


def _along_one(name: str, transform: Callable[..., Any]) -> Any:
    def along(
        x: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None, orthogonalize: Any = None
    ) -> Any:
        axes = normal_axes(axis, x.ndim)
        return transform(x, type, None if n is None else (n,), axes, norm, orthogonalize)

    return _mirrored(name, along)


def _along_several(name: str, transform: Callable[..., Any]) -> Any:
    def along(
        x: Any, type: int = 2, s: Any = None, axes: Any = None, norm: Any = None, orthogonalize: Any = None
    ) -> Any:
        if axes is None and s is not None:
            axes = tuple(range(-len(s), 0))
        return transform(x, type, s, normal_axes(axes, x.ndim), norm, orthogonalize)

    return _mirrored(name, along)


dct, idct = _along_one("dct", _over(cosine, False)), _along_one("idct", _over(cosine, True))
dst, idst = _along_one("dst", _over(sine, False)), _along_one("idst", _over(sine, True))
dctn, idctn = _along_several("dctn", _over(cosine, False)), _along_several("idctn", _over(cosine, True))
dstn, idstn = _along_several("dstn", _over(sine, False)), _along_several("idstn", _over(sine, True))


def __getattr__(name: str) -> Any:
    return passed_on(scipys, name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(scipys)))
