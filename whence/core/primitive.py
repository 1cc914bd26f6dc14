"""What an op is: one declaration of its value and its gradient, and the node that it leaves.

A rule ``vjp(g, y, *inputs, **params)`` is a pure expression in NumPy: given arrays it costs what
NumPy costs, given Variables it records itself. Rules are *bilinear*: for ``y = f(x)`` elementwise
the rule is ``g * f'(x)``, also for complex x (see ``sweep``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple
from weakref import ref

import numpy as np

from ..config import EAGER, mode
from ..errors import (
    AxisError,
    BatchingError,
    BoundsError,
    DtypeError,
    GraphError,
    InPlaceError,
    LinAlgError,
    ShapeError,
    WhenceError,
)
from .batched import apply_batched, holds_batched, pointwise
from .explain import operand_lines, shape_advice
from .function import Function, conjugated, filled, stamps_of
from .graph import Absent, Stamp, fingerprint, next_generation
from .origin import INSIDE, called_at, user_frame
from .sweep import conform
from .symbolic import Symbolic
from .table import OPS, name_of
from .variable import Parameter, Variable, as_data, make

ndarray, float64 = np.ndarray, np.float64
Rule = Callable[..., Any]

SMALL = 4096  # bytes up to which a value is kept though no gradient reads it, for whence() to show
DENSE = 10_000_000  # elements up to which a sparse operand is made dense
_SCALARS = frozenset({float, int, float64, np.float32})
_new = Variable.__new__
_getframe = sys._getframe

#: Every primitive by name; the laws in the tests range over it.
PRIMITIVES: dict[str, Primitive] = {}


class Plan(NamedTuple):
    """What a node keeps when the operands at certain positions are Variables."""

    rules: tuple[tuple[int, Rule], ...]
    drop: tuple[int, ...]  # operands that no rule of these reads
    keep_y: bool


class Primitive:
    """An op: its value ``forward``, and a rule for the gradient of each operand.

    Attributes:
        name: as users write it, ``np.tanh``.
        forward: arrays (positional) and parameters (by keyword) to the value.
        vjp: a rule for each operand, or one function ``rule(i, g, y, *inputs, **params)``.
        reads: for each rule the values it reads: ``"y"`` and digits of operands. None: all.
        kind: ``elementwise``, ``linear`` (in all operands together), ``multilinear`` (in each of them)
            or ``opaque``.
        domain: for each operand of an elementwise op, the interval that tests draw from.
        apply: the op on Variables and arrays: the quickest path that fits.
        batch: the op on whole batches, ``batch(apply, batched, *operands, **params)``: ``batched`` says
            which operands carry the examples along an axis in front; the result does. Written with
            NumPy's functions, so that it records itself. ``pointwise`` for elementwise ops; None (or an
            answer ``NotImplemented``): the op is applied to each example.
        listed: one of whence's own (in ``PRIMITIVES``), whose rules return fresh arrays.
        many: it returns a tuple.
        chooses: its rules only let elements through or not (``np.maximum``), which a small change
            of the operands does not change.
        expansion: the value in NumPy's functions on whole arrays, for ``compile`` to make kernels of, where
            ``forward`` is not that; ``"call"``: compiled programs call ``forward`` as it is.
        jvp: where a user has declared them, for each operand the rule ``jvp(t, y, *inputs, **params)``
            that pushes its tangent forward; None where forward mode follows from ``vjp``.
    """

    __slots__ = (
        "_plans", "apply", "batch", "chooses", "domain", "expansion", "forward", "jvp", "kind", "listed",
        "name", "reads", "vjp",
    )  # fmt: skip

    node_type: ClassVar[type[Applied]]  # what it leaves in the graph; a subclass may have its own

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        vjp: Sequence[Rule] | Rule,
        reads: Sequence[str] | None = None,
        kind: str = "opaque",
        domain: Sequence[tuple[float, float]] = (),
        listed: bool = True,
        many: bool = False,
        batch: Callable[..., Any] | None = None,
        chooses: bool = False,
        expansion: Callable[..., Any] | str | None = None,
    ) -> None:
        self.expansion = expansion
        self.batch = pointwise if batch is None and kind == "elementwise" else batch
        self.name, self.forward, self.vjp = name, forward, vjp
        self.reads, self.kind, self.domain = reads, kind, tuple(domain)
        self._plans: dict[tuple[int, ...], Plan] = {}
        self.jvp: Sequence[Rule] | None = None
        self.apply: Callable[..., Any] = self.general
        if listed and not many and not callable(vjp):  # the quick paths trust their rules
            if len(vjp) == 1:
                self.apply = _unary(self)
            elif kind == "elementwise" and len(vjp) == 2:
                self.apply = _binary(self)
        self.chooses = chooses
        self.listed = listed  # one of whence's own, which return fresh arrays or what they got
        if listed:
            PRIMITIVES[name] = self

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"

    @property
    def batching(self) -> str:
        """How ``vmap`` computes it: by a ``"rule"`` for whole batches, or by a ``"loop"``."""
        return "loop" if self.batch is None else "rule"

    def __call__(self, *args: Any, **params: Any) -> Any:
        """``apply``."""
        return self.apply(*args, **params)

    def plan(self, positions: tuple[int, ...], count: int) -> Plan:
        """What to keep when the operands at ``positions``, of ``count``, are Variables."""
        key = (count, *positions)
        plan = self._plans.get(key)
        if plan is None:
            reads = self.reads
            if callable(self.vjp):
                vjp = self.vjp
                rules = tuple((i, _numbered(vjp, i)) for i in positions)
                reads = None if reads is None else list(reads) * count
            else:
                rules = tuple((i, self.vjp[i]) for i in positions)
            if reads is None:
                drop, keep_y = (), True
            else:
                read = "".join(reads[i] for i in positions)
                drop = tuple(i for i in range(count) if str(i) not in read)
                keep_y = "y" in read
            plan = self._plans[key] = Plan(rules, drop, keep_y)
        return plan

    def general(self, *args: Any, **params: Any) -> Any:
        """The op on any operands (``unary`` and ``binary`` are the quick paths)."""
        setting = mode()
        if setting.tracer is not None:
            setting.tracer.lift(args)
        values: list[Any] = []
        edges: list[Any] = []
        positions: list[int] = []
        for i, a in enumerate(args):
            if isinstance(a, Variable):
                if a.edge is None:
                    if holds_batched(args):
                        return apply_batched(self, args, params)
                    a.edge = a._leaf()
                edges.append(a.edge)
                positions.append(i)
                values.append(a._data)
            else:
                values.append(as_constant(a, self))
        forward = self.forward if setting.tracer is None else setting.tracer.forward_of(self)
        try:
            y = forward(*values, **params)
        except (ValueError, TypeError, IndexError) as error:
            raise explained(self, args, params, error) from error
        if not edges:
            return y
        many = isinstance(y, tuple)
        if many:
            outputs = tuple([make(_checked(part, values, self)) for part in y])
        else:
            outputs = (make(_checked(y, values, self)),)
        node = None
        if setting.recording:
            node = self._node(values, edges, positions, outputs, many, params)
        if setting.watch is not None:
            for v in outputs:
                setting.watch(node or self, v._data, "forward")
        return outputs if many else outputs[0]

    def _node(
        self,
        values: list[Any],
        edges: list[Any],
        positions: list[int],
        outputs: tuple[Variable, ...],
        many: bool,
        params: dict[str, Any],
    ) -> Applied:
        plan = self.plan(tuple(positions), len(values))
        node = object.__new__(self.node_type)
        node.primitive, node._rules, node.params = self, plan.rules, params or None
        node._first = edges[0]
        node._second = edges[1] if len(edges) > 1 else None
        node._rest = tuple(edges[2:]) or None
        node._stamps = None
        for edge in edges:
            if edge._stamps is not None:
                node._stamps = stamps_of(edges, [values[i] for i in positions])
                break
        for i in plan.drop:
            value = values[i]
            if type(value) is ndarray and value.nbytes > SMALL:
                values[i] = Absent(value)
        for i, value in enumerate(values) if len(positions) < len(values) else ():
            if type(value) is ndarray and i not in positions and i not in plan.drop:
                stamp = Stamp(value, fingerprint(value, exact=False), 0)
                node._stamps = (stamp,) if node._stamps is None else (*node._stamps, stamp)
        node._values = tuple(values)
        keep = plan.keep_y
        node.y = tuple([_kept(v._data, keep) for v in outputs]) if many else _kept(outputs[0]._data, keep)
        frame = user_frame(2)
        node._code, node._lasti = frame.f_code, frame.f_lasti
        node._name = node._outlets = None
        if many:
            node.adopt_all(outputs)
        else:
            node.adopt(outputs[0])
        return node


class Applied(Function):
    """A node: a primitive applied to operands."""

    __slots__ = ("params", "primitive", "y")

    primitive: Primitive
    params: dict[str, Any] | None
    y: Any

    @property
    def label(self) -> str:
        """The op's name, ``np.tanh``."""
        return self.primitive.name

    def operands(self) -> Iterator[tuple[Any, Any]]:
        """Edge and saved value of each differentiable input."""
        for edge, (i, _) in zip(self.edges, self._rules, strict=True):
            yield edge, self._values[i]

    def forward(self, *xs: Any) -> Any:
        """The primitive's value for other inputs."""
        values = list(self._values)
        for (i, _), x in zip(self._rules, xs, strict=True):
            values[i] = x
        return self.primitive.forward(*values, **(self.params or {}))

    def applied_to(self, *xs: Any) -> Any:
        """The same op on other inputs, recorded as a call of its own."""
        values = list(self._values)
        for (i, _), x in zip(self._rules, xs, strict=True):
            values[i] = x
        return self.primitive.apply(*values, **(self.params or {}))

    def backward(self, *gys: Any) -> Any:
        """The gradient for each input, given that of each output: one step of the chain by hand."""
        record = any(isinstance(gy, Variable) for gy in gys)
        gys = tuple(conjugated(gy if hasattr(gy, "dtype") else as_data(gy)) for gy in gys)
        gxs = self.pull(gys[0] if self._ports is None else list(gys), record)
        gxs = [conjugated(gx) for gx in gxs]
        return gxs[0] if len(gxs) == 1 else tuple(gxs)

    def output_like(self) -> Any:
        """Something with the shape and dtype of the (only) output."""
        if self.y is not None:
            return self.y
        return as_data(self.primitive.forward(*self._values, **(self.params or {})))

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of the inputs, given those of the outputs (bilinear, see ``sweep``)."""
        values, y = self.recorded() if record else (self._values, self.y)
        if self._ports is not None:
            g = tuple(filled(self._ports, g, record))
        params = self.params
        tracer = mode().tracer
        gxs = []
        for k, (i, rule) in enumerate(self._rules):
            if tracer is not None and not record:
                rule = tracer.rule_of(self.primitive, rule)
            if wanted is not None and not wanted[k]:
                gxs.append(None)
                continue
            gx = rule(g, y, *values, **params) if params else rule(g, y, *values)
            gxs.append(conform(gx, self._values[i], self))
        return gxs

    def pull_batched(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The same for many cotangents at once: NumPy's functions take batched ones."""
        if self.primitive.listed:  # a user's rule may do anything with g
            try:
                return self.pull(g, record, wanted)
            except BatchingError:
                pass
        return super().pull_batched(g, record, wanted)

    def sever(self) -> None:
        """Forget the inputs: the output becomes an input itself."""
        super().sever()
        self.y = None

    def takes_short(self, shape: tuple[int, ...]) -> bool:
        """May a cotangent of this node be one number that stands for all elements?

        So it may if every operand is a number or has the output's ``shape``: then the rules
        multiply with it as they would with the whole array, and nothing has to be summed.
        """
        if self.primitive.kind != "elementwise" or self._first is None:
            return False
        for value in self._values:
            if type(value) is ndarray or type(value) is Absent:
                if value.shape != shape:
                    return False
            elif shape and isinstance(value, np.generic):
                return False
        return True

    def recorded(self) -> tuple[tuple[Any, ...], Any]:
        """Saved values as Variables, so that what is computed from them is recorded."""
        values = list(self._values)
        for edge, (i, _) in zip(self.edges, self._rules, strict=True):
            if not isinstance(values[i], Absent):
                values[i] = make(values[i], edge)
        y = self.y
        if y is not None:
            if self._ports is None:
                y = y if type(y) is Absent else make(y, self)
            else:
                y = tuple(
                    [
                        part if type(part) is Absent else make(part, port)
                        for part, port in zip(y, self._ports, strict=True)
                    ]
                )
        return tuple(values), y


