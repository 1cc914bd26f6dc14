"""Traced: an array that notes down what NumPy is asked to do with it.

While a function is recorded, it runs once on these. Each has the value of this one run, so that shapes and
types are NumPy's own, and stands for a Value of the graph. Whatever would let the value of this run decide
about all later ones is refused, with both lines and the remedy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from operator import index as as_index
from types import CodeType
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..config import mode
from ..core.array import Array
from ..core.origin import INSIDE, called_at, place_of
from ..core.symbolic import Symbolic
from ..errors import TraceError
from . import words
from .graph import Value

_REMEDY = (
    "  → np.where(condition, a, b) chooses by value; whence.cond, while_loop and scan branch by value;\n"
    "    a plain Python number is a static argument; or leave this part out of what is compiled"
)


class Flags(NamedTuple):
    """What NumPy would tell of the memory: nothing is promised, so that no code relies on it."""

    c_contiguous: bool = False
    f_contiguous: bool = False
    forc: bool = False
    contiguous: bool = False
    owndata: bool = False
    aligned: bool = True
    writeable: bool = True


class Traced(Symbolic, NDArrayOperatorsMixin):
    """A value of a program that is being recorded.

    Attributes:
        recorder: of the program.
        now: the value in this run, an ndarray, a NumPy scalar or (``symbol.weak``) a Python number.
        symbol: the Value that it stands for.
        viewed: other values may share its memory, so that it is not written to.
    """

    __slots__ = ("__weakref__", "code", "lasti", "now", "recorder", "symbol", "viewed")

    __array_priority__ = 500.0  # Variables come first
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, recorder: Any, now: Any, symbol: Value, origin: tuple[CodeType | None, int]) -> None:
        self.recorder, self.now, self.symbol, self.viewed = recorder, now, symbol, False
        self.code, self.lasti = origin

    @property
    def _noting(self) -> Any:
        """What notes down calls just now: the recorder of a loop's body, or of the program."""
        return mode().tracer or self.recorder

    # --- by shape and type -------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.symbol.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.symbol.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.symbol.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self.symbol.dtype

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.symbol.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.symbol.nbytes

    @property
    def flags(self) -> Flags:
        """Of memory that is not there yet."""
        return Flags()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a value with no axes")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<a value that is being recorded, {self.symbol!r}>"

    # --- what would bake this run's values in --------------------------------------------------------

    def _refuse(self, what: str) -> NoReturn:
        place = place_of(self.code, self.lasti)
        made = f"  it was made at {place}\n" if place else "  it is an argument\n"
        raise TraceError(
            f"{what} of a value that compile is recording{called_at()}: the program would keep the value of"
            f" this one call\n{made}{_REMEDY}"
        )

    def __bool__(self) -> bool:
        if self.size == 1 and INSIDE[sys._getframe(1).f_code.co_filename]:  # a question that whence asks
            return self._noting.decide(self)
        if self.size == 1:
            self._refuse("the truth")
        raise ValueError("the truth value of an array with more than one element is ambiguous")

    def __float__(self) -> float:
        self._refuse("float()")

    def __int__(self) -> int:
        self._refuse("int()")

    def __complex__(self) -> complex:
        self._refuse("complex()")

    def __index__(self) -> int:
        self._refuse("an index")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self._refuse("an array")

    def item(self, *args: Any) -> Any:
        """Refused: it would read the value."""
        self._refuse("item()")

    def tolist(self) -> Any:
        """Refused: it would read the value."""
        self._refuse("tolist()")

    def __reduce__(self) -> Any:
        self._refuse("pickling")

    # --- NumPy's protocols ---------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        return self._noting.ufunc(ufunc, method, inputs, keywords)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        if any(issubclass(kind, Array) for kind in types):
            return NotImplemented
        return self._noting.call(function, args, keywords)

    def __getitem__(self, index: Any) -> Any:
        return self._noting.getitem(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._noting.overwrite(self, self._noting.emit(words.index_set, (self, index, value), {}))

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a value with no axes")
        return (self[i] for i in range(self.shape[0]))

    # --- NumPy's methods -----------------------------------------------------------------------------

    @property
    def T(self) -> Any:
        """The axes reversed."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The last two axes swapped."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """The real part."""
        return np.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return np.imag(self)

    @property
    def flat(self) -> Iterator[Any]:
        """The elements in C order."""
        return iter(np.ravel(self))

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", copy: bool = True) -> Any:
        """Converted to ``dtype``."""
        dtype = np.dtype(dtype)
        if dtype == self.dtype and not self.symbol.weak:
            return np.copy(self) if copy else self
        return self._noting.emit(words.astype, (self, dtype), {})

    def view(self, dtype: Any = None) -> Any:
        """The same memory, read as another type."""
        if dtype is None or np.dtype(dtype) == self.dtype:
            return self
        return self._noting.emit(words.reinterpret, (self, np.dtype(dtype)), {})

    def copy(self, order: str = "C") -> Any:
        """A value of its own."""
        return np.copy(self)

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        """The same elements in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Any:
        """The axes permuted."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            return np.transpose(self, axes[0])
        return np.transpose(self, [as_index(axis) for axis in axes] or None)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes swapped."""
        return np.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of length one."""
        return np.squeeze(self, axis)

    def ravel(self, order: Any = "C") -> Any:
        """All elements along one axis."""
        return np.ravel(self, order)

    def flatten(self, order: Any = "C") -> Any:
        """All elements along one axis, in memory of their own."""
        return np.copy(np.ravel(self, order))

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Any:
        """The sum over ``axis``."""
        return np.sum(self, axis, dtype, out, **keywords)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Any:
        """The product over ``axis``."""
        return np.prod(self, axis, dtype, out, **keywords)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """The mean over ``axis``."""
        return np.mean(self, axis, dtype, out, keepdims)

    def var(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False
    ) -> Any:
        """The variance over ``axis``."""
        return np.var(self, axis, dtype, out, ddof, keepdims)

    def std(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False
    ) -> Any:
        """The standard deviation over ``axis``."""
        return np.std(self, axis, dtype, out, ddof, keepdims)

    def max(self, axis: Any = None, out: Any = None, **keywords: Any) -> Any:
        """The largest element over ``axis``."""
        return np.max(self, axis, out, **keywords)

    def min(self, axis: Any = None, out: Any = None, **keywords: Any) -> Any:
        """The smallest element over ``axis``."""
        return np.min(self, axis, out, **keywords)

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """Is any element true?"""
        return np.any(self, axis, out, keepdims)

    def all(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        """Are all elements true?"""
        return np.all(self, axis, out, keepdims)

    def argmax(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Where the largest element is."""
        return np.argmax(self, axis, out, keepdims=keepdims)

    def argmin(self, axis: Any = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Where the smallest element is."""
        return np.argmin(self, axis, out, keepdims=keepdims)

    def argsort(self, axis: Any = -1, kind: Any = None, order: Any = None) -> Any:
        """The order that sorts."""
        return np.argsort(self, axis, kind, order)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Running sums along ``axis``."""
        return np.cumsum(self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        """Running products along ``axis``."""
        return np.cumprod(self, axis, dtype, out)

    def dot(self, other: Any) -> Any:
        """``np.dot(self, other)``."""
        return np.dot(self, other)

    def clip(self, min: Any = None, max: Any = None) -> Any:
        """Limited to ``[min, max]``."""
        return np.clip(self, min, max)

    def conj(self) -> Any:
        """The complex conjugate."""
        return np.conjugate(self)

    conjugate = conj

    def take(self, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise") -> Any:
        """Elements at ``indices``."""
        return np.take(self, indices, axis, out, mode)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Each element repeated."""
        return np.repeat(self, repeats, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The diagonals of two axes."""
        return np.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The sum of the diagonal."""
        return np.trace(self, offset, axis1, axis2)

    def round(self, decimals: int = 0) -> Any:
        """Rounded."""
        return np.round(self, decimals)

    def nonzero(self) -> Any:
        """Refused: how many there are depends on the values."""
        return np.nonzero(self)
