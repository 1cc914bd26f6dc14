"""Variable: an array with a memory.

``v.data`` is the array, ``v.creator`` the Function that made it, ``v.grad`` the gradient that
``backward`` left. Everything else makes it behave as NumPy's arrays do: operators, methods and
``np.*`` functions look their op up in the table and record it.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from typing import Any, NoReturn
from weakref import ref

import numpy as np
from numpy.typing import ArrayLike

from ..config import mode
from ..errors import BatchingError, DtypeError, GraphError, ShapeError
from .array import Array, raw
from .graph import Constant, Leaf, Port, hand_out, nobody
from .origin import INSIDE, called_at, made_at, user_frame
from .sweep import sweep
from .symbolic import Symbolic
from .table import OPS
from .text import creators_text

ndarray, float64 = np.ndarray, np.float64
_ONES: dict[type, Any] = {float64: float64(1.0), np.float32: np.float32(1.0)}
_NUMERIC = frozenset("fciub")


def as_data(value: Any, copy: bool | None = None) -> Any:
    """``value`` as a numeric ndarray (or NumPy scalar).

    Raises:
        DtypeError: objects, strings, masked arrays, matrices, ragged lists.
    """
    if isinstance(value, Symbolic):
        return value
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


def as_array(value: Any, dtype: Any = None) -> Any:
    """``np.asarray``, which lets the values of a program that is being recorded through."""
    if isinstance(value, Symbolic):
        return value if dtype is None else value.astype(dtype)
    return np.asarray(value, dtype)


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


class Variable(Array):
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
        if mode().tracer is not None:
            mode().tracer.lift((self,))
        data = self._data
        if type(data) is ndarray:
            if data.base is not None:  # shares memory with another Variable: make it our own
                self._data = data = data.copy()
            edge = self.edge
            if edge is None:
                edge = self.edge = Leaf(ref(self))
            if edge._stamps is None:
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
        return None if self.edge is None else self.edge._name

    @name.setter
    def name(self, name: str | None) -> None:
        if self.edge is None:
            self.edge = self._leaf()
        self.edge._name = name

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
        if not isinstance(retain_grad, (bool, int)) or not isinstance(create_graph, (bool, int)):
            raise DtypeError(
                f"backward() takes its seed by keyword{called_at()}\n  → v.backward(gradient=seed)"
            )
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
            inputs = {id(port._owner()) for port in found}
            for port, g in retained.items():
                owner = port._owner()
                if owner is not None and owner is not self and id(owner) not in inputs:
                    owner.grad = own(g, seen)
        for port, g in found.items():
            deliver(port, own(g, seen))

    def _seed(self, gradient: ArrayLike | None) -> Any:
        data = self._data
        if gradient is None and self.grad is None:
            one = _ONES.get(type(data))
            if one is not None:
                self.grad = make(one)
                return one
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
        if mode().tracer is not None:
            mode().tracer.clear(self)
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
            self.edge = type(edge)(edge._owner, edge._code, edge._lasti, edge._name)
        return self

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
        recording = mode().recording
        if maker is not None and not recording:
            raise GraphError(
                f"a recorded value, {made_at(self.edge)}, would be changed without recording it"
                f"{called_at()}\n  → write outside no_grad, or into v.detach()"
            )
        before = make(self._data, self.edge or self._leaf())
        after = OPS["setitem"](before, value, index)
        if isinstance(after._data, Array):
            raise BatchingError(
                f"a value that differs from example to example (inside vmap) would be written into a "
                f"Variable that all examples share{called_at()}\n"
                "  → make it inside, from a value of the example: w = np.zeros_like(x)"
            )
        if not recording:
            self._data, self.edge = after._data, self._leaf(self.name)
            return
        if maker is not None and self.edge is not None:
            self.edge._owner = nobody  # what it was before has no holder any more
        self._data = after._data
        self.edge = edge = after.edge
        edge._owner = ref(self)

    # --- looking at it ---------------------------------------------------------------------------

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

    def whence(self, depth: int = 10) -> str:
        """The tree of creators, each with its line, shape and value, ``depth`` levels deep."""
        return creators_text(self, depth)

    def __reduce__(self) -> Any:
        frozen = type(self.edge) is Constant
        return _restore, (
            type(self),
            self._data,
            self.grad,
            self.name,
            getattr(self, "__dict__", None),
            frozen,
        )

    def __copy__(self) -> NoReturn:
        raise GraphError(
            f"copy.copy(v) would make two Variables share one array{called_at()}\n"
            "  → use v.detach(), copy.deepcopy(v) (both forget the history) or v.copy() (recorded)"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        grad = None
        if self.grad is not None:
            grad = make(np.array(raw(self.grad)))
        data = None if self._data is None else self._data.copy()
        frozen = type(self.edge) is Constant
        memo[id(self)] = copied = _restore(type(self), data, grad, self.name, None, frozen)
        if hasattr(self, "__dict__"):
            copied.__dict__.update(deepcopy(self.__dict__, memo))
        return copied

    @property
    def _mask(self) -> NoReturn:
        # numpy.ma reads a._data and a._mask of anything: without this it would take our array
        raise DtypeError(
            f"a masked array with a Variable would lose its gradient{called_at()}\n"
            "  → np.where(mask, v, other), with plain arrays"
        )


class Parameter(Variable):
    """A Variable that a model learns: a module finds its own by this type.

    Args:
        data: the first values, copied; floating-point or complex. None for a parameter whose shape is not
            known before the first input is: its module calls :meth:`initialize` then.
        name: shown in error messages and graphs; modules give their own.

    Raises:
        DtypeError: integers, which have no derivative.

    Example:
        >>> import numpy as np
        >>> from whence.nn import Parameter
        >>> w = Parameter(np.ones(2))
        >>> (w * w).sum().backward()
        >>> print(w.grad)
        [2. 2.]
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike | None, name: str | None = None) -> None:
        if data is None:
            self._data, self.grad, self.edge = None, None, None
            frame = user_frame()
            self.edge = Leaf(ref(self), frame.f_code, frame.f_lasti, name)
            return
        super().__init__(data, name)
        if self._data.dtype.kind not in "fc":
            raise DtypeError(
                f"a Parameter of dtype {self._data.dtype} cannot learn{called_at()}\n"
                "  → floats: Parameter(x.astype(float)); for counts and tables nn.Buffer(x)"
            )

    @property
    def requires_grad(self) -> bool:
        """Is a gradient computed for it? Set it False to freeze the parameter."""
        return type(self.edge) is not Constant

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        edge = self.edge if self.edge is not None else self._leaf()
        kind = Leaf if wanted else Constant
        if type(edge) is not kind:
            self.edge = kind(edge._owner, edge._code, edge._lasti, edge._name)
            self.grad = None

    @property
    def is_lazy(self) -> bool:
        """Is the shape still unknown?"""
        return self._data is None

    def initialize(self, data: ArrayLike) -> None:
        """Give a parameter without values its first ones.

        Raises:
            GraphError: it has values.
        """
        if self._data is not None:
            raise GraphError(f"this Parameter has values already{called_at()}\n  → p.assign(values)")
        self._data = as_data(data, copy=True)

    def __repr__(self) -> str:
        if self._data is None:
            return "Parameter(of unknown shape)"
        return super().__repr__().replace("Variable(", "Parameter(", 1)


_new = Variable.__new__


def _restore(
    cls: type[Variable], data: Any, grad: Any, name: str | None, more: Any, frozen: bool = False
) -> Variable:
    v = _new(cls)
    v._data, v.grad = data, grad
    v.edge = (Constant if frozen else Leaf)(ref(v), name=name)
    if more:
        v.__dict__.update(more)
    return v


def own(g: Any, seen: set[int]) -> Variable:
    """A cotangent as the user gets it: a Variable, conjugated, sharing memory with nothing."""
    if type(g) is float64 or isinstance(g, Symbolic):
        return make(OPS[np.conjugate](g) if g.dtype.kind == "c" else g)
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
    owner = edge._owner()
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
        owner.grad = OPS[np.add](old, g)


def refuse_integers(edge: Any, dtype: Any) -> NoReturn:
    """Raise for a gradient that would belong to an integer input."""
    name = f" {edge._name!r}" if edge._name else ""
    raise DtypeError(
        f"the Variable{name} holds {dtype} values, which have no derivative{called_at()}\n"
        f"  it was {made_at(edge)}\n"
        "  → if it is an input to differentiate, make it Variable(x.astype(float)); "
        "if it is a constant (labels, counts), use the plain array"
    )
