"""Functions with a derivative that the user declares, and the identity that transforms need."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any
from weakref import ref

import numpy as np

from ..config import Strictly, enable_grad
from ..core.function import read_only
from ..core.graph import Leaf, next_generation
from ..core.origin import called_at
from ..core.primitive import Primitive, Rule
from ..core.sweep import sweep
from ..core.table import OPS, name_of
from ..core.variable import Variable, as_data, constant, make
from ..errors import GraphError, WhenceError
from .batching import as_it_is

#: The jvp rules that are being transposed just now.
_TRANSPOSING: ContextVar[frozenset[Any]] = ContextVar("whence transposing", default=frozenset())

identity = Primitive(
    "identity", lambda x: x, vjp=[lambda g, y, x: g], reads=[""], kind="linear", batch=as_it_is
)


def primitive(
    function: Callable[..., Any] | None = None,
    *,
    vjp: Sequence[Rule] | None = None,
    jvp: Sequence[Rule] | None = None,
    reads: Sequence[str] | None = None,
    kind: str = "opaque",
) -> Any:
    """Declare the derivative of a function that whence cannot look into, or should not.

    The function gets plain arrays: the first positional arguments, one for each rule, are
    differentiable, the rest and all keywords are parameters. One list of rules serves every
    transform and every order: ``vjp`` in reverse, ``jvp`` forward; the mode that is not given
    follows by transposing. Rules are expressions in NumPy. For complex inputs they are the plain
    product with ``f'(x)``, without a conjugate.

    Args:
        function: the function; left out when used as a decorator. A NumPy function without a
            gradient gets one, wherever it is called with a Variable.
        vjp: for each differentiable input ``rule(g, y, *inputs, **params)``, the gradient for it
            where ``g`` is that of the result ``y``.
        jvp: for each ``rule(t, y, *inputs, **params)``, what its tangent ``t`` adds to that of the
            result.
        reads: for each rule the values it reads, ``"y"`` and digits of inputs (``"0y"``); others
            need not be kept. None: all.
        kind: ``"elementwise"`` or ``"linear"`` where it is, which spares the transposing;
            ``"opaque"`` else.

    Example:
        >>> import numpy as np, whence
        >>> @whence.primitive(vjp=[lambda g, y, x: g * y])
        ... def my_exp(x):
        ...     return np.exp(x)
        >>> print(whence.grad(my_exp)(0.0))
        1.0
        >>> @whence.primitive(jvp=[lambda t, y, a, b: t @ b, lambda t, y, a, b: a @ t])
        ... def product(a, b):
        ...     return a @ b
        >>> print(whence.grad(lambda a: np.sum(product(a, np.eye(2))))(np.ones((2, 2))))
        [[1. 1.]
         [1. 1.]]
    """
    if function is None:
        return functools.partial(primitive, vjp=vjp, jvp=jvp, reads=reads, kind=kind)
    if kind not in ("elementwise", "linear", "opaque"):
        raise WhenceError(f"kind is 'elementwise', 'linear' or 'opaque', not {kind!r}")
    given = [rules for rules in (vjp, jvp) if rules is not None]
    if not callable(function) or not given or not all(_are_rules(rules) for rules in given):
        raise WhenceError("primitive needs a function and a list of rules, vjp=[lambda g, y, x: …]")
    if len({len(rules) for rules in given}) > 1:
        raise WhenceError("primitive needs as many jvp rules as vjp rules: one for each differentiable input")
    count = len(given[0])
    declared = _declared(function, vjp, jvp, reads, kind)

    @functools.wraps(function)
    def call(*args: Any, **params: Any) -> Any:
        if len(args) > count:
            params["_rest"] = args[count:]
        return declared.apply(*args[:count], **params)

    if _is_numpy(function):
        OPS[function] = call
    return call


def _are_rules(rules: Any) -> bool:
    return isinstance(rules, (list, tuple)) and len(rules) > 0 and all(callable(rule) for rule in rules)


def _is_numpy(function: Any) -> bool:
    return (getattr(function, "__module__", "") or "").split(".")[0] == "numpy"


def _declared(function: Any, vjp: Any, jvp: Any, reads: Any, kind: str) -> Primitive:
    name = name_of(function) if _is_numpy(function) else getattr(function, "__name__", "primitive")
    pushes = None if jvp is None else [_guarded_rule(rule, i, True) for i, rule in enumerate(jvp)]
    if vjp is not None:
        pulls = [_guarded_rule(rule, i) for i, rule in enumerate(vjp)]
    elif kind == "elementwise":  # the Jacobian is diagonal: it is its own transpose
        pulls = [_guarded_rule(rule, i) for i, rule in enumerate(jvp or ())]
    else:
        pulls = [_transposed(rule, i) for i, rule in enumerate(pushes or ())]
    declared = Primitive(name, _guarded(function), pulls, reads, kind, listed=False)
    declared.jvp = pushes
    return declared


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The user's function, on arrays that it cannot write to, its result an array of our own.

    Its further positional arguments come as one parameter.
    """

    def forward(*xs: Any, _rest: tuple[Any, ...] = (), **params: Any) -> Any:
        y = function(*[read_only(x) for x in xs], *_rest, **params)
        if isinstance(y, (tuple, list)):
            return tuple([as_data(part, copy=True) for part in y])
        return as_data(y, copy=True)  # it may be a buffer that the next call fills again

    return forward


