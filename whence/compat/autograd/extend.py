"""Functions with derivatives of their own: ``primitive``, ``defvjp``, ``defjvp`` on whence's ops.

A rule ``defvjp(f, lambda ans, x: lambda g: ...)`` is whence's ``vjp=`` rule with its arguments in two
groups; like those it is bilinear (no conjugates), and written with ``np`` it serves every order.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...core.array import raw
from ...core.origin import called_at
from ...core.primitive import Primitive
from ...core.table import OPS
from ...core.variable import Variable, as_data
from ...errors import NoGradientError
from ...tree import LEAF, Structure, flatten
from .products import make_vjp
from .spaces import VSpace as VSpace
from .spaces import vspace as vspace

Rule = Callable[..., Any]
Box = Variable


class Call:
    """One call of a primitive: its arguments, with holes where Variables were."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.leaves, self.structure = flatten(args)
        self.kwargs = kwargs
        self.holes = [i for i, leaf in enumerate(self.leaves) if isinstance(leaf, Variable)]
        counts = [flatten(arg)[1].leaves for arg in args] if self.holes else []
        self.starts = [0, *itertools.accumulate(counts)]
        self.argnums = [self._argnum(i) for i in self.holes]
        self.result: Structure = LEAF
        self.pulled: tuple[Any, dict[int, Any]] = (None, {})

    def _argnum(self, leaf: int) -> int:
        return max(k for k, start in enumerate(self.starts[:-1]) if start <= leaf)

    def arguments(self, xs: Iterable[Any]) -> tuple[Any, ...]:
        """The arguments with the holes filled."""
        leaves = list(self.leaves)
        for i, x in zip(self.holes, xs, strict=True):
            leaves[i] = x
        return self.structure.unflatten(leaves)

    def part(self, i: int, pulled: Any) -> Any:
        """Of what a rule gave for an argument, the part for hole ``i``."""
        return flatten(pulled)[0][self.holes[i] - self.starts[self.argnums[i]]]