Primitive.node_type = Applied


def _kept(y: Any, wanted: bool) -> Any:
    return y if wanted or type(y) is not ndarray or y.nbytes <= SMALL else Absent(y)


def _numbered(vjp: Rule, i: int) -> Rule:
    return lambda g, y, *xs, **params: vjp(i, g, y, *xs, **params)


# --- the fast paths ------------------------------------------------------------------------------


def elementwise(
    function: Any,
    vjp: Sequence[Rule],
    reads: Sequence[str] | None = None,
    domain: Sequence[tuple[float, float]] = (),
    forward: Callable[..., Any] | None = None,
    name: str | None = None,
    chooses: bool = False,
) -> Primitive:
    """Declare an elementwise op of one or two operands and register it for ``function``.

    Args:
        function: the NumPy function that it stands for.
        vjp: for each operand the rule ``g * derivative``; broadcasting is undone by the engine.
        reads: for each rule what it reads, ``"y"`` and digits of operands; None means everything.
        domain: for each operand, where tests may draw from.
        forward: another way to compute the value (an operator, which is quicker on scalars).
        name: as users write it, if not as the function is called.
        chooses: see ``Primitive``.
    """
    value: Callable[..., Any] = forward or function
    name = name or name_of(function)
    primitive = Primitive(name, value, vjp, reads, "elementwise", domain, chooses=chooses)
    OPS[function] = primitive.apply
    return primitive