def _guarded_rule(rule: Rule, i: int, forward: bool = False) -> Rule:
    """A user's rule for operand ``i``: it cannot write to what it gets; None means zero."""

    def guarded(g: Any, y: Any, *xs: Any, _rest: tuple[Any, ...] = (), **params: Any) -> Any:
        g = tuple([read_only(part) for part in g]) if isinstance(g, tuple) else read_only(g)
        y = tuple([read_only(part) for part in y]) if isinstance(y, tuple) else read_only(y)
        with Strictly():
            out = rule(g, y, *[read_only(x) for x in xs], *_rest, **params)
        if forward and isinstance(y, tuple):
            parts = out if out is not None else [None] * len(y)
            return tuple([_own(part, like) for part, like in zip(parts, y, strict=True)])
        return _own(out, y if forward else xs[i])

    return guarded


def _own(out: Any, like: Any) -> Any:
    """What a user's rule returned: a Variable, or an array of our own; zeros for None."""
    if out is None:
        return np.zeros(np.shape(like))
    return out if isinstance(out, Variable) else as_data(out, copy=True)


def _transposed(push: Rule, i: int) -> Rule:
    """The vjp rule for operand ``i`` from its jvp rule: the gradient of ``g J t`` with respect to ``t``."""

    def pulled(g: Any, y: Any, *xs: Any, **params: Any) -> Any:
        if push in _TRANSPOSING.get():
            raise GraphError(
                f"a jvp rule that applies its own function to the tangent cannot be transposed{called_at()}\n"
                "  → declare vjp= as well"
            )
        gs = g if isinstance(g, tuple) else (g,)
        floor = next_generation()
        t = make(np.zeros(xs[i].shape, xs[i].dtype)[()])
        t.edge = Leaf(ref(t))
        with enable_grad():
            out = push(t, y, *xs, **params)
        outs = out if isinstance(out, tuple) else (out,)
        record = any(isinstance(v, Variable) for v in (*gs, *xs, *(y if isinstance(y, tuple) else (y,))))
        seeds = [
            (part.edge, constant(seed) if record and not isinstance(seed, Variable) else seed)
            for part, seed in zip(outs, gs, strict=True)
            if isinstance(part, Variable) and part.edge is not None
        ]
        token = _TRANSPOSING.set(_TRANSPOSING.get() | {push})
        try:
            found, _ = sweep(seeds, record=record, targets={t.edge}, floor=floor)
        finally:
            _TRANSPOSING.reset(token)
        return found.get(t.edge, np.zeros_like(t._data))

    return pulled
