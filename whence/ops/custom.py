"""Functions with a derivative that the user declares, and the identity that transforms need."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..config import Strictly
from ..core.function import read_only
from ..core.primitive import Primitive, Rule
from ..core.table import OPS, name_of
from ..core.variable import Variable, as_data
from ..errors import WhenceError
from .batching import as_it_is

identity = Primitive("identity", lambda x: x, vjp=[lambda g, y, x: g], reads=[""], kind="linear", batch=as_it_is)


def primitive(
    function: Callable[..., Any] | None = None,
    *,
    vjp: Sequence[Rule],
    reads: Sequence[str] | None = None,
    kind: str = "opaque",
) -> Any:
    """Declare the derivative of a function that whence cannot look into.

    The function gets plain arrays: the first ``len(vjp)`` positional arguments are
    differentiable, the rest and all keywords are parameters. A rule
    ``rule(g, y, *inputs, **params)`` returns the gradient for one input, as an expression in
    NumPy; written so, it serves every order and forward mode. For complex inputs a rule is
    ``g * f'(x)``, without a conjugate.

    Args:
        function: the function; left out when used as a decorator. A NumPy function without a
            gradient gets one, wherever it is called with a Variable.
        vjp: one rule for each differentiable input.
        reads: for each rule the values it reads, ``"y"`` and digits of inputs (``"0y"``); others
            need not be kept. None: all.
        kind: ``"elementwise"``, ``"linear"`` or ``"opaque"``: how forward mode gets by without a
            rule of its own.

    Example:
        >>> import numpy as np, whence
        >>> @whence.primitive(vjp=[lambda g, y, x: g * y])
        ... def my_exp(x):
        ...     return np.exp(x)
        >>> print(whence.grad(my_exp)(0.0))
        1.0
    """
    if function is None:
        return functools.partial(primitive, vjp=vjp, reads=reads, kind=kind)
    if kind not in ("elementwise", "linear", "opaque"):
        raise WhenceError(f"kind is 'elementwise', 'linear' or 'opaque', not {kind!r}")
    rules_given = isinstance(vjp, (list, tuple)) and vjp and all(callable(rule) for rule in vjp)
    if not callable(function) or not rules_given:
        raise WhenceError("primitive needs a function and a list of rules, vjp=[lambda g, y, x: …]")
    module = getattr(function, "__module__", "") or ""
    is_numpy = module.split(".")[0] == "numpy"
    name = name_of(function) if is_numpy else getattr(function, "__name__", "primitive")
    count = len(vjp)
    rules = [_guarded_rule(rule, i) for i, rule in enumerate(vjp)]
    declared = Primitive(name, _guarded(function), rules, reads, kind, listed=False)

    @functools.wraps(function)
    def call(*args: Any, **params: Any) -> Any:
        if len(args) > count:
            params["_rest"] = args[count:]
        return declared.apply(*args[:count], **params)

    if is_numpy:
        OPS[function] = call
    return call


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


def _guarded_rule(rule: Rule, i: int) -> Rule:
    """A user's rule for operand ``i``: it cannot write to what it gets; None means zero."""

    def pulled(g: Any, y: Any, *xs: Any, _rest: tuple[Any, ...] = (), **params: Any) -> Any:
        g = tuple([read_only(part) for part in g]) if isinstance(g, tuple) else read_only(g)
        y = tuple([read_only(part) for part in y]) if isinstance(y, tuple) else read_only(y)
        with Strictly():
            gx = rule(g, y, *[read_only(x) for x in xs], *_rest, **params)
        if gx is None:
            return np.zeros(np.shape(xs[i]))
        return gx if isinstance(gx, Variable) else as_data(gx, copy=True)

    return pulled
