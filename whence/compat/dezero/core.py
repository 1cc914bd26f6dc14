"""Variable and Function as DeZero spells them, on whence's.

A Variable here *is* a whence Variable: the class adds DeZero's conventions (what is printed, gradients of
integers, ``data`` that may be replaced), and every op of whence takes it. Results of ops are given the class
as they pass through the functions and operators of this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...config import enable_grad, pass_nan
from ...core import function, variable
from ...core.origin import called_at, made_at
from ...core.sweep import sweep
from ...core.table import OPS
from ...errors import DtypeError, GraphError, MissingExtraError
from .config import Config as Config
from .config import no_grad as no_grad
from .config import test_mode as test_mode
from .config import using_config as using_config

Base = variable.Variable


class Variable(Base):
    """A value that remembers what made it.

    Args:
        data: an ndarray, copied; or None for values that are assigned later.
        name: shown in graphs.

    Raises:
        DtypeError: (a TypeError) anything but an ndarray, as in DeZero.

    Example:
        >>> import numpy as np
        >>> from whence.compat.dezero import Variable
        >>> x = Variable(np.array(3.0))
        >>> y = x ** 2 + 1
        >>> y.backward()
        >>> print(y, x.grad)
        variable(10.0) variable(6.0)
    """

    __slots__ = ()

    def __init__(self, data: Any, name: str | None = None) -> None:
        if data is None:
            self._data, self.grad, self.edge = None, None, None
            self.edge = self._leaf(name)
            return
        if not isinstance(data, np.ndarray):
            raise DtypeError(
                f"Variable() of a {type(data).__name__}, which is no ndarray{called_at()}\n"
                "  → Variable(np.array(data))"
            )
        super().__init__(data, name)

    @property
    def data(self) -> Any:
        """The array. Assign another, or change this one in place."""
        if self._data is None:
            return None
        if isinstance(self._data, np.generic):
            self._data = np.array(self._data)
        return super().data

    @data.setter
    def data(self, value: Any) -> None:
        if value is self._data:
            return
        if self.creator is not None:
            if value is None:  # said to free memory; what no gradient reads was never kept
                return
            raise GraphError(
                f"this Variable was {made_at(self.edge)}; other data would not fit its history"
                f"{called_at()}\n  → v.unchain() first, or a new Variable(array)"
            )
        self._data = None if value is None else variable.as_data(plain(value), copy=True)
        self.edge = self._leaf(self.name)

    @property
    def generation(self) -> int:
        """0 for an input; results are younger than what they were made from."""
        return getattr(self.edge, "_generation", 0)

    def backward(self, retain_grad: bool = False, create_graph: bool = False) -> None:  # type: ignore[override]
        """Add the gradients of this value to the ``grad`` of all it was made from.

        Args:
            retain_grad: keep those of intermediate results too.
            create_graph: record the computation of the gradients.
        """
        data, edge = self._data, self.edge
        floating = data.dtype.kind in "fc"
        if self.grad is None:
            self.grad = as_variable(variable.make(np.ones_like(data)))
        if self.creator is None:
            return
        start = as_variable(self.grad)
        seed: Any = start if create_graph else start._data
        if seed.dtype != data.dtype or not floating:
            seed = seed.astype(data.dtype if floating else float)
        retained: dict[Any, Any] | None = {} if retain_grad else None
        with pass_nan():
            found, _ = sweep([(edge, seed)], record=create_graph, retained=retained)
        seen = {id(seed)}
        for port, g in (retained or {}).items():
            owner = port._owner()
            if owner is not None and owner is not self and port not in found:
                owner.grad = _received(owner, variable.own(g, seen))
        for port, g in found.items():
            _deliver(port._owner(), variable.own(g, seen))
        if not retain_grad:
            self.grad = None

    def reshape(self, *shape: Any, order: Any = "C") -> Variable:
        """The same values in another shape."""
        return as_variable(super().reshape(*shape, order=order))

    def transpose(self, *axes: Any) -> Variable:
        """The axes reversed, or in the order given."""
        return as_variable(super().transpose(*axes))

    @property
    def T(self) -> Variable:
        """The axes reversed."""
        return as_variable(super().T)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Variable:  # type: ignore[override]
        """The sum over ``axis``."""
        return as_variable(super().sum(axis=axis, keepdims=keepdims))

    def max(self, axis: Any = None, keepdims: bool = False) -> Variable:  # type: ignore[override]
        """The largest element over ``axis``."""
        return as_variable(super().max(axis=axis, keepdims=keepdims))

    def min(self, axis: Any = None, keepdims: bool = False) -> Variable:  # type: ignore[override]
        """The smallest element over ``axis``."""
        return as_variable(super().min(axis=axis, keepdims=keepdims))

    def dot(self, other: Any) -> Variable:
        """The matrix product."""
        return as_variable(super().dot(other))

    matmaul = dot  # as DeZero has it

    def to_cpu(self) -> None:
        """Nothing: the data are in memory."""

    def to_gpu(self) -> None:
        """Not here.

        Raises:
            MissingExtraError: always.
        """
        raise MissingExtraError(
            f"arrays are on the CPU here{called_at()}\n  → ask dezero.cuda.gpu_enable first: it is False"
        )

    def __add__(self, other: Any) -> Variable:
        return add(self, other)

    def __radd__(self, other: Any) -> Variable:
        return add(other, self)

    def __mul__(self, other: Any) -> Variable:
        return mul(self, other)

    def __rmul__(self, other: Any) -> Variable:
        return mul(other, self)

    def __sub__(self, other: Any) -> Variable:
        return sub(self, other)

    def __rsub__(self, other: Any) -> Variable:
        return rsub(self, other)

    def __truediv__(self, other: Any) -> Variable:
        return div(self, other)

    def __rtruediv__(self, other: Any) -> Variable:
        return rdiv(self, other)

    def __neg__(self) -> Variable:
        return neg(self)

    def __pow__(self, other: Any) -> Variable:
        return pow(self, other)

    def __matmul__(self, other: Any) -> Variable:
        return as_variable(super().__matmul__(other))

    def __getitem__(self, index: Any) -> Variable:
        return as_variable(super().__getitem__(plain(index)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out", (None,))[0]
        if isinstance(out, np.ndarray):  # array -= v: the array takes the numbers
            return getattr(ufunc, method)(*[plain(x) for x in inputs], **kwargs)
        return dressed(super().__array_ufunc__(ufunc, method, *inputs, **kwargs))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return dressed(super().__array_function__(function, types, args, kwargs))

    def __repr__(self) -> str:
        return "variable(" + str(self._data).replace("\n", "\n" + " " * 9) + ")"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if spec else repr(self)


class Parameter(Variable, variable.Parameter):  # pyright: ignore[reportIncompatibleMethodOverride]
    """A Variable that a layer learns; ``Parameter(None)`` until its shape is known."""

    __slots__ = ()

    def __repr__(self) -> str:
        return Variable.__repr__(self)


def plain(value: Any) -> Any:
    """The array of a Variable; anything else as it is."""
    return value._data if isinstance(value, Base) else value


def dressed(value: Any) -> Any:
    """A result with its Variables in DeZero's class."""
    if isinstance(value, (tuple, list)):
        return type(value)(dressed(part) for part in value) if type(value) in (tuple, list) else value
    return as_variable(value) if isinstance(value, Base) else value


