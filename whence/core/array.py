"""Array: what makes a Variable behave as NumPy's arrays do.

Operators, methods and NumPy's two protocols. Each looks its op up in the table and calls it, so
nothing here knows about gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from ..config import mode, strict
from ..errors import GraphError, NoGradientError
from .asked import asker, mirrored, opaque, operator_of_sparse_matrix
from .graph import Constant
from .origin import called_at, made_at
from .table import OPS, PLAIN, name_of

_add, _subtract, _multiply, _square = np.add, np.subtract, np.multiply, np.square
_divide, _power, _negative = np.true_divide, np.power, np.negative
_remainder, _floor_divide, _matmul = np.remainder, np.floor_divide, np.matmul


class Array:
    """The array side of a Variable: its value is ``_data``, its memory ``edge``."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    _data: Any
    data: Any
    edge: Any

    # --- looking at it ---------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self._data.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the value."""
        return self._data.nbytes

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._data.itemsize

    def __len__(self) -> int:
        if self._data.ndim == 0:
            raise TypeError("len() of a Variable with no axes")
        return len(self._data)

    def __str__(self) -> str:
        return str(self._data)

    def __format__(self, spec: str) -> str:
        return format(self._data.item() if self._data.ndim == 0 and spec else self._data, spec)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        _refuse_to_cut(self, "float")
        return float(self._data)

    def __int__(self) -> int:
        return int(self._data)

    def __complex__(self) -> complex:
        _refuse_to_cut(self, "complex")
        return complex(self._data)

    def __index__(self) -> int:
        return self._data.__index__()

    def item(self, *args: Any) -> Any:
        """The (only) element as a Python number; not differentiable."""
        return self._data.item(*args)

    def tolist(self) -> Any:
        """Nested lists of Python numbers; not differentiable."""
        return self._data.tolist()

    @property
    def _value(self) -> Any:
        """The bare value, by the name that programs written for autograd use."""
        return self.data

    # --- the array API standard ------------------------------------------------------------------

    @property
    def device(self) -> str:
        """Where the value is: ``"cpu"``."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: None = None) -> Self:
        """This Variable: ``"cpu"`` is the only device."""
        if device != "cpu" or stream is not None:
            raise ValueError(f"Variables are on the device 'cpu', not {device!r}{called_at()}")
        return self

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The functions of the array API standard, ``whence.numpy.array_api``."""
        return OPS["array namespace"](api_version)

    def __dlpack__(self, **keywords: Any) -> Any:
        if mode().recording:
            raise _no_plain_array(self, "DLPack")
        return np.asarray(self.data).__dlpack__(**keywords)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.asarray(self._data).__dlpack_device__()

    # --- NumPy's protocols -----------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        integers = dtype is not None and np.dtype(dtype).kind in "iub"  # which have no gradient to lose
        if mode().recording and not integers:
            if operator_of_sparse_matrix():
                return opaque(self)  # A @ v of a scipy.sparse matrix is then left to v
            raise _no_plain_array(self)
        return np.array(self.data, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            op = OPS.get(ufunc)
            if op is not None:
                return op(*inputs)
        return _other_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        op = OPS.get(function)
        if op is not None:
            return op(*args, **kwargs)
        return _no_op(function, args, kwargs)

    # --- operators: straight to the op -----------------------------------------------------------

    def __add__(self, other: Any) -> Self:
        return OPS[_add](self, other)

    def __radd__(self, other: Any) -> Self:
        return OPS[_add](other, self)

    def __sub__(self, other: Any) -> Self:
        return OPS[_subtract](self, other)

    def __rsub__(self, other: Any) -> Self:
        return OPS[_subtract](other, self)

    def __mul__(self, other: Any) -> Self:
        if other is self:  # one factor to keep and one rule: a third less to write backward
            return OPS[_square](self)
        return OPS[_multiply](self, other)

    def __rmul__(self, other: Any) -> Self:
        return OPS[_multiply](other, self)

    def __truediv__(self, other: Any) -> Self:
        return OPS[_divide](self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return OPS[_divide](other, self)

    def __pow__(self, other: Any) -> Self:
        return OPS[_power](self, other)

    def __rpow__(self, other: Any) -> Self:
        return OPS[_power](other, self)

    def __mod__(self, other: Any) -> Self:
        return OPS[_remainder](self, other)

    def __rmod__(self, other: Any) -> Self:
        return OPS[_remainder](other, self)

    def __floordiv__(self, other: Any) -> Self:
        return OPS[_floor_divide](self, other)

    def __rfloordiv__(self, other: Any) -> Self:
        return OPS[_floor_divide](other, self)

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return OPS[np.divmod](self, other)

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return OPS[np.divmod](other, self)

    def __matmul__(self, other: Any) -> Self:
        if hasattr(other, "tocsr"):
            return OPS["sparse matmul"](self, other)
        return OPS[_matmul](self, other)

    def __rmatmul__(self, other: Any) -> Self:
        if hasattr(other, "tocsr"):
            return OPS["sparse matmul"](other, self)
        return OPS[_matmul](other, self)

    def __neg__(self) -> Self:
        return OPS[_negative](self)

    def __pos__(self) -> Self:
        return OPS[np.positive](self)

    def __abs__(self) -> Self:
        return OPS[np.absolute](self)

    def __lt__(self, other: Any) -> Any:
        return self._data < raw(other)

    def __le__(self, other: Any) -> Any:
        return self._data <= raw(other)

    def __gt__(self, other: Any) -> Any:
        return self._data > raw(other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= raw(other)

    def __eq__(self, other: Any) -> Any:
        return self._data == raw(other)

    def __ne__(self, other: Any) -> Any:
        return self._data != raw(other)

    # Integer and boolean operators have no derivative: plain arrays in, plain arrays out.

    def __and__(self, other: Any) -> Any:
        return self._data & raw(other)

    def __or__(self, other: Any) -> Any:
        return self._data | raw(other)

    def __xor__(self, other: Any) -> Any:
        return self._data ^ raw(other)

    def __lshift__(self, other: Any) -> Any:
        return self._data << raw(other)

    def __rshift__(self, other: Any) -> Any:
        return self._data >> raw(other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __rlshift__(self, other: Any) -> Any:
        return other << self._data

    def __rrshift__(self, other: Any) -> Any:
        return other >> self._data

    def __invert__(self) -> Any:
        return ~self._data

    # --- indexing --------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Self:
        return OPS["getitem"](self, index)

    def __iter__(self) -> Iterator[Self]:
        if self._data.ndim == 0:
            raise TypeError("iteration over a Variable with no axes")
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, value: Any) -> bool:
        return raw(value) in self._data

    # --- methods: NumPy's, through the same table --------------------------------------------------

    @property
    def T(self) -> Self:
        """The axes reversed."""
        return OPS[np.transpose](self)

    @property
    def mT(self) -> Self:
        """The last two axes swapped."""
        return OPS[np.swapaxes](self, -1, -2)

    @property
    def real(self) -> Self:
        """The real part."""
        return OPS[np.real](self)

    @property
    def imag(self) -> Self:
        """The imaginary part."""
        return OPS[np.imag](self)

    @property
    def flat(self) -> Iterator[Self]:
        """The elements in C order."""
        return iter(OPS[np.ravel](self))

    def conj(self) -> Self:
        """The complex conjugate."""
        return OPS[np.conjugate](self)

    conjugate = conj

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Converted to ``dtype``. To an integer or boolean type: a plain array."""
        return OPS["astype"](self, dtype)

    def copy(self, order: str = "C") -> Self:
        """A recorded copy."""
        return OPS[np.copy](self)

    def reshape(self, *shape: Any, order: Any = "C") -> Self:
        """The same elements in another shape."""
        return OPS[np.reshape](self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Self:
        """The axes permuted (reversed if none are given)."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            return OPS[np.transpose](self, axes[0])
        return OPS[np.transpose](self, axes or None)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Two axes swapped."""
        return OPS[np.swapaxes](self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Self:
        """Without axes of length one."""
        return OPS[np.squeeze](self, axis)

    def ravel(self, order: Any = "C") -> Self:
        """All elements along one axis."""
        return OPS[np.ravel](self, order)

    flatten = ravel

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """Each element repeated."""
        return OPS[np.repeat](self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None, mode: Any = "raise") -> Self:
        """Elements at ``indices`` along ``axis``."""
        return OPS[np.take](self, indices, axis, mode=mode)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """The diagonals of two axes."""
        return OPS[np.diagonal](self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """The sum of the diagonal."""
        return OPS[np.trace](self, offset, axis1, axis2)

    def dot(self, other: Any) -> Self:
        """``np.dot(self, other)``."""
        return OPS[np.dot](self, other)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """Limited to ``[min, max]``."""
        return OPS[np.clip](self, min, max)

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The sum over ``axis``."""
        return OPS[np.sum](self, axis, dtype, out, **keywords)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The product over ``axis``."""
        return OPS[np.prod](self, axis, dtype, out, **keywords)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The mean over ``axis``."""
        return OPS[np.mean](self, axis, dtype, out, **keywords)

    def var(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The variance over ``axis``."""
        return OPS[np.var](self, axis, dtype, out, **keywords)

    def std(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The standard deviation over ``axis``."""
        return OPS[np.std](self, axis, dtype, out, **keywords)

    def max(self, axis: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The largest element over ``axis``."""
        return OPS[np.max](self, axis, out, **keywords)

    def min(self, axis: Any = None, out: Any = None, **keywords: Any) -> Self:
        """The smallest element over ``axis``."""
        return OPS[np.min](self, axis, out, **keywords)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Self:
        """Running sums along ``axis``."""
        return OPS[np.cumsum](self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Self:
        """Running products along ``axis``."""
        return OPS[np.cumprod](self, axis, dtype, out)

    def round(self, decimals: int = 0) -> Self:
        """Rounded; the derivative is zero almost everywhere."""
        return OPS[np.round](self, decimals)

    def argmax(self, axis: Any = None, **keywords: Any) -> Any:
        """Where the largest element is: a plain array."""
        return self._data.argmax(axis, **keywords)

    def argmin(self, axis: Any = None, **keywords: Any) -> Any:
        """Where the smallest element is: a plain array."""
        return self._data.argmin(axis, **keywords)

    def argsort(self, axis: Any = -1, **keywords: Any) -> Any:
        """The order that sorts: a plain array."""
        return self._data.argsort(axis, **keywords)

    def nonzero(self) -> Any:
        """Where the elements are not zero: plain arrays."""
        return np.atleast_1d(self._data).nonzero() if self.ndim == 0 else self._data.nonzero()

    def any(self, axis: Any = None, **keywords: Any) -> Any:
        """Is any element true? A plain array."""
        return self._data.any(axis, **keywords)

    def all(self, axis: Any = None, **keywords: Any) -> Any:
        """Are all elements true? A plain array."""
        return self._data.all(axis, **keywords)


def _no_plain_array(v: Array, who: str = "NumPy") -> GraphError:
    """The error for NumPy or SciPy asking for the bare values of something recorded."""
    made = f"  the Variable was {made_at(v.edge)}\n"
    scipys = asker()
    if scipys is None:
        return GraphError(
            f"{who} asked for a plain array of a Variable, which would lose its gradient"
            f"{called_at()}\n{made}"
            "  → np.stack([...]) or np.concatenate instead of np.array([...]), or import whence.numpy "
            "as np; v.data for the bare values; with whence.no_grad() to allow it"
        )
    module, name, where = scipys
    text = f"{module}.{name}(v) asked for a plain array of a Variable, which would lose its gradient{where}\n"
    if mirrored(module, name):
        remedy = (
            f"whence.{module}.{name} has the same signature and differentiates; v.data for the bare values"
        )
        return GraphError(f"{text}{made}  → {remedy}")
    return GraphError(
        f"{text}{made}  → pass v.data to treat the value as a constant, or declare the gradient with "
        "whence.primitive"
    )


def _refuse_to_cut(v: Array, name: str) -> None:
    """Inside a transform a plain number would silently lose the gradient."""
    if strict() and mode().recording and type(v.edge) is not Constant:
        raise GraphError(
            f"{name}(v) inside a function that is being differentiated would lose the gradient"
            f"{called_at()}\n  the Variable was {made_at(v.edge)}\n"
            "  → np.exp(v) instead of math.exp(v), np.stack([...]) instead of writing into a plain "
            "array; v.data for the bare value"
        )


def raw(value: Any) -> Any:
    """The bare value of a Variable; anything else as it is."""
    if mode().tracer is not None:
        mode().tracer.lift((value,))
    return value._data if isinstance(value, Array) else value


def _other_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A ufunc with keywords, one of its methods, or one that has no op."""
    if ufunc in PLAIN:
        if any(isinstance(out, Array) for out in kwargs.get("out", ())):
            raise NoGradientError(
                f"np.{ufunc.__name__}(..., out=v) would overwrite a Variable{called_at()}\n"
                f"  → v[...] = np.{ufunc.__name__}(...)"
            )
        values = [raw(x) for x in inputs]
        kwargs = {key: raw(x) for key, x in kwargs.items()}
        return getattr(ufunc, method)(*values, **kwargs)
    key: Any = ufunc if method == "__call__" else (ufunc, method)
    op = OPS.get(key)
    if op is None:
        if method == "__call__":
            return _no_op(ufunc, inputs, kwargs)
        return _no_op(getattr(ufunc, method), inputs, kwargs, f"{name_of(ufunc)}.{method}")
    if method == "__call__" and kwargs:
        return OPS["ufunc keywords"](ufunc, op, inputs, kwargs)
    return op(*inputs, **kwargs)


def _no_op(function: Callable[..., Any], args: Any, kwargs: Any, name: str | None = None) -> Any:
    """A NumPy function without an op: plain where nothing can be lost, else an error."""
    if function in PLAIN or not mode().recording:
        return function(*_strip(args), **{key: _strip(x) for key, x in kwargs.items()})
    given = [x for x in (*args, *kwargs.values()) if isinstance(x, Array)]
    lines = "".join(f"  an argument of shape {x.shape}, {made_at(x.edge)}\n" for x in given)
    raise NoGradientError(
        f"{name or name_of(function)} has no gradient in whence{called_at()}\n{lines}"
        "  → pass v.data to treat the value as a constant, or declare the gradient with "
        "whence.primitive"
    )


def _strip(x: Any) -> Any:
    """Variables, also inside lists and tuples, as their bare values."""
    if isinstance(x, Array):
        return x._data
    if isinstance(x, (list, tuple)):
        return type(x)(_strip(part) for part in x)
    return x
