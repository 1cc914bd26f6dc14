"""Functions with a derivative that the user declares, and the identity that transforms need."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..core.primitive import Primitive, Rule
from ..core.table import OPS, name_of
from ..errors import WhenceError

identity = Primitive("identity", lambda x: x, vjp=[lambda g, y, x: g], reads=[""], kind="linear")


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
    if not callable(function) or not vjp or not all(callable(rule) for rule in vjp):
        raise WhenceError("primitive needs a function and a list of rules, vjp=[lambda g, y, x: …]")
    module = getattr(function, "__module__", "") or ""
    is_numpy = module.split(".")[0] == "numpy"
    name = name_of(function) if is_numpy else getattr(function, "__name__", "primitive")
    count = len(vjp)
    declared = Primitive(name, _bare(function, count), vjp, reads, kind, listed=False)

    @functools.wraps(function)
    def call(*args: Any, **params: Any) -> Any:
        if len(args) > count:
            params["_rest"] = args[count:]
        return declared.apply(*args[:count], **params)

    declared.vjp = [_without_rest(rule) for rule in vjp]
    if is_numpy:
        OPS[function] = call
    return call


def _bare(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The function with its further positional arguments given as one parameter."""

    def forward(*xs: Any, _rest: tuple[Any, ...] = (), **params: Any) -> Any:
        return function(*xs, *_rest, **params)

    return forward


def _without_rest(rule: Rule) -> Rule:
    def pulled(g: Any, y: Any, *xs: Any, _rest: tuple[Any, ...] = (), **params: Any) -> Any:
        return rule(g, y, *xs, *_rest, **params)

    return pulled