def as_variable(obj: Any) -> Variable:
    """``obj`` as a Variable: a Variable itself, an array as a new one."""
    if isinstance(obj, Variable):
        return obj
    if isinstance(obj, Base):
        kind: Any = Parameter if isinstance(obj, variable.Parameter) else Variable
        obj.__class__ = kind  # the same slots: only the methods change
        return obj  # type: ignore[return-value]
    return Variable(as_array(obj))


def as_array(x: Any, array_module: Any = np) -> Any:
    """A number as an array without axes; an array as it is."""
    return array_module.array(x) if np.isscalar(x) else x


def setup_variable() -> None:
    """Nothing: Variables have their operators already."""


def _received(owner: Base, g: Base) -> Variable:
    """A gradient for ``owner``; whole numbers for integers, as long as they are whole."""
    g = as_variable(g)
    if owner._data.dtype.kind in "iu" and g.creator is None:
        whole = np.asarray(g._data).astype(owner._data.dtype)
        if np.array_equal(whole, g._data):
            g._data = whole
    return g


def _deliver(owner: Base | None, g: Base) -> None:
    """Add a gradient to the one that is there."""
    if owner is None:
        return
    g = _received(owner, g)
    if owner.grad is None:
        owner.grad = g
        return
    old = as_variable(owner.grad)
    if old.creator is None and g.creator is None:
        owner.grad = as_variable(variable.make(old._data + g._data))
    else:
        owner.grad = old + g


# --- functions of one's own ----------------------------------------------------------------------


class Seen(Variable):
    """An input or output as ``backward`` sees it: its data are the saved ones, recorded if need be."""

    __slots__ = ("seen",)

    @property
    def data(self) -> Any:  # type: ignore[override]
        """The saved value."""
        return self.seen


def _seen(edge: Any, value: Any, record: bool) -> Seen:
    view = object.__new__(Seen)
    view._data, view.grad, view.edge = value, None, edge
    view.seen = as_variable(variable.make(value, edge)) if record else function.read_only(np.asarray(value))
    return view