def _unary(primitive: Primitive) -> Callable[..., Any]:
    general, forward = primitive.general, primitive.forward
    rules, drop, keep_y = primitive.plan((0,), 1)
    lean = bool(drop)
    shapes_known = primitive.kind == "elementwise"  # y has the shape of x
    owner_of, count, new_node = ref, next_generation, object.__new__

    def unary(a: Any, *rest: Any, **params: Any) -> Any:
        if (type(a) is not Variable and type(a) is not Parameter) or rest or mode() is not EAGER:
            return general(a, *rest, **params)
        edge = a.edge
        if edge is None or edge._stamps is not None:
            return general(a, **params)
        x = a._data
        try:
            y = forward(x, **params) if params else forward(x)
        except (ValueError, TypeError, IndexError) as error:
            raise explained(primitive, (a,), params, error) from error
        node = new_node(Applied)
        node.primitive = primitive
        node._first = edge
        node._second = None
        node._rules = rules
        node._values = (x,) if not lean or type(x) is not ndarray or x.nbytes <= SMALL else (Absent(x),)
        if shapes_known:
            node.y = y if keep_y else None
        else:
            if y is x and type(y) is ndarray:
                y = y.view()
            node.y = _kept(y, keep_y)
        node.params = params or None
        node._stamps = node._outlets = node._name = None
        frame = _getframe(2)
        if INSIDE[frame.f_code.co_filename]:
            frame = user_frame()
        node._code = frame.f_code
        node._lasti = frame.f_lasti
        node._generation = count()
        v = _new(Variable)
        v._data = y
        v.grad = None
        v.edge = node
        node._owner = owner_of(v)
        return v

    return unary


