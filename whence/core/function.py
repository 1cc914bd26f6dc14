"""Function: a node of the graph, and the class that users subclass.

``forward`` computes with arrays, ``backward`` takes the gradient of the output and returns that of
the input. An instance that is called becomes the creator of its result.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any
from weakref import ref

import numpy as np

from ..config import EAGER, Strictly, mode
from ..errors import GraphError, InPlaceError, NoGradientError, ShapeError
from .batched import Batched, holds_batched, looped, pull_rows
from .graph import Absent, Constant, Leaf, Outlet, Port, Stamp, fingerprint, next_generation, nobody
from .origin import INSIDE, called_at, made_at, place_of, user_frame
from .stash import Stash, in_slots, snapshot, stashed
from .sweep import conform
from .symbolic import Symbolic
from .variable import Variable, as_data, constant, make

ndarray, float64 = np.ndarray, np.float64
_NOTHING: dict[str, Any] = {}
_BARE, _RECORDED = "bare", "recorded"  # what self.input.data is while backward runs


class Function:
    """A differentiable function: subclass it with ``forward`` and ``backward``.

    ``forward(*arrays)`` gets arrays and returns an array (or a tuple of them).
    ``backward(*gys)`` gets the gradient of each output and returns the gradient of each input.
    Inside ``backward``, ``self.input.data`` (``self.inputs[i].data``) is the value that forward
    got. For complex arrays, gradients are directions of steepest ascent: the gradient of
    ``y = f(x)`` is ``gy * conj(f'(x))``.

    Calling an instance a second time makes a fresh node (a copy with the same attributes), so
    that the first graph stays right.

    Attributes that forward changes on ``self`` belong to that call's node. A count or a running mean
    that is to outlive the calls goes into something they share, a dict made in ``__init__``.

    Second derivatives come from the same ``backward``: when gradients are recorded,
    ``self.input.data`` is the recorded value. Arrays that forward put on ``self`` would be
    constants there, so that raises instead.

    Example:
        >>> import numpy as np
        >>> from whence import Function, Variable
        >>> class Square(Function):
        ...     def forward(self, x):
        ...         return x ** 2
        ...     def backward(self, gy):
        ...         return 2 * self.input.data * gy
        >>> x = Variable(np.array(3.0))
        >>> y = Square()(x)
        >>> y.backward()
        >>> print(y, x.grad)
        9.0 6.0
    """

    # Underscored, since subclasses keep attributes of their own beside them.
    __slots__ = (
        "__weakref__",
        "_code",
        "_first",
        "_generation",
        "_kept",
        "_lasti",
        "_live",
        "_name",
        "_outlets",
        "_owner",
        "_rest",
        "_rules",
        "_second",
        "_stamps",
        "_stashed",
        "_values",
    )

    _first: Any  # the edges of most nodes are one or two, held without a tuple: the less the
    _second: Any  # garbage collector has to walk (1/3 of the time per op at a million ops)
    _rest: tuple[Any, ...] | None
    _values: tuple[Any, ...]
    _kept: tuple[Any, ...]  # the outputs, for self.output in backward
    _rules: Any  # a primitive's; None for a user's class
    _owner: Any
    _outlets: tuple[Outlet, ...] | None  # of several outputs
    _stamps: tuple[Stamp, ...] | None
    _generation: int
    _code: CodeType | None
    _lasti: int
    _name: str | None

    def forward(self, *xs: Any, **_: Any) -> Any:
        """The value: arrays in, an array or a tuple of arrays out."""
        raise NoGradientError(f"{type(self).__name__} needs a method forward(self, x){called_at()}")

    def backward(self, *gys: Any, **_: Any) -> Any:
        """The gradient for each input, given the gradient of each output."""
        raise NoGradientError(f"{type(self).__name__} needs a method backward(self, gy){called_at()}")

    def __call__(self, *inputs: Any) -> Any:
        """Compute forward, and become the creator of the result if gradients are recorded."""
        node = self._again() if getattr(self, "_generation", 0) else self
        if mode().tracer is not None:
            mode().tracer.lift(inputs)
        edges = []
        values = []
        for x in inputs:
            edge, value = (x.edge, x._data) if type(x) is Variable else (None, x)
            if edge is None:
                if type(x) is Batched:
                    return looped(self, self.label, inputs)
                edge, value = _opened(x)
            edges.append(edge)
            values.append(value)
        attributes = getattr(node, "__dict__", None)
        if attributes is None:
            attributes = in_slots(node, Function)
        before = snapshot(attributes) if attributes else _NOTHING
        given = [read_only(value) for value in values]
        ys = _guarded(node.forward, given, node)
        if type(ys) is float64:  # an array would still have to be looked at
            single, outputs = True, (make(ys),)
        else:
            single = not isinstance(ys, (tuple, list))
            outputs = tuple(_results((ys,) if single else ys, node, given, before))
        setting = mode()
        if setting is not EAGER and setting.watch is not None:
            for y in outputs:
                setting.watch(node, y._data, "forward")
        if setting.recording:
            node.edges, node._values = tuple(edges), tuple(values)
            node._owner = nobody
            node._rules = node._outlets = node._name = node._live = node._stamps = None
            for edge in edges:
                if edge._stamps is not None:
                    node._stamps = stamps_of(edges, values)
                    break
            attributes = getattr(node, "__dict__", None)
            if attributes is None:
                attributes = in_slots(node, Function)
            node._stashed = tuple(stashed(before, attributes, given, outputs)) if attributes else ()
            node._kept = tuple([y._data for y in outputs])
            frame = sys._getframe(1)
            if INSIDE[frame.f_code.co_filename]:
                frame = user_frame()
            node._code, node._lasti = frame.f_code, frame.f_lasti
            if single:
                node.adopt(outputs[0])
            else:
                node.adopt_all(outputs)
        return outputs[0] if single else outputs

    def adopt_all(self, outputs: tuple[Variable, ...]) -> None:
        """Become the creator of several outputs."""
        self._generation = next_generation()
        ports = [Port(self, i, v, ref(v)) for i, v in enumerate(outputs)]
        self._outlets = tuple([Outlet(port) for port in ports])
        for port, v in zip(ports, outputs, strict=True):
            v.edge = port

    def adopt(self, output: Variable) -> None:
        """Become the creator of ``output``."""
        self._generation = next_generation()
        self._owner = ref(output)
        output.edge = self

    # --- the notebook's names --------------------------------------------------------------------

    @property
    def _ports(self) -> tuple[Port, ...] | None:
        """The edges of several outputs; None for a single one."""
        outlets = self._outlets
        return None if outlets is None else tuple([outlet.port(self) for outlet in outlets])

    @property
    def node(self) -> Function:
        """The Function that an edge leads to: this one."""
        return self

    @property
    def edges(self) -> tuple[Any, ...]:
        """Where the inputs come from; empty once they are severed."""
        if self._second is None:
            return () if self._first is None else (self._first,)
        return (self._first, self._second, *(self._rest or ()))

    @edges.setter
    def edges(self, edges: tuple[Any, ...]) -> None:
        self._first, self._second, *rest = (*edges, None, None)
        self._rest = tuple(rest[:-2]) or None

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """The inputs: the user's own Variables where they are still there."""
        if not getattr(self, "_generation", 0):
            raise GraphError(f"{self.label} has not been called while recording")
        live = getattr(self, "_live", None)
        if live is not None:
            return tuple([_live(e, v, live is _RECORDED) for e, v in self.operands()])
        return tuple([_as_variable(edge, value) for edge, value in self.operands()])

    @property
    def input(self) -> Variable:
        """The only input."""
        live = getattr(self, "_live", None)
        if live is not None and len(self.edges) == 1:
            return _live(self.edges[0], self._values[0], live is _RECORDED)
        inputs = self.inputs
        if len(inputs) != 1:
            raise GraphError(f"{self.label} has {len(inputs)} inputs; write inputs[0], inputs[1] …")
        return inputs[0]

    @property
    def outputs(self) -> tuple[Variable | None, ...]:
        """The outputs; None for one that nobody holds any more (never inside ``backward``)."""
        ports, live = self._ports or (self,), getattr(self, "_live", None)
        if live is None:
            return tuple(port._owner() for port in ports)
        return tuple([_live(e, y, live is _RECORDED) for e, y in zip(ports, self._kept, strict=True)])

    @property
    def output(self) -> Variable | None:
        """The only output, if somebody still holds it (always inside ``backward``)."""
        if self._ports is not None:
            raise GraphError(f"{self.label} has {len(self._ports)} outputs; write outputs[0] …")
        return self.outputs[0]

    @property
    def label(self) -> str:
        """What to call this node in texts."""
        return type(self).__name__

    def __repr__(self) -> str:
        place = place_of(getattr(self, "_code", None), getattr(self, "_lasti", 0))
        return f"<{self.label} called at {place.where}>" if place else f"<{self.label}>"

    # --- what the sweep asks ---------------------------------------------------------------------

    def operands(self) -> Iterator[tuple[Any, Any]]:
        """Edge and saved value of each differentiable input."""
        return zip(self.edges, self._values, strict=True)

    def applied_to(self, *xs: Any) -> Any:
        """The same function on other inputs, recorded as a call of its own."""
        return self._again()(*xs)

    def output_like(self) -> Any:
        """Something with the shape and dtype of the (only) output."""
        return self._kept[0]

    def takes_short(self, shape: tuple[int, ...]) -> bool:
        """May one number stand for a whole cotangent here? A user's backward sees arrays."""
        return False

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of the inputs, given those of the outputs (bilinear, see ``sweep``)."""
        if self._ports is not None:
            gys = [conjugated(gy) for gy in filled(self._ports, g, record)]
        else:
            gys = [g if type(g) is float64 else conjugated(g)]
        self._live = _RECORDED if record else _BARE
        try:
            if not record:
                gxs = _guarded(self.backward, [read_only(gy) for gy in gys], self)
            else:
                with Strictly(), self._live_stash():
                    gxs = self.backward(*gys)
        finally:
            self._live = None
        values = self._values
        if type(gxs) is float64 and len(values) == 1 and type(values[0]) is float64:
            return [constant(gxs) if record else gxs]
        gxs = gxs if isinstance(gxs, (tuple, list)) else (gxs,)
        if len(gxs) != len(self.edges):
            raise GraphError(
                f"{self.label}.backward returned {len(gxs)} gradients for {len(self.edges)} inputs\n"
                f"  {self.label} was {made_at(self)}\n"
                "  → return one gradient (or None) for each input of forward"
            )
        return [
            None if gx is None else self._checked(gx, value, record)
            for gx, value in zip(gxs, values, strict=True)
        ]

    def pull_batched(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The same for many cotangents at once (a Batched value, or a list with some): one by one."""
        if type(g) is Batched or (type(g) is list and holds_batched(g)):
            return pull_rows(self.pull, g, record, wanted, self.label)
        return self.pull(g, record, wanted)

    def _checked(self, gx: Any, value: Any, record: bool) -> Any:
        if isinstance(gx, Variable):
            gx = gx if record else gx._data
        elif record:
            gx = constant(as_data(gx))
            if np.any(np.not_equal(gx._data, 0)):
                raise NoGradientError(
                    f"{self.label}.backward returned plain numbers while its gradient was recorded; a "
                    f"second derivative would miss them\n  {self.label} was {made_at(self)}\n"
                    "  → compute with self.input.data and gy themselves, by np.* and operators"
                )
        elif not isinstance(gx, (ndarray, np.generic, Symbolic)):
            gx = as_data(gx)
        if gx.dtype.kind == "c":
            gx = np.conjugate(gx)
        if gx.shape != value.shape:
            raise ShapeError(
                f"{self.label}.backward returned a gradient of shape {gx.shape} for an input of "
                f"shape {value.shape}\n  {self.label} was {made_at(self)}\n"
                "  → a gradient has the shape of its input"
            )
        if type(gx) is ndarray and any(gx is saved for saved in self._values):
            gx = gx.view()  # marked as memory that is not the gradient's own
        return conform(gx, value, self)

    def __reduce__(self) -> Any:
        return _rebuilt, (type(self), {**in_slots(self, Function), **getattr(self, "__dict__", {})})

    # --- attributes that forward leaves on self --------------------------------------------------

    def _again(self) -> Function:
        """A fresh node with the same attributes, for another call."""
        node = type(self).__new__(type(self))
        for name, value in in_slots(self, Function).items():
            setattr(node, name, value)
        if hasattr(self, "__dict__"):
            node.__dict__.update(self.__dict__)
        return node

    @contextmanager
    def _live_stash(self) -> Iterator[None]:
        """While gradients are recorded: stashed inputs and outputs become recorded values."""
        old = {stash.name: getattr(self, stash.name) for stash in self._stashed}
        for stash in self._stashed:
            setattr(self, stash.name, self._recorded(stash, old[stash.name]))
        try:
            yield
        finally:
            for name, value in old.items():
                setattr(self, name, value)

    def _recorded(self, stash: Stash, value: Any) -> Variable:
        """A stashed input or output as the value that the graph knows."""
        if stash.source == "input":
            return make(value, self.edges[stash.position])
        if stash.source == "output":
            return make(value, self._ports[stash.position] if self._ports else self)
        raise NoGradientError(
            f"{self.label}.forward stored self.{stash.name}, which depends on the input; its second "
            f"derivative would miss that\n  {self.label} was {made_at(self)}\n"
            f"  → compute it again in backward from self.input.data, instead of storing it"
        )

    # --- cutting ---------------------------------------------------------------------------------

    def sever(self) -> None:
        """Forget the inputs: the output becomes an input itself."""
        self.edges = self._values = self._kept = ()
        self._stamps = None

    def unchain_inputs(self) -> None:
        """Sever every node behind this one."""
        stack = list(self.edges)
        while stack:
            edge = stack.pop()
            node = edge.node
            if node is None:
                continue
            stack.extend(node.edges)
            if type(edge) is Port:
                edge.unchain()
            else:
                node.sever()


def conjugated(g: Any) -> Any:
    """From bilinear cotangent to steepest ascent direction, and back."""
    return np.conjugate(g) if g.dtype.kind == "c" else g


class _Live(Variable):
    """An input as a user's ``backward`` sees it: ``data`` is the saved value, recorded if need be."""

    __slots__ = ("seen",)

    @property
    def data(self) -> Any:  # type: ignore[override]
        return self.seen


def _live(edge: Any, value: Any, record: bool) -> _Live:
    live = object.__new__(_Live)
    live._data, live.grad, live.edge = value, None, edge
    live.seen = make(value, edge) if record else read_only(value)
    return live


def filled(ports: tuple[Port, ...], g: list[Any], record: bool) -> list[Any]:
    """Zeros for outputs that no gradient reached."""
    parts = []
    for port, part in zip(ports, g, strict=True):
        if part is None:
            part = np.zeros(port.shape, port.dtype)
            part = constant(part) if record else part
        parts.append(part)
    return parts


def _opened(x: Any) -> tuple[Any, Any]:
    """Edge and value of an operand; what is not a Variable becomes a constant."""
    if isinstance(x, Variable):
        if x.edge is None:
            x.edge = x._leaf()
        return x.edge, x._data
    return Constant(None), as_data(x, copy=True)


def _as_variable(edge: Any, value: Any) -> Variable:
    owner = edge._owner()
    if owner is not None and owner.edge is edge:
        return owner
    if isinstance(value, Absent):
        return _Released(value, edge)
    return make(value, edge)


class _Released(Variable):
    """An intermediate that was let go of, and whose value no gradient needs."""

    __slots__ = ()

    def __init__(self, absent: Absent, edge: Any) -> None:
        self._data, self.grad, self.edge = absent, None, edge

    @property
    def data(self) -> Any:  # type: ignore[override]
        raise GraphError(
            f"this value of shape {self.shape} was not kept: nothing held it and no gradient needs "
            f"it{called_at()}\n  it was {made_at(self.edge)}\n  → keep the Variable in a name"
        )

    def __repr__(self) -> str:
        return f"Variable(<not kept>, shape={self.shape}, dtype={self.dtype})"

    __str__ = __repr__


def _results(ys: Any, node: Function, given: list[Any], before: dict[str, Any]) -> Iterator[Variable]:
    """What forward returned, each an array that nothing else writes to."""
    kept = [value for value, _ in before.values()]
    for y in ys:
        if isinstance(y, Variable):
            raise GraphError(
                f"{node.label}.forward returned a Variable{called_at()}\n"
                "  → forward gets arrays and returns arrays"
            )
        y = as_data(y)
        if type(y) is ndarray:
            if any(y is value for value in given):
                y = y.view()
            elif any(y is value for value in kept):  # a buffer that forward fills again and again
                y = y.copy()
            kept.append(y)  # and so is what it returns twice
        yield make(y)


def stamps_of(edges: Any, values: Any) -> tuple[Stamp, ...] | None:
    """Stamps of those inputs whose arrays the user has been handed."""
    stamps = None
    for i, edge in enumerate(edges):
        if edge._stamps is not None and type(edge) is Leaf and not isinstance(values[i], Symbolic):
            new = Stamp(values[i], fingerprint(values[i]), 0)
            stamps = (new,) if stamps is None else (*stamps, new)
    return stamps


def read_only(value: Any) -> Any:
    """A view that cannot be written to; a scalar as it is."""
    if type(value) is not ndarray:
        return value
    view = value.view()
    view.setflags(write=False)
    return view


def _guarded(function: Any, arrays: list[Any], node: Function) -> Any:
    """``function(*arrays)``; writing into them is our error, with the remedy."""
    try:
        return function(*arrays)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise InPlaceError(
            f"{node.label}.{function.__name__} wrote into an array that belongs to the graph"
            f"{called_at()}\n"
            "  → make a new array (x = x + 1) or copy it first (x = x.copy())"
        ) from error


def _rebuilt(cls: type[Function], attributes: dict[str, Any]) -> Function:
    """A Function that was pickled: its own attributes, and no graph."""
    function = cls.__new__(cls)
    for name, value in attributes.items():
        setattr(function, name, value)
    return function