class Rules:
    """What has been declared of one primitive."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.vjp: Rule | None = None  # (argnums, ans, args, kwargs) -> g -> one for each argnum
        self.jvp: Rule | None = None  # (argnum, g, ans, args, kwargs) -> tangent
        self.together = False  # is it quicker to ask vjp for all argnums at once?
        self.linear: set[int] | None = set()  # argnums whose tangent is the function again; None: all

    def pull(self, argnums: tuple[int, ...], g: Any, ans: Any, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """``g`` times the Jacobian for each of the arguments."""
        if self.vjp is not None:
            return tuple(self.vjp(argnums, ans, args, kwargs)(g))
        if self.jvp is None:
            raise NoGradientError(
                f"VJP of {self.name} wrt argnums {argnums} not defined{called_at()}\n"
                f"  → declare it: defvjp({self.name}, lambda ans, *args: lambda g: ...)"
            )
        return tuple([self._transposed(argnum, g, ans, args, kwargs) for argnum in argnums])

    def _transposed(self, argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        rule = self.jvp
        assert rule is not None
        if self.linear is None or argnum in self.linear:  # nothing to differentiate: column by column
            columns = [rule(argnum, e, ans, args, kwargs) for e in vspace(args[argnum]).standard_basis()]
            return np.reshape(np.stack([np.sum(g * c) for c in columns]), np.shape(args[argnum]))
        pull, _ = make_vjp(lambda t: rule(argnum, t, ans, args, kwargs), vspace(args[argnum]).zeros())
        return pull(g)


def primitive(f_raw: Callable[..., Any]) -> Any:
    """A function that is not looked into: its derivative comes from ``defvjp`` or ``defjvp``.

    Variables are found in the positional arguments, also inside tuples, lists and dicts; the function
    itself gets their bare values.
    """
    name = getattr(f_raw, "__name__", "primitive")
    rules = Rules(name)

    def forward(*xs: Any, call: Call) -> Any:
        y = f_raw(*call.arguments(xs), **call.kwargs)
        leaves, call.result = flatten(y)
        if call.result is LEAF:
            return as_data(y, copy=True)
        return tuple([as_data(leaf, copy=True) for leaf in leaves])

    def pull(i: int, g: Any, y: Any, *xs: Any, call: Call) -> Any:
        args, argnum = call.arguments(xs), call.argnums[i]
        if call.result is not LEAF:
            y_, g_ = call.result.unflatten(y), call.result.unflatten(g)
        else:
            y_, g_ = y, g
        if rules.together:
            if call.pulled[0] is not g:
                argnums = tuple(sorted(set(call.argnums)))
                found = zip(argnums, rules.pull(argnums, g_, y_, args, call.kwargs), strict=True)
                call.pulled = (g, dict(found))
            pulled = call.pulled[1][argnum]
        else:
            (pulled,) = rules.pull((argnum,), g_, y_, args, call.kwargs)
        if pulled is None:
            return np.zeros(np.shape(xs[i]))
        part = call.part(i, pulled)
        return part if isinstance(part, Variable) else as_data(part, copy=True)

    declared = Primitive(name, forward, pull, listed=False)

    @functools.wraps(f_raw, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = Call(args, kwargs)
        if not call.holes:
            return f_raw(*args, **kwargs)
        y = declared.apply(*[call.leaves[i] for i in call.holes], call=call)
        return call.result.unflatten(y) if isinstance(y, tuple) else y

    wrapped.fun = f_raw  # type: ignore[attr-defined]
    wrapped.rules = rules  # type: ignore[attr-defined]
    _old_spellings(wrapped)
    return wrapped


def _old_spellings(fun: Any) -> None:
    """Methods of before autograd 1.2 (2017), which scripts still call: one argument at a time."""
    makers: dict[int, Rule | None] = {}

    def declare(maker: Rule | None, argnum: int) -> None:
        makers[argnum] = maker
        defvjp(fun, *makers.values(), argnums=list(makers))

    def in_one(maker: Rule, argnum: int) -> Rule:
        return lambda ans, *args, **kwargs: (
            lambda g: maker(g, ans, vspace(args[argnum]), vspace(g), *args, **kwargs)
        )

    def is_zero(argnums: Iterable[int] = (0,)) -> None:
        for argnum in argnums:
            declare(None, argnum)

    fun.defgrad = lambda gradfun, argnum=0: declare(gradfun, argnum)
    fun.defvjp = lambda vjpmaker, argnum=0: declare(in_one(vjpmaker, argnum), argnum)
    fun.defvjp_is_zero = is_zero


def _rules_of(fun: Any) -> Rules:
    """Where to write down what is declared of ``fun``.

    NumPy's own functions get a primitive where whence has no op for them; where it has one, that stays.
    """
    rules = getattr(fun, "rules", None)
    if rules is None:
        wrapped = primitive(fun)
        OPS.setdefault(fun, wrapped)
        rules = wrapped.rules
    return rules


def defvjp(fun: Any, *vjpmakers: Rule | None, argnums: Iterable[int] | None = None) -> None:
    """Declare the gradient for each argument: ``vjpmaker(ans, *args, **kwargs)(g)``; None for zero."""
    rules = _rules_of(fun)
    makers = dict(zip(itertools.count() if argnums is None else argnums, vjpmakers, strict=False))

    def pull(numbers: tuple[int, ...], ans: Any, args: Any, kwargs: Any) -> Any:
        missing = [i for i in numbers if i not in makers]
        if missing:
            raise NoGradientError(f"VJP of {rules.name} wrt argnums {missing} not defined{called_at()}")
        chosen = [makers[i] for i in numbers]
        pulls = [None if make is None else make(ans, *args, **kwargs) for make in chosen]
        return lambda g: [None if pull is None else pull(g) for pull in pulls]

    rules.vjp = pull


def defvjp_argnum(fun: Any, vjpmaker: Rule) -> None:
    """Declare the gradient for any argument: ``vjpmaker(argnum, ans, args, kwargs)(g)``."""

    def pull(numbers: tuple[int, ...], ans: Any, args: Any, kwargs: Any) -> Any:
        return lambda g: [vjpmaker(i, ans, args, kwargs)(g) for i in numbers]

    _rules_of(fun).vjp = pull


def defvjp_argnums(fun: Any, vjpmaker: Rule) -> None:
    """Declare the gradients together: ``vjpmaker(argnums, ans, args, kwargs)(g)`` gives one for each."""
    rules = _rules_of(fun)
    rules.vjp, rules.together = vjpmaker, True


def defjvp(fun: Any, *jvpfuns: Any, argnums: Iterable[int] | None = None) -> None:
    """Declare the derivative along each argument: ``jvpfun(g, ans, *args, **kwargs)``.

    ``"same"`` for a function that is linear in it, None for zero. Where a gradient is declared too,
    forward mode uses that one.
    """
    table = dict(zip(itertools.count() if argnums is None else argnums, jvpfuns, strict=False))
    rules = _rules_of(fun)

    def push(argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        rule = table[argnum]
        if rule is None:
            return vspace(ans).zeros()
        if rule == "same":
            return fun(*args[:argnum], g, *args[argnum + 1 :], **kwargs)
        return rule(g, ans, *args, **kwargs)

    rules.jvp = push
    rules.linear = {argnum for argnum, rule in table.items() if rule == "same"}


def defjvp_argnum(fun: Any, jvpmaker: Rule) -> None:
    """Declare the derivative along any argument: ``jvpmaker(argnum, g, ans, args, kwargs)``."""
    _rules_of(fun).jvp = jvpmaker


def defjvp_argnums(fun: Any, jvpmaker: Rule) -> None:
    """The derivative along several: ``jvpmaker(argnums, gs, ans, args, kwargs)``."""

    def push(argnum: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        return jvpmaker((argnum,), [g], ans, args, kwargs)

    _rules_of(fun).jvp = push


def notrace_primitive(f_raw: Callable[..., Any]) -> Callable[..., Any]:
    """The function, called with bare values."""

    @functools.wraps(f_raw, updated=())
    def bare(*args: Any, **kwargs: Any) -> Any:
        return f_raw(*[raw(x) for x in args], **kwargs)

    return bare


def register_notrace(trace_type: Any, primitive_fun: Any) -> None:
    """Nothing: whence has one kind of graph."""


def def_linear(fun: Any) -> None:
    """Declare a function linear in each argument."""
    rules = _rules_of(fun)
    rules.linear = None
    rules.jvp = lambda argnum, g, ans, args, kwargs: fun(*args[:argnum], g, *args[argnum + 1 :], **kwargs)