def _binary(primitive: Primitive) -> Callable[..., Any]:
    general, forward = primitive.general, primitive.forward
    both, left, right = (primitive.plan(p, 2) for p in ((0, 1), (0,), (1,)))
    owner_of, count, new_node = ref, next_generation, object.__new__

    def binary(a: Any, b: Any) -> Any:
        if mode() is not EAGER:
            return general(a, b)
        if type(a) is Variable or type(a) is Parameter:
            x = a._data
            edge = a.edge
            if edge is None or edge._stamps is not None:
                return general(a, b)
            if type(b) is Variable or type(b) is Parameter:
                z = b._data
                other = b.edge
                if other is None or other._stamps is not None:
                    return general(a, b)
                rules, drop, keep_y = both
            elif type(b) in _SCALARS:
                z = b
                other = None
                rules, drop, keep_y = left
            else:
                return general(a, b)
        elif (type(b) is Variable or type(b) is Parameter) and type(a) in _SCALARS:
            z = b._data
            edge = b.edge
            if edge is None or edge._stamps is not None:
                return general(a, b)
            x = a
            other = None
            rules, drop, keep_y = right
        else:
            return general(a, b)
        try:
            y = forward(x, z)
        except (ValueError, TypeError) as error:
            raise explained(primitive, (a, b), {}, error) from error
        node = new_node(Applied)
        node.primitive = primitive
        node._first = edge
        node._second = other
        node._rest = None
        node._rules = rules
        if drop:
            if 0 in drop and type(x) is ndarray and x.nbytes > SMALL:
                x = Absent(x)
            if 1 in drop and type(z) is ndarray and z.nbytes > SMALL:
                z = Absent(z)
        node._values = (x, z)
        node.y = y if keep_y else None
        node.params = node._stamps = node._outlets = node._name = None
        frame = _getframe(2)
        if INSIDE[frame.f_code.co_filename]:
            frame = user_frame()
        node._code = frame.f_code
        node._lasti = frame.f_lasti
        node._generation = count()
        v = _new(Variable)
        v._data = y
        v.grad = None
        v.edge = node
        node._owner = owner_of(v)
        return v

    return binary


