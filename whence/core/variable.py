"""Variable: an array with a memory.

``v.data`` is the array, ``v.creator`` the Function that made it, ``v.grad`` the gradient that
``backward`` left. Everything else makes it behave as NumPy's arrays do: operators, methods and
``np.*`` functions look their op up in the table and record it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike

from ..config import mode
from ..errors import DtypeError, GraphError, NoGradientError, ShapeError
from .graph import Constant, Leaf, Port, hand_out, nobody
from .origin import INSIDE, called_at, made_at, user_frame
from .sweep import sweep
from .table import OPS, PLAIN, name_of
from .text import creators_text

ndarray, float64 = np.ndarray, np.float64
_ONE = float64(1.0)
_NUMERIC = frozenset("fciub")


def as_data(value: Any, copy: bool | None = None) -> Any:
    """``value`` as a numeric ndarray (or NumPy scalar).

    Raises:
        DtypeError: objects, strings, masked arrays, matrices, ragged lists.
    """
    if isinstance(value, (np.ma.MaskedArray, np.matrix)):
        raise DtypeError(
            f"{type(value).__name__} has rules of its own that gradients would break{called_at()}\n"
            "  → pass np.asarray(x), with the mask applied by np.where"
        )
    try:
        data = value if isinstance(value, np.generic) else np.array(value, copy=copy)
    except ValueError as error:
        raise DtypeError(f"not an array: {error}{called_at()}") from None
    if data.dtype.kind not in _NUMERIC:
        raise DtypeError(
            f"a Variable holds numbers, not {data.dtype} data "
            f"({type(value).__name__}){called_at()}\n"
            "  → convert it first, for example x.astype(float)"
        )
    return data


def make(data: Any, edge: Any = None) -> Variable:
    """A Variable around ``data`` as it is: no copy, no check, no line of its own."""
    v = _new(Variable)
    v._data = data
    v.grad = None
    v.edge = edge
    return v


def constant(data: Any) -> Variable:
    """A Variable that no gradient is wanted for."""
    return make(data, Constant(None))


class Variable:
    """An array that remembers where it came from.

    Args:
        data: anything NumPy can make a numeric array of. The values are copied (a Variable owns
            its data); the dtype is kept, so float32 stays float32.
        name: shown by ``whence()``, in graphs and in error messages.

    Attributes:
        data: the value, an ndarray (a NumPy scalar for zero-dimensional results, as in NumPy).
        grad: after ``backward()``, the gradient, a Variable of the same shape and dtype (an
            ndarray that is put there by hand is accepted); None before. For complex data it is
            the direction of steepest ascent of a real result, ``dL/dRe + i dL/dIm``.
        creator: the Function that made it; None for an input.

    Raises:
        DtypeError: for objects, strings and masked arrays.

    Example:
        >>> import numpy as np
        >>> from whence import Variable
        >>> x = Variable(np.array(0.5))
        >>> y = np.exp(x ** 2) ** 2
        >>> y.backward()
        >>> print(x.grad)
        3.297442541400256
    """

    __slots__ = ("__weakref__", "_data", "edge", "grad")
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    _data: Any
    edge: Any
    grad: Any

    def __init__(self, data: ArrayLike, name: str | None = None) -> None:
        if isinstance(data, Variable):
            raise GraphError(
                f"Variable(v) of a Variable would forget its history{called_at()}\n"
                "  → use v itself, or v.detach() for a new input with the same values"
            )
        if type(data) is ndarray and data.dtype.kind in _NUMERIC:
            self._data = data.copy()
        else:
            self._data = as_data(data, copy=True)
        self.grad = None
        frame = sys._getframe(1)
        if INSIDE[frame.f_code.co_filename]:
            frame = user_frame()
        self.edge = Leaf(ref(self), frame.f_code, frame.f_lasti, name)

    # --- the memory ------------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The value. Writing into it is noticed: a sweep that needs the old value raises."""
        data = self._data
        if type(data) is ndarray:
            if data.base is not None:  # shares memory with another Variable: make it our own
                self._data = data = data.copy()
            edge = self.edge
            if edge is None:
                edge = self.edge = Leaf(ref(self))
            if edge.stamps is None:
                hand_out(edge, data)
        return data

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if value is self._data:  # v.data -= step: written in place, and noticed
            return
        if self.creator is not None:
            raise GraphError(
                f"this Variable was {made_at(self.edge)}; other data would not fit its "
                f"history{called_at()}\n  → v.detach() first, or write v[...] = value"
            )
        self._data = as_data(value, copy=True)
        self.edge = self._leaf(self.name)

    def _leaf(self, name: str | None = None) -> Leaf:
        frame = user_frame(2)
        return Leaf(ref(self), frame.f_code, frame.f_lasti, name)

    @property
    def creator(self) -> Any:
        """The Function that made this value; None for an input."""
        edge = self.edge
        node = edge.node if edge is not None else None
        return node if node is not None and node.edges else None

    @property
    def name(self) -> str | None:
        """A name for messages and graphs; set it at any time."""
        return None if self.edge is None else self.edge.name

    @name.setter
    def name(self, name: str | None) -> None:
        if self.edge is None:
            self.edge = self._leaf()
        self.edge.name = name

    def set_creator(self, function: Any) -> None:
        """Make ``function`` this Variable's creator (what ``Function.__call__`` does)."""
        function.adopt(self)

    def backward(
        self,
        retain_grad: bool = False,
        create_graph: bool = False,
        *,
        gradient: ArrayLike | None = None,
    ) -> None:
        """Compute the gradient of this value for every input that it came from.

        Walks the creators back, newest first, and *adds* what it finds to the ``grad`` of each
        input. The walk starts from ``gradient``, else from ``self.grad`` if it is set, else from
        ones of the data's shape and dtype.

        Args:
            retain_grad: keep the gradients of intermediate results too.
            create_graph: record the sweep, so that the gradients can be differentiated again.
            gradient: the cotangent to start from, of this value's shape.

        Raises:
            ShapeError: the seed's shape differs from the value's.
            DtypeError: an integer value would have to be differentiated.
            InPlaceError: an array that a gradient needs was overwritten meanwhile.
        """
        seed = self._seed(gradient)
        edge = self.edge
        if self.creator is None:
            return
        if not create_graph and isinstance(seed, Variable):
            seed = seed._data
        if type(seed) is not float64 and seed.dtype.kind == "c":
            seed = np.conjugate(seed)
        if create_graph and not isinstance(seed, Variable):
            seed = constant(seed)
        retained: dict[Any, Any] | None = {} if retain_grad else None
        found, _ = sweep([(edge, seed)], record=create_graph, retained=retained)
        seen = {id(seed._data if isinstance(seed, Variable) else seed)}
        if retained:
            inputs = {id(port.owner()) for port in found}
            for port, g in retained.items():
                owner = port.owner()
                if owner is not None and owner is not self and id(owner) not in inputs:
                    owner.grad = own(g, seen)
        for port, g in found.items():
            deliver(port, own(g, seen))

    def _seed(self, gradient: ArrayLike | None) -> Any:
        data = self._data
        if gradient is None and self.grad is None and type(data) is float64:
            self.grad = make(_ONE)
            return _ONE
        if data.dtype.kind not in "fc":
            raise DtypeError(
                f"backward() of a Variable of dtype {data.dtype}: integers have no "
                f"derivative{called_at()}\n  it was {made_at(self.edge)}\n"
                "  → start from floats: Variable(x.astype(float))"
            )
        if gradient is not None:
            seed = gradient if isinstance(gradient, Variable) else as_data(gradient)
        elif self.grad is not None:
            seed = self.grad if isinstance(self.grad, Variable) else as_data(self.grad)
        else:
            self.grad = make(np.ones_like(data))
            return data.dtype.type(1) if data.ndim == 0 else self.grad._data
        if seed.shape != data.shape:
            raise ShapeError(
                f"backward() of a value of shape {data.shape} starts from a gradient of shape "
                f"{seed.shape}{called_at()}\n  the value was {made_at(self.edge)}\n"
                f"  → give one of shape {data.shape}, or sum the value first"
            )
        if seed.dtype.kind not in "fc" or (seed.dtype.kind == "c" and data.dtype.kind != "c"):
            raise DtypeError(
                f"backward() of {data.dtype} values starts from a gradient of dtype "
                f"{seed.dtype}{called_at()}\n  → make it {data.dtype}"
            )
        return seed if seed.dtype == data.dtype else seed.astype(data.dtype)

    def cleargrad(self) -> None:
        """Forget the gradient, so that the next ``backward()`` starts from nothing."""
        self.grad = None

    def unchain(self) -> None:
        """Forget the creator: this value becomes an input, also for what was made from it."""
        edge = self.edge
        if edge is None or self.creator is None:
            return
        if type(edge) is Port:
            edge.unchain()
        else:
            edge.sever()

    def unchain_backward(self) -> None:
        """Forget the creators of everything that this value was made from (truncated BPTT)."""
        node = self.creator
        if node is not None:
            node.unchain_inputs()

    def detach(self) -> Variable:
        """A new input with the same values and no history."""
        v = make(self._data.copy())
        v.edge = v._leaf(self.name)
        return v

    def assign(self, value: ArrayLike) -> Variable:
        """Replace the values of an input: the sanctioned way to update a parameter.

        Graphs recorded before keep the old values.

        Raises:
            GraphError: this Variable is the result of an op.
            ShapeError: another shape. DtypeError: values that the dtype cannot hold.
        """
        if self.creator is not None:
            raise GraphError(
                f"assign() is for inputs; this Variable was {made_at(self.edge)}{called_at()}\n"
                "  → write v[...] = value to record the change"
            )
        new = value._data if isinstance(value, Variable) else as_data(value)
        if new.shape != self._data.shape:
            raise ShapeError(
                f"assign() of shape {new.shape} to a Variable of shape {self._data.shape}, "
                f"{made_at(self.edge)}{called_at()}"
            )
        if not np.can_cast(new.dtype, self._data.dtype, "same_kind"):
            raise DtypeError(
                f"assign() of {new.dtype} values to a Variable of dtype {self._data.dtype}"
                f"{called_at()}\n  → convert them: value.astype({str(self._data.dtype)!r})"
            )
        self._data = new.astype(self._data.dtype, copy=True)
        edge = self.edge
        if isinstance(edge, Leaf):
            self.edge = Leaf(edge.owner, edge.code, edge.lasti, edge.name)
        return self

    # --- looking at it ---------------------------------------------------------------------------

    def whence(self, depth: int = 10) -> str:
        """The tree of creators, each with its line, shape and value, ``depth`` levels deep."""
        return creators_text(self, depth)

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

    def __repr__(self) -> str:
        body = np.array2string(np.asarray(self._data), separator=", ", prefix="Variable(")
        parts = [body]
        if self._data.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={self._data.dtype}")
        if self.name:
            parts.append(f"name={self.name!r}")
        if self.creator is not None:
            parts.append(f"creator={self.creator.label}")
        return f"Variable({', '.join(parts)})"

    def __str__(self) -> str:
        return str(self._data)

    def __format__(self, spec: str) -> str:
        return format(self._data.item() if self._data.ndim == 0 and spec else self._data, spec)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        return float(self._data)

    def __int__(self) -> int:
        return int(self._data)

    def __complex__(self) -> complex:
        return complex(self._data)

    def __index__(self) -> int:
        return self._data.__index__()

    def item(self, *args: Any) -> Any:
        """The (only) element as a Python number; not differentiable."""
        return self._data.item(*args)

    def tolist(self) -> Any:
        """Nested lists of Python numbers; not differentiable."""
        return self._data.tolist()

    def __reduce__(self) -> Any:
        return _restore, (self._data, self.grad, self.name)

    def __copy__(self) -> NoReturn:
        raise GraphError(
            f"copy.copy(v) would make two Variables share one array{called_at()}\n"
            "  → use v.detach(), copy.deepcopy(v) (both forget the history) or v.copy() (recorded)"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        grad = None
        if self.grad is not None:
            grad = make(np.array(_raw(self.grad)))
        memo[id(self)] = copied = _restore(self._data.copy(), grad, self.name)
        return copied

    @property
    def _mask(self) -> NoReturn:
        # numpy.ma reads a._data and a._mask of anything: without this it would take our array
        raise DtypeError(
            f"a masked array with a Variable would lose its gradient{called_at()}\n"
            "  → np.where(mask, v, other), with plain arrays"
        )

    # --- NumPy's protocols -----------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if mode().recording:
            raise GraphError(
                f"NumPy asked for a plain array of a Variable, which would lose its gradient"
                f"{called_at()}\n  the Variable was {made_at(self.edge)}\n"
                "  → np.stack([...]) or np.concatenate instead of np.array([...]); v.data for the "
                "bare values; with whence.no_grad() to allow it"
            )
        return np.array(self._data, dtype=dtype, copy=copy)

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

    def __add__(self, other: Any) -> Variable:
        return OPS[_add](self, other)

    def __radd__(self, other: Any) -> Variable:
        return OPS[_add](other, self)

    def __sub__(self, other: Any) -> Variable:
        return OPS[_subtract](self, other)

    def __rsub__(self, other: Any) -> Variable:
        return OPS[_subtract](other, self)

    def __mul__(self, other: Any) -> Variable:
        return OPS[_multiply](self, other)

    def __rmul__(self, other: Any) -> Variable:
        return OPS[_multiply](other, self)

    def __truediv__(self, other: Any) -> Variable:
        return OPS[_divide](self, other)

    def __rtruediv__(self, other: Any) -> Variable:
        return OPS[_divide](other, self)

    def __pow__(self, other: Any) -> Variable:
        return OPS[_power](self, other)

    def __rpow__(self, other: Any) -> Variable:
        return OPS[_power](other, self)

    def __mod__(self, other: Any) -> Variable:
        return OPS[_remainder](self, other)

    def __rmod__(self, other: Any) -> Variable:
        return OPS[_remainder](other, self)

    def __floordiv__(self, other: Any) -> Variable:
        return OPS[_floor_divide](self, other)

    def __rfloordiv__(self, other: Any) -> Variable:
        return OPS[_floor_divide](other, self)

    def __divmod__(self, other: Any) -> tuple[Variable, Variable]:
        return OPS[np.divmod](self, other)

    def __rdivmod__(self, other: Any) -> tuple[Variable, Variable]:
        return OPS[np.divmod](other, self)

    def __matmul__(self, other: Any) -> Variable:
        return OPS[_matmul](self, other)

    def __rmatmul__(self, other: Any) -> Variable:
        return OPS[_matmul](other, self)

    def __neg__(self) -> Variable:
        return OPS[_negative](self)

    def __pos__(self) -> Variable:
        return OPS[np.positive](self)

    def __abs__(self) -> Variable:
        return OPS[np.absolute](self)

    def __lt__(self, other: Any) -> Any:
        return self._data < _raw(other)

    def __le__(self, other: Any) -> Any:
        return self._data <= _raw(other)

    def __gt__(self, other: Any) -> Any:
        return self._data > _raw(other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= _raw(other)

    def __eq__(self, other: Any) -> Any:
        return self._data == _raw(other)

    def __ne__(self, other: Any) -> Any:
        return self._data != _raw(other)

    # Integer and boolean operators have no derivative: plain arrays in, plain arrays out.

    def __and__(self, other: Any) -> Any:
        return self._data & _raw(other)

    def __or__(self, other: Any) -> Any:
        return self._data | _raw(other)

    def __xor__(self, other: Any) -> Any:
        return self._data ^ _raw(other)

    def __lshift__(self, other: Any) -> Any:
        return self._data << _raw(other)

    def __rshift__(self, other: Any) -> Any:
        return self._data >> _raw(other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __rlshift__(self, other: Any) -> Any:
        return other << self._data

    def __rrshift__(self, other: Any) -> Any:
        return other >> self._data

    def __invert__(self) -> Any:
        return ~self._data

    # --- indexing --------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Variable:
        return OPS["getitem"](self, index)

    def __iter__(self) -> Iterator[Variable]:
        if self._data.ndim == 0:
            raise TypeError("iteration over a Variable with no axes")
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, value: Any) -> bool:
        return _raw(value) in self._data

    def __setitem__(self, index: Any, value: Any) -> None:
        """``v[index] = value``, recorded: gradients flow to ``value`` and to what is left of v.

        Ops recorded before keep the old values; views taken before (``w = v[1:]``) do too.

        Raises:
            GraphError: v is itself a view (``v[0][1] = x``): NumPy would write through to the
                array behind it, which a Variable cannot.
        """
        maker = self.creator
        if getattr(self._data, "base", None) is not None and (
            self.edge is None or (maker is not None and maker.label != "identity")
        ):
            raise GraphError(
                f"this Variable is a view, {made_at(self.edge)}; writing into it would not reach "
                f"the Variable behind it{called_at()}\n"
                "  → index once (v[0, 1] = x instead of v[0][1] = x), or write to a copy: w = v[0].copy()"
            )
        before = make(self._data, self.edge)
        if self.edge is None:
            before.edge = self._leaf()
        after = OPS["setitem"](before, value, index)
        if not mode().recording:
            self._data = after._data
            if isinstance(self.edge, Leaf):
                self.edge = self._leaf(self.name)
            return
        if self.creator is not None:
            self.edge.owner = nobody  # what it was before has no holder any more
        self._data, self.edge = after._data, after.edge
        self.edge.owner = ref(self)

    # --- methods: NumPy's, through the same table --------------------------------------------------

    @property
    def T(self) -> Variable:
        """The axes reversed."""
        return OPS[np.transpose](self)

    @property
    def mT(self) -> Variable:
        """The last two axes swapped."""
        return OPS[np.swapaxes](self, -1, -2)

    @property
    def real(self) -> Variable:
        """The real part."""
        return OPS[np.real](self)

    @property
    def imag(self) -> Variable:
        """The imaginary part."""
        return OPS[np.imag](self)

    @property
    def flat(self) -> Iterator[Variable]:
        """The elements in C order."""
        return iter(OPS[np.ravel](self))

    def conj(self) -> Variable:
        """The complex conjugate."""
        return OPS[np.conjugate](self)

    conjugate = conj

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """Converted to ``dtype``. To an integer or boolean type: a plain array."""
        return OPS["astype"](self, dtype)

    def copy(self, order: str = "C") -> Variable:
        """A recorded copy."""
        return OPS[np.copy](self)

    def reshape(self, *shape: Any, order: Any = "C") -> Variable:
        """The same elements in another shape."""
        return OPS[np.reshape](self, shape[0] if len(shape) == 1 else shape, order=order)

    def transpose(self, *axes: Any) -> Variable:
        """The axes permuted (reversed if none are given)."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            axes = axes[0]
        return OPS[np.transpose](self, axes or None)

    def swapaxes(self, axis1: int, axis2: int) -> Variable:
        """Two axes swapped."""
        return OPS[np.swapaxes](self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Variable:
        """Without axes of length one."""
        return OPS[np.squeeze](self, axis)

    def ravel(self, order: Any = "C") -> Variable:
        """All elements along one axis."""
        return OPS[np.ravel](self, order)

    flatten = ravel

    def repeat(self, repeats: Any, axis: int | None = None) -> Variable:
        """Each element repeated."""
        return OPS[np.repeat](self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None, mode: Any = "raise") -> Variable:
        """Elements at ``indices`` along ``axis``."""
        return OPS[np.take](self, indices, axis, mode=mode)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
        """The diagonals of two axes."""
        return OPS[np.diagonal](self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Variable:
        """The sum of the diagonal."""
        return OPS[np.trace](self, offset, axis1, axis2)

    def dot(self, other: Any) -> Variable:
        """``np.dot(self, other)``."""
        return OPS[np.dot](self, other)

    def clip(self, min: Any = None, max: Any = None) -> Variable:
        """Limited to ``[min, max]``."""
        return OPS[np.clip](self, min, max)

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The sum over ``axis``."""
        return OPS[np.sum](self, axis, dtype, out, **keywords)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The product over ``axis``."""
        return OPS[np.prod](self, axis, dtype, out, **keywords)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The mean over ``axis``."""
        return OPS[np.mean](self, axis, dtype, out, **keywords)

    def var(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The variance over ``axis``."""
        return OPS[np.var](self, axis, dtype, out, **keywords)

    def std(self, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The standard deviation over ``axis``."""
        return OPS[np.std](self, axis, dtype, out, **keywords)

    def max(self, axis: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The largest element over ``axis``."""
        return OPS[np.max](self, axis, out, **keywords)

    def min(self, axis: Any = None, out: Any = None, **keywords: Any) -> Variable:
        """The smallest element over ``axis``."""
        return OPS[np.min](self, axis, out, **keywords)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Variable:
        """Running sums along ``axis``."""
        return OPS[np.cumsum](self, axis, dtype, out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> Variable:
        """Running products along ``axis``."""
        return OPS[np.cumprod](self, axis, dtype, out)

    def round(self, decimals: int = 0) -> Variable:
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


_new = Variable.__new__
_add, _subtract, _multiply = np.add, np.subtract, np.multiply
_divide, _power, _negative = np.true_divide, np.power, np.negative
_remainder, _floor_divide, _matmul = np.remainder, np.floor_divide, np.matmul


def _raw(value: Any) -> Any:
    return value._data if isinstance(value, Variable) else value


def _restore(data: Any, grad: Any, name: str | None) -> Variable:
    v = make(data)
    v.grad = grad
    v.edge = Leaf(ref(v), name=name)
    return v


def own(g: Any, seen: set[int]) -> Variable:
    """A cotangent as the user gets it: a Variable, conjugated, sharing memory with nothing."""
    if type(g) is float64:
        return make(g)
    if isinstance(g, Variable):
        g = OPS[np.conjugate](g) if g._data.dtype.kind == "c" else g
        data = g._data
        if type(data) is ndarray and (data.base is not None or id(data) in seen):
            data = data.copy()
            g = make(data, g.edge)
        seen.add(id(data))
        return g
    if g.dtype.kind == "c":
        g = np.conjugate(g)
    if type(g) is ndarray and (g.base is not None or id(g) in seen):
        g = g.copy()
    seen.add(id(g))
    return make(g)


def deliver(edge: Any, g: Variable) -> None:
    """Add a gradient to the ``grad`` of the Variable that an edge belongs to."""
    owner = edge.owner()
    if owner is None:
        return
    if type(owner._data) is not float64 and owner._data.dtype.kind not in "fc":
        refuse_integers(edge, owner._data.dtype)
    if owner.grad is None:
        owner.grad = g
        return
    old = owner.grad if isinstance(owner.grad, Variable) else make(as_data(owner.grad))
    if old.shape != g.shape:
        raise ShapeError(
            f"the gradient of shape {g.shape} cannot be added to the one of shape {old.shape} that "
            f"is already there{called_at()}\n  the Variable was {made_at(edge)}\n"
            "  → v.cleargrad() before backward()"
        )
    if old.creator is None and g.creator is None:
        owner.grad = make(old._data + g._data)
    else:
        owner.grad = OPS[_add](old, g)


def refuse_integers(edge: Any, dtype: Any) -> NoReturn:
    """Raise for a gradient that would belong to an integer input."""
    name = f" {edge.name!r}" if edge.name else ""
    raise DtypeError(
        f"the Variable{name} holds {dtype} values, which have no derivative{called_at()}\n"
        f"  it was {made_at(edge)}\n"
        "  → if it is an input to differentiate, make it Variable(x.astype(float)); "
        "if it is a constant (labels, counts), use the plain array"
    )


def _other_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A ufunc with keywords, one of its methods, or one that has no op."""
    if ufunc in PLAIN:
        if any(isinstance(out, Variable) for out in kwargs.get("out", ())):
            raise NoGradientError(
                f"np.{ufunc.__name__}(..., out=v) would overwrite a Variable{called_at()}\n"
                f"  → v[...] = np.{ufunc.__name__}(...)"
            )
        raw = [_raw(x) for x in inputs]
        kwargs = {key: _raw(x) for key, x in kwargs.items()}
        return getattr(ufunc, method)(*raw, **kwargs)
    key: Any = ufunc if method == "__call__" else (ufunc, method)
    op = OPS.get(key)
    if op is None:
        if method == "__call__":
            return _no_op(ufunc, inputs, kwargs)
        return _no_op(getattr(ufunc, method), inputs, kwargs, f"np.{ufunc.__name__}.{method}")
    if method == "__call__" and kwargs:
        return OPS["ufunc keywords"](ufunc, op, inputs, kwargs)
    return op(*inputs, **kwargs)


def _no_op(function: Callable[..., Any], args: Any, kwargs: Any, name: str | None = None) -> Any:
    """A NumPy function without an op: plain where nothing can be lost, else an error."""
    if function in PLAIN or not mode().recording:
        return function(*_strip(args), **{key: _strip(x) for key, x in kwargs.items()})
    given = [x for x in (*args, *kwargs.values()) if isinstance(x, Variable)]
    lines = "".join(f"  an argument of shape {x.shape}, {made_at(x.edge)}\n" for x in given)
    raise NoGradientError(
        f"{name or name_of(function)} has no gradient in whence{called_at()}\n{lines}"
        "  → pass v.data to treat the value as a constant, or declare the gradient with "
        "whence.primitive"
    )


def _strip(x: Any) -> Any:
    """Variables, also inside lists and tuples, as their bare values."""
    if isinstance(x, Variable):
        return x._data
    if isinstance(x, (list, tuple)):
        return type(x)(_strip(part) for part in x)
    return x