class Function(function.Function):
    """A differentiable function of one's own.

    ``forward`` gets arrays and returns arrays. ``backward`` gets the gradient of each output as a Variable
    and returns that of each input; ``self.inputs`` are the inputs, ``self.outputs[i]()`` the outputs.

    Second derivatives also come right where ``backward`` reads ``self.inputs[0].data``: while gradients are
    recorded, that is the recorded value.

    Example:
        >>> import numpy as np
        >>> from whence.compat.dezero import Function, Variable
        >>> class Cube(Function):
        ...     def forward(self, x):
        ...         return x ** 3
        ...     def backward(self, gy):
        ...         x, = self.inputs
        ...         return 3 * x ** 2 * gy
        >>> x = Variable(np.array(2.0))
        >>> Cube()(x).backward()
        >>> print(x.grad)
        variable(12.0)
    """

    def __call__(self, *inputs: Any) -> Any:
        """The output; a list of them where ``forward`` returns several."""
        ys = super().__call__(*inputs)
        return [as_variable(y) for y in ys] if isinstance(ys, tuple) else as_variable(ys)

    @property
    def inputs(self) -> list[Any]:  # type: ignore[override]
        """The inputs."""
        live = getattr(self, "_live", None)
        if live is None:
            return [as_variable(v) if type(v) is Base else v for v in super().inputs]
        return [_seen(edge, value, live == "recorded") for edge, value in self.operands()]

    @property
    def outputs(self) -> list[Callable[[], Any]]:  # type: ignore[override]
        """For each output a function that gives it, as a weak reference does."""
        live = getattr(self, "_live", None)
        if live is None:
            return [port._owner for port in self._ports or (self,)]
        ports = self._ports or (self,)
        return [_Held(_seen(edge, y, live == "recorded")) for edge, y in zip(ports, self._kept, strict=True)]

    @property
    def generation(self) -> int:
        """Older functions have smaller ones; 0 before the call."""
        return getattr(self, "_generation", 0)

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of the inputs: ``backward``, with Variables for gradients."""
        parts = [g] if self._ports is None else function.filled(self._ports, g, record)
        gys = [
            as_variable(part if isinstance(part, Base) else variable.constant(np.asarray(part)))
            for part in map(function.conjugated, parts)
        ]
        self._live = "recorded" if record else "bare"
        try:
            with self._as_backward_sees_it(record):
                gxs = self.backward(*gys)
        finally:
            self._live = None
        gxs = gxs if isinstance(gxs, (tuple, list)) else (gxs,)
        if len(gxs) != len(self.edges):
            raise GraphError(
                f"{self.label}.backward returned {len(gxs)} gradients for {len(self.edges)} inputs\n"
                f"  {self.label} was {made_at(self)}\n"
                "  → return one gradient (or None) for each input of forward"
            )
        return [
            None if gx is None else self._checked(gx, value, record)
            for gx, value in zip(gxs, self._values, strict=True)
        ]

    @contextmanager
    def _as_backward_sees_it(self, record: bool) -> Iterator[None]:
        if record:
            with enable_grad(), self._live_stash():
                yield
        else:
            with no_grad():
                yield


class _Held:
    """Gives a value when it is called."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value


# --- arithmetic ----------------------------------------------------------------------------------


def operand(x: Any) -> Any:
    """A Variable or an array as it is; a lone number as Python's, which widens no float32."""
    if isinstance(x, (Base, int, float, complex)):
        return x
    if isinstance(x, np.generic) or (isinstance(x, np.ndarray) and x.ndim == 0):
        return x.item()
    return as_variable(x)


def _two(op: Callable[..., Any], x0: Any, x1: Any) -> Variable:
    if not isinstance(x0, Base) and not isinstance(x1, Base):
        x0 = as_variable(x0)
    return as_variable(OPS[op](operand(x0), operand(x1)))


def add(x0: Any, x1: Any) -> Variable:
    """``x0 + x1``."""
    return _two(np.add, x0, x1)


def mul(x0: Any, x1: Any) -> Variable:
    """``x0 * x1``."""
    return _two(np.multiply, x0, x1)


def neg(x: Any) -> Variable:
    """``-x``."""
    return as_variable(OPS[np.negative](as_variable(x)))


def sub(x0: Any, x1: Any) -> Variable:
    """``x0 - x1``."""
    return _two(np.subtract, x0, x1)


def rsub(x0: Any, x1: Any) -> Variable:
    """``x1 - x0``."""
    return _two(np.subtract, x1, x0)


def div(x0: Any, x1: Any) -> Variable:
    """``x0 / x1``."""
    return _two(np.divide, x0, x1)


def rdiv(x0: Any, x1: Any) -> Variable:
    """``x1 / x0``."""
    return _two(np.divide, x1, x0)


def pow(x: Any, c: Any) -> Variable:
    """``x ** c``."""
    return _two(np.power, x, c)