# --- operands and errors -------------------------------------------------------------------------


def as_constant(a: Any, primitive: Primitive) -> Any:
    """An operand that is not a Variable, as NumPy would take it; numbers only."""
    if type(a) in _SCALARS or a is None or isinstance(a, (bool, complex, slice)):
        return a
    if isinstance(a, (list, tuple)) and any(isinstance(part, Variable) for part in a):
        raise GraphError(
            f"{primitive.name} got a list with Variables in it{called_at()}\n"
            "  → np.stack([...]) makes one Variable of them"
        )
    if hasattr(a, "tocsr") and hasattr(a, "toarray"):
        return dense(a, primitive)
    return as_data(a)


def dense(a: Any, primitive: Primitive) -> Any:
    """A sparse matrix as an operand of an op that knows dense arrays only."""
    size = 1
    for length in a.shape:
        size *= length
    if hasattr(a, "pattern"):  # its entries are Variables
        raise DtypeError(
            f"{primitive.name} of a Variable and a sparse array of Variables{called_at()}\n"
            "  → the sparse array first: A * v, A + v; or A.toarray()"
        )
    matrix_times = primitive.name == "np.multiply" and type(a).__name__.endswith("_matrix")
    if matrix_times or size > DENSE:
        raise DtypeError(
            f"{primitive.name} of a {type(a).__name__} of shape {a.shape} and a Variable{called_at()}\n"
            "  → A @ v for the product of matrices; whence.scipy.sparse.csr_array(A) for sparse results"
        )
    return a.toarray()


def _checked(y: Any, values: list[Any], primitive: Primitive) -> Any:
    if not isinstance(y, (ndarray, np.generic, Symbolic)):
        y = np.asarray(y)
    if y.dtype.kind not in "fciub":
        raise DtypeError(f"{primitive.name} gave {y.dtype} data{called_at()}")
    if type(y) is ndarray:
        for value in values:
            if y is value:
                return y.view()
    return y


def explained(
    primitive: Primitive, args: Sequence[Any], params: dict[str, Any], error: Exception
) -> Exception:
    """NumPy's error as one of ours, with the lines that made the operands."""
    if isinstance(error, WhenceError):
        return error
    text = f"{primitive.name}: {error}{called_at()}\n" + operand_lines(args, params)
    if isinstance(error, np.exceptions.AxisError):
        return AxisError(text)
    if isinstance(error, np.linalg.LinAlgError):
        return LinAlgError(text)
    if isinstance(error, IndexError):
        return BoundsError(text)
    if isinstance(error, TypeError):
        return DtypeError(text)
    if "negative integer power" in str(error):
        return DtypeError(text + "\n  → start from floats: v.astype(float)")
    if "read-only" in str(error):
        return InPlaceError(text + "\n  → make a new array, or copy it first (x = x.copy())")
    if type(error) is not ValueError:
        error.add_note(text)
        return error
    return ShapeError(text + shape_advice(primitive.name, args))
