"""Products with Jacobians on one recorded graph: linearize, Gauss–Newton, Fisher."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..config import mode
from ..core.batched import logical
from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import GraphError
from ..tree import Structure, flatten, flatten_like
from .forward import push_forward
from .gradient import pull_back
from .lift import (
    Argnums,
    Lifted,
    borrowed,
    depends_on_others,
    fitting,
    handed,
    is_recorded,
    lift,
    lift_arguments,
    positions,
    recording,
    result_of,
    seed_of,
    value_of,
)
from .matrices import hvp


class Recorded(NamedTuple):
    """A function's graph at a point, to push and pull through as often as wanted."""

    lifted: Lifted
    ys: list[Variable]
    structure: Structure  # of the result
    live: bool  # do arguments, or values that the function closes over, belong to an outer graph?

    def push(self, tangents: Any) -> list[Any]:
        """``J v``, as leaves of the result."""
        given = flatten_like(self.lifted.structure, tangents)
        vs = [
            fitting(t, v, "tangent", self.lifted.levels)
            for t, v in zip(given, self.lifted.variables, strict=True)
        ]
        record = mode().recording and (self.live or any(is_recorded(v) for v in vs))
        vs = vs if record else [borrowed(v) for v in vs]
        return push_forward(self.lifted, self.ys, vs, record)

    def pull(self, cotangents: list[Any]) -> list[Any]:
        """``w J``, as leaves of the argument."""
        record = mode().recording and any(is_recorded(w) for w in cotangents)
        seeds = [
            (y, seed_of(y, w, record, self.lifted.levels)) for y, w in zip(self.ys, cotangents, strict=True)
        ]
        return pull_back(self.lifted, seeds)[0]


def record(name: str, f: Callable[..., Any], lifted: Lifted, args: Any, kwargs: Any) -> Recorded:
    """Run ``f`` and keep its graph."""
    with recording():
        out = f(*args, **kwargs)
    leaves, structure = flatten(out)
    ys = [result_of(f, y, name, lifted.levels) for y in leaves]
    return Recorded(lifted, ys, structure, lifted.live or depends_on_others(lifted, ys))


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """``f(*primals)`` and the function ``v -> J v``, which may be called many times.

    The graph is recorded once; each call pushes one tangent along it. :func:`vjp` is the same for
    ``v -> v J``.

    Args:
        f: a function of arrays or containers that returns an array or a container of arrays.
        primals: where to differentiate.

    Returns:
        ``(y, push)``. ``push(*tangents)`` takes a tangent for each primal, of its structure and shapes.

    Example:
        >>> import numpy as np, whence
        >>> y, push = whence.linearize(np.square, np.array([1.0, 2.0]))
        >>> print(push(np.array([1.0, 0.0])), push(np.array([0.0, 1.0])))
        [2. 0.] [0. 4.]
    """
    lifted = lift(primals, copy=True)
    graph = record("linearize", f, lifted, lifted.tree, {})

    def push(*tangents: Any) -> Any:
        given = {id(t) for t in flatten(tangents)[0]}
        return graph.structure.unflatten(handed(lifted, graph.push(tangents), given))

    held = {id(y._data) for y in graph.ys}  # by the graph, for push
    live = mode().recording and graph.live
    return graph.structure.unflatten(handed(lifted, [value_of(y, live) for y in graph.ys], held)), push


def ggnvp(f: Callable[..., Any], loss: Callable[[Any], Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function ``(*args, v) -> Jᵀ H J v``: the generalised Gauss–Newton matrix times a vector.

    ``J`` is the Jacobian of ``f`` and ``H`` the Hessian of ``loss`` at ``f(x)``: the Hessian of
    ``loss(f(x))`` without the curvature of ``f``, positive semidefinite for a convex loss (Schraudolph,
    *Fast curvature matrix-vector products for second-order gradient descent*, 2002). Where ``f``
    gives the natural parameters of an exponential family (logits, a Gaussian's mean) and ``loss`` is
    the negative log-likelihood, it is the Fisher matrix.

    Args:
        f: the model: from the argument(s) at ``argnums`` to an array or container.
        loss: from the result of ``f`` to a number. ``lambda r: np.sum(r * r) / 2`` gives ``Jᵀ J``.
        argnums: which positional argument(s) of ``f`` to differentiate with respect to.

    Returns:
        A function of the arguments of ``f`` and then the vector, of the structure and shapes of the
        differentiated argument(s).

    Example:
        >>> import numpy as np, whence
        >>> A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> product = whence.ggnvp(lambda x: A @ x, lambda r: np.sum(r**2) / 2)
        >>> print(product(np.zeros(2), np.array([1.0, 0.0])))
        [35. 44.]
    """

    def curved(graph: Recorded, pushed: list[Any]) -> list[Any]:
        where = graph.lifted.levels
        ys = [logical(v if graph.live else v._data, where) for v in graph.ys]
        vs = [logical(v, where) for v in pushed]
        return flatten(hvp(loss)(graph.structure.unflatten(ys), graph.structure.unflatten(vs)))[0]

    return _sandwich("ggnvp", f, curved, argnums)


def fisher_vp(log_densities: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function ``(*args, v) -> Σᵢ sᵢ (sᵢ · v)``: the empirical Fisher matrix times a vector.

    ``sᵢ`` is the score, the gradient of the log-density of observation i. The sum estimates ``n``
    times the Fisher information (Berndt, Hall, Hall and Hausman, *Estimation and inference in nonlinear
    structural models*, 1974). For the exact Fisher matrix of a model in natural parameters see
    :func:`ggnvp`.

    Args:
        log_densities: from the arguments to the log-density of each observation, ``(n,)``.
        argnums: which positional argument(s) to differentiate with respect to.

    Example:
        >>> import numpy as np, whence
        >>> t = np.array([1.0, 2.0, 4.0])
        >>> product = whence.fisher_vp(lambda rate: np.log(rate) - rate * t)
        >>> print(product(0.5, 1.0))                                  # Σ (1 / rate - t)²
        5.0
    """
    return _sandwich("fisher_vp", log_densities, _as_pushed, argnums)


def _sandwich(name: str, f: Callable[..., Any], middle: Callable[..., Any], argnums: Argnums) -> Any:
    """``Jᵀ middle(J v)`` on one graph."""

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise GraphError(f"{name}(...)(*args, v) needs the arguments and then the vector{called_at()}")
        args, v = args[:-1], args[-1]
        where = positions(args, argnums, name)  # from the front: v is not counted
        chosen = tuple(where) if isinstance(argnums, (tuple, list)) else where[0]
        lifted, args_ = lift_arguments(args, chosen, name)
        graph = record(name, f, lifted, args_, kwargs)
        grads = graph.pull([_as_leaf(w) for w in middle(graph, graph.push(v))])
        return lifted.structure.unflatten(handed(lifted, grads, {id(part) for part in flatten(v)[0]}))

    return product


def _as_pushed(graph: Recorded, pushed: list[Any]) -> list[Any]:
    return [logical(v, graph.lifted.levels) for v in pushed]


def _as_leaf(w: Any) -> Any:
    return w if isinstance(w, Variable) or hasattr(w, "dtype") else np.asarray(w)
